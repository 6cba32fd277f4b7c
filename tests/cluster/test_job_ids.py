"""Addresses, ids and log lines: what needs no cluster."""

from __future__ import annotations

import pytest

from turo.cluster.job_ids import job_id
from turo.cluster.job_log import LogLines
from turo.cluster.jobs import connect, dashboard_url
from turo.errors import ConfigError
from turo.settings import load


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("ray://ray:10001", "http://ray:8265"),
        (" ray://10.1.2.3:10001 ", "http://10.1.2.3:8265"),
        ("ray://[::1]:10001", "http://[::1]:8265"),
        ("ray:6380", "http://ray:8265"),
        ("http://ray.example:9000/", "http://ray.example:9000"),
        ("https://ray.example", "https://ray.example"),
        ("auto", "http://127.0.0.1:8265"),
        ("", "http://127.0.0.1:8265"),
    ],
)
def test_every_way_to_write_the_address_leads_to_the_dashboard(address: str, url: str) -> None:
    assert dashboard_url(address) == url


@pytest.mark.parametrize("address", ["redis://ray:6379", "ray://", "ray://ray head", "ray://[::1", "://"])
def test_an_unusable_address_is_named(address: str) -> None:
    with pytest.raises(ConfigError, match="ray://HOST:10001") as caught:
        dashboard_url(address)
    assert repr(address) in str(caught.value)


def test_the_port_and_the_address_come_from_the_settings() -> None:
    settings = load(ray_address="ray://ray:10001", ray_dashboard_port=9265)
    assert connect(settings).address == "http://ray:9265"
    assert connect(settings, "ray://other:10001").address == "http://other:9265"
    assert connect(load(ray_dashboard_url="http://named:1")).address == "http://named:1"


def test_ids_are_safe_short_and_different_for_different_runs() -> None:
    plain = job_id("prepare_data", "run-1", "train", 0)
    assert plain == "prepare_data.run-1.train.0"
    offsets = {job_id("d", f"manual__2026-11-23T15:00:56{sign}00:00") for sign in "+-:"}
    assert len(offsets) == 3
    long = [job_id("d", "x" * 300, task) for task in ("a", "b")]
    assert len(set(long)) == 2
    for one in [*offsets, *long]:
        assert len(one) <= 120
        assert set(one) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")


def test_a_growing_log_leaves_line_by_line_once() -> None:
    log = 'räder\nsecond\r\n10%\r50%\r100%\nTURO_RESULT {"a": [1]}\nno end'.encode()
    got: list[str] = []
    lines = LogLines(got.append)
    for size in [0, 2, 2, 7, 10, 30, len(log), len(log)]:
        lines.feed([log[:3], log[3:size]] if size > 3 else [log[:size]])
    assert got == ["räder", "second", "100%", 'TURO_RESULT {"a": [1]}']
    lines.close()
    lines.close()
    assert got[-1] == "no end"
    assert len(got) == 5
    assert lines.result == {"a": [1]}


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize("at", range(0, 40, 3))
def test_what_ray_writes_itself_breaks_no_line_wherever_it_is_found(at: int, size: int) -> None:
    """Ray 2.60 writes it once it has started the job, and so into what the job prints meanwhile."""
    entrypoint = "python -c 'print(1)\nRunning entrypoint for job j: x\n'"
    own = b'line 1\nline 2\nTURO_RESULT {"a": 1}\nno end'
    announced = f"Running entrypoint for job j: {entrypoint}\n".encode()
    log = own[:at] + announced + own[at:]
    got: list[str] = []
    lines = LogLines(got.append)
    lines.announced("j", entrypoint)
    for end in [*range(1, len(log)), len(log)]:
        lines.feed([log[start : min(end, start + size)] for start in range(0, end, size)])
    lines.close()
    told = announced.decode().splitlines()
    at_line = own[:at].count(b"\n")
    expected = own.decode().splitlines()
    assert got == [*expected[:at_line], *told, *expected[at_line:]]
    assert lines.result == {"a": 1}


def test_bytes_that_are_not_utf8_and_a_broken_result_do_not_stop_the_log() -> None:
    got: list[str] = []
    lines = LogLines(got.append)
    lines.feed([b"\xff\xfe!\nTURO_RESULT {broken\nlast\n"])
    assert got == ["\ufffd\ufffd!", "TURO_RESULT {broken", "last"]
    assert lines.result is None
