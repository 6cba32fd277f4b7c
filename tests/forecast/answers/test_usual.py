"""What is usual, by hand: a vehicle's own past year at the season of others, or others where it is young."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hand_fleet import HEADER, ORIGIN, make_champion, prepared, write_table

from turo import settings as settings_module
from turo.forecast.fleet_forecast import forecast_fleet

NOW = datetime(2026, 11, 24, 6)
LINES = "vehicle_id,make,model,year,class,fuel,list_price,listed_from,listed_to"
YEAR = ORIGIN - timedelta(weeks=52)


class Fleet:
    """Input files and the prepared rows of vehicles that are let the same days of every week."""

    def __init__(self) -> None:
        self.vehicles, self.trips, self.rows = [LINES], [HEADER], list[pl.DataFrame]()

    def add(
        self,
        vehicle: str,
        days: int,
        *,
        kind: str = "car",
        price: int = 100,
        last_year: int | None = None,
        since: date = date(2025, 1, 1),
        books: float = 20.0,
        own_price: float = 30.0,
    ) -> None:
        """Let `days` of each week up to the origin, `last_year` of each of the first four."""
        self.vehicles.append(f"{vehicle},Kia,Rio,2021,{kind},gas,50,{since},")
        for week in range(-8, 52):  # the file is older than the year
            start = YEAR + timedelta(weeks=week)
            let = last_year if last_year is not None and 0 <= week < 4 else days
            booked = max(start - timedelta(days=9), since)
            if start >= since:
                self.trips.append(
                    f"{vehicle}-{week},{vehicle},{start}T00:00,{start + timedelta(days=let)}T00:00,completed,"
                    f"{booked}T00:00,,{price * let},0"
                )
        told = {"vehicle_id": vehicle, "class": kind, "otb_days": books, "base_price_day": own_price}
        row = prepared(ORIGIN, 28).head(1)
        self.rows.append(row.with_columns(pl.lit(value).alias(name) for name, value in told.items()))

    def advice(self, folder: Path, vehicle: str) -> dict[str, Any]:
        """Its row of the report; each vehicle is expected to get two days and a half onto its books."""
        folder.mkdir()
        (folder / "vehicles.csv").write_text("\n".join(self.vehicles) + "\n")
        (folder / "reservations.csv").write_text("\n".join(self.trips) + "\n")
        write_table(folder, pl.concat(self.rows))
        settings = settings_module.load(data_dir=str(folder), as_of="2026-11-24")
        forecast_fleet(settings, [make_champion(28)], NOW)
        rows = pl.read_csv(folder / "report" / "advice.csv", schema_overrides={"reason": pl.String})
        (row,) = rows.filter(vehicle_id=vehicle).rows(named=True)
        return row


@pytest.mark.parametrize(
    ("peers", "since", "season"),
    [
        # Others of the class: 6 of 7 days in the window a year ago; (4 x 6 + 48 x 3) / 52 of 7 in all.
        (10, date(2025, 1, 1), 6 / ((4 * 6 + 48 * 3) / 52)),
        # Offered since May, when the others were let 3 of 7 days a week.
        (10, date(2026, 5, 25), 6 / 3),
        # Four of a class tell chance: the fleet's, with ten others that know no season.
        (4, date(2025, 1, 1), (4 * 6 + 10 * 3) / ((4 * (4 * 6 + 10 * 3) + 48 * 14 * 3) / 52)),
    ],
)
def test_usual_is_the_own_share_of_days_let_at_the_season_of_others(
    tmp_path: Path, peers: int, since: date, season: float
) -> None:
    fleet = Fleet()
    fleet.add("V", 2, since=since, books=1.0, own_price=50.0)
    for number in range(peers):
        fleet.add(f"C{number}", 3, last_year=6)
    for number in range(10):
        fleet.add(f"S{number}", 3, kind="suv")
    row = fleet.advice(tmp_path / "datas", "V")
    usual = 2 / 7 * season * 28
    assert (row["own_level"], row["usual"]) == (pytest.approx(usual, abs=1e-4),) * 2
    assert row["days_short"] == pytest.approx(usual - 3.5, abs=1e-4)
    assert (row["price_day"], row["price_from"]) == (50.0, "own trips")
    assert row["money_at_stake"] == pytest.approx((usual - 3.5) * 50, abs=0.01)


@pytest.mark.parametrize(
    ("alike", "usual", "price", "price_from"),
    [
        (3, 12.5, 80.0, "class"),  # others of its class are expected to have 10 + 2.5 of 28 days, at 80
        (2, (2 * 12.5 + 4 * 22.5) / 6, (2 * 80 + 4 * 120) / 6, "fleet"),
    ],
)
def test_a_young_vehicle_is_compared_with_others_at_their_price(
    tmp_path: Path, alike: int, usual: float, price: float, price_from: str
) -> None:
    fleet = Fleet()
    fleet.add("V", 2, since=date(2026, 10, 5), books=1.0)  # 49 of the 91 days that a usual of its own needs
    for number in range(alike):
        fleet.add(f"C{number}", 3, price=80, books=10.0)
    for number in range(4):
        fleet.add(f"S{number}", 3, kind="suv", price=120)
    row = fleet.advice(tmp_path / "datas", "V")
    assert row["own_level"] is None
    assert (row["usual"], row["class_now"]) == (pytest.approx(usual, abs=1e-4),) * 2
    assert row["days_short"] == pytest.approx(usual - 3.5, abs=1e-4)
    assert (row["price_day"], row["price_from"]) == (pytest.approx(price, abs=0.01), price_from)
    assert row["money_at_stake"] == pytest.approx((usual - 3.5) * price, abs=0.05)
    page = (tmp_path / "datas" / "report.html").read_text()
    assert "by the others, as its own past is too short" in page
    assert "1 vehicle was offered on fewer than 91 days of the past 52 weeks" in page
