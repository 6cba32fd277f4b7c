"""A backup that is asked of the operator and followed: done, failed, refused, not answered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from json_server import Answer, json_server

from turo.errors import ConfigError, LastingError, ServiceError
from turo.orchestration.backup_request import request_backup
from turo.settings import load

DONE = {"archive": "turo-1.tar.gz", "size": 7, "seconds": 1.5, "notes": ["datas/a is no plain file."]}


def ask(tmp_path: Path, answer: Callable[[str, str, Any], Answer]) -> dict[str, Any]:
    """With a token in a file, and little patience."""
    (tmp_path / "token").write_text("s3cret")
    with json_server(answer) as url:
        settings = load(operator_url=url, operator_token_path=tmp_path / "token", service_deadline_s=0.1)
        return request_backup(settings, longest_s=1.0, period_s=0.01)


def following(*states: dict[str, Any]) -> Callable[[str, str, Any], Answer]:
    """An operator that tells one state after another."""
    left = list(states)

    def answer(method: str, path: str, _: Any) -> Answer:
        if method == "POST":
            assert path == "/backup"
            return 202, {"id": "7", "state": "running"}, {}
        assert path == "/backup/7"
        return 200, left.pop(0) if len(left) > 1 else left[0], {}

    return answer


def test_it_is_followed_until_it_is_done(tmp_path: Path) -> None:
    running = {"state": "running"}
    assert ask(tmp_path, following(running, running, {"state": "done", **DONE})) == DONE


@pytest.mark.parametrize(
    ("kind", "error"),
    [("ServiceError", ServiceError), ("InputError", LastingError), ("ConfigError", LastingError)],
)
def test_a_failed_one_is_an_error_with_its_reason(
    tmp_path: Path, kind: str, error: type[ServiceError]
) -> None:
    failed = {"state": "failed", "problem": "The disk is full.", "remedy": "Free some.", "kind": kind}
    with pytest.raises(ServiceError, match=r"The backup failed: The disk is full\. Free some\.") as told:
        ask(tmp_path, following(failed))
    assert type(told.value) is error


def test_one_that_does_not_end_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="not ended after 1 s"):
        ask(tmp_path, following({"state": "running"}))


def test_another_token_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"does not take this worker's token.*bootstrap"):
        ask(tmp_path, lambda *_: (401, {"error": "no"}, {}))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((404, {"error": "This backup is not known."}, {}), "refuses: This backup is not known"),
        ((503, {}, {}), "No answer of"),
        ((200, "<html>", {}), "No answer of"),
    ],
)
def test_other_answers_are_told(tmp_path: Path, answer: Answer, told: str) -> None:
    with pytest.raises(ServiceError, match=told):
        ask(tmp_path, lambda *_: answer)


def test_an_operator_that_is_away_for_a_moment_is_waited_for(tmp_path: Path) -> None:
    answers, operator = [503], following({"state": "done", **DONE})

    def answer(method: str, path: str, body: Any) -> Answer:
        return (answers.pop(), {}, {}) if answers else operator(method, path, body)

    with json_server(answer) as url:
        assert request_backup(load(operator_url=url), period_s=0.01)["archive"] == "turo-1.tar.gz"


def test_nobody_there_is_said() -> None:
    with pytest.raises(ServiceError, match=r"No answer of http://127.0.0.1:1.*operator"):
        request_backup(load(operator_url="http://127.0.0.1:1", service_deadline_s=0.05))
