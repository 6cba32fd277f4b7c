"""What the draws become: columns of forecasts.csv, totals, the file of the draws."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from hand_fleet import ORIGIN, make_champion, make_ranged_champion, prepared, weeks, write_table

from turo.forecast.draws.fleet_draws import statistics
from turo.forecast.fleet_forecast import forecast_fleet
from turo.forecast.forecast_columns import TOTALS
from turo.models.draws import DRAWS
from turo.models.forecaster import Forecaster
from turo.models.spread import QUANTILE_NAMES
from turo.settings import Settings

NOW = datetime(2026, 11, 24, 6)
FILES = ("forecasts.csv", "forecast-totals.csv", "forecast-draws.parquet")
QUANTILES = [name for name in QUANTILE_NAMES if name != "q50"]


def read_draws(settings: Settings) -> pl.DataFrame:
    return pl.read_parquet(Path(settings.data_dir) / "forecast-draws.parquet")


def read_totals(settings: Settings) -> pl.DataFrame:
    table = pl.read_csv(Path(settings.data_dir) / "forecast-totals.csv", try_parse_dates=True)
    assert table.columns == list(TOTALS)
    return table.with_columns(pl.col("name").fill_null(""))


def test_a_vehicles_numbers_come_from_its_draws(settings: Settings) -> None:
    made = forecast_fleet(settings, [make_ranged_champion(28)], NOW).forecasts
    a, b, c = made.sort("vehicle_id").iter_rows(named=True)
    # A: 7.5 on the books and two less, as many, two more or four more, each in a quarter of the cases.
    assert [a[name] for name in (*QUANTILES, "median", "low", "high")] == [
        5.5, 5.5, 5.5, 11.5, 11.5, 11.5, 7.5, 5.5, 11.5
    ]  # fmt: skip
    assert a["q05"] < a["on_books"]  # what is booked may be cancelled
    assert a["mean"] == pytest.approx(8.5, abs=0.01)
    assert a["utilization"] == pytest.approx(8.5 / 24, abs=0.001)
    assert a["derived_reservations"] == pytest.approx(2 + 1 / 4, abs=0.01)
    assert a["derived_revenue"] == pytest.approx(8.5 * 50, abs=0.5)
    assert b["mean"] == pytest.approx((25 + 27 + 28 + 28) / 4, abs=0.01)  # never more than the window
    assert (c["mean"], c["median"]) == (pytest.approx(1.5, abs=0.01), 0.0)  # never less than nothing


def test_no_vehicle_is_used_more_than_it_is_available(settings: Settings) -> None:
    champion = make_ranged_champion(28, (0, 20, 28))
    made = forecast_fleet(settings, [champion], NOW).forecasts
    assert (made["utilization"] <= 1).all()
    assert (made["q95"] <= pl.Series([24.0, 28.0, 14.0])).all()  # A is blocked four days, C leaves after 14
    assert (made["high"] <= pl.Series([24.0, 28.0, 14.0])).all()
    assert (made["low"] <= made["median"]).all()
    assert (made["median"] <= made["high"]).all()


def test_totals_are_sums_of_the_vehicles_draw_by_draw(settings: Settings) -> None:
    champions = [make_ranged_champion(horizon, places=weeks(20)) for horizon in (7, 28)]
    made = forecast_fleet(settings, champions, NOW).forecasts
    drawn, totals = read_draws(settings), read_totals(settings)
    assert len(drawn) == 3 * 2 * DRAWS
    assert drawn["origin_date"].unique().to_list() == [ORIGIN]
    groups = {("fleet", ""): ["A", "B", "C"], ("class", "car"): ["A", "C"], ("class", "suv"): ["B"]}
    for horizon in (7, 28):
        for (level, name), vehicles in groups.items():
            total = totals.filter(level=level, name=name, horizon_days=horizon).row(0, named=True)
            part = pl.col("vehicle_id").is_in(vehicles), pl.col("horizon_days") == horizon
            sums = drawn.filter(*part).group_by("draw").agg(pl.sum("days", "reservations", "revenue"))
            for key, value in statistics(sums["days"].cast(pl.Float64).to_numpy()).items():
                assert total[key] == pytest.approx(value, rel=1e-5, abs=1e-3), key
            for column in ("reservations", "revenue"):
                told = statistics(sums[column].cast(pl.Float64).to_numpy())
                for end in ("mean", "q10", "q90"):
                    assert total[f"{column}_{end}"] == pytest.approx(told[end], rel=1e-5, abs=1e-3)
            assert total["mean"] == pytest.approx(made.filter(*part)["mean"].sum(), abs=1e-3)
            assert total["vehicles"] == len(vehicles)


def test_the_range_of_the_fleet_by_hand(settings: Settings) -> None:
    forecast_fleet(settings, [make_ranged_champion(28, places=weeks(20))], NOW)
    fleet = read_totals(settings).filter(level="fleet").row(0, named=True)
    # All weeks alike: 5.5 + 25 + 0 in the lowest quarter, 11.5 + 28 + 4 in the highest.
    assert (fleet["q10"], fleet["q90"]) == (30.5, 43.5)
    assert fleet["mean"] == pytest.approx(8.5 + 27 + 1.5, abs=0.02)
    assert (fleet["on_books"], fleet["available_days"]) == (34.5, 66.0)


def test_three_horizons_agree_in_every_draw(settings: Settings) -> None:
    write_table(Path(settings.data_dir) / "horizon-90", prepared(ORIGIN, 90))
    added = {90: (-20.0, 0.0), 7: (0.0, 2.0), 28: (-4.0, 22.0)}  # alone they would disagree
    forecast_fleet(settings, [make_ranged_champion(days, come) for days, come in added.items()], NOW)
    wide = read_draws(settings).pivot("horizon_days", index=["vehicle_id", "draw"], values="days")
    for shorter, longer in ((7, 28), (28, 90)):
        assert (wide[str(longer)] >= wide[str(shorter)]).all()
        assert (wide[str(longer)] - wide[str(shorter)] <= longer - shorter).all()


def test_the_same_input_gives_the_same_bytes(settings: Settings) -> None:
    written = []
    for _ in range(2):
        forecast_fleet(settings, [make_ranged_champion(days) for days in (7, 28)], NOW)
        written.append([(Path(settings.data_dir) / name).read_bytes() for name in FILES])
    assert written[0] == written[1]


def test_a_vehicle_that_looks_gone_is_in_no_draw_and_no_total(settings: Settings) -> None:
    rows = prepared(ORIGIN, 28).with_columns(looks_gone=(pl.col("vehicle_id") == "C").cast(pl.Int8))
    write_table(Path(settings.data_dir), rows)
    made = forecast_fleet(settings, [make_ranged_champion(28)], NOW).forecasts
    assert set(read_draws(settings)["vehicle_id"]) == {"A", "B"}
    assert read_totals(settings).filter(level="fleet")["vehicles"].to_list() == [2]
    gone = made.filter(vehicle_id="C").row(0, named=True)
    assert (gone["mean"], gone["q90"]) == (pytest.approx(1.5, abs=0.01), None)


def test_a_model_of_means_forecasts_the_same_medians(settings: Settings) -> None:
    """Of vehicles without draws as well, whose numbers are the model's own."""
    rows = prepared(ORIGIN, 28).with_columns(looks_gone=(pl.col("vehicle_id") == "C").cast(pl.Int8))
    write_table(Path(settings.data_dir), rows)
    champion = make_ranged_champion(28)
    assert isinstance(champion.forecaster, Forecaster)
    answers = replace(champion, forecaster=replace(champion.forecaster, functional="mean"))
    of_medians, of_means = (forecast_fleet(settings, [one], NOW).forecasts for one in (champion, answers))
    names = ["vehicle_id", "flag", "mean", "median"]
    assert of_means.select(names).equals(of_medians.select(names))
    assert of_means.filter(vehicle_id="C")["median"].item() == 0.0


def test_a_model_saved_without_a_distribution_still_forecasts(settings: Settings) -> None:
    folder = Path(settings.data_dir)
    forecast_fleet(settings, [make_ranged_champion(28)], NOW)
    assert (folder / "forecast-draws.parquet").exists()
    made = forecast_fleet(settings, [make_champion(28)], NOW).forecasts
    assert not (folder / "forecast-draws.parquet").exists()  # it would be of the forecast before
    assert made["mean"].to_list() == [10.0, 28.0, 2.5]
    assert [made[name].null_count() for name in QUANTILES] == [3] * len(QUANTILES)
    fleet = read_totals(settings).filter(level="fleet").row(0, named=True)
    assert (fleet["mean"], fleet["q10"], fleet["revenue_q90"]) == (40.5, None, None)
    assert fleet["revenue_mean"] == pytest.approx(10 * 50 + 28 * 50 + 2.5 * 45)


def test_another_target_has_draws_without_bounds(settings: Settings) -> None:
    champion = make_ranged_champion(28, (0, 30))
    assert isinstance(champion.forecaster, Forecaster)
    counting = replace(champion.forecaster, target="y_reservations", maximum=None, derivation=None)
    forecast_fleet(settings, [replace(champion, forecaster=counting)], NOW)
    drawn = read_draws(settings)
    assert drawn["days"].null_count() == len(drawn)
    assert sorted(set(drawn.filter(vehicle_id="A")["reservations"])) == [7.5, 37.5]


def test_one_vehicle_without_a_price_takes_the_revenue_of_no_other(settings: Settings) -> None:
    champion = make_ranged_champion(28)
    assert isinstance(champion.forecaster, Forecaster)
    assert champion.forecaster.derivation is not None
    unpriced = replace(champion.forecaster.derivation, price=None)  # C has none of its own, and none is usual
    model = replace(champion.forecaster, derivation=unpriced)
    made = forecast_fleet(settings, [replace(champion, forecaster=model)], NOW).forecasts
    told = {row["vehicle_id"]: row for row in made.iter_rows(named=True)}
    assert told["A"]["derived_revenue"] == pytest.approx(8.5 * 50, abs=0.5)
    assert told["C"]["derived_revenue"] is None
    assert told["C"]["derived_reservations"] is not None
    by_name = {row["name"]: row for row in read_totals(settings).iter_rows(named=True)}
    fleet, cars, suvs = by_name[""], by_name["car"], by_name["suv"]
    assert [row["revenue_vehicles"] for row in (fleet, cars, suvs)] == [2, 1, 1]
    assert [row["reservations_vehicles"] for row in (fleet, cars, suvs)] == [3, 2, 1]
    assert fleet["revenue_mean"] == pytest.approx((8.5 + 27) * 50, abs=1)
    # A's 5.5 to 11.5 days and B's 25 to 28, at 50 a day.
    assert 50 * (5.5 + 25) <= fleet["revenue_q10"] < fleet["revenue_q90"] <= 50 * (11.5 + 28)
    assert (cars["revenue_q10"], cars["revenue_q90"]) == (5.5 * 50, 11.5 * 50)
    drawn = read_draws(settings)
    assert drawn.filter(vehicle_id="C")["revenue"].null_count() == DRAWS
    assert drawn.filter(pl.col("vehicle_id") != "C")["revenue"].null_count() == 0
    assert ", of 2 vehicles</dd>" in (Path(settings.data_dir) / "report.html").read_text()
