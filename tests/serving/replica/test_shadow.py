"""A challenger is compared with its champion in what the champion answers: medians or means."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from served import LIMITS, NAME, full_row, random_columns
from tiny_forecaster import as_saved_earlier, tiny_forecaster

from turo.models.forecaster import MEAN, MEDIAN, Forecaster
from turo.serving.api.model_info import About
from turo.serving.api.predictor import Predictor
from turo.serving.replica import model_slot
from turo.serving.serve_config import ModelSpec, ShadowContent, TrainedOn

pytest.importorskip("ray.serve")
COLUMNS = random_columns(50)
METRIC = {MEDIAN: "mae", MEAN: "rmse"}


def answering(functional: str) -> Forecaster:
    return replace(tiny_forecaster(), functional=functional)


@dataclass
class Gauges:
    """What the gauges were set to: mean and p95, in place of Ray's."""

    told: list[tuple[float, float]] = field(default_factory=list)

    def compared(self, name: str, version: str, mean: float, p95: float, rows: int) -> None:
        self.told.append((mean, p95))


@pytest.fixture
def gauges(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gauges]:
    from turo.serving.replica import shadow

    found = Gauges()
    monkeypatch.setattr(shadow, "ShadowGauges", lambda: found)
    monkeypatch.setattr(shadow, "log_through_serve", lambda: None)
    yield found


def shadow_of(model: Forecaster, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The replica with this model as the only challenger."""
    from turo.serving.replica.shadow import Shadow

    trained_on = TrainedOn(metric=METRIC[model.functional])
    spec = ModelSpec(name=NAME, version="9", run_id="run-9", model_uri="models:/m-9", trained_on=trained_on)
    about = About(NAME, "9", "run-9", model.target, model.horizon_days, example=full_row())
    about.trained_on = trained_on
    monkeypatch.setattr(model_slot, "load", lambda *_: Predictor(model, about, LIMITS.max_rows))
    replica = Shadow()
    asyncio.run(replica.reconfigure(ShadowContent(challengers=[spec]).model_dump()))
    return replica


@pytest.mark.parametrize("champion", [MEDIAN, MEAN])
@pytest.mark.parametrize("challenger", [MEDIAN, MEAN])
def test_the_same_model_differs_in_nothing_whatever_its_predictions_are(
    champion: str, challenger: str, gauges: Gauges, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = shadow_of(answering(challenger), monkeypatch)
    replica.observe(NAME, "7", COLUMNS, answering(champion).predict(COLUMNS), champion)
    assert gauges.told == [(0.0, 0.0)]
    gap = np.abs(answering(MEAN).predict(COLUMNS) - answering(MEDIAN).predict(COLUMNS))
    assert gap.max() > 0.1


def test_a_challenger_that_knows_no_medians_is_not_compared_with_them_and_that_is_said_once(
    gauges: Gauges, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    model = as_saved_earlier(answering(MEAN))
    replica = shadow_of(model, monkeypatch)
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            replica.observe(NAME, "7", COLUMNS, answering(MEDIAN).predict(COLUMNS), MEDIAN)
    assert gauges.told == []
    assert [record.getMessage() for record in caplog.records if "Shadow" in record.getMessage()] == [
        "[Shadow] Tiny version 9 is not compared: it knows means only, version 7 answers medians"
    ]
    replica.observe(NAME, "8", COLUMNS, model.predict(COLUMNS), MEAN)
    assert gauges.told == [(0.0, 0.0)]
