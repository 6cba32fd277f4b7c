"""Figures and page of a record that can be checked by hand."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from xml.etree import ElementTree

import polars as pl
import pytest
from html_nesting import check_nesting
from tiny_fleet import reservations, trip, vehicles

from turo.data.tables import Tables
from turo.replay import page
from turo.replay.columns import SAID, TRUE, ordered
from turo.replay.figures import Figures
from turo.replay.outcome import partly_known, with_outcome
from turo.replay.ray_tasks import Plan
from turo.replay.refit import Method
from turo.training.project import Project

HOSTILE = "<script>alert('1')</script>"
FIRST = date(2026, 3, 2)
BASELINE = "baseline_on_the_books"
PROJECT = Project("xgboost", "Trees.", {})


def row(week: int, level: str, vehicle: str | None, mean: float, low: float, high: float, books: float):
    monday = FIRST + timedelta(weeks=week)
    told = {"origin_date": monday, "horizon_days": 7, "window_end": monday + timedelta(days=7)}
    told |= {
        "level": level,
        "vehicle_id": vehicle,
        "vehicle": vehicle and HOSTILE,
        "looks_gone": vehicle == "c",
    }
    told |= {"mean": mean, "median": mean, "low": low, "high": high, "on_books": books, BASELINE: books}
    return told | {"known_by": "dates", "model": "M", "vehicles": 2}


@pytest.fixture
def tables() -> Tables:
    """In the first window a, b and c are let 2, 4 and 1 days; in the second none is."""
    rows = [
        trip("a", "2026-03-03T00:00", "2026-03-05T00:00", "2026-03-01T00:00", trip_price=200.0),
        trip("b", "2026-03-03T00:00", "2026-03-07T00:00", "2026-03-01T00:00", trip_price=200.0),
        trip("c", "2026-03-03T00:00", "2026-03-04T00:00", "2026-02-01T00:00", trip_price=70.0),
        trip("a", "2026-03-20T00:00", "2026-03-26T00:00", "2026-03-17T00:00", trip_price=600.0),
    ]
    known = reservations([one | {"reservation_id": str(at)} for at, one in enumerate(rows)])
    fleet = vehicles(*((name, "2026-01-05", "suv") for name in "abc"))
    return Tables("canonical", known, fleet, None, datetime(2026, 3, 20), pl.DataFrame())


@pytest.fixture
def record(tables: Tables) -> pl.DataFrame:
    rows = [
        row(0, "fleet", None, 7.0, 5.0, 9.0, 3.0),
        row(0, "vehicle", "a", 3.0, 2.0, 4.0, 2.0),
        row(0, "vehicle", "b", 4.0, 3.0, 3.5, 1.0),
        row(0, "vehicle", "c", 0.0, 0.0, 0.0, 0.0),
        row(1, "fleet", None, 2.0, 1.0, 3.0, 0.0),
        row(1, "vehicle", "a", 1.0, 0.0, 1.0, 0.0),
        row(1, "vehicle", "b", 1.0, 0.5, 1.0, 0.0),
        row(2, "fleet", None, 5.0, 4.0, 6.0, 1.0),
        row(2, "vehicle", "a", 5.0, 4.0, 6.0, 1.0),
    ]
    return with_outcome(ordered(pl.DataFrame(rows, schema_overrides=SAID)), tables)


def test_what_came_true_is_added_up_over_the_vehicles_of_the_total(record: pl.DataFrame) -> None:
    fleet = record.filter(level="fleet")
    assert fleet["actual"].to_list() == [6.0, 0.0, None]  # the last window is not over; c looks gone
    assert fleet["actual_revenue"].to_list() == [400.0, 0.0, None]
    assert fleet["price_day"].to_list() == [pytest.approx(400 / 6), None, None]
    assert record.filter(vehicle_id="c")["actual"].to_list() == [1.0]


def test_figures_of_the_forecast_and_of_a_baseline(record: pl.DataFrame) -> None:
    figures = Figures.of(record)
    forecast, books = figures.of_horizon(7)
    assert (forecast.title, forecast.windows, books.title) == ("Forecast", 2, "On the books only")
    assert forecast.bias == pytest.approx(9 / 6 - 1)
    assert books.bias == pytest.approx(3 / 6 - 1)
    assert (forecast.off, books.off) == (1.5, 1.5)
    assert forecast.off_share == pytest.approx(3 / 6)
    assert forecast.money == pytest.approx(1.5 * 400 / 6)  # the window without a booked day counts as well
    assert books.money == pytest.approx(1.5 * 400 / 6)
    assert (forecast.coverage, books.coverage) == (0.5, None)
    assert forecast.vehicle_coverage == 0.5  # a twice inside, b never
    assert forecast.vehicle_mae == pytest.approx((1 + 0 + 1 + 1) / 4)
    assert books.vehicle_mae == pytest.approx(3 / 4)
    assert figures.gone == (1, 1.0)
    assert figures.plain()[7]["forecast"]["windows"] == 2


def test_methods_are_compared_on_the_windows_that_all_of_them_have(record: pl.DataFrame) -> None:
    first = pl.col("origin_date") == FIRST
    told = record.with_columns(
        pl.when(first).then(BASELINE).alias("baseline_last_year"),
        pl.lit(None, pl.Float64).alias("baseline_class_mean"),
    )
    forecast, *others = Figures.of(told).of_horizon(7)
    assert [one.title for one in others] == ["On the books only", "Same window last year"]
    assert [(one.windows, one.off) for one in (forecast, *others)] == [(1, 1.0), (1, 3.0), (1, 3.0)]
    assert forecast.vehicle_mae == pytest.approx((1 + 0) / 2)
    silent = told.with_columns(pl.when(~first & first).then(BASELINE).alias("baseline_last_year"))
    assert [one.windows for one in Figures.of(silent).of_horizon(7)] == [2, 2]


def test_a_part_of_the_vehicles_is_no_outcome_of_the_fleet(record: pl.DataFrame, tables: Tables) -> None:
    assert partly_known(record) == []
    unknown = pl.DataFrame([row(0, "vehicle", "x", 2.0, 1.0, 3.0, 0.0)], schema_overrides=SAID)
    said = pl.concat([record.drop(*TRUE), ordered(unknown)])
    more = with_outcome(said, tables)
    fleet = more.filter(level="fleet")
    assert fleet["actual"].to_list() == [None, 0.0, None]
    assert fleet["actual_revenue"].to_list() == [None, 0.0, None]
    assert more.filter(vehicle_id="a")["actual"].to_list() == [2.0, 0.0, None]
    (notice,) = partly_known(more)
    assert notice.startswith("What came true of 1 window of the fleet is not known, as some of its ")
    assert [one.windows for one in Figures.of(more).of_horizon(7)] == [1, 1]


def test_the_page_is_whole_strict_and_escapes_every_name(record: pl.DataFrame, tables: Tables) -> None:
    plan = Plan((7,), 7, 13, Method(HOSTILE, PROJECT, True))
    days = [FIRST + timedelta(weeks=week) for week in range(3)]
    facts = page.Facts(record, Figures.of(record), [HOSTILE], plan, days, tables, datetime(2026, 4, 1), "1.0")
    shown = page.render(facts)
    check_nesting(shown)
    for picture in re.findall(r"<svg.*?</svg>", shown, re.DOTALL):
        ElementTree.fromstring(picture)
    assert shown.count("<svg") == 3  # the fleet and two vehicles
    assert "default-src 'none'" in shown
    assert "<script" not in shown
    assert not re.search(r"""\b(src|href|action|srcset)\s*=|url\(|@import""", shown)
    numbers = shown.partition('id="table-7"')[2].partition("</table>")[0]
    cells = [re.findall(r"<td[^>]*>([^<]*)</td>", line) for line in numbers.split("<tr>")[2:]]
    fleet = record.filter(level="fleet").sort("origin_date")
    assert [float(line[1]) for line in cells] == fleet["mean"].round(0).to_list()
    assert [line[3] for line in cells] == ["6", "0", "\N{EN DASH}"]
    for told in ("3 Mondays", "+50.0 %", "Money mis-planned", "On the books only", "dates of booking"):
        assert told in shown


def test_one_monday_of_one_day_is_told_in_the_singular(record: pl.DataFrame, tables: Tables) -> None:
    rows = record.filter(origin_date=FIRST).with_columns(pl.lit(1, pl.Int64).alias("horizon_days"))
    plan = Plan((1,), 1, 1, Method("M", PROJECT, True))
    facts = page.Facts(rows, Figures.of(rows), [], plan, [FIRST], tables, datetime(2026, 4, 1), "1.0")
    shown = page.render(facts)
    for told in (
        "<b>1 Monday</b>",
        "anew every 1 week.",
        "<h2>1 day ahead</h2>",
        "The fleet, 1 day after each Monday",
        "in the 1 day after each Monday",
        "Vehicle by vehicle, 1 day<",
        "1 of 1 Monday was rebuilt",
        "1 forecast of vehicles that looked gone is in no figure; 1 day was booked",
    ):
        assert told in shown, told
    assert not re.search(r"\b1 (days|weeks|Mondays|forecasts)\b", shown)


def test_without_prices_no_money_is_told(record: pl.DataFrame, tables: Tables) -> None:
    unpriced = record.with_columns(pl.lit(None, pl.Float64).alias("actual_revenue"))
    figures = Figures.of(unpriced)
    assert figures.of_horizon(7)[0].money is None
    plan = Plan((7,), 7, 13, Method("M", PROJECT, True))
    facts = page.Facts(unpriced, figures, [], plan, [FIRST], tables, datetime(2026, 4, 1), "1.0")
    assert "mis-planned in one" not in page.render(facts)
