"""Of every test: what fails is told at once, and no test leaves the process other than it found it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import failures_at_once
import pytest
from process_state import ProcessState

# These run in processes of their own, where something stands for many tests: a Ray, a browser, the stack.
LONG_STANDING = ("ray", "slow", "browser", "stack")


def pytest_configure(config: pytest.Config) -> None:
    failures_at_once.register(config)


@pytest.fixture(autouse=True)
def same_process(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the test that changed the environment, the folder, where files go, what is logged, MLflow's place.

    The tests behind it would be judged by that. It is made before and unmade after all other fixtures of one
    test: what those put back is no change. It is made after those of a module or a session, which may hold
    something for all of their tests.
    """
    if any(map(request.node.get_closest_marker, LONG_STANDING)):
        yield
        return
    tempfile.gettempdir()  # whoever asks first has it noted
    before = ProcessState.now()
    yield
    if changes := before.changes(ProcessState.now()):
        before.put_back()
        pytest.fail("The test left to all later ones:\n" + "\n".join(changes), pytrace=False)
