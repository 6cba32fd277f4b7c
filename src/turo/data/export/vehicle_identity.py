"""Which vehicle a row of an export is about: by Vehicle id, else VIN, else plate.

Vehicle name, which is not unique, counts only where nothing else is there and there is but one name.

Vehicles are re-plated, and old rows then show the new plate; exports of 44 columns have nothing but the
plate. Rows of the same reservation in several snapshots, and rows that show several keys at once, tell
which keys are one vehicle.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from turo.data.canonical_statuses import cancelled
from turo.data.csv import cells
from turo.data.csv.rows import LINE
from turo.data.export.vehicle_keys import FILE, HEADER, PLATE, VEHICLE, Key, KeyFile
from turo.data.read_context import ReadContext, few
from turo.errors import InputError
from turo.words import by_number, counted

KINDS = ("vin", PLATE)
NAME = "name"


def resolve(rows: pl.DataFrame, keys: KeyFile, context: ReadContext) -> pl.DataFrame:
    """Fill `vehicle_id` and drop `vin` and `plate`.

    Args:
        rows: rows of all snapshots: file, line, reservation_id, vehicle_id, vin ("" = none), plate (null =
            none), vehicle_name, status, trip_start, trip_end.

    Raises:
        InputError: one Vehicle id with two VINs, or several vehicles of which only the names are known.
    """
    context.joined = joined(keys)
    rows = rows.with_columns(pl.col("vehicle_id").replace(context.joined))
    _check(rows, context)
    known = rows.select(
        "reservation_id",
        *(pl.col(name).replace("", None) for name in ("vehicle_id", *KINDS)),
        _tidy_name().alias(NAME),
    )
    known = known.with_columns(_by("reservation_id", known))
    for kind in KINDS:
        known = known.with_columns(_by(kind, known))
    unnamed = pl.all_horizontal(pl.col("vehicle_id", *KINDS).is_null())
    known = known.with_columns(pl.when(unnamed).then(NAME).alias(NAME))
    _single(rows, known, context)
    nameless = known.filter(pl.col("vehicle_id").is_null())
    if nameless.height:
        ids = keys.assign(_vehicle_groups(nameless))
        count = len(set(ids.values()))
        context.warn(
            f"{counted(count, 'vehicle')} {by_number(count, 'is', 'are')} known by plate, VIN or name only "
            f"and {by_number(count, 'has a surrogate id', 'have surrogate ids')} "
            f"({few(pl.Series(list(ids.values())))}); the private file vehicle_keys.csv says which is which."
        )
        found = [
            pl.col(kind).replace_strict(
                {k: v for (of, k), v in ids.items() if of == kind}, default=None, return_dtype=pl.String
            )
            for kind in (*KINDS, NAME)
        ]
        known = known.with_columns(pl.coalesce("vehicle_id", *found))
    return rows.with_columns(known["vehicle_id"]).drop(KINDS)


def joined(keys: KeyFile) -> dict[str, str]:
    """Vehicle ids that the user has joined to another in the key file, each with the one to use.

    Raises:
        InputError: the lines lead round in a circle.
    """
    pairs = [(key, vehicle_id) for (kind, key), vehicle_id in keys.ids.items() if kind == VEHICLE]
    columns = zip(*pairs, strict=True) if pairs else ((), ())
    text = (cells.tidy(pl.Series(each, dtype=pl.String)) for each in columns)
    lines = dict(zip(*(cells.ids(each, numeric=True) for each in text), strict=True))
    result = {}
    for key in list(lines):
        seen, last = {key}, key
        while (following := lines.get(last, last)) != last:
            last = following
            if last in seen:
                raise InputError(
                    f"{FILE} joins the vehicle ids {', '.join(sorted(seen))} in a circle.",
                    "Keep one line for each id that is not to be used any more.",
                )
            seen.add(last)
        if key != last:
            result[key] = last
    return result


def _tidy_name() -> pl.Expr:
    return pl.col("vehicle_name").str.to_uppercase().str.replace_all(r"\s+", " ").replace("", None)


def _single(rows: pl.DataFrame, known: pl.DataFrame, context: ReadContext) -> None:
    """Vehicles known by name only: one is taken for what it is, several cannot be told apart."""
    named = rows.filter(known[NAME].is_not_null())
    if not named.height:
        return
    taken = named.filter(~cancelled()).unique("reservation_id", keep="last")
    taken = taken.sort("trip_start")
    overlap = (taken["trip_start"] < taken["trip_end"].cum_max().shift(1)).any()
    if overlap or known[NAME].n_unique() > 1:  # null, where a row is known by more, is one as well
        raise InputError(
            f"{named['file'][0]} tells vehicles apart only by Vehicle name, which is not unique"
            + (", and their trips overlap." if overlap else "."),
            "Bring the export with its column Vehicle, Vehicle id or VIN.",
        )
    context.warn(f"{named['file'][0]} has one Vehicle name and nothing else: taken for one vehicle.")


def _by(key: str, known: pl.DataFrame) -> pl.Expr:
    """The Vehicle id of the newest row that has both it and this key, for rows that have only the key."""
    pairs = known.drop_nulls([key, "vehicle_id"]).unique(key, keep="last", maintain_order=True)
    mapping = dict(pairs.select(key, "vehicle_id").iter_rows())
    found = pl.col(key).replace_strict(mapping, default=None, return_dtype=pl.String)
    return pl.coalesce("vehicle_id", found).alias("vehicle_id")


def _check(rows: pl.DataFrame, context: ReadContext) -> None:
    both_known = rows.filter((pl.col("vehicle_id") != "") & (pl.col("vin") != ""))
    pairs = both_known.unique(["vehicle_id", "vin"], maintain_order=True)
    double = pairs.filter(pl.col("vehicle_id").is_duplicated())
    if double.height:
        first = double.filter(pl.col("vehicle_id").is_first_distinct().not_()).row(0, named=True)
        raise InputError(
            f"{double['vehicle_id'].n_unique()} Vehicle ids have two different VINs "
            f"({few(double['vehicle_id'])}): two vehicles in one; see line {first[LINE]} of {first['file']}.",
            "Correct the VIN or the Vehicle id in the export.",
        )
    by_start = both_known.sort("trip_start").unique(["vehicle_id", "vin"], maintain_order=True)
    again = by_start.filter(pl.col("vin").is_duplicated()).group_by("vin", maintain_order=True)
    relisted = again.agg(pl.col("vehicle_id"))["vehicle_id"].to_list()
    if relisted:
        ids = pl.Series([vehicle_id for each in relisted for vehicle_id in each])
        context.warn(
            f"Vehicle ids {few(ids)} share a VIN: a vehicle listed again under a new id; kept apart. To join "
            f"them, add to {FILE} (first line {','.join(HEADER)}) one line for each id of old, such as "
            f"{VEHICLE},{relisted[0][0]},{relisted[0][-1]}."
        )


def _vehicle_groups(nameless: pl.DataFrame) -> list[set[Key]]:
    """Groups of keys that belong to one vehicle, in the order in which they first occur."""
    groups: dict[Key, set[Key]] = {}
    links: dict[str, Key] = {}  # reservation -> one of its keys
    columns = ["reservation_id", *KINDS, NAME]
    for reservation, *values in nameless.select(columns).unique(maintain_order=True).iter_rows():
        found = [(kind, value) for kind, value in zip(columns[1:], values, strict=True) if value]
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
