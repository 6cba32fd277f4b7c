"""Vehicles of which the forecast knows little or nothing: what must be said of them, and why."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date

import polars as pl

from turo.data.tables import Tables

logger = logging.getLogger(__name__)

MOST = 10  # named; the others are counted


def notices(source: Tables, forecast: Sequence[str], origin: date) -> list[str]:
    """Which vehicles have no trip of their own yet, and which are not forecast, with the reason.

    Args:
        forecast: ids of the vehicles that are forecast.
    """
    booked = set(source.reservations["vehicle_id"])
    found = []
    if new := sorted(set(forecast) - booked):
        found.append(
            f"No reservation is known yet of {_listed(new)}: what is expected there is what such vehicles "
            "have, not what this one had."
        )
    if later := sorted(_joined_since(source, origin) - set(forecast)):
        found.append(
            f"No forecast for {_listed(later)}: not in the fleet on {origin}, the newest Monday. A vehicle "
            "is forecast from the first Monday that it is listed; without listed_from in vehicles.csv, from "
            "the first Monday after its first booking."
        )
    for text in found:
        logger.warning("%s", text)
    return found


def _joined_since(source: Tables, origin: date) -> set[str]:
    """Vehicles that are not delisted by the snapshot, and listed by then or without a date."""
    lines = source.vehicles.group_by("vehicle_id").agg(pl.col("listed_from").min(), pl.col("listed_to").max())
    here = pl.col("listed_to").is_null() | (pl.col("listed_to") > origin)
    listed = pl.col("listed_from").is_null() | (pl.col("listed_from") <= source.snapshot.date())
    known = set(lines.filter(here, listed)["vehicle_id"])
    return known | (set(source.reservations["vehicle_id"]) - set(lines["vehicle_id"]))


def _listed(vehicles: Sequence[str]) -> str:
    more = f" and {len(vehicles) - MOST} more" if len(vehicles) > MOST else ""
    return ", ".join(vehicles[:MOST]) + more
