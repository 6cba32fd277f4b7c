"""What the forecast says about each vehicle, checked by hand, through `forecast_fleet`."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hand_fleet import FLEET, ORIGIN, make_champion, prepared, write_table

from turo.errors import InputError
from turo.forecast.fleet_forecast import forecast_fleet
from turo.forecast.forecast_columns import FORECASTS
from turo.models.forecaster import Forecaster
from turo.settings import Settings

NOW = datetime(2026, 11, 24, 6)


def read_csv(settings: Settings) -> pl.DataFrame:
    return pl.read_csv(Path(settings.data_dir) / "forecasts.csv", try_parse_dates=True)


def test_one_row_for_each_active_vehicle_and_horizon(settings: Settings) -> None:
    forecast_fleet(settings, [make_champion(7), make_champion(28)], NOW)
    table = read_csv(settings)
    assert table.columns == list(FORECASTS)
    # D left the fleet on 1 November; C leaves in December and still counts.
    assert sorted(table.select("vehicle_id", "horizon_days").rows()) == [
        (vehicle, horizon) for vehicle in "ABC" for horizon in (7, 28)
    ]
    assert set(table["origin_date"]) == {ORIGIN}
    assert dict(table.select("horizon_days", "model").unique().rows()) == {7: "XGBoost-7d", 28: "XGBoost"}
    assert dict(table.select("horizon_days", "window_end").unique().rows()) == {
        7: date(2026, 11, 30),
        28: date(2026, 12, 21),
    }


def test_values_of_each_vehicle(settings: Settings) -> None:
    made = forecast_fleet(settings, [make_champion(28)], NOW).forecasts
    by_id = {row["vehicle_id"]: row for row in made.iter_rows(named=True)}

    a = by_id["A"]
    assert (a["on_books"], a["mean"], a["median"], a["low"], a["high"]) == (7.5, 10.0, 9.5, 8.5, 10.5)
    assert a["available_days"] == 24.0  # 28 less the four blocked days that were known at the origin
    assert a["utilization"] == pytest.approx(10 / 24)
    assert (a["last_year"], a["change"]) == (7.0, 3.0)
    assert (a["flag"], a["advice"]) == ("below_plan", None)  # its own past expects no more of it
    assert a["derived_reservations"] == pytest.approx(2 + 2.5 / 4)
    assert a["derived_revenue"] == pytest.approx(10 * 50)
    assert a["vehicle"] == "Kia Rio 2021"
    assert (a["booked_at_source"], a["created_at"]) == ("exact", NOW)

    b = by_id["B"]
    assert (b["mean"], b["median"], b["low"], b["high"]) == (
        28.0,
        28.0,
        27.0,
        28.0,
    )  # never more than the window
    assert (b["flag"], b["advice"]) == ("nearly_full", None)  # it has more than usual

    c = by_id["C"]
    assert c["available_days"] == 14.0  # it is delisted two weeks into the window
    assert c["utilization"] == pytest.approx(2.5 / 14)
    assert (c["last_year"], c["change"]) == (None, None)
    assert c["derived_revenue"] == pytest.approx(2.5 * 45)  # it has no price of its own: the usual one


def test_a_line_that_only_dates_a_price_leaves_the_vehicle_its_name_and_days(settings: Settings) -> None:
    path = Path(settings.data_dir) / "vehicles.csv"
    prices = {"vehicle_id": ["A", "C"], "list_price": ["60", "70"], "valid_from": ["2026-11-01"] * 2}
    pl.concat([pl.read_csv(path, infer_schema=False), pl.DataFrame(prices)], how="diagonal").write_csv(path)
    made = forecast_fleet(settings, [make_champion(28)], NOW).forecasts
    by_id = {row["vehicle_id"]: row for row in made.iter_rows(named=True)}
    assert (by_id["A"]["vehicle"], by_id["C"]["available_days"]) == ("Kia Rio 2021", 14.0)


def test_a_table_of_another_monday_takes_only_its_own_horizon_away(settings: Settings) -> None:
    write_table(Path(settings.data_dir) / "horizon-7", prepared(ORIGIN - timedelta(weeks=3), 7))
    made = forecast_fleet(settings, [make_champion(7), make_champion(28)], NOW).forecasts
    assert set(made["horizon_days"]) == {28}
    page = (Path(settings.data_dir) / "report.html").read_text()
    assert "The table for 7 days" in page
    assert "newest Monday differ" in page


@pytest.mark.parametrize(
    "other",
    [
        {"fleet": None},
        {"fleet": replace(FLEET, id="other").plain()},
        {"snapshot": "2026-11-25T00:00:00"},
        {"inputs": {"reservations.csv": {"sha256": "1"}}},
        {"profile": "turo_export"},
        {"digest": "0" * 64},
    ],
)
def test_a_table_that_is_not_of_the_main_ones_data_is_not_forecast(
    settings: Settings, other: dict[str, Any]
) -> None:
    write_table(Path(settings.data_dir) / "horizon-7", prepared(ORIGIN, 7), **other)
    made = forecast_fleet(settings, [make_champion(7), make_champion(28)], NOW).forecasts
    assert set(made["horizon_days"]) == {28}


def test_a_main_table_that_is_not_the_one_of_its_manifest_is_refused(settings: Settings) -> None:
    write_table(Path(settings.data_dir), prepared(ORIGIN, 28), digest="0" * 64)
    with pytest.raises(InputError, match=r"datas\.parquet is not the file that manifest\.json describes"):
        forecast_fleet(settings, [make_champion(28)], NOW)


def test_a_card_adds_up_the_means(settings: Settings) -> None:
    made = forecast_fleet(settings, [make_champion(28)], NOW).forecasts
    assert made["mean"].sum() == pytest.approx(10 + 28 + 2.5)
    page = (Path(settings.data_dir) / "report.html").read_text()
    assert '<p class="big">40 <small>days expected</small></p>' in page  # half to even, as Python writes it


def test_a_vehicle_that_looks_gone_is_asked_about_and_in_no_total(settings: Settings) -> None:
    rows = prepared(ORIGIN, 28).with_columns(looks_gone=(pl.col("vehicle_id") == "C").cast(pl.Int8))
    vehicles = Path(settings.data_dir) / "vehicles.csv"
    vehicles.write_text(
        vehicles.read_text().replace("2026-12-07", "")
    )  # nothing says that C is there until then
    write_table(Path(settings.data_dir), rows)
    made = forecast_fleet(settings, [make_champion(28)], NOW).forecasts
    c = made.row(by_predicate=pl.col("vehicle_id") == "C", named=True)
    assert (c["flag"], c["available_days"], c["mean"]) == ("looks_gone", 0.0, 2.5)
    assert c["advice"] == (
        "looks gone: no trip since 2026-10-08 and nothing booked; enter listed_to in vehicles.csv, "
        "or a later date if it stays"
    )
    assert [c[name] for name in ("utilization", "change", "derived_reservations", "derived_revenue")] == [
        None
    ] * 4
    page = (Path(settings.data_dir) / "report.html").read_text()
    assert '<p class="big">38 <small>days expected</small></p>' in page
    assert "for 2 active vehicles" in page
    assert "vehicle_id,listed_to\nC,2026-10-08\n" in page
    todo = page.split("What to do")[1].split("Gone, or at rest?")[0]
    assert ">C<" not in todo


def test_a_booking_since_the_origin_says_it_is_not_gone(settings: Settings) -> None:
    rows = prepared(ORIGIN, 28).with_columns(looks_gone=pl.lit(1, pl.Int8))
    write_table(Path(settings.data_dir), rows)
    made = forecast_fleet(settings, [make_champion(28)], NOW).forecasts
    assert dict(made.select("vehicle_id", pl.col("flag") == "looks_gone").rows()) == {
        "A": False,
        "B": False,
        "C": True,
    }


def test_a_fleet_that_looks_gone_altogether_still_has_a_report(settings: Settings) -> None:
    rows = (
        prepared(ORIGIN, 28).filter(pl.col("vehicle_id") == "C").with_columns(looks_gone=pl.lit(1, pl.Int8))
    )
    write_table(Path(settings.data_dir), rows)
    forecast_fleet(settings, [make_champion(28)], NOW)
    assert "Gone, or at rest?" in (Path(settings.data_dir) / "report.html").read_text()


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


def test_a_fleet_without_listed_vehicles_is_refused(settings: Settings) -> None:
    write_table(Path(settings.data_dir), prepared(ORIGIN, 28).filter(pl.col("vehicle_id") == "D"))
    with pytest.raises(InputError, match="No vehicle is listed on 2026-11-23"):
        forecast_fleet(settings, [make_champion(28)], NOW)


def test_another_target_has_neither_utilization_nor_advice(settings: Settings) -> None:
    champion = make_champion(28)
    assert isinstance(champion.forecaster, Forecaster)
    counting = replace(champion.forecaster, target="y_reservations", maximum=None, derivation=None)
    made = forecast_fleet(settings, [replace(champion, forecaster=counting)], NOW).forecasts
    a = made.row(by_predicate=pl.col("vehicle_id") == "A", named=True)
    assert (a["target"], a["on_books"], a["median"]) == ("y_reservations", 2.0, 9.5)
    assert [a[name] for name in ("utilization", "flag", "last_year", "derived_revenue")] == [None] * 4
    page = (Path(settings.data_dir) / "report.html").read_text()
    assert "reservations expected" in page
