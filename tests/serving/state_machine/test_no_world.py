"""A world that cannot be made leaves nothing behind: the tests after it are judged as if it had not been."""

from __future__ import annotations

import os
from typing import NoReturn

import mlflow
import pytest
from platform_machine import PlatformMachine
from platform_world import World
from process_state import ProcessState


def test_a_machine_without_a_world_puts_back_what_it_changed(
    machine: type[PlatformMachine], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_: World) -> NoReturn:
        raise KeyError("the reconciler")

    before = ProcessState.now(), os.fsync, mlflow.MlflowClient
    with monkeypatch.context() as patch, pytest.raises(KeyError, match="the reconciler"):
        patch.setattr(World, "start", fails)
        machine()
    assert before[0].changes(ProcessState.now()) == []
    assert (os.fsync, mlflow.MlflowClient) == before[1:]
