"""A champion that kills its replicas takes the route away seldom, and is remembered by the next process."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from platform_world import PERIOD_S, World

HOUR_TICKS = int(3600 / PERIOD_S)


@pytest.fixture
def world(tmp_path: Path, made_model: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Version 1 serves; version 2 is promoted and kills whatever loads it."""
    found = World(tmp_path, made_model, monkeypatch)
    found.promote("A", found.train("A", "good"))
    found.tick()
    found.tick()
    assert set(found.serve.serving("A")) == {"1"}
    found.promote("A", found.train("A", "good"))
    found.serve.deadly.add(("A", "2"))
    yield found
    found.close()


def spells(world: World, ticks: int) -> list[int]:
    """How many ticks each time without any replica lasted."""
    found, before = list[int](), True
    for _ in range(ticks):
        world.tick()
        there = bool(world.serve.serving("A"))
        if not there:
            found = [*found, 0] if before else found
            found[-1] += 1
        before = there
    return found


def test_the_route_is_dark_ever_more_seldom(world: World) -> None:
    hours = [spells(world, HOUR_TICKS) for _ in range(3)]
    assert [len(hour) for hour in hours] == [3, 1, 1]  # after 10, 20, 40, 80 … minutes
    assert max(itertools.chain(*hours)) <= 12


def test_the_next_process_knows_of_it(world: World) -> None:
    spells(world, 20)
    (entry,) = [one for one in world.mlflow.entries() if one["event"] == "refused"]
    assert (entry["version"], entry["reason"]) == (
        "2", "left alone for now, its replicas die: The replica died unexpectedly.",
    )  # fmt: skip
    for _ in range(5):
        world.start()
        assert spells(world, 100) == []
    assert world.reconciler.routes["A"].status()["waiting"] == entry["reason"]
    world.serve.deadly.clear()
    spells(world, HOUR_TICKS)
    assert set(world.serve.serving("A")) == {"2"}


def test_who_moves_the_alias_to_it_by_hand_has_it_tried_at_once(world: World) -> None:
    spells(world, 20)
    world.rollback("A", "1")
    world.serve.deadly.clear()
    world.rollback("A", "2")
    spells(world, 3)
    assert set(world.serve.serving("A")) == {"2"}


def test_an_earlier_version_that_was_refused_once_serves_in_its_place(world: World) -> None:
    """Nodes that spoilt what they copied are mended; then a deadly version becomes champion."""
    world.serve.spoiling.update((0, 1))
    world.promote("B", world.train("B", "good"))
    world.promote("B", world.train("B", "good"))
    spells(world, 20)
    refused = [
        one["version"] for one in world.mlflow.entries() if (one["name"], one["event"]) == ("B", "refused")
    ]
    assert set(refused) == {"1", "2"}
    world.serve.spoiling.clear()
    world.promote("B", world.train("B", "good"))
    world.serve.deadly.add(("B", "3"))
    for _ in range(20):
        world.tick()
    assert set(world.serve.serving("B")) == {"2"}
