"""What the forecast says about each car, checked by hand, through `forecast_fleet`."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hand_fleet import ORIGIN, make_champion, prepared, write_table

from turo.errors import InputError
from turo.forecast.columns import FORECASTS
from turo.forecast.run import forecast_fleet
from turo.settings import Settings

NOW = datetime(2026, 11, 24, 6)


def read_csv(settings: Settings) -> pl.DataFrame:
    return pl.read_csv(Path(settings.data_dir) / "forecasts.csv", try_parse_dates=True)


def test_one_row_for_each_active_car_and_horizon(settings: Settings) -> None:
    forecast_fleet(settings, [make_champion(7), make_champion(28)], NOW)
    table = read_csv(settings)
    assert table.columns == list(FORECASTS)
    # D left the fleet on 1 November; C leaves in December and still counts.
    assert sorted(table.select("vehicle_id", "horizon_days").rows()) == [
        (car, horizon) for car in "ABC" for horizon in (7, 28)
    ]
    assert set(table["origin_date"]) == {ORIGIN}
    assert dict(table.select("horizon_days", "model").unique().rows()) == {7: "XGBoost-7d", 28: "XGBoost"}
    assert dict(table.select("horizon_days", "window_end").unique().rows()) == {
        7: date(2026, 11, 30),
        28: date(2026, 12, 21),
    }


def test_values_of_each_car(settings: Settings) -> None:
    made = forecast_fleet(settings, [make_champion(28)], NOW).forecasts
    cars = {row["vehicle_id"]: row for row in made.iter_rows(named=True)}

    a = cars["A"]
    assert (a["on_books"], a["expected"], a["low"], a["high"]) == (7.5, 9.5, 8.5, 10.5)
    assert a["available_days"] == 24.0  # 28 less the four blocked days that were known at the origin
    assert a["utilization"] == pytest.approx(9.5 / 24)
    assert (a["last_year"], a["change"]) == (7.0, 2.5)
    assert (a["flag"], a["advice"]) == ("below_plan", "below plan: lower price / open short trips")
    assert a["derived_reservations"] == pytest.approx(2 + 2 / 4)
    assert a["derived_revenue"] == pytest.approx(9.5 * 50)
    assert a["vehicle"] == "Kia Rio 2021"
    assert (a["booked_at_source"], a["created_at"]) == ("exact", NOW)

    b = cars["B"]
    assert (b["expected"], b["low"], b["high"]) == (28.0, 27.0, 28.0)  # never more than the window
    assert b["flag"] == "nearly_full"
    assert b["advice"] == "nearly full: raise price / raise minimum days / do maintenance in the gap"

    c = cars["C"]
    assert c["available_days"] == 14.0  # it is delisted two weeks into the window
    assert c["utilization"] == pytest.approx(2 / 14)
    assert (c["last_year"], c["change"], c["derived_revenue"]) == (None, None, None)


def test_a_line_that_only_dates_a_price_leaves_the_car_its_name_and_days(settings: Settings) -> None:
    path = Path(settings.data_dir) / "vehicles.csv"
    prices = {"vehicle_id": ["A", "C"], "list_price": ["60", "70"], "valid_from": ["2026-11-01"] * 2}
    pl.concat([pl.read_csv(path, infer_schema=False), pl.DataFrame(prices)], how="diagonal").write_csv(path)
    made = forecast_fleet(settings, [make_champion(28)], NOW).forecasts
    cars = {row["vehicle_id"]: row for row in made.iter_rows(named=True)}
    assert (cars["A"]["vehicle"], cars["C"]["available_days"]) == ("Kia Rio 2021", 14.0)


def test_a_table_of_another_origin_is_refused_and_the_old_forecast_stays(settings: Settings) -> None:
    forecast_fleet(settings, [make_champion(28)], NOW)
    before = (Path(settings.data_dir) / "forecasts.csv").read_bytes()
    write_table(Path(settings.data_dir) / "horizon-7", prepared(ORIGIN - timedelta(weeks=3), 7))
    with pytest.raises(InputError, match=r"different origins \(7 days: 2026-11-02, 28 days: 2026-11-23\)"):
        forecast_fleet(settings, [make_champion(7), make_champion(28)], NOW)
    assert (Path(settings.data_dir) / "forecasts.csv").read_bytes() == before


def test_a_missing_table_says_how_to_make_it(settings: Settings) -> None:
    with pytest.raises(InputError, match=r"No table for 90 days .*turo horizons"):
        forecast_fleet(settings, [make_champion(90)], NOW)


def test_a_feature_the_table_lacks_is_named(settings: Settings) -> None:
    folder = Path(settings.data_dir)
    write_table(folder, prepared(ORIGIN, 28).drop("class"))
    with pytest.raises(InputError, match="lacks class"):
        forecast_fleet(settings, [make_champion(28)], NOW)


def test_take_home_files_have_no_window_to_forecast(settings: Settings) -> None:
    write_table(Path(settings.data_dir), prepared(ORIGIN, 28), profile="turo_takehome")
    with pytest.raises(InputError, match="no trip dates"):
        forecast_fleet(settings, [make_champion(28)], NOW)


def test_a_fleet_without_listed_cars_is_refused(settings: Settings) -> None:
    write_table(Path(settings.data_dir), prepared(ORIGIN, 28).filter(pl.col("vehicle_id") == "D"))
    with pytest.raises(InputError, match="No car is listed on 2026-11-23"):
        forecast_fleet(settings, [make_champion(28)], NOW)


def test_another_target_has_neither_utilization_nor_advice(settings: Settings) -> None:
    champion = make_champion(28)
    counting = replace(champion.forecaster, target="y_reservations", maximum=None)
    made = forecast_fleet(settings, [replace(champion, forecaster=counting)], NOW).forecasts
    a = made.row(by_predicate=pl.col("vehicle_id") == "A", named=True)
    assert (a["target"], a["on_books"], a["expected"]) == ("y_reservations", 2.0, 9.5)
    assert [a[name] for name in ("utilization", "flag", "last_year", "derived_revenue")] == [None] * 4
    page = (Path(settings.data_dir) / "report.html").read_text()
    assert "reservations expected" in page
