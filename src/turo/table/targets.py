"""The targets: what each is called, its unit and bound, and the columns it is compared with and added to."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from turo.table.names import TAKEHOME

BOOKED_DAYS, RESERVATIONS, REVENUE = "y_booked_days", "y_reservations", "y_revenue"
TARGETS = (BOOKED_DAYS, RESERVATIONS, REVENUE)

AUTO = "auto"  # the profile's own target
ALIVE = "_alive"  # suffix: the same, as far as it can be expected to be still booked
KEPT = "_kept"  # suffix: the same, as far as it can be expected not to be cancelled later either
PREFIX = "y_"  # of a target's column; a user may leave it out


@dataclass(frozen=True)
class Target:
    """What is known of a target beside its own column.

    Attributes:
        unit: of its values.
        noun: what is counted, as a host says it.
        on_books: column of what is on the books at the origin.
        recent: column of the 28 days before the origin.
        last_year: column of the same window 52 weeks earlier.
    """

    unit: str
    noun: str
    on_books: str
    recent: str
    last_year: str


TARGET = {
    BOOKED_DAYS: Target("days", "days", "otb_days", "hist_days_28", "lag_52w"),
    RESERVATIONS: Target("reservations", "reservations", "otb_trips", "hist_trips_28", "lag_52w_trips"),
    REVENUE: Target("money", "revenue", "otb_revenue", "hist_revenue_28", "lag_52w_revenue"),
}


def unit(target: str) -> str:
    """The unit of a target; empty for one that is not known here."""
    return TARGET[target].unit if target in TARGET else ""


def bound(target: str, horizon_days: int) -> float | None:
    """The most a target can be in a window; None where there is no such bound."""
    return float(horizon_days) if target == BOOKED_DAYS else None


def on_the_books(target: str, columns: Container[str]) -> str:
    """The column a target is compared with and added to: what is still booked, where the table can tell.

    A file that does not date cancellations shows at the newest origin what is still booked, at earlier ones
    also what was cancelled by then: there the expected part of it is what stands for the same knowledge.
    """
    books = TARGET[target].on_books
    return books + ALIVE if books + ALIVE in columns else books


def target_name(asked: str, profile: str = "") -> str:
    """The column a target names, with or without its prefix; for `auto` the profile's default."""
    if asked == AUTO:
        return RESERVATIONS if profile == TAKEHOME else BOOKED_DAYS
    return asked if asked.startswith(PREFIX) else f"{PREFIX}{asked}"
