"""The fleet of a folder's tables: a new one, or one that was seen before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from hashlib import blake2b

import numpy as np
import polars as pl

from turo.data.fleet_sketch import KEYS, Identity, Keys, common, encode, same
from turo.data.profiles.detect import TAKEHOME
from turo.data.tables import Tables

MINUTE = 60_000_000
MIXER = np.uint64(0x9E3779B97F4A7C15)  # Fibonacci hashing (Knuth): neighbouring minutes land far apart


def identify(tables: Tables, known: Iterable[Identity]) -> tuple[Identity, Identity | None]:
    """The fleet of these tables, and the state in which it was seen before (None: it is new here).

    Vehicles without a reservation do not count: a vehicles file may be left over from another fleet.
    """
    fresh = _fresh(tables)
    before = [fleet for fleet in known if same(fleet, fresh)]
    last = max(before, key=lambda fleet: common(fleet, fresh)[0], default=None)
    return (fresh if last is None else Identity(**{**asdict(fresh), "id": last.id})), last


def _fresh(tables: Tables) -> Identity:
    rows = tables.reservations
    start = "created_at" if tables.profile == TAKEHOME else "trip_start"
    ids = rows["vehicle_id"] if tables.profile == TAKEHOME else rows["reservation_id"]
    dates = rows[start].drop_nulls().dt.date()
    vehicles = _smallest(_hashes(rows["vehicle_id"].unique()))
    reservations = _reservation_keys(ids, rows[start])
    digest = blake2b(tables.profile.encode() + vehicles.tobytes() + reservations.tobytes(), digest_size=6)
    return Identity(
        id=digest.hexdigest(),
        profile=tables.profile,
        vehicles=rows["vehicle_id"].n_unique(),
        reservations=rows.height,
        snapshot=tables.snapshot.isoformat(),
        first=str(dates.min() or ""),
        last=str(dates.max() or ""),
        sketch=encode(vehicles, reservations),
    )


def _reservation_keys(ids: pl.Series, start: pl.Series) -> Keys:
    """Start (high half) and number (low half) of the reservations with the smallest keys.

    Ordered by start first, so that only a few numbers need a digest that is the same in every version.
    """
    minutes = start.dt.epoch("us").fill_null(0).to_numpy().astype(np.uint64) // np.uint64(MINUTE)
    order = (minutes * MIXER) >> np.uint64(32)
    if len(order) > KEYS:
        chosen = np.flatnonzero(order <= np.partition(order, KEYS - 1)[KEYS - 1])
        ids, minutes, order = ids.gather(chosen), minutes[chosen], order[chosen]
    bookings = pl.select(pl.concat_str(ids, pl.Series(minutes), separator="@")).to_series()
    return _smallest((order << np.uint64(32)) | (_hashes(bookings) >> np.uint64(32)))


def _hashes(names: pl.Series) -> Keys:
    digests = (blake2b(str(name).encode(), digest_size=8).digest() for name in names)
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)


def _smallest(keys: Keys) -> Keys:
    return np.unique(keys)[:KEYS]
