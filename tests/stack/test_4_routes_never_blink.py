"""Under 20 requests a second on every route: a champion that cannot serve, restarts, taking it back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from airflow_api import AirflowApi
from compose_stack import MODELS, Stack, figures, served_versions, wait_for
from request_loop import RequestLoop
from stack_models import copied, point, refusals, refused

pytestmark = pytest.mark.stack
NAME = "KNN"
RATE = 20.0 * len(MODELS)
MORE = 200  # answers awaited after an end state: what comes late is seen as well

COUNT_RUNS = """
import mlflow
print(len(mlflow.search_runs(search_all_experiments=True, output_format="list")))
"""


@pytest.fixture(scope="module")
def good(stack: Stack, serve: str) -> Iterator[str]:
    """The version that serves before; it is the champion again at the end."""
    yield (version := served_versions(serve)[NAME])
    point(stack, NAME, "champion", version)


def hold(loop: RequestLoop, answers: int = MORE) -> None:
    """Let the requests go on for a while: an end state hides what comes after it."""
    goal = loop.answers() + answers
    wait_for(f"{answers} more answers", lambda: loop.answers() >= goal, timeout=120, period=0.2)


def restart_mlflow(stack: Stack, loop: RequestLoop) -> None:
    """Restart it and see its reconciler at work again."""
    stack.compose("restart", "mlflow")
    stack.compose("up", "-d", "--no-recreate", "--wait", "--wait-timeout", "300", "mlflow")
    hold(loop)


def test_a_restart_of_mlflow_while_the_champion_is_refused(
    stack: Stack, serve: str, examples: dict[str, Any], good: str
) -> None:
    before = served_versions(serve)
    bad = copied(stack, NAME, good)
    with RequestLoop(serve, examples, rate=RATE) as loop:
        point(stack, NAME, "champion", bad)
        wait_for(f"version {bad} refused", lambda: refused(serve, NAME) == bad, timeout=180)
        restart_mlflow(stack, loop)
        wait_for(f"version {bad} refused again", lambda: refused(serve, NAME) == bad, timeout=180)
        # Champion and previous are both bad from here on: so they meet the next test's restart.
        worse = copied(stack, NAME, good)
        point(stack, NAME, "previous", bad)
        point(stack, NAME, "champion", worse)
        wait_for(f"version {worse} refused", lambda: refused(serve, NAME) == worse, timeout=180)
        hold(loop)
    figures["requests while a refused champion met a restart"] = str(dict(loop.statuses))
    assert set(loop.statuses) == {"200"}, (loop.statuses, loop.refused)
    assert loop.versions == {name: [version] for name, version in before.items()}
    wait_for(
        "both refusals in the decision log", lambda: set(refusals(stack, NAME)) == {bad, worse}, timeout=60
    )


def test_down_and_up_serves_the_same_versions_without_training(
    stack: Stack, airflow: AirflowApi, serve: str, good: str
) -> None:
    """Champion and previous are still bad: what is tried first is the newest version that ever served."""
    before = served_versions(serve)
    wait_for("no training under way", lambda: airflow.is_idle("forecast_fleet"), timeout=1200)
    runs = stack.execute("mlflow", "python", "-c", COUNT_RUNS).split()[-1]
    stack.down()
    took = stack.up()
    figures["second up to healthy"] = f"{took:.0f} s"
    assert before[NAME] == good
    assert served_versions(serve) == before
    assert stack.execute("mlflow", "python", "-c", COUNT_RUNS).split()[-1] == runs


def test_a_rollback_is_one_command_and_may_be_repeated(
    stack: Stack, serve: str, examples: dict[str, Any], good: str
) -> None:
    with RequestLoop(serve, examples, rate=RATE) as loop:
        for _ in range(2):
            stack.execute("mlflow", "turo", "rollback", NAME, "--to", good)
            assert served_versions(serve)[NAME] == good
        wait_for("nothing is refused any more", lambda: refused(serve, NAME) is None, timeout=60)
        hold(loop)
    assert set(loop.statuses) == {"200"}, (loop.statuses, loop.refused)
