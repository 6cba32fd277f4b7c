"""Which vehicles there are: a page of them, by a search, and those that an unknown id may have meant."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

import polars as pl

from turo.serving.front.fleet_files import FleetFiles

A_PAGE = 100
MOST_NEAR = 5
LONGEST = 200  # characters of a search


@dataclass(frozen=True)
class Page:
    """Rows of the forecast over the main horizon.

    Attributes:
        number, last: from 1.
        found: vehicles that fit the search.
    """

    rows: list[dict[str, Any]]
    number: int
    last: int
    found: int


def vehicle_page(files: FleetFiles, query: str = "", number: str = "") -> Page:
    """Vehicles whose id or name has every word of the query, sorted by name."""
    rows = files.forecasts.filter(horizon_days=files.main).sort("vehicle", "vehicle_id")
    text = pl.concat_str("vehicle_id", "vehicle", separator=" ", ignore_nulls=True).str.to_lowercase()
    for word in query[:LONGEST].lower().split():
        rows = rows.filter(text.str.contains(word, literal=True))
    last = max(1, -(-len(rows) // A_PAGE))
    wanted = int(number) if number.isascii() and number.isdigit() and len(number) < 7 else 1
    place = min(max(wanted, 1), last)
    return Page(rows.slice((place - 1) * A_PAGE, A_PAGE).to_dicts(), place, last, len(rows))


def near(files: FleetFiles, asked: str) -> list[dict[str, Any]]:
    """Vehicles that may have been meant: those whose id or name has it in it, or whose id is alike."""
    found = vehicle_page(files, asked).rows[:MOST_NEAR] if asked.strip() else []
    if not found:
        ids = files.forecasts["vehicle_id"].unique().sort().to_list()
        alike = difflib.get_close_matches(asked[:LONGEST], ids, n=MOST_NEAR)
        here = files.forecasts.filter(pl.col("vehicle_id").is_in(alike), horizon_days=files.main)
        found = here.to_dicts()
    return found
