"""Under 20 requests a second on every route: a champion that cannot serve, restarts, taking it back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from airflow_api import AirflowApi
from compose_stack import MODELS, Stack, figures, served_versions, wait_for
from request_loop import RequestLoop

pytestmark = pytest.mark.stack
NAME = "KNN"
RATE = 20.0 * len(MODELS)
MORE = 200  # answers awaited after an end state: what comes late is seen as well

# A copy of what serves whose digest is of other files, as a damaged registry would hold it.
COPY = """
import sys
from turo import settings
from turo.registry import client as connection
name, version = sys.argv[1:]
connection.use_mlflow(settings.load())
client = connection.client()
good = client.get_model_version(name, version)
tags = dict(good.tags) | {"turo.model_sha256": "0" * 64}
model = good.source.rpartition("/")[2]
print(client.create_model_version(name, good.source, good.run_id, tags=tags, model_id=model).version)
"""
POINT = """
import sys
from turo import settings
from turo.registry import client as connection
name, alias, version = sys.argv[1:]
connection.use_mlflow(settings.load())
connection.client().set_registered_model_alias(name, alias, version)
"""

COUNT_RUNS = """
import mlflow
print(len(mlflow.search_runs(search_all_experiments=True, output_format="list")))
"""


def copy_with_wrong_digest(stack: Stack, version: str) -> str:
    return stack.execute("mlflow", "python", "-c", COPY, NAME, version).split()[-1]


def point(stack: Stack, alias: str, version: str) -> None:
    stack.execute("mlflow", "python", "-c", POINT, NAME, alias, version)


def refused(serve: str) -> str | None:
    """The version that the route says it does not serve."""
    told = httpx.get(f"{serve}/{NAME}", timeout=30).json()["refused"] or {}
    return told.get("version")


def refusals(stack: Stack) -> list[str]:
    """The versions that the decision log says were refused, first to last."""
    entries = [json.loads(line) for line in stack.execute("mlflow", "turo", "ledger", NAME).splitlines()]
    return [entry["version"] for entry in reversed(entries) if entry["event"] == "refused"]


@pytest.fixture(scope="module")
def good(stack: Stack, serve: str) -> Iterator[str]:
    """The version that serves before; it is the champion again at the end."""
    yield (version := served_versions(serve)[NAME])
    point(stack, "champion", version)


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
    bad = copy_with_wrong_digest(stack, good)
    with RequestLoop(serve, examples, rate=RATE) as loop:
        point(stack, "champion", bad)
        wait_for(f"version {bad} refused", lambda: refused(serve) == bad, timeout=180)
        restart_mlflow(stack, loop)
        wait_for(f"version {bad} refused again", lambda: refused(serve) == bad, timeout=180)
        # Champion and previous are both bad from here on: so they meet the next test's restart.
        worse = copy_with_wrong_digest(stack, good)
        point(stack, "previous", bad)
        point(stack, "champion", worse)
        wait_for(f"version {worse} refused", lambda: refused(serve) == worse, timeout=180)
        hold(loop)
    figures["requests while a refused champion met a restart"] = str(dict(loop.statuses))
    assert set(loop.statuses) == {"200"}, (loop.statuses, loop.refused)
    assert loop.versions == {name: [version] for name, version in before.items()}
    wait_for("both refusals in the decision log", lambda: set(refusals(stack)) == {bad, worse}, timeout=60)


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
        wait_for("nothing is refused any more", lambda: refused(serve) is None, timeout=60)
        hold(loop)
    assert set(loop.statuses) == {"200"}, (loop.statuses, loop.refused)
