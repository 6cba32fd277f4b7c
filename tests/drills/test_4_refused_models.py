"""A champion that must not be served: refused and named, while the one before answers every request.

A restart in the middle of a refusal: `tests/stack/test_4_routes_never_blink.py`.
"""

from __future__ import annotations

import time
from typing import Any

import pytest
from airflow_api import AirflowApi
from compose_stack import Stack, figures, served_versions, wait_for
from drill import findings, named, on_the_front_door, requests
from stack_models import CANARY, SPOIL, copied, point, refusals, refused

pytestmark = [pytest.mark.stack, pytest.mark.long]
NAME = "KNN"
CHECK = "route-refused"

SEEN_AT_THE_DOOR = "a damaged artifact"  # one of them, since that takes minutes


@pytest.mark.parametrize("harm", SPOIL)
def test_it_is_refused_and_named(
    drilled: Stack, airflow: AirflowApi, serve: str, examples: dict[str, Any], harm: str
) -> None:
    before = served_versions(serve)
    bad = copied(drilled, NAME, before[NAME], SPOIL[harm])
    words = f"{NAME} version {bad} was refused"

    def told() -> bool:
        return named(findings(drilled), CHECK, words) is not None

    with requests(drilled, airflow, serve, examples) as world:
        began = time.monotonic()
        point(drilled, NAME, "champion", bad)
        try:
            wait_for(f"version {bad} refused", lambda: refused(serve, NAME) == bad, timeout=180)
            took = time.monotonic() - began
            wait_for("the doctor names it", told, timeout=60)
            if harm == SEEN_AT_THE_DOOR:
                # The operator looks every two minutes, and the page keeps what it said for a minute.
                wait_for("it at the front door", lambda: on_the_front_door(serve, words), timeout=300)
        finally:
            point(drilled, NAME, "champion", before[NAME])
        wait_for("nothing is refused any more", lambda: refused(serve, NAME) is None, timeout=120)
        wait_for("the doctor is silent", lambda: not told(), timeout=60)
        routes, wrong = world.all_routes(), world.not_fine(since=world.began)
    figures[f"drill: champion with {harm}"] = f"refused after {took:.0f} s, {routes}, doctor: {CHECK}"
    assert wrong == []
    assert set(world.loop.statuses) == {"200"}, (world.loop.statuses, world.loop.refused)
    assert world.loop.versions == {name: [version] for name, version in before.items()}
    assert refusals(drilled, NAME).count(bad) == 1
    for service in ("ray", "mlflow"):
        drilled.execute(service, "sh", "-c", f"test ! -e {CANARY}")
