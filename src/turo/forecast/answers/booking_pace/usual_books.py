"""What is usually on the books so long before a week, and how far from it such books have been.

usual = vehicle-days listed x booking curve x season.

The booking curve is the group's own share of days booked at this lead, mean of the 52 Mondays before. The
season is how the fleet's books of the weeks around the same week of last year, at nearly the same lead, stood
to the curve of that year. Without a year and a half of Mondays the season is left out.

The usual range holds what 19 of 20 Mondays of the past year were off by, at the lead and its neighbours. They
are compared as roots, because books of many days scatter more days than books of few.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from turo.features.time import Floats
from turo.forecast.answers.booking_pace.lead_books import WEEKS, LeadBooks

YEAR = 52
FEWEST = 26  # Mondays that a curve or a range is made of, at least
SEASONED = YEAR + FEWEST  # Mondays before one whose season can be told: last year's is the middle of a year
MONDAYS = 2 * SEASONED + YEAR  # as many as are ever looked at
LEAST = 1.0  # days either side that are never worth a word
HELD = 0.95  # of the past Mondays inside the range
NEAR_WEEKS, NEAR_LEADS = 2, 2  # what the season is a mean of, either side


@dataclass(frozen=True)
class Usual:
    """Arrays (groups, WEEKS) for the last Monday; nan where it cannot be told.

    Attributes:
        usual: days.
        low, high: usual range of what the books are off by, in days; low below 0, high above.
        last_year: days on the books 52 weeks before, at the same lead.
        seasoned: whether the season is in it.
    """

    usual: Floats
    low: Floats
    high: Floats
    last_year: Floats
    seasoned: bool


def usual_books(books: LeadBooks) -> Usual:
    """Of the last Monday, by the Mondays before it alone."""
    last = len(books.origins) - 1
    seasoned = last >= SEASONED + FEWEST
    first = SEASONED if seasoned else FEWEST
    expected = _expected(books, seasoned)
    off = np.sqrt(books.days) - np.sqrt(expected)
    judged = np.abs(off[:, max(first, last - YEAR) : last])  # (groups, Mondays, WEEKS)
    shape = expected[:, -1].shape
    reach = np.full(shape, np.nan)
    for lead in range(WEEKS):
        near = judged[:, :, max(lead - 1, 0) : lead + 2]
        for group in range(shape[0]):
            past = near[group][~np.isnan(near[group]).any(axis=1)]
            if len(past) >= FEWEST:
                reach[group, lead] = np.quantile(past, HELD, method="higher")
    usual = expected[:, -1]
    root = np.sqrt(usual)
    return Usual(
        usual=usual,
        low=np.minimum(np.maximum(root - reach, 0) ** 2 - usual, -LEAST),
        high=np.maximum((root + reach) ** 2 - usual, LEAST),
        last_year=books.days[:, last - YEAR] if last >= YEAR else np.full(shape, np.nan),
        seasoned=seasoned,
    )


def _expected(books: LeadBooks, seasoned: bool) -> Floats:
    expected = books.listed * _mean_before(books, 1)
    return expected * _season(books, _mean_before(books, FEWEST + 1)[0]) if seasoned else expected


def _mean_before(books: LeadBooks, back: int) -> Floats:
    """(groups, Mondays, WEEKS): booked share of the year of Mondays whose last is `back` before each."""
    groups, count, _ = books.days.shape
    ends = np.maximum(np.arange(count) - back + 1, 0)
    begins = np.maximum(ends - YEAR, 0)

    def total(values: Floats) -> Floats:
        sums = np.concatenate([np.zeros((groups, 1, WEEKS)), np.cumsum(values, axis=1)], axis=1)
        return sums[:, ends] - sums[:, begins]

    listed, days = total(books.listed), total(books.days)
    mondays = total((books.listed > 0).astype(np.float64))
    enough = (mondays >= FEWEST) & (listed > 0)
    return np.where(enough, days / np.where(enough, listed, 1), np.nan)


def _season(books: LeadBooks, curve: Floats) -> Floats:
    """(Mondays, WEEKS): last year's books around the same week, over what the curve of then makes of them.

    Args:
        curve: (Mondays, WEEKS) booked share of the year around the same Monday of last year.
    """
    count = len(books.origins)
    days, listed = books.days[0], books.listed[0]
    season = np.full((count, WEEKS), np.nan)
    mondays = np.arange(SEASONED, count)
    for lead in range(WEEKS):
        seen, meant = np.zeros(len(mondays)), np.zeros(len(mondays))
        for near in range(max(lead - NEAR_LEADS, 0), min(lead + NEAR_LEADS + 1, WEEKS)):
            for shift in range(-NEAR_WEEKS, NEAR_WEEKS + 1):
                then = mondays - YEAR + (lead - near) + shift  # the same week, some weeks earlier or later
                seen += days[then, near]
                meant += listed[then, near] * curve[mondays, near]
        season[mondays, lead] = seen / np.where(meant > 0, meant, np.nan)
    return season
