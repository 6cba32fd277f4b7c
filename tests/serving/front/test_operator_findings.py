"""The doctor's list stands on the home page, in its JSON, and holds up neither."""

from __future__ import annotations

import logging
import subprocess
import threading
import time
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from fleet_pages import Pages, text_of
from json_server import json_server

from turo.operate.server.findings import Findings
from turo.serving.front.operator_findings import LONGEST_S, OperatorFindings

FULL = {
    "check": "stack-disk",
    "severity": "error",
    "what": "PostgreSQL's volume is full <b>now</b>.",
    "why": "It stops.",
    "remedy": "Make room.",
    "link": "docs/runbook.md#stack-disk",
}
REFUSED = {**FULL, "check": "route-refused", "severity": "warning", "what": "KNN version 4 was refused."}
PUZZLE = {**FULL, "severity": "note", "what": "A puzzle."}


def pages_with(told: Any, folder: Path, status: int = 200) -> tuple[str, Any]:
    """Text of the home page, and its JSON."""
    with json_server(lambda *_: (status, told, {})) as url:
        pages = Pages(str(folder / "none"), code_version="abc")
        pages.front.findings = OperatorFindings(f"{url}/").now
        return pages.get("/").text, pages.get("/", {"Accept": "*/*"}).json()


def test_errors_and_warnings_are_told_with_their_remedy(tmp_path: Path) -> None:
    page, told = pages_with({"at": "x", "findings": [FULL, REFUSED, PUZZLE], "problem": ""}, tmp_path)
    said = unescape(text_of(page))
    assert "Needs attention" in said
    sentence = "full <b>now</b>. To do: Make room (docs/runbook.md#stack-disk)."
    assert sentence in said
    assert "<b>now" not in page
    assert "was refused" not in said  # the page tells of refusals by itself
    assert "A puzzle" not in said
    assert told["attention"] == [FULL, REFUSED]
    assert told["code_version"] == "abc"


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"at": None, "findings": None, "problem": "Not examined yet."}, 200),
        ({"at": "x", "findings": None, "problem": ""}, 200),
        ({"at": "x", "findings": None, "problem": 7}, 200),
        ({"findings": []}, 200),
        ({"findings": ["x", 7, {}, {**FULL, "what": 7}]}, 200),
        ({"findings": [FULL]}, 500),
        ("<html>", 200),
        ("[" * 100_000, 200),
        ([FULL], 200),
    ],
)
def test_what_is_no_list_of_findings_is_nothing(told: Any, status: int, tmp_path: Path) -> None:
    page, listed = pages_with(told, tmp_path, status)
    assert "Needs attention" not in page
    assert listed["attention"] == []


def test_a_doctor_who_cannot_be_asked_is_no_healthy_stack(tmp_path: Path) -> None:
    def hangs() -> Any:
        raise subprocess.TimeoutExpired("turo doctor --json", 60)

    findings = Findings(hangs)
    early, _ = pages_with(findings.newest(), tmp_path)
    assert "Needs attention" not in early
    findings.refresh()
    page, told = pages_with(findings.newest(), tmp_path)
    said = unescape(text_of(page))
    assert "Needs attention" in said
    assert (
        "The doctor could not be asked, so what is wrong is not listed here. "
        "To do: docker compose logs operator tells why (docs/runbook.md#unanswered)."
    ) in said
    (one,) = told["attention"]
    assert (one["check"], one["severity"]) == ("unanswered", "warning")
    assert one["why"].endswith("timed out after 60 seconds")
    healthy, told = pages_with({"at": "x", "findings": [], "problem": ""}, tmp_path)
    assert "Needs attention" not in healthy
    assert told["attention"] == []


def test_an_operator_that_goes_away_is_logged_once_a_change(caplog: pytest.LogCaptureFixture) -> None:
    status = [200]
    with (
        caplog.at_level(logging.INFO, "turo.serving.front.operator_findings"),
        json_server(lambda *_: (status[0], {"findings": []}, {})) as url,
    ):
        findings = OperatorFindings(url, kept_s=0)
        for status[0] in (500, 500, 200, 200, 503, 503, 200):
            findings.now()
    assert [(one.levelname, one.getMessage().split(f" {url}")[0]) for one in caplog.records] == [
        ("INFO", "No findings from"),  # it may be that there is none
        ("INFO", "Findings come from"),
        ("WARNING", "No findings from"),
        ("INFO", "Findings come from"),
    ]
    assert "503" in caplog.records[2].getMessage()


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://operator.invalid:8088", "no address"])
def test_without_an_operator_there_is_nothing(url: str) -> None:
    assert list(OperatorFindings(url).now()) == []


def test_it_is_asked_once_a_minute_and_what_hangs_is_not_waited_for() -> None:
    release, asked = threading.Event(), list[str]()

    def slow(method: str, path: str, _: Any) -> tuple[int, Any, dict[str, str]]:
        asked.append(path)
        release.wait(60)
        return 200, {"findings": [FULL]}, {}

    with json_server(slow) as url:
        findings, began = OperatorFindings(url), time.monotonic()
        assert list(findings.now()) == []
        assert list(findings.now()) == []
        assert 0.4 < time.monotonic() - began < LONGEST_S  # by then the request itself gives up
        release.set()
        deadline = time.monotonic() + 5
        while not findings.now() and time.monotonic() < deadline:
            threading.Event().wait(0.01)
        assert [one.what for one in findings.now()] == [FULL["what"]]
        assert asked == ["/findings"]


def test_what_was_mended_leaves_the_list() -> None:
    left = [FULL]
    with json_server(lambda *_: (200, {"findings": left}, {})) as url:
        findings = OperatorFindings(url, kept_s=0)
        assert len(findings.now()) == 1
        left.clear()
        assert len(findings.now()) == 0


def test_a_backup_that_failed_is_told_here_and_a_step_that_failed_below(tmp_path: Path) -> None:
    backup = {**FULL, "check": "failed-step", "what": "“backup” failed."}
    other = {**backup, "severity": "warning", "what": "“forecast” failed."}
    page, _ = pages_with({"findings": [backup, other]}, tmp_path)
    assert "“backup” failed." in unescape(text_of(page))
    assert "“forecast” failed." not in unescape(text_of(page))
