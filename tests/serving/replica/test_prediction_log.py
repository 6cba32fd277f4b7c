"""The newest N predictions are kept, whoever writes them and however they end; waiting costs little."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from turo.serving.api.model_info import About
from turo.serving.replica.log_segments import LEFTOVER_S, STAMP, facts, segments, write
from turo.serving.replica.observer import LOG_EVERY, Observer
from turo.serving.replica.pending_answers import BYTES, LONGEST_TEXT, REQUESTS
from turo.serving.replica.prediction_log import FOLDER, SHARE, PredictionLog, Seen, read, trace

CAP = 1000
ABOUT = About("M", "1", "run", "y_booked_days", 28)


def request(at: float, rows: int = 1) -> Seen:
    columns = {"price": np.full(rows, at), "make": np.array(["Tesla"] * rows, dtype=object)}
    return Seen(at, f"r{at}", ABOUT, np.arange(rows), columns, np.full(rows, at))


def full_log(folder: Path, cap: int = CAP) -> None:
    """One replica that has answered more than is kept."""
    log = PredictionLog(folder, cap)
    for second in range(2 * SHARE):
        log.add([request(float(second), cap // SHARE)])


def rows_in(tmp_path: Path) -> pl.DataFrame:
    return read(str(tmp_path), "M").collect()


def test_many_replicas_of_one_row_each_do_not_push_the_log_out(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER / "M"
    full_log(folder)
    for number in range(30):
        PredictionLog(folder, CAP).add([request(1000.0 + number)])
    kept = rows_in(tmp_path)
    assert CAP - CAP // SHARE <= len(kept) <= CAP
    assert kept.filter(pl.col("at") >= pl.lit(datetime.fromtimestamp(1000, UTC))).height == 30
    oldest = kept["at"].min()
    assert isinstance(oldest, datetime) and oldest.timestamp() >= SHARE  # of 0 … 2 x SHARE - 1 the newer half


def test_the_cap_holds_while_several_replicas_write_at_once(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER / "M"

    def replica(number: int) -> None:
        log = PredictionLog(folder, CAP)
        for second in range(60):
            log.add([request(second + number / 10, 7 + number)])

    with ThreadPoolExecutor(6) as replicas:
        list(replicas.map(replica, range(6)))
    assert CAP - 2 * CAP // SHARE <= len(rows_in(tmp_path)) <= CAP


def test_at_no_moment_are_there_more_rows_than_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / FOLDER / "M"
    full_log(folder)
    ended = datetime.now(UTC) - timedelta(hours=3)
    for number, path in enumerate(segments(folder)[:2]):  # of replicas that are gone: they become one
        write(path, pl.read_parquet(path).head(7))
        path.rename(folder / f"{ended.strftime(STAMP)}-{number:06}.parquet")
    counted = list[int]()

    def counting(change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(*given: Any, **named: Any) -> Any:
            answer = change(*given, **named)
            counted.append(len(rows_in(tmp_path)))
            return answer

        return changed

    monkeypatch.setattr(Path, "replace", counting(Path.replace))
    monkeypatch.setattr(Path, "unlink", counting(Path.unlink))
    logs = [PredictionLog(folder, CAP) for _ in range(3)]
    for second in range(20):
        logs[second % 3].add([request(1000.0 + second, 40)])
    assert CAP // 2 <= min(counted) <= max(counted) <= CAP
    assert rows_in(tmp_path).filter(pl.col("at") >= datetime.fromtimestamp(1000, UTC)).height == 800


def test_a_damaged_file_is_told_and_keeps_nobody_from_writing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = PredictionLog(tmp_path / FOLDER / "M", CAP)
    log.folder.mkdir(parents=True)
    damaged = log.folder / "damaged.parquet"
    damaged.write_text("not a table")
    log.add([request(1.0)])
    log.add([request(2.0)])
    assert [record.getMessage().split(": ")[0] for record in caplog.records] == [
        f"{damaged} is damaged and not counted; remove it"
    ]
    damaged.unlink()
    assert rows_in(tmp_path)["request_id"].to_list() == ["r1.0", "r2.0"]


def test_a_smaller_cap_holds_from_the_next_write_on(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER / "M"
    full_log(folder)
    PredictionLog(folder, 100).add([request(5000.0)])
    assert 1 <= len(rows_in(tmp_path)) <= 100
    assert rows_in(tmp_path)["request_id"].to_list()[-1] == "r5000.0"


def test_small_files_of_replicas_that_are_gone_become_one(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER / "M"
    for number in range(12):
        PredictionLog(folder, CAP).add([request(float(number))])
    for number, path in enumerate(segments(folder)):
        begun = datetime.now(UTC) - timedelta(hours=3, minutes=-number)
        path.rename(folder / f"{begun.strftime(STAMP)}-{number:06}.parquet")
    PredictionLog(folder, CAP).add([request(100.0)])
    assert len(segments(folder)) == 1
    assert rows_in(tmp_path)["request_id"].to_list() == [f"r{float(n)}" for n in [*range(12), 100]]


@pytest.fixture
def small_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log of twelve small files, which another replica makes one as soon as somebody has listed them."""
    folder, listed = tmp_path / FOLDER / "M", Path.glob
    for number in range(12):
        PredictionLog(folder, CAP).add([request(float(number), 2)])
    for number, path in enumerate(segments(folder)):
        begun = datetime.now(UTC) - timedelta(hours=3, minutes=-number)
        path.rename(folder / f"{begun.strftime(STAMP)}-{number:06}.parquet")

    def list_and_lose(self: Path, pattern: str, **more: Any) -> list[Path]:
        found = list(listed(self, pattern, **more))
        if pattern == "*.parquet":
            monkeypatch.setattr(Path, "glob", listed)
            PredictionLog(folder, CAP).add([request(100.0)])
        return found

    monkeypatch.setattr(Path, "glob", list_and_lose)
    return tmp_path


def test_a_request_is_found_while_its_file_becomes_another(small_files: Path) -> None:
    assert [(row["request_id"], row["row"]) for row in trace(str(small_files), "r3.0")] == [
        ("r3.0", 0),
        ("r3.0", 1),
    ]
    assert len(segments(small_files / FOLDER / "M")) == 1


def test_rows_are_read_whatever_becomes_of_their_files(small_files: Path) -> None:
    rows = read(str(small_files), "M")
    for path in segments(small_files / FOLDER / "M"):
        path.unlink()
    assert rows.collect()["at"].dt.epoch("s").to_list() == [*sorted([*range(12)] * 2), 100]


def test_a_request_answered_twice_by_that_name_is_shown_twice_and_no_row_of_two_files(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER / "M"
    for at in (1.0, 2.0):
        PredictionLog(folder, CAP).add([replace(request(at), request_id="again")])
    (copied, *_) = segments(folder)
    shutil.copy(copied, folder / "0.parquet")  # as a merge does for a moment
    assert [row["prediction"] for row in trace(str(tmp_path), "again")] == [2.0, 1.0]


def test_a_kill_leaves_whole_files_and_what_it_left_is_taken_away(tmp_path: Path) -> None:
    folder = tmp_path / FOLDER / "M"
    code = (
        "import sys; from pathlib import Path\n"
        "from test_prediction_log import CAP, PredictionLog, request\n"
        "log, at = PredictionLog(Path(sys.argv[1]), CAP), 0.0\n"
        "while True:\n"
        "    at += 1\n"
        "    log.add([request(at, 40)])\n"
        "    print(at, flush=True)\n"
    )
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", code, str(folder)],
            cwd=Path(__file__).parent,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(Path(__file__).parent)])},
        ) as writer:
            assert writer.stdout is not None
            for _ in range(30):
                assert writer.stdout.readline()
            writer.send_signal(signal.SIGKILL)
        assert CAP // 2 <= len(rows_in(tmp_path)) <= CAP
    left, busy = folder / ".a.parquet.12345678.tmp", folder / ".b.parquet.12345678.tmp"
    left.write_bytes(b"PAR1")
    busy.write_bytes(b"PAR1")
    old = time.time() - 2 * LEFTOVER_S
    os.utime(left, (old, old))
    PredictionLog(folder, CAP).add([request(9e6)])
    assert (left.exists(), busy.exists()) == (False, True)


def test_a_file_that_grew_within_a_tick_of_the_clock_is_counted_anew(tmp_path: Path) -> None:
    log = PredictionLog(tmp_path / FOLDER / "M", CAP)
    log.add([request(1.0, 3)])
    (path,) = segments(log.folder)
    before, first = path.stat(), facts(path)
    log.add([request(2.0, 5)])
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    grown = facts(path)
    assert first is not None and grown is not None
    assert (first.rows, first.newest, grown.rows, grown.newest) == (3, 1.0, 8, 2.0)


class Silent:
    """Metrics that nobody reads."""

    def requests(self, outcomes: object) -> None: ...

    def renew(self) -> None: ...

    def predictions(self, values: np.ndarray) -> None: ...


@pytest.fixture
def observer(tmp_path: Path) -> Observer:
    return Observer("M", Silent(), str(tmp_path), 100_000)


def test_a_busy_replica_holds_columns_not_requests(observer: Observer, tmp_path: Path) -> None:
    tracemalloc.start()
    for _ in range(LOG_EVERY - 1):
        for _ in range(400):
            columns = {f"x{number}": np.array([1.0]) for number in range(56)}
            observer.see(ABOUT, "r", columns, np.array([2.0]))
        observer.round()
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held < 4 << 20  # 3,600 requests as objects would be 30 MB
    observer.round()
    assert len(rows_in(tmp_path)) == 3600


def test_of_more_than_a_segment_the_newest_rows_wait(observer: Observer, tmp_path: Path) -> None:
    for number in range(3 * REQUESTS):
        observer.see(ABOUT, f"r{number}", {"x": np.ones(1)}, np.ones(1))
        if number % 1000 == 999:
            observer.round()
    for _ in range(LOG_EVERY):
        observer.round()
    kept = rows_in(tmp_path)
    assert kept["request_id"][-1] == f"r{3 * REQUESTS - 1}"
    assert kept["request_id"].n_unique() == len(kept) >= 100_000 // SHARE


def test_long_texts_and_the_bodies_behind_columns_are_let_go(observer: Observer, tmp_path: Path) -> None:
    tracemalloc.start()
    for _ in range(100):
        body = bytearray(2 << 20)
        columns = {
            "price": np.frombuffer(body, np.float64, 1, 8),
            "make": np.array(["x" * (2 << 20)], dtype=object),
        }
        observer.see(ABOUT, "r", columns, np.array([2.0]))
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held < 8 << 20  # the last body and text are still here; all of them would be 400 MB
    for _ in range(LOG_EVERY):
        observer.round()
    logged = rows_in(tmp_path)
    assert (len(logged), logged["make"].str.len_chars().max()) == (100, LONGEST_TEXT)


def test_what_waits_is_bounded_in_bytes(observer: Observer, tmp_path: Path) -> None:
    rows = 20
    texts = {f"t{n}": np.array(["x" * LONGEST_TEXT] * rows, dtype=object) for n in range(50)}
    for number in range(1000):
        observer.see(ABOUT, f"r{number}", texts, np.zeros(rows))
    for _ in range(LOG_EVERY):
        observer.round()
    kept = rows_in(tmp_path)["request_id"].unique()
    assert 50 < len(kept) < BYTES / (50 * rows * LONGEST_TEXT)
    assert "r999" in kept and "r0" not in kept
