"""Fleets of hosts who come from the sample: a folder's files, and what is to be seen of them afterwards."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from export_factory import Fleet, write

CLOCK = "%Y-%m-%dT%H:%M"
VEHICLE_COLUMNS = ("vehicle_id", "make", "model", "year", "class", "state", "timezone", "listed_from")
COLUMNS = ("reservation_id", "vehicle_id", "trip_start", "trip_end", "status", "booked_at", "trip_price")


@dataclass(frozen=True)
class OwnFleet:
    """The vehicles whose files `put` wrote, and whether their history is long enough for a model."""

    vehicles: frozenset[str]
    trainable: bool


def export(folder: Path, cars: int = 4, days: int = 420) -> OwnFleet:
    """A trip earnings export; the sample's vehicles.csv and blocks.csv stay beside it."""
    rows = Fleet(cars=cars, days=days).rows(datetime(2026, 2, 1, 12))
    write(folder, rows)
    return OwnFleet(frozenset(row["Vehicle id"] for row in rows), trainable=True)


def tiny_export(folder: Path) -> OwnFleet:
    """Sixty trips of three vehicles over most of a year: too few to train."""
    rows = Fleet(cars=3, days=330, seed=9).rows(datetime(2025, 11, 20, 12))
    kept = [row for row in rows if "cancellation" not in row["Trip status"]][:: max(1, len(rows) // 60)][:60]
    # Numbers of their own: an export of the vehicles of `export` would be that fleet, two months older.
    kept = [
        row | {"Vehicle id": f"2{row['Vehicle id'][1:]}", "VIN": row["VIN"].replace("SYN", "ODD")}
        for row in kept
    ]
    write(folder, kept)
    return OwnFleet(frozenset(row["Vehicle id"] for row in kept), trainable=False)


def exact_books(folder: Path) -> OwnFleet:
    """A canonical fleet whose trips are all booked long ahead and kept: nothing can beat its books."""
    rng = np.random.default_rng(4)
    rows = []
    for number, vehicle in enumerate(("2001", "2002", "2003", "2004")):
        start = datetime(2025, 5, 3 + number, 10)
        while start < datetime(2026, 11, 10):
            end = start + timedelta(days=int(rng.integers(2, 9)))
            status = "completed" if end <= datetime(2026, 11, 16) else "booked"
            rows.append((vehicle, start, end, status, start - timedelta(days=100), 50 * (end - start).days))
            start = end + timedelta(days=int(rng.integers(1, 5)))
    return canonical(folder, rows, trainable=True)


def canonical(folder: Path, rows: Sequence[tuple[object, ...]], trainable: bool) -> OwnFleet:
    """Write reservations.csv and vehicles.csv of these vehicle, start, end, status, booked, price."""
    ids = sorted({str(row[0]) for row in rows})
    with (folder / "vehicles.csv").open("w", newline="") as handle:
        table = [(v, "Honda", "Civic", 2021, "car", "TX", "America/Chicago", "2025-05-01") for v in ids]
        csv.writer(handle).writerows([VEHICLE_COLUMNS, *table])
    with (folder / "reservations.csv").open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(COLUMNS)
        for number, row in enumerate(sorted(rows, key=lambda row: str(row[4]))):
            told = (cell.strftime(CLOCK) if isinstance(cell, datetime) else cell for cell in row)
            writer.writerow((90_000_000 + 1000 * number, *told))
    return OwnFleet(frozenset(ids), trainable)
