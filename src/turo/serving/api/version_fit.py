"""Whether a version may forecast a row of the prepared table, and what to note beside the forecast."""

from __future__ import annotations

import math
from datetime import datetime, time, timedelta
from typing import Any

from turo.features.labels import REVENUE_DELAY
from turo.serving.api.fleet_check import difference, remedy
from turo.serving.api.model_info import About
from turo.serving.http.problems import Problem
from turo.serving.lookup.prepared_row import Row
from turo.table.names import IN_TRAINING, LOOKS_GONE
from turo.table.targets import REVENUE
from turo.words import counted

QUIET_DAYS = "days_since_return"
DELAYS = {REVENUE: timedelta(microseconds=REVENUE_DELAY)}
IN_SAMPLE = (
    "The model was fitted to what happened in this window: the forecast is in-sample, nearer to it than one "
    "made at that time would have been."
)


def check_fit(row: Row, about: About) -> None:
    """Refuse rows of another fleet than the version's, or of another horizon.

    Raises:
        Problem: 409, with what helps.
    """
    who = f"{about.name} version {about.version}"
    other = difference(about.trained_on, row.manifest)
    if other:
        raise Problem(409, f"{who} {other}. {remedy(row.manifest)}")
    days = row.manifest.get("horizon_days", about.horizon_days)
    if row.origin and days != about.horizon_days:
        again = f"Set HORIZON_DAYS={about.horizon_days} and prepare the table again."
        raise Problem(
            409,
            f"The table is prepared for {counted(days, 'day')}, {who} forecasts {about.horizon_days}. "
            f"{remedy(row.manifest, again)}",
        )


def in_sample(row: Row, about: About) -> bool | None:
    """Whether the version was fitted to this row's outcome; None where its training data are not known.

    A row without dates has always happened already, and is taken for one of those it was fitted to.
    """
    if not row.values.get(IN_TRAINING, 1):
        return False
    if row.origin is None:
        return True
    if not about.trained_on.snapshot:
        return None
    end = datetime.combine(row.origin, time()) + timedelta(days=about.horizon_days)
    snapshot = datetime.fromisoformat(about.trained_on.snapshot)
    return end + DELAYS.get(about.target, timedelta()) <= snapshot


def plain(value: Any) -> Any:
    """A table value as JSON takes it: NaN is null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def note(row: Row, seen: bool | None) -> str | None:
    """What is to be known of a forecast, in sentences."""
    said = [IN_SAMPLE] if seen else []
    if row.values.get(LOOKS_GONE):
        days = plain(row.values.get(QUIET_DAYS))
        since = "no trip has ended yet" if days is None else f"the last trip ended {days:.0f} days before"
        said.append(
            f"The vehicle looks gone: nothing is on the books and {since}. If it left, set listed_to in "
            "vehicles.csv to its last day; if it did not, to a day to come."
        )
    return " ".join(said) or None
