"""Names of the prepared table: which columns are keys, marks, targets; everything else is a feature."""

from __future__ import annotations

from collections.abc import Iterable

KEYS = ("vehicle_id", "origin_date", "horizon_days")
META = ("in_training", "looks_gone")
TARGETS = ("y_booked_days", "y_reservations", "y_revenue")
CATEGORIES = ("class", "fuel", "make")


def feature_columns(frame_columns: Iterable[str]) -> list[str]:
    """The features among `frame_columns`, in their order: all that is not key, mark or target."""
    other = {*KEYS, *META, *TARGETS}
    return [name for name in frame_columns if name not in other]
