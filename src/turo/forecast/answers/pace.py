"""Pace: is more or less booked for the coming weeks than is usual this long before?"""

from __future__ import annotations

from datetime import datetime, time

import numpy as np
import polars as pl

from turo.features.time import WEEK, Floats, as_date, instant
from turo.forecast.answers.answer import Answer, Facts
from turo.forecast.answers.booking_pace.lead_books import WEEKS, LeadBooks, lead_books
from turo.forecast.answers.booking_pace.usual_books import FEWEST, MONDAYS, Usual, usual_books
from turo.forecast.answers.listed_spans import listed_spans
from turo.forecast.forecast_columns import CLASS, FLEET, Types
from turo.table.names import LOOKS_GONE
from turo.words import counted

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
UNDATED = 0.02  # share of bookings without a date above which nobody knows what was on the books
CLASS_WEEKS = 7  # weeks of classes that the page shows


def answer(facts: Facts) -> Answer:
    """The next 13 weeks, of the fleet and of each class."""
    gone = facts.forecasts.filter(pl.col("flag").eq_missing(LOOKS_GONE))["vehicle_id"].unique().to_list()
    fleet = listed_spans(facts.tables, gone)
    books = lead_books(facts.tables, fleet, instant(facts.origin), MONDAYS)
    usual = usual_books(books)
    if undated := _undated(facts):
        usual = _nothing_known(usual)
    rows = pace_rows(books, usual)
    mine, classes = rows.filter(level=FLEET), rows.filter(level=CLASS)
    told = pl.col("verdict").is_in([AHEAD, BEHIND])
    view = {
        "fleet": mine.to_dicts(),
        "ahead": mine.filter(verdict=AHEAD).height,
        "behind": mine.filter(verdict=BEHIND).height,
        "known": mine.filter(pl.col("verdict") != UNKNOWN).height,
        "classes": classes.filter(told)
        .sort(pl.col("ahead").abs(), descending=True)
        .head(CLASS_WEEKS)
        .to_dicts(),
        "class_weeks": classes.filter(told).height,
    }
    return Answer(KEY, rows, view, _missing(books, usual, undated, has_classes=bool(fleet.classes)))


def pace_rows(books: LeadBooks, usual: Usual) -> pl.DataFrame:
    """`COLUMNS`; no verdict but `usual` inside the range, `unknown` where there is none."""
    on_books = books.days[:, -1]
    ahead = on_books - usual.usual
    verdict = np.select(
        [np.isnan(usual.low), ahead > usual.high, ahead < usual.low], [UNKNOWN, AHEAD, BEHIND], USUAL
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
    if without <= UNDATED * max(rows.height, 1):
        return ""
    return (
        f"When they were booked is not known of {without} of {counted(rows.height, 'reservation')}: what "
        "was on the books at past Mondays cannot be told, so there is no pace. The column booked_at would "
        "help; under an export, keep the older exports beside it."
    )


def _nothing_known(usual: Usual) -> Usual:
    nothing = np.full(usual.usual.shape, np.nan)
    return Usual(nothing, nothing, nothing, nothing, False)


def _missing(books: LeadBooks, usual: Usual, undated: str, has_classes: bool) -> list[str]:
    if undated:
        return [undated]
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
    if not has_classes:
        missing.append("No vehicle has a class (column class of vehicles.csv), so only the fleet has a pace.")
    return missing
