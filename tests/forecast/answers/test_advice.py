"""Which vehicles are named, for how much, and the one thing to do, through `forecast_fleet`."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hand_fleet import ORIGIN, make_champion, make_ranged_champion, prepared, write_table

from turo.forecast.advising.open_days import Gap
from turo.forecast.advising.to_do import to_do
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


def well_let(*names: str) -> str:
    """Four of seven days of 48 weeks up to October, at 50 a day."""
    monday, lines = date(2025, 12, 1), []
    for vehicle in names:
        for week in range(48):
            start = monday + timedelta(weeks=week)
            lines.append(
                f"{vehicle}-{week},{vehicle},{start}T00:00,{start + timedelta(days=4)}T00:00,completed,"
                f"{start - timedelta(days=9)}T09:00,,200,0\n"
            )
    return "".join(lines)


def add(settings: Settings, lines: str, name: str = "reservations.csv") -> None:
    with (Path(settings.data_dir) / name).open("a") as file:
        file.write(lines)


@pytest.fixture
def usually_let(settings: Settings) -> Settings:
    """A is usually let more than the ten days that are expected of it."""
    add(settings, well_let("A"))
    return settings


def test_money_at_stake_is_the_shortfall_against_the_own_usual(
    usually_let: Settings,
) -> None:
    forecast_fleet(usually_let, [make_champion(28)], NOW)
    (row,) = advice(usually_let).rows(named=True)
    usual = (48 * 4 + 4 + 7) / (52 * 7) * 24  # of the past 52 weeks, at 24 available days
    assert (row["rank"], row["vehicle_id"], row["expected"]) == (1, "A", 10.0)
    assert (row["own_level"], row["class_now"], row["compared_with"]) == (
        pytest.approx(usual, abs=1e-4),
        None,  # two other vehicles say nothing
        None,
    )
    assert row["days_short"] == pytest.approx(usual - 10, abs=1e-4)
    assert row["money_at_stake"] == pytest.approx((usual - 10) * 50, abs=1e-2)


def test_the_rows_of_the_page_mark_the_vehicles_of_the_advice_and_no_fixed_threshold(
    usually_let: Settings,
) -> None:
    made = forecast_fleet(usually_let, [make_champion(7), make_champion(28)], NOW).forecasts
    assert (made["flag"] == "below_plan").sum() > 1
    page = (Path(usually_let.data_dir) / "report.html").read_text()
    marked = re.findall(
        r'<span class="id">(\w+)</span></td>\s*<td><a class="flag low"[^>]*>short of usual', page
    )
    assert marked == advice(usually_let)["vehicle_id"].to_list() == ["A"]
    assert "below plan" not in page
    assert "below_plan" not in page


def test_a_vehicle_that_is_let_as_always_is_not_short_because_others_are_fuller(settings: Settings) -> None:
    forecast_fleet(settings, [make_champion(28)], NOW)  # A: 4 days in a year, B and its like are full
    assert advice(settings).is_empty()


def test_usual_inside_the_vehicles_own_range_is_no_reason(usually_let: Settings) -> None:
    forecast_fleet(usually_let, [make_ranged_champion(28, (-2.0, 0.0, 2.0, 8.0))], NOW)
    assert advice(usually_let).is_empty()  # usual is 13.2, and one case of four ends at 15.5


def test_trips_that_the_forecast_does_not_know_of_silence_the_advice(usually_let: Settings) -> None:
    add(usually_let, "77,A,2026-12-05T00:00,2026-12-07T00:00,booked,,,100,0\n")
    forecast_fleet(usually_let, [make_champion(28)], NOW)
    assert advice(usually_let).is_empty()
    assert (
        "1 vehicle has trips in the calendar whose booking date"
        in (Path(usually_let.data_dir) / "report.html").read_text()
    )


def test_a_rest_that_the_host_blocked_is_not_asked_about(settings: Settings) -> None:
    add(settings, "C,2026-11-01T00:00,2026-11-16T00:00,2026-10-20T00:00\n", "blocks.csv")
    forecast_fleet(settings, [make_champion(28)], NOW)
    assert not (Path(settings.data_dir) / "report" / "asked.csv").read_text().count("looks at rest")


def test_blocked_days_are_not_silent(settings: Settings) -> None:
    """46 days since C's last trip; with 19 of them blocked, 13 of the last 28, only 27 were silent."""
    add(
        settings,
        "C,2026-10-10T00:00,2026-10-16T00:00,2026-10-09T00:00\n"
        "C,2026-11-01T00:00,2026-11-14T00:00,2026-10-20T00:00\n",
        "blocks.csv",
    )
    forecast_fleet(settings, [make_champion(28)], NOW)
    assert not (Path(settings.data_dir) / "report" / "asked.csv").read_text().count("looks at rest")


def test_only_the_named_vehicles_have_advice_in_the_forecasts(usually_let: Settings) -> None:
    made = forecast_fleet(usually_let, [make_champion(7), make_champion(28)], NOW).forecasts
    told = made.filter(pl.col("advice").is_not_null()).select("vehicle_id", "horizon_days").rows()
    assert told == [("A", 28)]
    assert made.filter(vehicle_id="A", horizon_days=28)["advice"][0] == advice(usually_let)["to_do"][0]


def test_a_vehicle_at_rest_is_asked_about_and_not_advised_on(settings: Settings) -> None:
    forecast_fleet(settings, [make_champion(28)], NOW)
    (row,) = asked(settings).rows(named=True)
    assert (row["vehicle_id"], row["kind"], row["last_trip"]) == ("C", "looks at rest", "2026-10-08")
    assert "C" not in advice(settings)["vehicle_id"].to_list()


def test_a_gap_that_the_minimum_trip_shuts_is_to_be_opened(usually_let: Settings) -> None:
    with_minimum(usually_let, 3)
    forecast_fleet(usually_let, [make_champion(28)], NOW)
    assert advice(usually_let)["to_do"][0] == (
        "Allow trips of 1 day on 14 Dec: that gap is shorter than the minimum trip of 3 days."
    )


def test_the_newest_minimum_trip_counts_in_advice_and_gaps(usually_let: Settings) -> None:
    folder = Path(usually_let.data_dir)
    table = pl.read_csv(folder / "vehicles.csv", infer_schema=False)
    dated = [
        table.with_columns(min_trip_days=pl.lit(days), valid_from=pl.lit(since))
        for days, since in (("3", "2026-06-01"), ("1", "2026-01-01"))
    ]
    pl.concat(dated).write_csv(folder / "vehicles.csv")
    forecast_fleet(usually_let, [make_champion(28)], NOW)
    assert pl.read_csv(folder / "report" / "gaps.csv")["min_trip_days"].unique().to_list() == [3.0]
    assert "14 Dec: that gap is shorter than the minimum trip of 3 days" in advice(usually_let)["to_do"][0]


def test_without_others_nothing_is_compared(usually_let: Settings) -> None:
    forecast_fleet(usually_let, [make_champion(28)], NOW)
    assert advice(usually_let)["to_do"][0] == (
        "Look at its listing (photos, delivery, minimum trip) before 2 Dec to 8 Dec (7 open days): fewer "
        "bookings came than is usual for it."
    )


BESIDE = {"compared_with": "the others of its class", "others_price": 99.0, "others_use": 0.45}


@pytest.mark.parametrize(
    ("own", "use", "more", "told"),
    [
        (
            129.0,
            0.2,
            False,
            "Review the price of 2 Dec to 8 Dec (7 open days): over the past 52 weeks its bookings were at "
            "129 a day and 20 % of its days were let, of the others of its class 99 and 45 %.",
        ),
        (129.0, 0.4, True, "and leave the price"),  # the league calls it better
        (129.0, 0.6, True, "and leave the price"),
        (80.0, 0.4, False, "Put its next service from 9 Dec to 10 Dec, in its open gap that is least likely"),
        (100.0, 0.4, False, "Look at its listing (photos, delivery, minimum trip) before 2 Dec to 8 Dec"),
    ],
)
def test_what_to_do_follows_from_price_and_use(own: float, use: float, more: bool, told: str) -> None:
    gaps = [Gap(datetime(2026, 12, 2), datetime(2026, 12, 12), closed=True)]
    row = BESIDE | {"own_price": own, "use": use, "earns_more": more, "earns_more_year": more}
    assert told in to_do(row, gaps, None, Gap.of_days(date(2026, 12, 9), date(2026, 12, 10)))


def test_a_vehicle_that_earned_more_of_late_only_is_told_so() -> None:
    gaps = [Gap(datetime(2026, 12, 2), datetime(2026, 12, 12), closed=True)]
    row = BESIDE | {"own_price": 129.0, "use": 0.4, "earns_more": True, "earns_more_year": False}
    assert to_do(row, gaps, None, None).endswith(
        "it earned more for each day it was offered in the last 13 of these weeks."
    )


def test_where_no_days_are_proposed_for_service_none_are_told() -> None:
    gaps = [Gap(datetime(2026, 12, 2), datetime(2026, 12, 12), closed=True)]
    row = BESIDE | {"own_price": 80.0, "use": 0.4, "earns_more": False}
    assert to_do(row, gaps, None, None) == (
        "Look at its listing (photos, delivery, minimum trip) before 2 Dec to 8 Dec (7 open days): fewer "
        "bookings came than is usual for it; its bookings of the past 52 weeks were at 80 a day, those of "
        "the others of its class at 99."
    )


@pytest.mark.parametrize(
    ("hours", "shut"), [(60, False), (59, True)]
)  # of a minimum trip of two days and a half
def test_a_gap_is_too_short_by_the_minute_as_the_gaps_of_the_report_tell_it(hours: int, shut: bool) -> None:
    start = datetime(2026, 12, 2)
    gaps = [Gap(start, start + timedelta(hours=hours), closed=True)]
    row = {"compared_with": None, "own_price": None, "others_price": None, "earns_more": None}
    assert to_do(row, gaps, 2.5, None).startswith("Allow trips of 2 days") == shut


def test_without_prices_vehicles_are_ranked_by_days(usually_let: Settings) -> None:
    with_prices(usually_let, None, None)
    forecast_fleet(usually_let, [make_champion(28)], NOW)
    (row,) = advice(usually_let).rows(named=True)
    assert (row["vehicle_id"], row["money_at_stake"]) == ("A", None)
    assert "ranked by days; trip_price helps" in (Path(usually_let.data_dir) / "report.html").read_text()


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
    add(settings, well_let(*names))
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
    assert found["to_do"].str.contains(r"\d+ (Nov|Dec) to \d+ (Nov|Dec)").all()


def test_wording_never_says_because_of_a_price(settings: Settings) -> None:
    forecast_fleet(settings, [make_champion(28)], NOW)
    page = (Path(settings.data_dir) / "report.html").read_text()
    assert "because of this price" not in page
    assert page.count("what other prices would have brought") == 1
