"""Drift as the exporter hears of it: served versions, their log of predictions, their training rows."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_forecaster import tiny_columns, tiny_forecaster

from turo.monitoring.drift_measures import MINIMUM_SAMPLES
from turo.monitoring.drift_watch import PERIOD_S, SOON_S, DriftWatch
from turo.serving.api.model_info import About
from turo.serving.replica.prediction_log import FOLDER, PredictionLog, Seen
from turo.serving.serve_config import ModelSpec
from turo.training.reports.reference_histograms import histograms

FORECASTER = tiny_forecaster("knn")
Write = Callable[..., None]


def spec(version: str = "4", name: str = "KNN") -> ModelSpec:
    return ModelSpec(
        name=name, version=version, run_id=f"run-{version}", model_uri=f"models:/{name}/{version}"
    )


def reference(run_id: str) -> dict[str, Any]:
    columns = tiny_columns(5000, seed=1)
    content: dict[str, Any] = json.loads(
        json.dumps(histograms(FORECASTER.fields, columns, FORECASTER.predict(columns)))
    )
    return content


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Log predictions of a version as a replica does."""

    def write(rows: int, version: str = "4", name: str = "KNN", **changed: np.ndarray) -> None:
        columns = tiny_columns(rows, seed=int(version)) | changed
        about = About(name, version, f"run-{version}", "y_booked_days", 28)
        seen = Seen(1e9, "id", about, np.arange(rows), columns, FORECASTER.predict(columns))
        PredictionLog(tmp_path / FOLDER / name, 100_000).add([seen])

    return write


def told(watch: DriftWatch, now: float = 0.0, *served: ModelSpec) -> dict[tuple[str, str], float]:
    samples = watch.samples(list(served or (spec(),)), now)
    return {
        (sample.name.removeprefix("feature_"), sample.labels["feature"]): sample.value for sample in samples
    }


def drifted(values: dict[tuple[str, str], float]) -> set[str]:
    return {
        name for kind, name in values if kind == "psi" and values["psi", name] > values["psi_limit", name]
    }


def test_rows_like_those_of_the_training_stay_silent(tmp_path: Path, write: Write) -> None:
    write(2000)
    found = told(DriftWatch(str(tmp_path), reference))
    assert {name for kind, name in found if kind == "psi"} == {*tiny_columns(1), "prediction"}
    assert {value for (kind, _), value in found.items() if kind == "samples"} == {2000.0}
    assert drifted(found) == set()


def test_a_feature_that_moved_is_named(tmp_path: Path, write: Write) -> None:
    write(2000, pickup_7=np.full(2000, 40.0))
    assert drifted(told(DriftWatch(str(tmp_path), reference))) == {"pickup_7"}


def test_few_rows_are_counted_but_not_judged(tmp_path: Path, write: Write) -> None:
    write(MINIMUM_SAMPLES - 1, pickup_7=np.full(MINIMUM_SAMPLES - 1, 40.0))
    found = told(DriftWatch(str(tmp_path), reference))
    assert {kind for kind, _ in found} == {"samples"}
    assert found["samples", "pickup_7"] == MINIMUM_SAMPLES - 1


def test_only_what_the_served_version_was_asked_counts(tmp_path: Path, write: Write) -> None:
    write(2000, "3", pickup_7=np.full(2000, 40.0))
    watch = DriftWatch(str(tmp_path), reference)
    assert told(watch) == {}
    write(1500, "4")
    found = told(watch, SOON_S)
    assert found["samples", "pickup_7"] == 1500
    assert drifted(found) == set()


def test_it_is_repeated_between_looks_and_forgotten_with_the_version(tmp_path: Path, write: Write) -> None:
    write(1200)
    watch = DriftWatch(str(tmp_path), reference)
    first = told(watch)
    write(1200)
    assert told(watch, PERIOD_S - 1) == first
    assert told(watch, PERIOD_S)["samples", "otb_days"] == 2400
    assert told(watch, PERIOD_S + 1, spec("5")) == {}


def test_models_are_looked_at_in_turn(tmp_path: Path, write: Write) -> None:
    write(1200)
    write(1300, name="SVR")
    watch, both = DriftWatch(str(tmp_path), reference), (spec(), spec(name="SVR"))
    counts = [
        {s.labels["model"]: s.value for s in watch.samples(list(both), now) if s.name == "feature_samples"}
        for now in (0.0, 15.0)
    ]
    assert counts == [{"KNN": 1200}, {"KNN": 1200, "SVR": 1300}]


def test_what_cannot_be_known_is_said_and_tried_again(
    tmp_path: Path, write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    write(1200)
    answers = iter([ConnectionError("MLflow is away")])

    def away_once(run_id: str) -> dict[str, Any]:
        for error in answers:
            raise error
        return reference(run_id)

    watch = DriftWatch(str(tmp_path), away_once)
    with caplog.at_level(logging.WARNING):
        assert told(watch) == {}
    assert "Drift of KNN version 4 is not known: MLflow is away" in caplog.text
    assert told(watch, SOON_S)["samples", "otb_days"] == 1200


def test_the_first_predictions_are_told_soon(tmp_path: Path, write: Write) -> None:
    watch = DriftWatch(str(tmp_path), reference)
    assert told(watch) == {}
    write(7)
    assert told(watch, SOON_S)["samples", "otb_days"] == 7


def test_a_model_trained_before_single_mondays_were_looked_at_is_shown_and_said_once(
    tmp_path: Path, write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    write(2000, pickup_7=np.full(2000, 40.0))

    def older(run_id: str) -> dict[str, Any]:
        text = json.dumps(reference(run_id)).replace(', "single": []', "")
        return json.loads(text) | {"schema": 1}

    watch = DriftWatch(str(tmp_path), older)
    with caplog.at_level(logging.WARNING):
        found = told(watch)
        told(watch, PERIOD_S)
    assert found["psi", "pickup_7"] > 1
    assert not [name for kind, name in found if kind == "psi_limit"]
    assert caplog.text.count("KNN version 4 was trained before drift was judged by single Mondays") == 1
