"""Days for the next service: the report's gaps, its advice and the forecasts name the same ones."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hand_fleet import HEADER, ORIGIN, make_champion, prepared, write_table

from turo import settings as settings_module
from turo.forecast.advising.open_days import Gap
from turo.forecast.fleet_forecast import forecast_fleet

NOW = datetime(2026, 11, 24, 6)
CHEAP, OTHERS = "V0", ("V1", "V2", "V3", "V4")
TEXT = {"vehicle_id": pl.String, "reason": pl.String, "to_do": pl.String, "advice": pl.String}


def report(folder: Path, dated: bool = True) -> dict[str, pl.DataFrame]:
    """Vehicles let from Monday to Friday of each week, booked nine days before, the last from 30 November.

    Seen from Tuesday the three days from Friday to Monday never get a booking, the weeks after it always do.
    """
    folder.mkdir()
    lines, trips, rows = [], [], []
    for vehicle in (CHEAP, *OTHERS):
        lines.append(f"{vehicle},Kia,Rio,2021,car,gas,50,2025-01-01,\n")
        price = 40 if vehicle == CHEAP else 100
        for week in range(54):
            start = ORIGIN + timedelta(weeks=week - 52)
            status = "completed" if start < ORIGIN else "booked" if start > ORIGIN else "in_progress"
            booked = f"{start - timedelta(days=9)}T09:00" if dated else ""
            trips.append(
                f"{vehicle}-{week},{vehicle},{start}T00:00,{start + timedelta(days=4)}T00:00,{status},"
                f"{booked},,{4 * price},0\n"
            )
        like_a = prepared(ORIGIN, 28).head(1)
        rows.append(like_a.with_columns(pl.lit(vehicle).alias("vehicle_id"), pl.lit(8.0).alias("otb_days")))
    head = "vehicle_id,make,model,year,class,fuel,list_price,listed_from,listed_to\n"
    (folder / "vehicles.csv").write_text(head + "".join(lines))
    (folder / "reservations.csv").write_text(f"{HEADER}\n" + "".join(trips))
    write_table(folder, pl.concat(rows))
    settings = settings_module.load(data_dir=str(folder), as_of="2026-11-24")
    forecast_fleet(settings, [make_champion(28)], NOW)
    paths = (folder / "report" / "gaps.csv", folder / "report" / "advice.csv", folder / "forecasts.csv")
    return {path.stem: pl.read_csv(path, schema_overrides=TEXT, try_parse_dates=True) for path in paths}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    return report(tmp_path_factory.mktemp("service") / "datas")


def test_the_gap_least_likely_to_be_booked_is_named_not_the_longest(
    made: dict[str, pl.DataFrame],
) -> None:
    gaps = made["gaps"].filter(vehicle_id=CHEAP).select("days", "any_booking", "service_slot", "slot_start")
    assert gaps.rows() == [(3.0, 0.0, True, date(2026, 11, 27)), (18.0, 1.0, False, None)]
    to_do = made["advice"].filter(vehicle_id=CHEAP)["to_do"].item()
    assert to_do.startswith(
        "Put its next service from 27 Nov to 28 Nov, in its open gap that is least likely"
    )


def test_advice_gaps_and_forecasts_tell_the_same_days(made: dict[str, pl.DataFrame]) -> None:
    advised = made["advice"].filter(pl.col("to_do").str.contains("next service"))
    assert not advised.is_empty()
    slots = made["gaps"].filter("service_slot")
    for vehicle, to_do in advised.select("vehicle_id", "to_do").rows():
        (row,) = slots.filter(vehicle_id=vehicle).rows(named=True)
        assert f"service {Gap.of_days(row['slot_start'], row['slot_end']).told()}," in to_do
        assert made["forecasts"].filter(vehicle_id=vehicle)["advice"].to_list() == [to_do]


def test_where_no_chance_is_known_no_day_for_service_is_told(tmp_path: Path) -> None:
    made = report(tmp_path / "datas", dated=False)
    assert not made["gaps"]["service_slot"].any()
    assert not made["advice"]["to_do"].str.contains("service").any()
    assert not made["forecasts"]["advice"].drop_nulls().str.contains("service").any()
