"""Answers are counted, logged and copied without the request path noticing; a trace leads back to the run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asgi_client import AsgiClient
from served import LIMITS, NAME, full_row, random_columns, rows_of, tiny_predictor

from turo.serving.api.predictor import Predictor
from turo.serving.http.asgi import App
from turo.serving.replica.observer import LOG_EVERY, ROWS, SHADOW_ROWS, Observer
from turo.serving.replica.pending_answers import REQUESTS
from turo.serving.replica.prediction_log import SHARE, read, trace

ROWS_IN = rows_of(random_columns(300))


class Counts:
    """Metrics that only add up."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.values: list[float] = []

    def requests(self, outcomes: Mapping[str, int]) -> None:
        self.outcomes.update(outcomes)

    def predictions(self, values: np.ndarray) -> None:
        self.values += values.tolist()

    def renew(self) -> None: ...


class Watched:
    """A route with an observer whose rounds the test turns."""

    def __init__(self, folder: Path, log_rows: int = 1000) -> None:
        self.folder = folder
        self.counts = Counts()
        self.observer = Observer(NAME, self.counts, str(folder), log_rows)
        self.predictor: Predictor = tiny_predictor(observe=self.observer.see)
        self.predictor.about.tags = {"turo.data_digest": "digest-1", "turo.code_version": "commit-1"}
        self.ask = AsgiClient(App(self.predictor, LIMITS, count=self.observer.count), f"/{NAME}")

    def post(self, rows: list[dict[str, Any]], request_id: str = "r") -> list[float]:
        answer = self.ask.post(json={"inputs": rows}, headers={"X-Request-Id": request_id})
        return list(answer.json()["predictions"])

    def rounds(self, times: int = LOG_EVERY) -> None:
        for _ in range(times):
            self.observer.round()


def test_outcomes_and_predictions_are_counted_by_what_they_mean(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    values = watched.post(ROWS_IN[:3]) + watched.post(ROWS_IN[3:4])
    watched.ask.get()
    watched.ask.post(json={"inputs": []})
    watched.ask.get("/nothing")
    watched.observer.count(503)
    watched.observer.count(500)
    watched.rounds(1)
    assert watched.counts.outcomes == {"ok": 3, "invalid": 2, "overloaded": 1, "error": 1}
    assert sorted(watched.counts.values) == sorted(values)


def test_a_request_id_leads_to_version_run_data_commit_features_and_prediction(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    watched.post(ROWS_IN[:2], "other")
    values = watched.post(ROWS_IN[5:8], "find-me")
    assert trace(str(tmp_path), "find-me") == []
    watched.rounds()
    rows = trace(str(tmp_path), "find-me")
    assert [row["prediction"] for row in rows] == values
    assert [row["row"] for row in rows] == [0, 1, 2]
    assert [{name: row[name] for name in full_row()} for row in rows] == ROWS_IN[5:8]
    assert {(r["model"], r["version"], r["run_id"]) for r in rows} == {(NAME, "7", "run-7")}
    assert {(r["data_digest"], r["code_version"]) for r in rows} == {("digest-1", "commit-1")}
    assert trace(str(tmp_path), "nobody") == []
    assert trace(str(tmp_path / "nowhere"), "find-me") == []


def test_the_trace_command_prints_the_rows(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from turo import settings
    from turo.cli import app

    watched = Watched(tmp_path)
    (value,) = watched.post(ROWS_IN[:1], "abc")
    watched.rounds()
    chosen = settings.load(data_dir=str(tmp_path))
    printed = CliRunner().invoke(app, ["trace", "abc"], obj=chosen)
    assert json.loads(printed.stdout)["prediction"] == value
    refused = CliRunner().invoke(app, ["trace", "xyz"], obj=chosen)
    assert "'xyz' is not in the prediction log" in str(refused.exception)


def test_the_log_keeps_the_newest_rows_only_and_of_a_large_request_a_few(tmp_path: Path) -> None:
    watched = Watched(tmp_path, log_rows=400)
    for number in range(40):
        watched.post(ROWS_IN, f"r{number}")
        watched.rounds()
    logged = read(str(tmp_path), NAME).select("request_id", "row").collect()
    assert 400 - 400 // SHARE <= len(logged) <= 400
    newest = logged.filter(request_id="r39")["row"].to_list()
    assert (len(newest), newest[0], newest[-1]) == (ROWS, 0, 299)
    assert logged.filter(request_id="r0").is_empty()
    assert not list((tmp_path / "predictions").rglob(".*.tmp"))


def test_without_a_log_nothing_is_written_and_a_flood_is_bounded(tmp_path: Path) -> None:
    watched = Watched(tmp_path, log_rows=0)
    columns, predictions = {"otb_days": np.ones(1)}, np.ones(1)
    for _ in range(REQUESTS + 500):
        watched.observer.see(watched.predictor.about, "r", columns, predictions)
    watched.rounds()
    assert len(watched.counts.values) == REQUESTS
    assert list(tmp_path.iterdir()) == []


def test_the_challenger_gets_a_bounded_copy_of_the_newest_traffic(tmp_path: Path) -> None:
    watched, copies = Watched(tmp_path), []
    watched.post(ROWS_IN[:1])
    watched.rounds(1)
    watched.observer.shadow = lambda *batch: copies.append(batch)
    for start in range(0, 300, 10):
        watched.post(ROWS_IN[start : start + 10])
    watched.rounds(1)
    ((name, version, columns, predictions, functional),) = copies
    assert (name, version, functional) == (NAME, "7", "median")
    assert len(predictions) == len(columns["make"]) <= SHADOW_ROWS
    assert watched.predictor.model.predict(columns).tolist() == predictions.tolist()


def test_a_log_that_cannot_be_written_is_told_once_and_serving_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "predictions").write_text("a file where the folder should be")
    watched = Watched(tmp_path)
    for _ in range(3):
        assert len(watched.post(ROWS_IN[:1])) == 1
        for _ in range(LOG_EVERY):
            watched.observer.careful_round()
    assert caplog.text.count("predictions are not observed for now") == 1
