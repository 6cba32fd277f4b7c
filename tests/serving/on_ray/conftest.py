"""One Ray for all these tests: models A (XGBoost) and B (SVR), replicas as the settings say by default."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from first_answers import FirstAnswers
from serving_stack import PATIENTLY, Stack, log_model, point, reconciling, stack, until

FIRST_PORT = 23_000


@dataclass
class Deployed:
    """The stack, the reconciler that looks after it, and what callers were told while it came up."""

    stack: Stack
    reconciler: Any
    first: list[tuple[int, bool]]


@pytest.fixture(scope="package")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """Both models at their first version."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        folder = tmp_path_factory.mktemp("served")
        with (
            stack(folder, ("A", "B"), FIRST_PORT, monkeypatch) as running,
            reconciling(running.settings) as loop,
        ):
            until("the catalog answers", lambda: httpx.get(f"{running.url}/", **PATIENTLY).is_success)
            with FirstAnswers(running.url) as first:
                for name, kind in (("A", "xgboost"), ("B", "svr")):
                    point(name, "champion", log_model(name, kind))
                until("both models are deployed", lambda: all(r.serving for r in loop.routes.values()))
            yield Deployed(running, loop, first.found)


@pytest.fixture
def running(deployed: Deployed) -> Stack:
    """Where everything is."""
    return deployed.stack


@pytest.fixture
def served(deployed: Deployed) -> tuple[Stack, Any]:
    """Where everything is, and the reconciler."""
    return deployed.stack, deployed.reconciler


@pytest.fixture
def first_answers(deployed: Deployed) -> list[tuple[int, bool]]:
    """Status of each of the first answers, and whether it says when to come again."""
    return deployed.first
