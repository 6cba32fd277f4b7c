"""`turo forecast` with a real MLflow registry: which models it takes, what it writes back to their runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from hand_fleet import FLEET, ORIGIN, prepared, weeks, write_table
from hand_registry import forecasts, page, register

from turo.errors import InputError
from turo.forecast import champions
from turo.forecast.fleet_forecast import run
from turo.forecast.horizon_tables import open_table
from turo.forecast.output import live_errors
from turo.registry import versions
from turo.registry.client import client
from turo.settings import Settings


@pytest.fixture
def settings(settings: Settings, registry_uri: str) -> Settings:
    """The hand-made fleet, and a registry of its own."""
    return settings.model_copy(update={"mlflow_tracking_uri": registry_uri})


def test_each_horizon_has_a_champion_of_its_own_name(settings: Settings, tmp_path: Path) -> None:
    register("XGBoost", 28, tmp_path)
    register("XGBoost-7d", 7, tmp_path, below_baseline=True)
    told = run(settings, horizons=(7, 28, 90))
    assert told["models"] == {"XGBoost-7d": "1", "XGBoost": "1"}
    assert (told["vehicles"], told["rows"], told["origin"]) == (3, 6, ORIGIN)
    assert "No forecast for 90 days: " in page(settings)
    assert "XGBoost-7d version 1 (7 days) did not beat the best baseline" in page(settings)
    table = pl.read_csv(Path(settings.data_dir) / "forecasts.csv")
    assert dict(table.select("model", "below_baseline").unique().rows()) == {
        "XGBoost": False,
        "XGBoost-7d": True,
    }


def test_what_a_run_kept_of_past_weeks_makes_the_range_of_the_total(
    settings: Settings, tmp_path: Path
) -> None:
    register("XGBoost", 28, tmp_path, distribution=True, places=weeks(20))
    told = run(settings, horizons=(28,))
    assert (told["models"], told["notices"]) == ({"XGBoost": "1"}, [])
    table = open_table(settings, 28)
    assert champions.load("XGBoost", table).places is not None
    register("XGBoost", 28, tmp_path, distribution=True)  # a run of older code kept none
    assert champions.load("XGBoost", table).places is None
    told = run(settings, horizons=(28,))
    assert (told["models"], len(told["notices"])) == ({"XGBoost": "2"}, 1)
    assert "only 0 past weeks are known, 8 are needed" in page(settings)


def test_live_errors_are_metrics_of_the_version_that_made_the_forecast(
    settings: Settings, tmp_path: Path
) -> None:
    first = register("XGBoost", 28, tmp_path)
    run(settings, horizons=(28,))
    made = pl.read_csv(Path(settings.data_dir) / "forecasts.csv", schema_overrides={"vehicle_id": pl.String})
    actuals = made.select("vehicle_id", actual=pl.col("median") - 1.5)
    second = register("XGBoost", 28, tmp_path)
    labelled = (
        prepared(ORIGIN, 28)
        .join(actuals, "vehicle_id", how="left")
        .with_columns(y_booked_days=pl.col("actual"))
        .drop("actual")
    )
    write_table(Path(settings.data_dir), pl.concat([labelled, prepared(ORIGIN + timedelta(weeks=4), 28)]))
    for _ in range(2):  # a repeat adds nothing
        assert run(settings, horizons=(28,))["measured"] == 1
    metrics = client().get_run(first.run_id).data.metrics
    assert metrics["live_mae"] == pytest.approx(1.5, abs=1e-3)
    assert metrics["live_bias"] == pytest.approx(1.5, abs=1e-3)
    assert len(client().get_metric_history(first.run_id, "live_mae")) == 1
    assert "live_mae" not in client().get_run(second.run_id).data.metrics


def test_a_better_measurement_of_the_same_origin_is_what_mlflow_shows(
    settings: Settings, tmp_path: Path
) -> None:
    """Late cancellations change what an origin's window turned out to be: the error may become smaller."""
    version = register("XGBoost", 28, tmp_path)
    measured = {
        "run_id": [version.run_id] * 2,
        "origin_date": [ORIGIN - timedelta(weeks=1), ORIGIN],
        "mae": [3.0, 2.5],
        "bias": [0.5, 1.0],
        "wape": [None, 0.4],
        "coverage": [0.8, 0.9],
    }
    live_errors.log(pl.DataFrame(measured))
    live_errors.log(pl.DataFrame(measured | {"mae": [3.0, 1.25], "bias": [0.5, -1.0]}))
    live_errors.log(
        pl.DataFrame(measured | {"mae": [2.0, 1.25], "bias": [0.5, -1.0]})
    )  # an older origin again
    live_errors.log(pl.DataFrame(measured | {"mae": [2.0, 1.25], "bias": [0.5, -1.0]}))
    shown = client().get_run(version.run_id).data.metrics
    found = {name: shown[f"live_{name}"] for name in live_errors.NAMES}
    assert found == {"mae": 1.25, "bias": -1.0, "wape": 0.4, "coverage": 0.9}
    count = {n: len(client().get_metric_history(version.run_id, f"live_{n}")) for n in live_errors.NAMES}
    assert count == {"mae": 4, "bias": 3, "wape": 1, "coverage": 2}  # what did not change was not repeated


def test_without_a_champion_a_baseline_forecasts_and_says_so(settings: Settings) -> None:
    told = run(settings, horizons=(7, 28))
    assert (told["models"], told["baselines"]) == ({}, {7: "on_the_books", 28: "on_the_books"})
    table = forecasts(settings).filter(horizon_days=28)
    assert set(table.select("model", "version", "method", "below_baseline").rows()) == {
        ("baseline", "on_the_books", "baseline", False)
    }
    assert dict(table.select("vehicle_id", "mean").rows()) == {"A": 7.5, "B": 27.0, "C": 0.0}
    assert table["low"].null_count() == 3  # two Mondays do not teach how far it is off
    seen = page(settings)
    no_range = (
        "No range, reservations or revenue for 28 days: 0 past forecasts are known, 30 are needed. "
        "That takes 12 weeks whose 28 days are over; the history has 0."
    )
    assert no_range in told["notices"]
    assert no_range in seen
    assert (
        "The next 28 days are forecast by a baseline, “On the books only”, because XGBoost has no champion. "
        "No model can be trained yet: " in seen
    )
    assert "which trains one" not in seen


def test_a_past_too_short_to_choose_a_baseline_tells_what_comes_to_the_books(settings: Settings) -> None:
    before = prepared(ORIGIN - timedelta(weeks=4), 28).with_columns(y_booked_days=pl.col("otb_days") + 6.0)
    write_table(Path(settings.data_dir), pl.concat([before, prepared(ORIGIN, 28)]))
    assert run(settings, horizons=(28,))["baselines"] == {28: "books_and_pickup"}
    expected = {"A": 13.5, "B": 28.0, "C": 6.0}  # six days more than the books, of 28 at the most
    assert dict(forecasts(settings).select("vehicle_id", "mean").rows()) == expected


@pytest.mark.parametrize("horizon", [7, 28])
def test_an_unfit_champion_takes_only_its_own_horizon_down(
    settings: Settings, tmp_path: Path, horizon: int
) -> None:
    names = {7: "XGBoost-7d", 28: "XGBoost"}
    for days, name in names.items():
        register(name, 91 if days == horizon else days, tmp_path)
    told = run(settings, horizons=(7, 28))
    assert told["models"] == {name: "1" for days, name in names.items() if days != horizon}
    assert told["baselines"] == {horizon: "on_the_books"}
    assert f"because {names[horizon]} version 1 forecasts 91 days, not {horizon}" in page(settings)


def test_a_model_of_another_fleet_never_forecasts_this_one(settings: Settings, tmp_path: Path) -> None:
    other = replace(FLEET, id="other", vehicles=120, reservations=10312, sketch="")
    register("XGBoost", 28, tmp_path, fleet=other)
    assert run(settings, "XGBoost", (28,))["models"] == {}
    assert f"because XGBoost version 1 was trained on another fleet: {other.label}." in page(settings)
    assert "2.00" not in page(settings).split("Which models, and how good")[1]  # its error is none of ours

    register("SVR", 28, tmp_path)  # the next in MODEL_NAMES, and of this fleet
    assert run(settings, "XGBoost", (28,))["models"] == {"SVR": "1"}
    assert "are forecast by SVR version 1, because XGBoost version 1 was trained on another" in page(settings)

    register("XGBoost", 28, tmp_path)
    assert run(settings, "XGBoost", (28,))["models"] == {"XGBoost": "2"}
    assert "another fleet" not in page(settings)


def test_a_champion_whose_files_are_gone_gives_way(settings: Settings, tmp_path: Path) -> None:
    version = register("XGBoost", 28, tmp_path)
    versions.set_tags(version, {versions.SHA_TAG: "0" * 64})
    assert run(settings, horizons=(28,))["baselines"] == {28: "on_the_books"}
    assert "because the files of XGBoost-1 have SHA-256" in page(settings)


def test_a_feature_the_table_lacks_is_no_reason_to_forecast_nothing(
    settings: Settings, tmp_path: Path
) -> None:
    register("XGBoost", 28, tmp_path)
    write_table(Path(settings.data_dir), prepared(ORIGIN, 28).drop("class"))
    assert run(settings, horizons=(28,))["baselines"] == {28: "on_the_books"}
    assert "because the table lacks class, which XGBoost version 1 was trained on" in page(settings)


def test_where_nothing_can_be_forecast_no_forecast_of_other_data_is_left(
    settings: Settings, tmp_path: Path
) -> None:
    folder = Path(settings.data_dir)
    register("XGBoost", 28, tmp_path)
    run(settings, horizons=(28,))
    write_table(folder, prepared(ORIGIN, 28).filter(pl.col("vehicle_id") == "D"))
    with pytest.raises(InputError, match="No vehicle is listed"):
        run(settings, horizons=(28,))
    assert not (folder / "forecasts.csv").exists()
    assert not (folder / "report.html").exists()
    assert list((folder / "other-fleets" / "unknown" / "forecasts-history").iterdir())


def test_a_failure_leaves_the_forecast_of_the_same_data(settings: Settings, tmp_path: Path) -> None:
    register("XGBoost", 28, tmp_path)
    run(settings, horizons=(28,))
    with pytest.raises(InputError, match="longer than the history"):
        run(settings, horizons=(366,))
    assert (Path(settings.data_dir) / "report.html").exists()
