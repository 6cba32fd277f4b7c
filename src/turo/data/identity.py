"""Which car a row of an export is about: Vehicle id, else VIN, else plate; never Vehicle name.

Cars are re-plated, and old rows then show the new plate; exports of 44 columns have nothing but the
plate. Rows of the same reservation in several snapshots, and rows that show several keys at once, tell
which keys are one car.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from turo.data.reading import Reading, few
from turo.data.rows import LINE
from turo.data.vehicle_keys import Key, KeyFile
from turo.errors import InputError

KINDS = ("vin", "plate")


def resolve(rows: pl.DataFrame, keys: KeyFile, reading: Reading) -> pl.DataFrame:
    """Fill `vehicle_id` and drop `vin` and `plate`.

    Args:
        rows: rows of all snapshots: file, line, reservation_id, vehicle_id, vin ("" = none), plate (null =
            none).

    Raises:
        InputError: one Vehicle id with two VINs.
    """
    _check(rows, reading)
    known = rows.select(
        "reservation_id", *(pl.col(name).replace("", None) for name in ("vehicle_id", *KINDS))
    )
    known = known.with_columns(_by("reservation_id", known))
    for kind in KINDS:
        known = known.with_columns(_by(kind, known))
    nameless = known.filter(pl.col("vehicle_id").is_null())
    if nameless.height:
        ids = keys.assign(_cars(nameless))
        reading.warn(
            f"{len(set(ids.values()))} cars are known by plate or VIN only and have stand-in ids "
            f"({few(pl.Series(list(ids.values())))}); the private file vehicle_keys.csv says which is which."
        )
        found = [
            pl.col(kind).replace_strict(
                {k: v for (of, k), v in ids.items() if of == kind}, default=None, return_dtype=pl.String
            )
            for kind in KINDS
        ]
        known = known.with_columns(pl.coalesce("vehicle_id", *found))
    return rows.with_columns(known["vehicle_id"]).drop(KINDS)


def _by(key: str, known: pl.DataFrame) -> pl.Expr:
    """The Vehicle id of the newest row that has both it and this key, for rows that have only the key."""
    pairs = known.drop_nulls([key, "vehicle_id"]).unique(key, keep="last", maintain_order=True)
    mapping = dict(pairs.select(key, "vehicle_id").iter_rows())
    found = pl.col(key).replace_strict(mapping, default=None, return_dtype=pl.String)
    return pl.coalesce("vehicle_id", found).alias("vehicle_id")


def _check(rows: pl.DataFrame, reading: Reading) -> None:
    pairs = rows.filter((pl.col("vehicle_id") != "") & (pl.col("vin") != "")).unique(
        ["vehicle_id", "vin"], maintain_order=True
    )
    double = pairs.filter(pl.col("vehicle_id").is_duplicated())
    if double.height:
        first = double.filter(pl.col("vehicle_id").is_first_distinct().not_()).row(0, named=True)
        raise InputError(
            f"{double['vehicle_id'].n_unique()} Vehicle ids have two different VINs "
            f"({few(double['vehicle_id'])}): two cars in one; see line {first[LINE]} of {first['file']}.",
            "Correct the VIN or the Vehicle id in the export.",
        )
    relisted = pairs.filter(pl.col("vin").is_duplicated())["vehicle_id"]
    if relisted.len():
        reading.warn(
            f"Vehicle ids {few(relisted)} share a VIN: a car listed again under a new id; kept apart."
        )


def _cars(nameless: pl.DataFrame) -> list[set[Key]]:
    """Groups of keys that belong to one car, in the order in which they first occur."""
    groups: dict[Key, set[Key]] = {}
    links: dict[str, Key] = {}  # reservation -> one of its keys
    columns = ["reservation_id", *KINDS]
    for reservation, vin, plate in nameless.select(columns).unique(maintain_order=True).iter_rows():
        found = [(kind, value) for kind, value in zip(KINDS, (vin, plate), strict=True) if value]
        found += [links[reservation]] if reservation in links else []
        if found:
            links[reservation] = found[0]
            _unite(groups, found)
    unique = {id(group): group for group in groups.values()}
    return list(unique.values())


def _unite(groups: dict[Key, set[Key]], keys: Iterable[Key]) -> None:
    merged: set[Key] = set()
    for key in keys:
        merged |= groups.get(key, {key})
    for key in merged:
        groups[key] = merged
