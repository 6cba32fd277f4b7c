"""Pace: is more or less booked for the coming weeks than is usual this long before?"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time

import numpy as np
import polars as pl

from turo.data.canonical_statuses import cancelled
from turo.data.tables import INSTANT, Tables
from turo.features.time import DAY, WEEK, Flags, Floats, as_date, instant
from turo.forecast.answers.answer import UNDATED_SHARE, Answer, Facts
from turo.forecast.answers.booking_pace.lead_books import WEEKS, LeadBooks, lead_books
from turo.forecast.answers.booking_pace.usual_books import FEWEST, HELD, MONDAYS, Usual, usual_books
from turo.forecast.answers.listed_spans import listed_spans
from turo.forecast.forecast_columns import CLASS, FLEET, Types
from turo.table.names import LOOKS_GONE
from turo.words import by_number, counted

KEY = "pace"
AHEAD, USUAL, BEHIND, UNKNOWN = "ahead", "usual", "behind", "unknown"
COLUMNS: Types = {
    "week": pl.Date,  # Monday
    "level": pl.String,  # fleet or class
    "name": pl.String,  # of the class; empty for the fleet
    "on_books": pl.Float64,  # days
    "last_year": pl.Float64,  # days on the books 52 weeks ago for the week 52 weeks earlier
    "usual": pl.Float64,  # booking curve x season, for as many vehicles as are listed now
    "low": pl.Float64,  # usual range of `ahead`
    "high": pl.Float64,
    "ahead": pl.Float64,  # on_books - usual
    "verdict": pl.String,
    "listed_days": pl.Float64,  # vehicle-days of that week
}
FEW = 5  # vehicles of a class below which a single guest makes its pace
CLASS_WEEKS = 7  # weeks of classes that the page shows


def answer(facts: Facts) -> Answer:
    """The next 13 weeks, of the fleet and of each class.

    Where nobody knows what was on the books at past Mondays, `on_books` is the calendar as of the snapshot.
    """
    gone = facts.forecasts.filter(pl.col("flag").eq_missing(LOOKS_GONE))["vehicle_id"].unique().to_list()
    fleet = listed_spans(facts.tables, gone)
    origin = instant(facts.origin)
    if undated := _undated(facts):
        books = lead_books(_calendar(facts), fleet, origin, 1)
        usual = _nothing_known(books)
    else:
        books = lead_books(facts.tables, fleet, origin, MONDAYS)
        usual = usual_books(books)
    rows = pace_rows(books, usual)
    mine, classes = rows.filter(level=FLEET), rows.filter(level=CLASS)
    told = pl.col("verdict").is_in([AHEAD, BEHIND])
    looks = rows.filter(pl.col("verdict") != UNKNOWN).height
    view = {
        "fleet": mine.to_dicts(),
        "ahead": mine.filter(verdict=AHEAD).height,
        "behind": mine.filter(verdict=BEHIND).height,
        "known": mine.filter(pl.col("verdict") != UNKNOWN).height,
        "looks": looks,
        "named": len(books.names) > 1,
        "chance": max(round(looks * (1 - HELD)), 1),
        "as_of": facts.tables.snapshot if undated else None,
        "classes": classes.filter(told)
        .sort(pl.col("ahead").abs(), descending=True)
        .head(CLASS_WEEKS)
        .to_dicts(),
        "class_weeks": classes.filter(told).height,
    }
    return Answer(KEY, rows, view, [undated] if undated else _missing(books, usual))


def pace_rows(books: LeadBooks, usual: Usual) -> pl.DataFrame:
    """`COLUMNS`; `usual` inside the range, `unknown` where there is none or the class is not judged.

    Outside is what is so by a day or more in whole days, as they are told.
    """
    on_books = books.days[:, -1]
    ahead = on_books - usual.usual
    days, low, high = (np.round(values) for values in (ahead, usual.low, usual.high))
    verdict = np.select(
        [np.isnan(low) | _not_judged(books), days > high, days < low], [UNKNOWN, AHEAD, BEHIND], USUAL
    )
    first = int(books.origins[-1])
    found = []
    for group, name in enumerate(books.names):
        numbers: dict[str, Floats] = {
            "on_books": on_books[group],
            "last_year": usual.last_year[group],
            "usual": usual.usual[group],
            "low": usual.low[group],
            "high": usual.high[group],
            "ahead": ahead[group],
            "listed_days": books.listed[group, -1],
        }
        facts = {
            "week": [as_date(first + lead * WEEK) for lead in range(WEEKS)],
            "level": FLEET if group == 0 else CLASS,
            "name": name,
            "verdict": pl.Series(verdict[group].tolist()),
        }
        found.append(pl.DataFrame(facts | numbers).select(*COLUMNS))
    return pl.concat(found).cast(dict(COLUMNS)).with_columns(pl.col(pl.Float64).fill_nan(None))  # type: ignore[arg-type]


def _undated(facts: Facts) -> str:
    """Why past books are not known; empty where they are."""
    begin = datetime.combine(facts.origin, time())
    rows = facts.tables.reservations.filter(pl.col("trip_start") < begin)
    without = int(rows["booked_at"].null_count())
    if without <= UNDATED_SHARE * max(rows.height, 1):
        return ""
    return (
        f"When they were booked is not known of {without} of {counted(rows.height, 'reservation')}: what "
        "was on the books at past Mondays cannot be told, so there is no pace. The column booked_at would "
        "help; under an export, keep the older exports beside it."
    )


def _calendar(facts: Facts) -> Tables:
    """The bookings that the snapshot shows, as if all had been made by the Monday."""
    begin = datetime.combine(facts.origin, time())
    rows = facts.tables.reservations.filter(~cancelled()).with_columns(
        pl.min_horizontal("trip_start", pl.lit(begin, INSTANT)).alias("booked_at")
    )
    known = facts.tables
    return replace(
        known, reservations=rows, revisions=known.revisions.clear(), sightings=known.sightings.clear()
    )


def _not_judged(books: LeadBooks) -> Flags:
    """(groups, WEEKS): classes of fewer than `FEW` vehicles, or of the whole fleet: that is judged."""
    listed = books.listed[:, -1]
    no = (listed < FEW * WEEK / DAY) | (listed >= listed[0])
    no[0] = False
    return np.asarray(no)


def _nothing_known(books: LeadBooks) -> Usual:
    nothing = np.full(books.days[:, -1].shape, np.nan)
    return Usual(nothing, nothing, nothing, nothing, False)


def _missing(books: LeadBooks, usual: Usual) -> list[str]:
    missing = []
    if np.isnan(usual.low[0]).any():
        missing.append(
            f"For a verdict the data must go back {2 * FEWEST + WEEKS} weeks or more; they have "
            f"{counted(len(books.origins), 'Monday')}. Older trips would help."
        )
    elif not usual.seasoned:
        missing.append(
            "The data are too short to tell the season from them: usual is the mean of the past Mondays, "
            "whatever the time of year, and the usual range is wider for it."
        )
    if len(books.names) == 1:
        missing.append("No vehicle has a class (column class of vehicles.csv), so only the fleet has a pace.")
    elif silent := int(_not_judged(books).all(axis=1).sum()):
        missing.append(
            f"{silent} {by_number(silent, 'class has', 'classes have')} no verdict of "
            f"{by_number(silent, 'its', 'their')} own: fewer than {FEW} vehicles, or the whole fleet."
        )
    return missing
