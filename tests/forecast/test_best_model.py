"""FORECAST_MODEL=auto in `turo forecast`, with a real MLflow registry: whose forecast it is, and why."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest
from hand_fleet import FLEET
from hand_registry import forecasts, page, register

from turo.errors import ConfigError
from turo.forecast.fleet_forecast import run
from turo.registry import versions
from turo.settings import Settings


@pytest.fixture
def settings(settings: Settings, registry_uri: str) -> Settings:
    """The hand-made fleet, and a registry of its own."""
    return settings.model_copy(update={"mlflow_tracking_uri": registry_uri})


def test_each_horizon_is_forecast_by_its_own_best_model(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    register("XGBoost", 28, tmp_path, scores=(2.0, 2.5))  # the smaller error, on an easier hold-out
    register("SVR", 28, tmp_path, scores=(3.0, 4.0))
    register("XGBoost-7d", 7, tmp_path, scores=(1.0, 2.0))
    register("SVR-7d", 7, tmp_path, scores=(1.5, 2.0))
    with caplog.at_level(logging.INFO):
        told = run(settings, horizons=(7, 28))
    best = {
        d: f"best hold-out score of 2: {share} x the best baseline" for d, share in ((7, 0.5), (28, 0.75))
    }
    best[7] = best[7].replace("0.5 ", "0.50 ")
    assert (told["models"], told["chosen"]) == ({"XGBoost-7d": "1", "SVR": "1"}, best)
    assert dict(forecasts(settings).select("horizon_days", "chosen_because").unique().rows()) == best
    assert f"<td>{best[28]}</td>" in page(settings)
    assert f"Forecasting 28 days with SVR version 1: {best[28]}" in caplog.text
    assert "For 28 days: XGBoost version 1, 0.80 x the best baseline" in caplog.text


def test_the_ensemble_makes_the_forecast_where_it_is_configured_and_best(
    settings: Settings, tmp_path: Path
) -> None:
    register("XGBoost", 28, tmp_path, scores=(2.0, 4.0))
    register("Ensemble", 28, tmp_path, scores=(1.8, 4.0))
    assert run(settings, horizons=(28,))["models"] == {"XGBoost": "1"}
    switched_on = settings.model_copy(update={"model_names": (*settings.model_names, "Ensemble")})
    told = run(switched_on, horizons=(28,))
    assert told["models"] == {"Ensemble": "1"}
    assert told["chosen"] == {28: "best hold-out score of 2: 0.45 x the best baseline"}


def test_where_only_one_model_was_trained_for_a_new_fleet_it_is_taken(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = replace(FLEET, id="other", vehicles=120, reservations=10312, sketch="")
    register("XGBoost", 28, tmp_path, fleet=other, scores=(0.4, 4.0))
    with caplog.at_level(logging.INFO):
        assert run(settings, horizons=(28,))["chosen"] == {28: "no model fits"}
    assert f"because XGBoost version 1 was trained on another fleet: {other.label}." in page(settings)
    assert (
        f"XGBoost does not count: XGBoost version 1 was trained on another fleet: {other.label}"
        in caplog.text
    )
    register("CatBoost", 28, tmp_path, scores=(3.0, 4.0))
    told = run(settings, horizons=(28,))
    assert told["models"] == {"CatBoost": "1"}
    assert told["chosen"] == {28: "the only model that fits: 0.75 x the best baseline"}


def test_a_model_asked_for_by_name_is_taken_though_another_is_better(
    settings: Settings, tmp_path: Path
) -> None:
    register("XGBoost", 28, tmp_path, scores=(1.0, 4.0))
    register("KNN", 28, tmp_path, scores=(3.0, 4.0))
    named = settings.model_copy(update={"forecast_model": "KNN"})
    for told in (run(settings, "KNN", (28,)), run(named, horizons=(28,))):
        assert (told["models"], told["chosen"]) == ({"KNN": "1"}, {28: "asked for by name"})
    old = settings.model_copy(update={"forecast_model": ""})  # earlier releases: the first of MODEL_NAMES
    for told in (run(named, "auto", (28,)), run(old, horizons=(28,))):
        assert told["models"] == {"XGBoost": "1"}


def test_a_model_that_is_not_configured_is_refused(settings: Settings) -> None:
    known = r"MODEL_NAMES \(XGBoost, SVR, CatBoost, KNN\), or auto"
    with pytest.raises(ConfigError, match=rf"Model 'Prophet' is not configured.* {known}"):
        run(settings, "Prophet")
    with pytest.raises(ConfigError, match=rf"FORECAST_MODEL: 'Prophet' is not configured.* {known}"):
        run(settings.model_copy(update={"forecast_model": "Prophet"}))


def test_equals_go_by_model_names_and_one_without_scores_comes_last(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    register("XGBoost", 28, tmp_path, scores=None)
    with caplog.at_level(logging.WARNING):
        assert run(settings, horizons=(28,))["chosen"] == {28: "the only model that fits"}
    assert "XGBoost version 1 comes last: its run has no hold-out score" in caplog.text
    register("KNN", 28, tmp_path, scores=(6.0, 8.0))
    register("CatBoost", 28, tmp_path, scores=(3.0, 4.0))
    told = run(settings, horizons=(28,))
    assert told["models"] == {"CatBoost": "1"}
    assert told["chosen"] == {28: "best hold-out score of 3: 0.75 x the best baseline"}


def test_the_best_whose_files_are_gone_gives_way_to_the_next_best(settings: Settings, tmp_path: Path) -> None:
    register("XGBoost", 28, tmp_path, scores=(3.5, 4.0))
    register("SVR", 28, tmp_path, scores=(3.0, 4.0))
    lost = register("KNN", 28, tmp_path, scores=(1.0, 4.0))
    versions.set_tags(lost, {versions.SHA_TAG: "0" * 64})
    told = run(settings, horizons=(28,))
    assert told["models"] == {"SVR": "1"}
    assert told["chosen"] == {28: "best hold-out score of 2: 0.75 x the best baseline"}
    assert "are forecast by SVR version 1, because the files of KNN-1 have SHA-256" in page(settings)


def test_a_champion_of_another_target_does_not_count(settings: Settings, tmp_path: Path) -> None:
    register("XGBoost", 28, tmp_path, scores=(3.0, 4.0), target="y_booked_days")
    register("SVR", 28, tmp_path, scores=(1.0, 4.0), target="y_revenue")
    wanted = {"auto": "XGBoost", "y_booked_days": "XGBoost", "y_revenue": "SVR"}
    for target, name in wanted.items():  # auto: what the first of MODEL_NAMES forecasts
        told = run(settings.model_copy(update={"target": target}), horizons=(28,))
        assert told["models"] == {name: "1"}
