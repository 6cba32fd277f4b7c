"""What holds for all vehicles of one synthetic history: its span, the season, the holidays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

import numpy as np

from turo.data.synthetic import vehicles as fleet
from turo.data.synthetic.vehicles import Floats, Vehicles

BURN_IN = 140  # days simulated before the history starts, so that it starts with a full calendar
AHEAD = 200  # days of calendar after the snapshot
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Calendar:
    """Season and holidays by day; day 0 is `first`, a Monday."""

    first: date
    days: int

    @cached_property
    def season(self) -> Floats:
        """Annual wave of 25 %, high from late May to early August, low from January to early March."""
        year_day = np.array([(self.first + timedelta(days=i)).timetuple().tm_yday for i in range(self.days)])
        return 1 + 0.25 * np.cos(2 * np.pi * (year_day - 188) / 365.25)

    @cached_property
    def demand(self) -> Floats:
        """Season, times 1.3 where a US federal holiday lies on the day or in the three days after it."""
        import holidays

        years = range(self.first.year, self.first.year + self.days // 365 + 2)
        days = [(day - self.first).days for day in holidays.country_holidays("US", years=years)]
        near = np.zeros(self.days, bool)
        for day in days:
            near[max(day - 3, 0) : max(day + 1, 0)] = True
        return self.season * np.where(near, 1.3, 1.0)


@dataclass(frozen=True)
class World:
    """The vehicles, the calendar, and the span of the history in days on the calendar's scale."""

    vehicles: Vehicles
    calendar: Calendar
    start: float
    now: float  # the snapshot
    seed: int

    def random(self, *key: int) -> np.random.Generator:
        """A generator of its own for every purpose, so that one draw more here changes nothing there."""
        return np.random.default_rng([self.seed, *key])


def make(vehicles: int, years: float, seed: int, end: datetime) -> World:
    """Draw a fleet whose history ends at the instant `end`."""
    days = round(years * 365)
    first = (end - timedelta(days=days + BURN_IN)).date()
    first -= timedelta(days=first.weekday())
    now = (end - datetime.combine(first, datetime.min.time())) / DAY
    drawn = fleet.draw(vehicles, days, int(now) - days, first, np.random.default_rng([seed, 0]))
    return World(drawn, Calendar(first, int(now) + AHEAD), now - days, now, seed)
