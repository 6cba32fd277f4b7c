"""What a user is told of a task of prepare that fails on its Ray worker."""

from __future__ import annotations

import os

import pytest

from turo.errors import InputError, ServiceError
from turo.features import panel
from turo.prepare.run import run
from turo.settings import load

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("local_ray")]

# The functions that stand for the sums of a part are inner ones: these reach the worker by value.


def test_a_task_whose_worker_dies_again_and_again_was_lost(data, monkeypatch):
    def dies(*_: object) -> None:
        os._exit(1)

    monkeypatch.setattr(panel, "sums", dies)
    with pytest.raises(ServiceError, match=r"^A Ray task of prepare was lost: .*worker") as caught:
        run(load(data_dir=str(data)))
    assert caught.value.remedy == "See the log of Ray; then run again."


def test_an_error_for_the_user_comes_back_as_the_task_raised_it(data, monkeypatch):
    def refuses(*_: object) -> None:
        raise InputError("Vehicle 7 is wrong.", "Mend vehicles.csv.")

    monkeypatch.setattr(panel, "sums", refuses)
    with pytest.raises(InputError) as caught:
        run(load(data_dir=str(data)))
    assert type(caught.value) is InputError
    assert (caught.value.what, caught.value.remedy) == ("Vehicle 7 is wrong.", "Mend vehicles.csv.")


def test_an_error_nobody_foresaw_keeps_the_worker_s_traceback(data, monkeypatch):
    def breaks(*_: object) -> None:
        raise ValueError("nobody foresaw this")

    monkeypatch.setattr(panel, "sums", breaks)
    with pytest.raises(ValueError, match="nobody foresaw this") as caught:
        run(load(data_dir=str(data)))
    assert "in breaks" in str(caught.value)
