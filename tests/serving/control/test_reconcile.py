"""The reconciler against a Serve that only remembers: what is applied, kept, refused and reverted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_serve import FakeServe

from turo import settings as settings_module
from turo.serving.control.desired import DesiredState
from turo.serving.control.reconcile import Reconciler
from turo.serving.control.shelf import SHELVED_S
from turo.serving.control.version_choice import ALL_REFUSED_S, LOST_S
from turo.serving.serve_config import ModelSpec, Notes

BAD = "DeployError: A version 2 fails its smoke test"
DIGEST = "RegistryError: The files of A-2 have another SHA-256."


def spec(version: str, name: str = "A") -> ModelSpec:
    return ModelSpec(name=name, version=version, run_id=f"run-{version}", model_uri=f"models:/{version}")


class World:
    """One reconciler, its Serve, its registry, its clock. Each step is watched: what answered goes on."""

    def __init__(self, folder: Path, names: tuple[str, ...] = ("A",)) -> None:
        self.serve = FakeServe()
        self.desired: dict[str, DesiredState] | Exception = {}
        self.decisions: list[tuple[str, ...]] = []
        self.log_away = False
        self.settings = settings_module.load(status_file=folder / "status.json", model_names=names)
        self.now = 0.0
        self.start()

    def start(self) -> None:
        """A new reconciler process."""
        self.reconciler = Reconciler(
            self.settings, self.settings.model_names, self.serve, self.read,  # type: ignore[arg-type]
            self.note("refused"), self.note("serving"),
        )  # fmt: skip

    def read(self, names: tuple[str, ...]) -> dict[str, DesiredState]:
        if isinstance(self.desired, Exception):
            raise self.desired
        return self.desired

    def note(self, event: str) -> Callable[[str, str, str], None]:
        def write(name: str, version: str, reason: str) -> None:
            if self.log_away:
                raise ConnectionError("MLflow is down")
            self.decisions.append((event, name, version, reason))

        return write

    @property
    def refusals(self) -> list[tuple[str, str]]:
        return [(version, reason) for event, _, version, reason in self.decisions if event == "refused"]

    def champion(
        self,
        version: str,
        previous: str | None = None,
        older: tuple[str, ...] = (),
        suspects: tuple[str, ...] = (),
        **notes: Any,
    ) -> None:
        back = spec(previous) if previous else None
        before = tuple(spec(one) for one in older)
        self.desired = {"A": DesiredState(spec(version), Notes(**notes), back, before, frozenset(suspects))}

    def tick(self, times: int = 2, seconds: float = 2.0) -> None:
        for _ in range(times):
            answering = {name for name in self.settings.model_names if self.serve.served(name)}
            applied = len(self.serve.applied)
            self.reconciler.tick(self.now)
            self.now += seconds
            for configuration in self.serve.applied[applied:]:
                assert answering <= configuration.keys(), "a model that answers was left out"
            assert all(self.serve.served(name) for name in answering), "a route went away"

    @property
    def serving(self) -> str | None:
        return "+".join(sorted(self.serve.served("A"))) or None

    @property
    def told(self) -> dict[str, Any]:
        """What replicas of A were told."""
        return self.serve.contents["A"]

    @property
    def status(self) -> dict[str, Any]:
        return json.loads(self.settings.status_file.read_text())


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_first_champion_is_deployed_said_so_once_and_then_left_alone(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    world.tick(3)
    assert world.serve.applied == [{}], "the catalog comes up without a model"
    assert world.serve.awaited == ("A",)
    world.champion("1")
    world.tick(10)
    assert (world.serving, world.serve.applied, world.serve.awaited) == ("1", [{}, {"A": "1"}], ())
    assert caplog.text.count("[Ray Serve] DEPLOYED A version 1 at /A") == 1
    assert world.status["routes"]["A"] == {"version": "1", "trying": None, "waiting": None, "refused": {}}
    assert world.decisions == [("serving", "A", "1", "Every replica serves it.")]


def test_a_moved_alias_is_followed_and_so_is_the_way_back(world: World) -> None:
    for version in ("1", "2", "1"):
        world.champion(version)
        world.tick()
        assert world.serving == version


@pytest.mark.parametrize("reason", [BAD, DIGEST])
@pytest.mark.parametrize("restarted", [False, True])
def test_a_broken_champion_is_refused_once_and_the_old_version_stays(
    world: World, restarted: bool, reason: str
) -> None:
    world.champion("1")
    world.tick()
    world.serve.broken["2"] = reason
    world.champion("2", previous="1")
    if restarted:
        world.start()
    world.tick(10)
    assert world.serving == world.told["spec"]["version"] == "1"
    assert world.refusals == [("2", reason)]
    assert world.told["notes"]["refused"] == {"version": "2", "reason": reason}
    assert world.status["routes"]["A"]["refused"] == {"2": reason}
    applied = len(world.serve.applied)
    world.tick(50)
    assert len(world.serve.applied) == applied, "a refused version is left alone"
    world.champion("3", previous="2")
    world.tick()
    assert (world.serving, world.told["notes"]["refused"]) == ("3", None)
    del world.serve.broken["2"]
    world.champion("2", previous="3")
    world.tick()
    assert world.serving == "2", "the alias moved away and back: tried again"


def test_a_refusal_is_looked_at_again_after_a_while(world: World) -> None:
    world.champion("1")
    world.tick()
    world.serve.broken["2"] = DIGEST
    world.champion("2", previous="1")
    world.tick(5)
    del world.serve.broken["2"]  # its files have been put back
    world.tick(3, seconds=SHELVED_S / 2)
    world.tick(3)
    assert (world.serving, world.status["routes"]["A"]["refused"]) == ("2", {})


@pytest.mark.parametrize("catalog_away", [False, True])
@pytest.mark.parametrize("mlflow_away", [False, True])
@pytest.mark.parametrize("previous_broken", [False, True])
def test_a_restarted_reconciler_keeps_what_runs_though_the_champion_is_refused(
    world: World, previous_broken: bool, mlflow_away: bool, catalog_away: bool
) -> None:
    world.champion("1")
    world.tick()
    world.serve.broken["3"] = DIGEST
    if previous_broken:
        world.serve.broken["2"] = BAD
    world.champion("3", previous="2" if previous_broken else "1")
    world.tick(4)
    assert world.serving == "1"
    desired = world.desired
    world.desired = ConnectionError("MLflow is restarting") if mlflow_away else desired
    world.serve.catalog_away = catalog_away
    world.start()
    world.tick(5)
    assert world.serving == "1"
    world.desired, world.serve.catalog_away = desired, False
    world.tick(10)
    assert (world.serving, world.told["spec"]["version"]) == ("1", "1")
    status = world.status["routes"]["A"]
    assert (status["version"], status["trying"], status["refused"]) == ("1", None, {"3": DIGEST})


def test_a_reconciler_killed_while_it_tries_a_bad_version_finds_the_good_one(world: World) -> None:
    world.champion("1")
    world.tick()
    world.serve.broken["2"] = BAD
    world.champion("2", previous="1")
    world.tick(1)
    assert world.told["spec"]["version"] == "2", "it is being tried"
    world.start()
    world.desired = ConnectionError("MLflow is not up yet")
    world.tick(3)
    assert (world.serving, world.told["spec"]["version"]) == ("1", "1")
    world.champion("2", previous="1")
    world.tick(5)
    assert (world.serving, world.status["routes"]["A"]["version"]) == ("1", "1")


def test_a_broken_first_champion_gives_way_to_the_previous_one(world: World) -> None:
    world.serve.broken["2"] = BAD
    world.champion("2", previous="1")
    world.tick(4)
    assert (world.serving, world.refusals) == ("1", [("2", BAD)])
    assert ("serving", "A", "1", "It stands in.") in world.decisions


def test_after_a_restart_of_everything_the_newest_version_that_ever_served_comes_up_first(
    world: World,
) -> None:
    world.serve.broken |= {"5": DIGEST, "4": BAD}
    world.champion("5", previous="4", older=("3", "1"), suspects=("5", "4"))
    world.tick(20)
    first, *rest = [one["A"] for one in world.serve.applied if one]
    assert (first, world.serving) == ("3", "3")
    assert set(rest) == {"5", "3"}, "the champion was tried beside it"
    assert world.status["routes"]["A"]["refused"] == {"5": DIGEST}


def test_a_first_start_needs_no_second_try_where_another_version_can_stand_in(world: World) -> None:
    world.serve.broken |= {"5": DIGEST, "4": BAD}
    world.champion("5", previous="4", older=("3",), suspects=("4",))
    world.tick(1)
    assert world.serving == "3", "replicas that cannot load the champion start with the one that served"
    world.tick(5)
    assert (world.serving, world.refusals) == ("3", [("5", DIGEST)])


def test_without_a_decision_log_each_version_is_tried_until_one_can_be_served(world: World) -> None:
    world.serve.broken |= {"5": DIGEST, "4": BAD, "3": BAD}
    world.champion("5", previous="4", older=("3", "1"))
    world.tick(8)
    assert world.serving == "1"


def test_where_no_version_can_be_served_all_are_tried_again_after_a_while(world: World) -> None:
    world.serve.broken |= {"2": DIGEST, "1": BAD}
    world.champion("2", previous="1")
    world.tick(10, seconds=1.0)
    assert world.serving is None
    applied = len(world.serve.applied)
    world.tick(10, seconds=1.0)
    assert len(world.serve.applied) == applied, "not all the time"
    del world.serve.broken["1"]
    world.tick(1, seconds=ALL_REFUSED_S)
    world.tick(5)
    assert world.serving == "1"


def test_where_all_are_tried_again_the_champion_does_not_stay_away_without_a_reason(world: World) -> None:
    """Once all refusals are taken back the champion has its turn too: it serves, or is refused anew."""
    world.serve.broken |= {"2": DIGEST, "1": BAD}
    world.champion("2", previous="1", suspects=("2",))
    world.tick(10, seconds=1.0)
    assert set(world.status["routes"]["A"]["refused"]) == {"1", "2"}
    del world.serve.broken["1"]
    world.tick(1, seconds=ALL_REFUSED_S)
    world.tick(6)
    status = world.status["routes"]["A"]
    assert (world.serving, status["refused"]) == ("1", {"2": DIGEST})


@pytest.mark.parametrize("away", [False, True])
def test_a_version_that_is_slow_to_come_is_waited_for_and_never_refused(
    world: World, away: bool, caplog: pytest.LogCaptureFixture
) -> None:
    world.champion("1")
    world.tick()
    world.serve.slow.add("2")
    world.serve.catalog_away = away
    world.champion("2")
    world.tick(40, seconds=60.0)
    status = world.status["routes"]["A"]
    assert (world.serving, status["version"], status["trying"], world.refusals) == ("1", "1", "2", [])
    assert caplog.text.count("A version 2 is waited for: ") == 1
    world.serve.slow.clear()
    world.serve.roll_out("A")
    world.serve.catalog_away = False
    world.tick()
    assert (world.serving, world.status["routes"]["A"]["version"]) == ("2", "2")


@pytest.mark.parametrize(
    "reason",
    [
        "ServiceError: MLflow does not answer",
        "OSError: [Errno 28] No space left on device",
        "MemoryError: Unable to allocate",
        "ConnectionResetError: [Errno 104]",
    ],
)
@pytest.mark.parametrize("first", [False, True])
def test_a_reason_that_passes_is_not_held_against_a_version(world: World, reason: str, first: bool) -> None:
    if not first:
        world.champion("1")
        world.tick()
    world.serve.broken["2"] = reason
    world.champion("2")
    world.tick(100, seconds=10.0)
    assert (world.refusals, world.serving) == ([], None if first else "1")
    del world.serve.broken["2"]
    if not first:
        world.serve.retry("A")
    world.tick(10, seconds=6.0)
    assert (world.serving, world.refusals) == ("2", [])


def test_a_version_is_accepted_when_every_replica_serves_it(world: World) -> None:
    world.serve.size = 2
    world.champion("1")
    world.tick()
    world.serve.broken_at["r2", "2"] = DIGEST  # a damaged copy on that node
    world.champion("2", previous="1")
    world.tick(20, seconds=30.0)
    status = world.status["routes"]["A"]
    assert (status["version"], status["trying"], status["waiting"]) == ("1", "2", DIGEST)
    assert (world.refusals, world.serving) == ([], "1+2"), "what one replica serves is not refused"
    world.serve.broken_at.clear()
    world.serve.retry("A")
    world.tick()
    assert (world.serving, world.status["routes"]["A"]["version"]) == ("2", "2")
    assert [line[:3] for line in world.decisions] == [("serving", "A", "1"), ("serving", "A", "2")]


@pytest.mark.parametrize("state", ["RECOVERING", "UPDATING", "silent"])
def test_a_replica_that_has_not_told_is_waited_for(world: World, state: str) -> None:
    world.serve.size = 2
    world.champion("1")
    world.tick()
    replica = world.serve.replicas["A"]["r2"]
    replica.state, replica.silent = (state, False) if state != "silent" else ("RUNNING", True)
    world.champion("2")
    world.tick(10)
    assert world.status["routes"]["A"]["trying"] == "2"
    replica.state, replica.silent = "RUNNING", False
    world.tick()
    assert world.status["routes"]["A"]["version"] == "2"


def test_a_version_that_kills_its_replicas_gives_way_to_one_that_lives(world: World) -> None:
    world.serve.deadly.add("2")
    world.champion("2", previous="1")
    world.tick(10, seconds=LOST_S / 5)
    why = "left alone for now, its replicas die: The replica died unexpectedly."
    assert (world.serving, world.refusals) == ("1", [("2", why)])
    assert world.status["routes"]["A"]["waiting"] == why
    assert world.told["notes"]["refused"] == {"version": "2", "reason": why}
    world.serve.deadly.clear()
    world.tick(3, seconds=SHELVED_S / 2)
    world.tick(3)
    status = world.status["routes"]["A"]
    assert (world.serving, status["waiting"], world.told["notes"]["refused"]) == ("2", None, None)


def test_a_version_that_served_and_now_kills_its_replicas_gives_way_too(world: World) -> None:
    world.champion("1")
    world.tick()
    world.champion("2", previous="1")
    world.tick()
    world.serve.deadly.add("2")  # its container has half the memory now
    world.serve.restart()
    world.tick(3)
    assert world.serving is None
    assert world.status["routes"]["A"]["waiting"] == "The replica died unexpectedly."
    world.tick(10, seconds=LOST_S / 5)
    why = "left alone for now, its replicas die: The replica died unexpectedly."
    status = world.status["routes"]["A"]
    assert (world.serving, status["version"], status["waiting"]) == ("1", "1", why)


def test_while_mlflow_is_away_no_version_is_blamed_for_not_starting(world: World) -> None:
    world.champion("1")
    world.tick()
    world.champion("2", previous="1")
    world.tick()
    known, world.desired = world.desired, ConnectionError("MLflow is down")
    world.serve.broken |= dict.fromkeys("12", "ServiceError: MLflow does not answer")
    world.serve.restart()
    world.tick(40, seconds=LOST_S / 5)
    assert world.status["routes"]["A"]["waiting"] == "ServiceError: MLflow does not answer"
    world.serve.broken.clear()
    world.desired = known
    world.tick(10, seconds=6.0)
    assert (world.serving, world.refusals) == ("2", [])


def test_a_replica_that_starts_while_a_bad_version_is_tried_serves_the_good_one(world: World) -> None:
    world.champion("1")
    world.tick()
    world.serve.broken["2"] = BAD
    world.champion("2", previous="1")
    world.reconciler.tick(world.now)
    world.serve.replicas["A"].clear()  # the only replica dies at this moment
    world.serve.roll_out("A")
    assert world.serving == "1"
    world.tick(4)
    assert (world.serving, world.refusals) == ("1", [("2", BAD)])


def test_a_version_that_served_and_can_no_longer_start_is_replaced(world: World) -> None:
    world.champion("1")
    world.tick()
    world.champion("2", previous="1")
    world.tick()
    world.serve.broken["2"] = DIGEST  # its files were deleted
    world.serve.restart()
    world.tick(8)
    status = world.status["routes"]["A"]
    assert (world.serving, status["version"], status["refused"]) == ("1", "1", {"2": DIGEST})


def test_a_restarted_ray_is_filled_again_at_once_also_while_mlflow_is_away(world: World) -> None:
    world.champion("1")
    world.tick()
    world.desired = ConnectionError("MLflow is down")
    world.tick(1)
    world.serve.away = True
    world.tick(3)
    assert world.status["problems"].keys() == {"mlflow", "ray"}
    world.serve.restart()
    world.serve.away = False
    world.tick(1)
    assert world.serving == "1"
    world.champion("2")
    world.tick()
    assert (world.serving, world.status["problems"]) == ("2", {})


def test_a_restarted_reconciler_takes_over_what_serves_without_touching_it(world: World) -> None:
    world.champion("1")
    world.tick()
    before = world.serve.contents
    world.start()
    world.desired = ConnectionError("MLflow is not up yet")
    world.tick(3)
    assert (world.serving, world.serve.contents) == ("1", before)
    assert world.status["routes"]["A"]["version"] == "1"


def test_the_decision_log_is_told_when_it_is_back(world: World) -> None:
    world.log_away = True
    world.champion("1")
    world.tick(3)
    world.serve.broken["2"] = BAD
    world.champion("2", previous="1")
    world.tick(3)
    assert world.decisions == []
    world.log_away = False
    world.tick(1)
    assert [line[:3] for line in world.decisions] == [("serving", "A", "1"), ("refused", "A", "2")]


def test_notes_change_without_another_deployment(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    world.champion("1")
    world.tick()
    world.champion("1", metrics={"mae": 2.5}, challenger=spec("2"))
    world.tick()
    assert world.told["notes"]["metrics"] == {"mae": 2.5}
    assert world.told["notes"]["challenger"]["version"] == "2"
    assert caplog.text.count("DEPLOYED") == 1


def test_a_name_that_is_no_longer_configured_disappears_and_others_are_not_disturbed(tmp_path: Path) -> None:
    world = World(tmp_path, ("A", "B"))
    world.desired = {"A": DesiredState(spec("1"), Notes()), "B": DesiredState(spec("5", "B"), Notes())}
    world.tick()
    assert world.serve.contents.keys() == {"A", "B"}
    world.settings = settings_module.load(status_file=tmp_path / "status.json", model_names=("A",))
    world.start()
    world.tick()
    assert world.serve.contents.keys() == {"A"}
    assert world.serving == "1"
