"""Services killed, paused and restarted in the middle of a training of prepare_data, under requests.

50 requests a second are tried for; each line tells how many there were, and which training was met.
Each wave is a few drills, one after another (tests/support/drill_table.py): nothing masks what follows, for
the next begins when all is well. One test goes through its wave and tells at the end what was not as it
should be. MLflow and the API server lost together for two minutes: tests/stack/test_4_runs_survive.py.
"""

from __future__ import annotations

from typing import Any

import pytest
from airflow_api import AirflowApi
from compose_stack import Stack
from drill import requests, silent_doctor
from drill_table import TRIALS, WAVES
from stack_runs import Pipeline

pytestmark = [pytest.mark.stack, pytest.mark.long]


@pytest.mark.parametrize("wave", WAVES)
def test_nothing_is_lost_or_done_twice(
    drilled: Stack, airflow: AirflowApi, serve: str, examples: dict[str, Any], wave: str
) -> None:
    seed = 300 + 50 * list(WAVES).index(wave)
    pipeline = Pipeline(drilled, airflow, ("XGBoost", "KNN"), seed, TRIALS.get(wave, 6))
    try:
        with requests(drilled, airflow, serve, examples) as world:
            for drill in WAVES[wave]:
                drill.run(world, met=pipeline.under_way())
            pipeline.finish()
            world.failures.extend(world.not_fine())  # between the drills as well
        assert world.failures == [], "\n".join(world.failures)
        silent_doctor(drilled)
    finally:
        pipeline.close()
