"""How right the forecasts were, as the exporter hears of it: from the files, whoever wrote them and when."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from turo.forecast.forecast_columns import FORECASTS, LIVE
from turo.forecast.output.store import CSV, LIVE_CSV, write_csv
from turo.monitoring.forecast_watch import ForecastWatch
from turo.monitoring.route_gauges import PERIOD_S, report_of
from turo.monitoring.statsd import lines
from turo.settings import load

LABELS = "target=y_booked_days,horizon_days=28"
FIGURES: dict[str, Any] = {
    "mondays": 13, "rows": 1560, "coverage": 0.79, "bias": -0.25, "mae": 3.5, "on_books_mae": 5.0,
    "best_baseline": "on_the_books", "best_baseline_mae": 5.0, "behind_baseline": -4.5, "total_bias": -0.015,
    "total_coverage": 0.75, "total_mondays": 12, "recent_coverage": 0.7, "recent_mondays": 4,
    "recent_vehicles": 120,
}  # fmt: skip


def write_live(folder: Path, model: str = "all", **changed: Any) -> None:
    row = {"target": "y_booked_days", "horizon_days": 28, "model": model, "last": date(2026, 10, 26)}
    write_csv(pl.DataFrame([row | FIGURES | changed], schema=LIVE), folder / LIVE_CSV)


def write_forecasts(folder: Path, *made: datetime) -> None:
    rows = [{"target": "y_booked_days", "horizon_days": 28, "created_at": moment} for moment in made]
    write_csv(pl.DataFrame(rows, schema=FORECASTS), folder / CSV)


def failing(error: OSError) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


def test_all_figures_are_told_with_their_horizon_and_model(tmp_path: Path) -> None:
    write_live(tmp_path)
    write_forecasts(tmp_path, datetime(1970, 1, 1, 0, 16, 40), datetime(1970, 1, 1, 0, 10))
    assert lines(ForecastWatch(str(tmp_path)).samples()) == [
        f"turo.forecast_mondays,{LABELS},model=all:13|g",
        f"turo.forecast_coverage,{LABELS},model=all:0.79|g",
        f"turo.forecast_bias,{LABELS},model=all:0|g:-0.25|g",  # a sign alone would add to the gauge
        f"turo.forecast_mae,{LABELS},model=all:3.5|g",
        f"turo.forecast_best_baseline_mae,{LABELS},model=all:5|g",
        f"turo.forecast_behind_baseline,{LABELS},model=all:0|g:-4.5|g",
        f"turo.forecast_total_bias,{LABELS},model=all:0|g:-0.015|g",
        f"turo.forecast_total_coverage,{LABELS},model=all:0.75|g",
        f"turo.forecast_total_mondays,{LABELS},model=all:12|g",
        f"turo.forecast_recent_coverage,{LABELS},model=all:0.7|g",
        f"turo.forecast_recent_mondays,{LABELS},model=all:4|g",
        f"turo.forecast_recent_vehicles,{LABELS},model=all:120|g",
        f"turo.forecast_last_monday_timestamp_seconds,{LABELS},model=all:1792972800|g",
        f"turo.forecast_made_timestamp_seconds,{LABELS}:1000|g",
    ]


def test_what_was_not_measured_is_not_told(tmp_path: Path) -> None:
    write_live(tmp_path, total_coverage=None, bias=None)
    told = {sample.name for sample in ForecastWatch(str(tmp_path)).samples()}
    assert "forecast_coverage" in told
    assert not told & {"forecast_total_coverage", "forecast_bias"}


def test_without_files_there_is_nothing_and_a_new_file_is_told_at_once(tmp_path: Path) -> None:
    watch = ForecastWatch(str(tmp_path))
    assert watch.samples() == []
    write_live(tmp_path)
    assert len(watch.samples()) == 13
    write_live(tmp_path, model="KNN")
    assert {sample.labels["model"] for sample in watch.samples()} == {"KNN"}
    (tmp_path / LIVE_CSV).unlink()  # put away with its fleet
    assert watch.samples() == []


def test_an_unchanged_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_live(tmp_path)
    watch = ForecastWatch(str(tmp_path))
    before = watch.samples()
    monkeypatch.setattr(pl, "read_csv", None)
    assert watch.samples() == before


@pytest.mark.parametrize("content", [b"target,horizon_days\ny_booked_days,soon\n", b"\xff\xfe\x00", b""])
def test_a_damaged_file_is_named_once_and_the_other_is_told(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / LIVE_CSV).write_bytes(content)
    write_forecasts(tmp_path, datetime(1970, 1, 1, 0, 10))
    watch = ForecastWatch(str(tmp_path))
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert [sample.name for sample in watch.samples()] == ["forecast_made_timestamp_seconds"]
    assert caplog.text.count(LIVE_CSV) == 1
    write_live(tmp_path)
    assert len(watch.samples()) == 14


def test_a_read_that_failed_is_tried_again_and_each_problem_is_named_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write_live(tmp_path)
    watch = ForecastWatch(str(tmp_path))
    for times in (1, 2):  # a problem that comes back is news
        with monkeypatch.context() as broken:
            broken.setattr(pl, "read_csv", failing(OSError("Input/output error")))
            os.utime(tmp_path / LIVE_CSV, ns=(times, times))  # kernels may stamp by ticks of 4 ms
            assert watch.samples() == watch.samples() == []
        assert caplog.text.count("Input/output error") == times
        assert len(watch.samples()) == 13  # the file is the same


def test_a_folder_out_of_reach_tells_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write_live(tmp_path)
    watch = ForecastWatch(str(tmp_path))
    before = watch.samples()
    assert before
    with monkeypatch.context() as broken:
        broken.setattr(Path, "stat", failing(PermissionError("Permission denied")))
        assert [watch.samples() for _ in range(3)] == [[], [], []]
    assert caplog.text.count(LIVE_CSV) == caplog.text.count(CSV.split("/")[-1]) == 1
    assert watch.samples() == before


def test_the_newest_monday_is_told_where_it_is_known(tmp_path: Path) -> None:
    write_live(tmp_path, last=None)
    told = {sample.name for sample in ForecastWatch(str(tmp_path)).samples()}
    assert "forecast_coverage" in told
    assert "forecast_last_monday_timestamp_seconds" not in told


def test_a_file_of_an_older_release_tells_what_it_has(tmp_path: Path) -> None:
    write_live(tmp_path)
    old = pl.read_csv(tmp_path / LIVE_CSV).drop("total_coverage", "best_baseline_mae")
    write_csv(old, tmp_path / LIVE_CSV)
    told = {sample.name for sample in ForecastWatch(str(tmp_path)).samples()}
    assert told >= {"forecast_coverage", "forecast_mae"}
    assert "forecast_total_coverage" not in told


def test_the_reconciler_sends_them_without_any_route_or_task(tmp_path: Path) -> None:
    write_live(tmp_path)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(5)
        port = udp.getsockname()[1]
        report = report_of(load(data_dir=str(tmp_path), statsd_host="127.0.0.1", statsd_port=port))
        report({}, {}, 0.0)
        assert f"turo.forecast_coverage,{LABELS},model=all:0.79|g".encode() in udp.recv(65535)
        os.utime(tmp_path / LIVE_CSV)
        report({}, {}, PERIOD_S)  # repeated, or the exporter would forget it
        assert b"turo.forecast_coverage" in udp.recv(65535)
