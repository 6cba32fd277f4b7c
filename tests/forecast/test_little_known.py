"""Fleets and vehicles of which little is known: each is told with its reason, the rest is forecast."""

from __future__ import annotations

import html
import logging
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from hand_fleet import ORIGIN, make_ranged_champion, prepared, write_table

from turo.forecast.fleet_forecast import forecast_fleet, run
from turo.settings import Settings

EARLIER = 40  # Mondays


def past(vehicles: str, vary: tuple[float, ...], trips: tuple[float, ...] = (1.0, 0.0, 2.0)) -> pl.DataFrame:
    """Rows of forty Mondays whose windows are over, and of the newest one."""
    rows = [
        prepared(ORIGIN - timedelta(weeks=week), 28).with_columns(
            y_booked_days=pl.min_horizontal(pl.col("otb_days") + vary[week % len(vary)], 28.0),
            y_reservations=pl.col("otb_trips") + trips[week % len(trips)],
            mean_trip_days=pl.lit(4.0),
        )
        for week in range(EARLIER + 4, 3, -1)
    ]
    newest = prepared(ORIGIN, 28).with_columns(y_reservations=pl.lit(None, pl.Float64))
    return pl.concat([*rows, newest]).filter(pl.col("vehicle_id").is_in(list(vehicles)))


def page(settings: Settings) -> str:
    return html.unescape((Path(settings.data_dir) / "report.html").read_text())


def fleet(settings: Settings) -> dict[str, float]:
    totals = pl.read_csv(
        Path(settings.data_dir) / "forecast-totals.csv", schema_overrides={"name": pl.String}
    )
    return totals.filter(level="fleet").row(0, named=True)


def test_a_fleet_of_one_vehicle_has_every_number(settings: Settings, registry_uri: str) -> None:
    write_table(Path(settings.data_dir), past("A", (0.0, 2.0, 4.0)))
    told = run(settings.model_copy(update={"mlflow_tracking_uri": registry_uri}), horizons=(28,))
    assert (told["vehicles"], list(told["baselines"])) == (1, [28])
    assert len(told["notices"]) == 2  # no champion; three vehicles have trips and no row
    assert "because XGBoost has no champion" in told["notices"][0]
    row = pl.read_csv(Path(settings.data_dir) / "forecasts.csv").row(0, named=True)
    total = fleet(settings)
    for name in ("mean", "median", "q05", "q10", "q90", "q95"):
        assert total[name] == row[name]
    assert total["q10"] < total["q90"]
    assert total["reservations_mean"] == pytest.approx(row["derived_reservations"], abs=1e-3)
    assert "for 1 active vehicle." in page(settings)


def test_a_vehicle_without_a_trip_and_one_that_came_after_monday_are_told(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    folder = Path(settings.data_dir)
    with (folder / "vehicles.csv").open("a") as handle:
        handle.write("NEW,Kia,Soul,2024,car,gas,50,2026-11-22,\n")  # the day before the newest origin
        handle.write("LATE,Kia,Soul,2024,car,gas,50,2026-11-24,\n")
        handle.write("UNDATED,Kia,Soul,2024,car,gas,50,,\n")
        handle.write("NEXT,Kia,Soul,2024,car,gas,50,2027-01-01,\n")  # nobody asks for it yet
    rows = prepared(ORIGIN, 28)
    unknown = dict.fromkeys(("lag_52w", "base_price_day", "mean_trip_days"))
    new = rows.head(1).with_columns(
        pl.lit("NEW").alias("vehicle_id"),
        *(
            pl.lit(value, pl.Float64).alias(name)
            for name, value in {"otb_days": 0, "otb_trips": 0, **unknown}.items()
        ),
    )
    write_table(folder, pl.concat([rows, new]))
    with caplog.at_level(logging.WARNING):
        found = forecast_fleet(settings, [make_ranged_champion(28)])
    first = (
        "No reservation is known yet of NEW: what is expected there is what such vehicles have, "
        "not what this one had."
    )
    second = "No forecast for LATE, UNDATED: not in the fleet on 2026-11-23, the newest Monday."
    assert found.notices[-2] == first
    assert found.notices[-1].startswith(second)
    for text in (first, second):
        assert text in page(settings)
        assert text in caplog.text
    row = found.forecasts.row(by_predicate=pl.col("vehicle_id") == "NEW", named=True)
    assert row["mean"] == pytest.approx(1.5, abs=0.01)  # two days less, as many, two or four more than none
    assert None not in {row["q10"], row["q90"], row["derived_reservations"], row["derived_revenue"]}
    assert sorted(found.forecasts["vehicle_id"]) == ["A", "B", "C", "NEW"]


def test_a_fleet_that_is_known_has_nothing_to_be_told(settings: Settings) -> None:
    assert "No reservation is known" not in page_of(settings)
    assert "No forecast for" not in page_of(settings)  # D left on 1 November: it is not missed


def page_of(settings: Settings) -> str:
    forecast_fleet(settings, [make_ranged_champion(28)])
    return page(settings)
