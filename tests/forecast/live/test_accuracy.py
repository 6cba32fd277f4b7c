"""Live errors once a window is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hand_fleet import ORIGIN, make_champion, prepared, write_table

from turo.forecast.fleet_forecast import forecast_fleet
from turo.forecast.live.accuracy import summary
from turo.settings import Settings

NOW = datetime(2026, 11, 24, 6)


def with_actuals(days: dict[str, float | None]) -> pl.DataFrame:
    """The table of four weeks later: the first origin has labels now, the newest has none."""
    first = prepared(ORIGIN, 28)
    labels = pl.col("vehicle_id").replace_strict(days, default=None, return_dtype=pl.Float64)
    newest = prepared(ORIGIN + timedelta(weeks=4), 28)
    return pl.concat([first.with_columns(labels.alias("y_booked_days")), newest])


def test_nothing_is_measured_before_a_window_is_over(settings: Settings) -> None:
    assert forecast_fleet(settings, [make_champion(28)], NOW).accuracy.is_empty()


def test_errors_of_an_earlier_forecast(settings: Settings) -> None:
    folder = Path(settings.data_dir)
    forecast_fleet(settings, [make_champion(28)], NOW)  # A 9.5 (8.5-10.5), B 28 (27-28), C 2 (1-3)
    write_table(folder, with_actuals({"A": 10.0, "B": 24.0, "C": 2.0, "D": 9.0}))
    later = forecast_fleet(settings, [make_champion(28, version="4")], NOW + timedelta(weeks=4))
    assert len(later.accuracy) == 1  # the new forecast has no actuals yet; D was not forecast
    found = later.accuracy.row(0, named=True)
    assert (found["model"], found["version"], found["run_id"]) == ("XGBoost", "3", "0123456789abcdef")
    assert (found["horizon_days"], found["origin_date"], found["rows"]) == (28, ORIGIN, 3)
    assert found["mae"] == pytest.approx((0.5 + 4 + 0) / 3)
    assert found["bias"] == pytest.approx((0 + 4 + 0.5) / 3)  # of the means 10, 28 and 2.5
    assert found["total_bias"] == pytest.approx(40.5 / 36 - 1)
    assert found["wape"] == pytest.approx(4.5 / 36)
    assert found["coverage"] == pytest.approx(2 / 3)
    assert found["on_books_mae"] == pytest.approx((2.5 + 3 + 2) / 3)
    stored = pl.read_csv(folder / "forecast-accuracy.csv", try_parse_dates=True)
    assert stored["mae"].to_list() == [1.5]
    assert "XGBoost" in (folder / "report.html").read_text().split("How right earlier forecasts were")[1]


def test_a_window_without_any_booking_has_no_wape(settings: Settings) -> None:
    folder = Path(settings.data_dir)
    forecast_fleet(settings, [make_champion(28)], NOW)
    write_table(folder, with_actuals({"A": 0.0, "B": None, "C": None}))
    found = forecast_fleet(settings, [make_champion(28)], NOW).accuracy.row(0, named=True)
    assert (found["rows"], found["mae"], found["wape"]) == (1, 9.5, None)


def test_errors_stay_known_when_the_horizon_is_not_forecast_any_more(settings: Settings) -> None:
    folder = Path(settings.data_dir)
    forecast_fleet(settings, [make_champion(7), make_champion(28)], NOW)
    labelled = prepared(ORIGIN, 7, actual=2.0)
    write_table(folder / "horizon-7", pl.concat([labelled, prepared(ORIGIN + timedelta(weeks=1), 7)]))
    first = forecast_fleet(settings, [make_champion(28)], NOW).accuracy
    assert first["horizon_days"].to_list() == [7]
    (folder / "horizon-7" / "manifest.json").unlink()
    again = forecast_fleet(settings, [make_champion(28)], NOW).accuracy
    assert again.select("horizon_days", "rows").rows() == first.select("horizon_days", "rows").rows()
    assert again["mae"][0] == pytest.approx(first["mae"][0], abs=1e-4)  # the file keeps four digits


def test_a_damaged_file_of_errors_is_made_anew(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    path = Path(settings.data_dir) / "forecast-accuracy.csv"
    path.write_text("horizon_days,mae\nmany,none\n")
    forecast_fleet(settings, [make_champion(28)], NOW)
    assert "forecast-accuracy.csv cannot be read" in caplog.text
    assert pl.read_csv(path).columns[0] == "model"


def test_the_summary_weighs_origins_by_rows() -> None:
    common = {"model": "M", "version": "1", "target": "y_booked_days", "horizon_days": 28}
    errors = {"bias": 0.0, "total_bias": 0.0, "coverage": 1.0, "on_books_mae": 2.0}
    accuracy = pl.DataFrame(
        [
            {**common, **errors, "origin_date": ORIGIN, "rows": 1, "mae": 4.0},
            {**common, **errors, "origin_date": ORIGIN + timedelta(weeks=1), "rows": 3, "mae": 2.0},
        ]
    )
    row = summary(accuracy).row(0, named=True)
    assert (row["origins"], row["rows"], row["mae"]) == (2, 4, 2.5)
