"""A task of the replay that is lost with its worker."""

from __future__ import annotations

import os
from datetime import date
from typing import Any

import pytest

from turo.errors import ServiceError
from turo.replay.ray_tasks import Plan, rows
from turo.replay.refit import Method
from turo.training.project import Project

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("local_ray")]


class Fatal:
    """Ends the process that receives it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (1,)


def test_a_lost_task_is_named_with_what_to_do():
    plan = Plan((7,), 7, 4, Method("XGBoost", Project("xgboost", "Trees.", {}), False))

    def at(_: date) -> Any:
        return Fatal()

    with pytest.raises(ServiceError) as caught:
        list(rows(at, [date(2026, 11, 23)], {}, plan))
    assert caught.value.what.startswith("A Ray task of the replay was lost: ")
    assert caught.value.remedy == "See the log of Ray; then run again."
