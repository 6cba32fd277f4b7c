"""Which vehicles are named, for how much, and the one thing to do, through `forecast_fleet`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from hand_fleet import ORIGIN, make_champion, prepared, write_table

from turo.forecast.fleet_forecast import forecast_fleet
from turo.settings import Settings

NOW = datetime(2026, 11, 24, 6)


def advice(settings: Settings) -> pl.DataFrame:
    return pl.read_csv(
        Path(settings.data_dir) / "report" / "advice.csv", schema_overrides={"reason": pl.String}
    )


def asked(settings: Settings) -> pl.DataFrame:
    return pl.read_csv(Path(settings.data_dir) / "report" / "asked.csv")


def with_prices(settings: Settings, a: float | None, b: float | None) -> None:
    prices = pl.col("vehicle_id").replace_strict({"A": a, "B": b}, default=None, return_dtype=pl.Float64)
    table = prepared(ORIGIN, 28).with_columns(prices.alias("base_price_day"))
    write_table(Path(settings.data_dir), table)


def with_minimum(settings: Settings, days: int) -> None:
    path = Path(settings.data_dir) / "vehicles.csv"
    table = pl.read_csv(path, infer_schema=False)
    table.with_columns(pl.lit(str(days)).alias("min_trip_days")).write_csv(path)


def test_money_at_stake_is_the_shortfall_against_season_and_class_at_the_own_price(
    settings: Settings,
) -> None:
    forecast_fleet(settings, [make_champion(28)], NOW)
    (row,) = advice(settings).rows(named=True)
    level = (28 + 2.5) / (28 + 14) * 24  # as the others are let, at its own 24 available days
    usual = (7 + level) / 2
    assert (row["rank"], row["vehicle_id"], row["expected"]) == (1, "A", 10.0)
    assert (row["own_last_year"], row["class_now"]) == (7.0, pytest.approx(level, abs=1e-4))
    assert row["days_short"] == pytest.approx(usual - 10, abs=1e-4)
    assert row["money_at_stake"] == pytest.approx((usual - 10) * 50, abs=1e-2)


def test_only_the_named_vehicles_have_advice_in_the_forecasts(settings: Settings) -> None:
    made = forecast_fleet(settings, [make_champion(7), make_champion(28)], NOW).forecasts
    told = made.filter(pl.col("advice").is_not_null()).select("vehicle_id", "horizon_days").rows()
    assert told == [("A", 28)]
    assert made.filter(vehicle_id="A", horizon_days=28)["advice"][0] == advice(settings)["to_do"][0]


def test_a_vehicle_at_rest_is_asked_about_and_not_advised_on(settings: Settings) -> None:
    forecast_fleet(settings, [make_champion(28)], NOW)
    (row,) = asked(settings).rows(named=True)
    assert (row["vehicle_id"], row["kind"], row["last_trip"]) == ("C", "looks at rest", "2026-10-08")
    assert "C" not in advice(settings)["vehicle_id"].to_list()


def test_a_gap_that_the_minimum_trip_shuts_is_to_be_opened(settings: Settings) -> None:
    with_minimum(settings, 3)
    forecast_fleet(settings, [make_champion(28)], NOW)
    assert advice(settings)["to_do"][0] == (
        "Allow trips of 1 day from 14 Dec to 15 Dec: that gap is shorter than the minimum trip of 3 days."
    )


@pytest.mark.parametrize(
    ("own", "other", "told"),
    [
        (
            80.0,
            50.0,
            "Review the price of 2 Dec to 10 Dec (8 open days): its bookings were at 80 a day, those of the "
            "fleet at 65.",
        ),
        (
            40.0,
            80.0,
            "Put its next service into 2 Dec to 10 Dec (8 open days): its bookings were at 40 a day, already "
            "below those of the fleet (60).",
        ),
        (None, None, "Review the price of 2 Dec to 10 Dec (8 open days): nothing is booked then."),
    ],
)
def test_what_to_do_follows_from_the_price_of_its_bookings(
    settings: Settings, own: float | None, other: float | None, told: str
) -> None:
    with_prices(settings, own, other)
    forecast_fleet(settings, [make_champion(28)], NOW)
    assert advice(settings)["to_do"][0] == told


def test_without_prices_vehicles_are_ranked_by_days(settings: Settings) -> None:
    with_prices(settings, None, None)
    forecast_fleet(settings, [make_champion(28)], NOW)
    (row,) = advice(settings).rows(named=True)
    assert (row["vehicle_id"], row["money_at_stake"]) == ("A", None)
    assert "ranked by days; trip_price helps" in (Path(settings.data_dir) / "report.html").read_text()


def test_at_most_seven_are_named_and_the_most_money_first(settings: Settings) -> None:
    folder = Path(settings.data_dir)
    names = [f"V{number:02d}" for number in range(12)]
    vehicles = "".join(f"{name},Kia,Rio,2021,car,gas,50,2025-01-01,\n" for name in names)
    trips = "".join(
        f"{50 + number},{name},2026-11-10T00:00,2026-11-12T00:00,completed,2026-11-01T09:00,,90,0\n"
        for number, name in enumerate(names)
    )
    for file, lines in (("vehicles.csv", vehicles), ("reservations.csv", trips)):
        (folder / file).write_text((folder / file).read_text() + lines)
    like_a = prepared(ORIGIN, 28).filter(vehicle_id="A")
    many = [
        like_a.with_columns(
            vehicle_id=pl.lit(name), lag_52w=pl.lit(20.0), base_price_day=pl.lit(40.0 + number)
        )
        for number, name in enumerate(names)
    ]
    write_table(folder, pl.concat([*many, prepared(ORIGIN, 28)]))
    forecast_fleet(settings, [make_champion(28)], NOW)
    found = advice(settings)
    assert found["vehicle_id"].to_list() == names[:4:-1]  # as short as each other, the dearest first
    assert found["rank"].to_list() == [1, 2, 3, 4, 5, 6, 7]
    assert found["money_at_stake"].is_sorted(descending=True)
    assert found["to_do"].str.contains(r"\d+ (Nov|Dec) to \d+ Dec").all()


def test_wording_never_says_because_of_a_price(settings: Settings) -> None:
    forecast_fleet(settings, [make_champion(28)], NOW)
    page = (Path(settings.data_dir) / "report.html").read_text()
    assert "because of this price" not in page
    assert page.count("what other prices would have brought") == 1
