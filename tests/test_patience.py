"""The one retry policy: what is tried again, how often, how long, and that nothing else waits by itself."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from turo.patience import Patience

SOURCES = Path(__file__).resolve().parents[1]
# A job's log; watchers and observer; the reconciler; the operator's doctor.
FOR_EVER = {"follow", "_run", "run_for_ever", "keep_fresh", "again"}


class Clock:
    """Time passes only while somebody waits."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr("tenacity.time", found)
    return found


class Service:
    """Fails in the given ways, then answers."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        if self.failures:
            raise self.failures.pop(0)
        return "answer"


def test_what_may_pass_is_tried_again_with_the_same_pause(clock: Clock) -> None:
    told: list[Exception] = []
    first, second = ConnectionError("away"), TimeoutError("slow")
    service = Service(first, second)
    answer = Patience(2.0, sleep=clock.sleep).retry(
        service, errors=(ConnectionError, TimeoutError), note=told.append
    )
    assert (answer, service.asked) == ("answer", 3)
    assert clock.pauses == [2.0, 2.0]
    assert told == [first, second]


def test_pauses_double_up_to_the_longest(clock: Clock) -> None:
    service = Service(*[OSError()] * 6)
    Patience(0.5, longest_pause_s=5.0, sleep=clock.sleep).retry(service, errors=OSError)
    assert clock.pauses == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


def test_any_other_error_is_raised_at_once(clock: Clock) -> None:
    wrong = ValueError("wrong")
    with pytest.raises(ValueError, match="wrong") as raised:
        Patience(1.0, sleep=clock.sleep).retry(Service(wrong), errors=OSError)
    assert raised.value is wrong
    with pytest.raises(KeyboardInterrupt):
        Patience(1.0, sleep=clock.sleep).poll(Service(KeyboardInterrupt()))  # type: ignore[arg-type]
    with pytest.raises(OSError, match="gone"):
        Patience(1.0, sleep=clock.sleep).retry(
            Service(OSError("busy"), OSError("gone")), errors=lambda error: str(error) == "busy"
        )
    assert clock.pauses == [1.0]


def test_after_so_many_tries_the_last_error_stands(clock: Clock) -> None:
    errors = [OSError(f"{number}") for number in range(9)]
    told: list[Exception] = []
    with pytest.raises(OSError, match="2") as raised:
        Patience(1.0, tries=3, sleep=clock.sleep).retry(Service(*errors), errors=OSError, note=told.append)
    assert raised.value is errors[2]
    assert told == errors[:2]


def test_no_pause_leads_past_the_limit(clock: Clock) -> None:
    service = Service(*[OSError("away")] * 99)
    with pytest.raises(OSError, match="away"):
        Patience(1.0, within_s=10.0, longest_pause_s=4.0, sleep=clock.sleep).retry(service, errors=OSError)
    assert clock.pauses == [1.0, 2.0, 4.0]  # the next would end after 11 s


@pytest.mark.parametrize("patience", [Patience(1.0, within_s=0.0), Patience(1.0, within_s=-5.0)])
def test_without_any_patience_it_is_tried_once(patience: Patience) -> None:
    service = Service(OSError("away"))
    with pytest.raises(OSError, match="away"):
        patience.retry(service, errors=OSError)
    assert service.asked == 1


def test_a_condition_is_waited_for_and_what_was_seen_last_is_told(clock: Clock) -> None:
    told: list[int] = []
    seen = iter(range(99))
    assert Patience(0.5, sleep=clock.sleep).poll(lambda: next(seen), lambda n: n == 3, told.append) == 3
    assert told == [0, 1, 2]
    assert Patience(0.5, within_s=2.0, sleep=clock.sleep).poll(lambda: next(seen), lambda _: False) == 7
    assert Patience(0.5, tries=2, sleep=clock.sleep).poll(lambda: "") == ""


def test_only_what_never_ends_waits_by_itself() -> None:
    """Everything else has a limit, and that is the policy's."""
    waiting = set()
    for path in (path for folder in ("src", "mlflow", "dags") for path in (SOURCES / folder).rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                calls = (node.func for node in ast.walk(function) if isinstance(node, ast.Call))
                if any(isinstance(call, ast.Attribute) and call.attr == "sleep" for call in calls):
                    waiting.add(function.name)
    assert waiting == FOR_EVER
