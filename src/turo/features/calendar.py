"""Features of the window's dates alone: season, weekends, US federal holidays, trend."""

from __future__ import annotations

import numpy as np

from turo.features.time import DAY, Floats, Ints, as_date, day_of, instant

TREND_START = 18_262  # 2020-01-01, in days since 1970
YEAR = 365.25


def calendar(origins: Ints, horizon_days: int, holidays: Ints) -> dict[str, Floats]:
    """(origins,) arrays by feature; season is taken at the middle of the window.

    Args:
        holidays: days since 1970, ascending, that reach a year past the last window.
    """
    first = day_of(origins)
    inside = first[:, None] + np.arange(horizon_days)
    middle = (first + horizon_days // 2).astype("datetime64[D]")
    year_day = (middle - middle.astype("datetime64[Y]")).astype(np.int64) + 1
    month_day = (middle - middle.astype("datetime64[M]")).astype(np.int64)
    month = middle.astype("datetime64[M]").astype(np.int64) % 12 + month_day / 31
    holiday = np.isin(inside, holidays)
    return {
        "month_sin": np.sin(2 * np.pi * month / 12),
        "month_cos": np.cos(2 * np.pi * month / 12),
        "week_sin": np.sin(2 * np.pi * year_day / YEAR),
        "week_cos": np.cos(2 * np.pi * year_day / YEAR),
        "weekend_days": np.isin(_weekday(inside), (5, 6)).sum(axis=1).astype(np.float64),
        "holidays": holiday.sum(axis=1).astype(np.float64),
        "long_weekend": (holiday & np.isin(_weekday(inside), (0, 4))).any(axis=1).astype(np.float64),
        "days_to_holiday": (holidays[np.searchsorted(holidays, first)] - first).astype(np.float64),
        "year_trend": (first - TREND_START) / YEAR,
    }


def _weekday(days: Ints) -> Ints:
    """0 = Monday; day 0 of 1970 was a Thursday."""
    return (days + 3) % 7


def federal_holidays(first: int, last: int) -> Ints:
    """Days since 1970, ascending, of US federal holidays (as kept) in all years from first to last."""
    from holidays import country_holidays

    years = range(as_date(first * DAY).year, as_date(last * DAY).year + 1)
    return np.array(
        sorted(instant(day) // DAY for day in country_holidays("US", years=years)), dtype=np.int64
    )
