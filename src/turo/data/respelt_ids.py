"""Vehicle ids that a spreadsheet has written otherwise, matched with those of the reservations."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

import polars as pl

from turo.data.loose_id_keys import GROUPED, loose
from turo.errors import InputError

if TYPE_CHECKING:
    from turo.data.read_context import ReadContext

NUMBER = re.compile(rf"{GROUPED.pattern}|^\d+$")
SHOWN = 3  # ids or pairs of them that a sentence names


def align(frame: pl.DataFrame, ids: pl.Series, file: str, context: ReadContext) -> pl.DataFrame:
    """`frame` with its `vehicle_id` written as the reservations write them, where one is meant for certain.

    Args:
        frame: rows of `file` with the column vehicle_id.
        ids: vehicle ids of the reservations.

    Raises:
        InputError: ids that differ in case, blanks or leading zeros only, where several may be meant.
    """
    ours, theirs = set(ids.unique()), set(frame["vehicle_id"].unique())
    mapping: dict[str, str] = {}
    unclear: list[str] = []
    groups: dict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for place, known in enumerate((ours, theirs)):
        for vehicle_id in known:
            groups[loose(vehicle_id)][place].add(vehicle_id)
    for here, there in groups.values():
        if not here or not there or here == there:
            continue
        if not all(map(NUMBER.match, here)) and (here <= there or there <= here):
            continue  # one of the file's own words may well differ from another in case
        if len(here) == len(there) == 1:
            mapping |= dict(zip(there, here, strict=True))
        else:
            unclear.append(" and ".join(sorted(here | there)))
    if unclear:
        raise InputError(
            f"{file} and the reservations write vehicle ids in several ways ({_some(sorted(unclear))}): "
            "which are the same vehicle cannot be told.",
            "Write the id of a vehicle in one way in all files.",
        )
    if mapping:
        pairs = [f"{there} as {here}" for there, here in sorted(mapping.items())]
        context.warn(
            f"{file} writes {len(mapping)} vehicle ids otherwise than the reservations; they are taken as "
            f"those: {_some(pairs)}."
        )
    return frame.with_columns(pl.col("vehicle_id").replace(mapping))


def refuse_unrelated(given: pl.DataFrame, ids: pl.Series, file: str, reservations: str) -> None:
    """Raise when a vehicles file knows none of the vehicles of the reservations.

    Raises:
        InputError: naming both files and some ids of each.
    """
    if not ids.len() or ids.is_in(given["vehicle_id"].unique().implode()).any():
        return
    ours, theirs = ids.unique().sort(), given["vehicle_id"].unique().sort()
    raise InputError(
        f"{file} knows none of the vehicles in {reservations}: {reservations} has {_named(ours)}, "
        f"{file} has {_named(theirs)}.",
        f"Bring your own {file}: at least the column vehicle_id, with the ids of {reservations} (the one "
        "that comes with the platform belongs to the sample).",
    )


def _named(ids: pl.Series) -> str:
    return _some(ids.to_list())


def _some(listed: list[str]) -> str:
    more = f" and {len(listed) - SHOWN} more" if len(listed) > SHOWN else ""
    return ", ".join(listed[:SHOWN]) + more
