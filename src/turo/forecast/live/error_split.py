"""Where the error of a fleet's total came from: volume, lead time and cancellation. Pure.

All in days of one window. Of the books at the origin some days came true (`kept`); the rest was cancelled.
What came true beyond them was booked after the origin (`later`). Of past windows two shares are known:

- usual cancellation: of what was on the books at the origin, so much was cancelled;
- usual lead time: of all that was ever asked for (books at the origin + later), so much was on the books.

Then, each above 0 where it made the actual larger than the forecast:

- cancellation = usually cancelled of these books - cancelled;
- lead time = usual share of what was asked for - books at the origin: what guests booked later than usual;
- volume = what was asked for, without that usual share, - what the forecast expected to be booked later: the
  forecast itself - (books - usually cancelled of them).

They add up to actual - forecast exactly, whatever the two shares are:
cancellation + lead time + volume = (books - cancelled) + later - forecast.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LEAST_PAST = 8  # windows that "usual" is learnt from


@dataclass(frozen=True)
class Books:
    """One window of the whole fleet, in days.

    Attributes:
        on_books: what was on the books at the origin.
        kept: what of that came true.
        actual: what was booked in the end.
    """

    on_books: float
    kept: float
    actual: float

    @property
    def later(self) -> float:
        """What came true of bookings made after the origin."""
        return self.actual - self.kept

    @property
    def cancelled(self) -> float:
        """What was on the books and did not come true."""
        return self.on_books - self.kept

    @property
    def asked(self) -> float:
        """What was ever asked for: all that was booked at the origin, and all that came later."""
        return self.on_books + self.later


@dataclass(frozen=True)
class Usual:
    """Shares of past windows: `early` of what was asked for was on the books, `lost` of these cancelled."""

    early: float
    lost: float


@dataclass(frozen=True)
class Split:
    """The parts of actual - forecast, in days."""

    volume: float
    lead_time: float
    cancellation: float


def filled(past: Sequence[Books]) -> list[Books]:
    """The windows from which something can be learnt."""
    return [one for one in past if one.asked > 0]


def usual(past: Sequence[Books]) -> Usual | None:
    """What is usual over the windows that something was asked for in; None where these are too few."""
    if len(filled(past)) < LEAST_PAST:
        return None
    asked, books = sum(one.asked for one in past), sum(one.on_books for one in past)
    return Usual(books / asked, sum(one.cancelled for one in past) / books if books > 0 else 0.0)


def split(forecast: float, books: Books, known: Usual) -> Split:
    """The three parts of books.actual - forecast."""
    lost, early = known.lost * books.on_books, known.early * books.asked
    expected_later = forecast - (books.on_books - lost)
    return Split(
        volume=books.asked - early - expected_later,
        lead_time=early - books.on_books,
        cancellation=lost - books.cancelled,
    )
