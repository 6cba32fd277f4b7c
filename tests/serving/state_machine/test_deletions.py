"""What counts as deleted while its name is configured: judged by the names of that moment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from platform_world import World


@pytest.fixture
def world(tmp_path: Path, made_model: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """B serves, all names are configured."""
    found = World(tmp_path, made_model, monkeypatch)
    found.promote("B", found.train("B", "good"))
    found.tick()
    found.tick()
    assert found.serve.serving("B")
    yield found
    found.close()


def test_a_name_that_went_and_came_back_was_rightly_deleted_between(world: World) -> None:
    world.start(("A",))
    world.tick()
    assert not world.serve.serving("B")
    world.start(("A", "B"))
    world.settle()
    assert world.serve.serving("B")


@pytest.mark.parametrize("answers", [True, False])
def test_a_configured_name_may_not_be_left_out_whether_or_not_it_answers(world: World, answers: bool) -> None:
    if not answers:
        world.serve.replicas["B"].clear()
    with pytest.raises(AssertionError, match=f"deleted while configured: B-1, answers={answers}"):
        world.serve.apply({"applications": []})
