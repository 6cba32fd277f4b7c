"""The reconciler against a Serve that only remembers: what is applied, kept, refused, reverted, and when."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from turo import settings as settings_module
from turo.errors import ServiceError
from turo.serving.deploy import Proof, Running
from turo.serving.desired import Desired
from turo.serving.reconcile import DEPLOY_DEADLINE_S, Reconciler
from turo.serving.spec import ModelSpec, Notes


def spec(version: str, name: str = "A") -> ModelSpec:
    return ModelSpec(name=name, version=version, run_id=f"run-{version}", model_uri=f"models:/{version}")


class FakeServe:
    """Deploys instantly, unless the version is broken; can be away, and can forget everything."""

    def __init__(self) -> None:
        self.running: dict[str, ModelSpec] = {}  # what answers
        self.told: dict[str, ModelSpec] = {}  # what the last configuration holds
        self.notes: dict[str, dict[str, Any]] = {}
        self.broken: dict[str, str] = {}
        self.failed: dict[str, str] = {}  # what replicas say of versions they could not take over
        self.slow: set[str] = set()
        self.awaited: tuple[str, ...] = ()  # what the catalog answers 503 for
        self.away = False
        self.puts = 0

    def applications(self) -> dict[str, Running]:
        if self.away:
            raise ServiceError("Ray does not answer.")
        found = {
            name: Running(self._status(name), self._message(name), told) for name, told in self.told.items()
        }
        return {**found, **({"catalog": Running("RUNNING", "", None)} if self.puts else {})}

    def apply(self, configuration: dict[str, Any]) -> None:
        self.puts += 1
        models = [a for a in configuration["applications"] if a["name"] not in ("catalog", "shadow")]
        contents = {a["name"]: a["deployments"][0]["user_config"] for a in models}
        self.told = {name: ModelSpec.model_validate(c["spec"]) for name, c in contents.items()}
        self.notes = {name: content["notes"] for name, content in contents.items()}
        (catalog,) = (a for a in configuration["applications"] if a["name"] == "catalog")
        self.awaited = catalog["deployments"][0]["user_config"]["awaited"]
        self.running = {name: r for name, r in self.running.items() if name in self.told}
        for name, told in self.told.items():
            self.failed.pop(told.version, None)
            if told.version in self.broken:
                self.failed[told.version] = self.broken[told.version]
            elif told.version not in self.slow:
                self.running[name] = told

    def prove(self, asked: ModelSpec) -> Proof:
        if self.running.get(asked.name) == asked:
            return Proof(True)
        return Proof(False, self.failed.get(asked.version) if asked.name in self.running else None)

    def restart(self) -> None:
        self.running, self.told, self.puts = {}, {}, 0

    def _status(self, name: str) -> str:
        return "RUNNING" if name in self.running else "DEPLOY_FAILED" if self._message(name) else "DEPLOYING"

    def _message(self, name: str) -> str:
        return self.failed.get(self.told[name].version, "")


class World:
    """One reconciler, its Serve, its registry, its clock."""

    def __init__(self, folder: Path, names: tuple[str, ...] = ("A",)) -> None:
        self.serve = FakeServe()
        self.wishes: dict[str, Desired] | Exception = {}
        self.ledger: list[tuple[str, str, str]] = []
        self.settings = settings_module.load(status_file=folder / "status.json", model_names=names)
        self.now = 0.0
        self.start()

    def start(self) -> None:
        """A new reconciler process."""
        self.reconciler = Reconciler(
            self.settings, self.settings.model_names, self.serve, self.read, self.note  # type: ignore[arg-type]
        )  # fmt: skip

    def read(self, names: tuple[str, ...]) -> dict[str, Desired]:
        if isinstance(self.wishes, Exception):
            raise self.wishes
        return self.wishes

    def note(self, *entry: str) -> None:
        self.ledger.append(entry)  # type: ignore[arg-type]

    def champion(self, version: str, previous: str | None = None, **notes: Any) -> None:
        back = spec(previous) if previous else None
        self.wishes = {"A": Desired(spec(version), Notes(**notes), back)}

    def tick(self, times: int = 2, seconds: float = 2.0) -> None:
        for _ in range(times):
            self.reconciler.tick(self.now)
            self.now += seconds

    @property
    def serving(self) -> str | None:
        running = self.serve.running.get("A")
        return running.version if running else None

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
    assert world.serve.puts == 1, "the catalog comes up without a model"
    assert world.serve.awaited == ("A",)
    world.champion("1")
    world.tick(10)
    assert (world.serving, world.serve.puts, world.serve.awaited) == ("1", 2, ())
    assert caplog.text.count("[Ray Serve] DEPLOYED A version 1 at /A") == 1
    assert world.status["routes"]["A"] == {"version": "1", "trying": None, "refused": {}}


def test_a_moved_alias_is_followed_and_so_is_the_way_back(world: World) -> None:
    for version in ("1", "2", "1"):
        world.champion(version)
        world.tick()
        assert world.serving == version


@pytest.mark.parametrize("restarted", [False, True])
def test_a_broken_champion_is_refused_once_and_the_old_version_stays(world: World, restarted: bool) -> None:
    world.champion("1")
    world.tick()
    world.serve.broken["2"] = "ValueError: the trees are gone"
    world.champion("2", previous="1")
    if restarted:
        world.start()
    world.tick(10)
    assert world.serving == "1"
    assert world.serve.told["A"].version == "1"
    assert world.ledger == [("A", "2", "ValueError: the trees are gone")]
    assert world.serve.notes["A"]["refused"] == {"version": "2", "reason": "ValueError: the trees are gone"}
    puts = world.serve.puts
    world.tick(50)
    assert world.serve.puts == puts, "a refused version is not tried for ever"
    world.champion("3", previous="2")
    world.tick()
    assert (world.serving, world.serve.notes["A"]["refused"]) == ("3", None)
    del world.serve.broken["2"]
    world.champion("2", previous="3")
    world.tick()
    assert world.serving == "2", "the alias moved away and back: tried again"


def test_a_broken_first_champion_gives_way_to_the_previous_one(world: World) -> None:
    world.serve.broken["2"] = "ValueError: no"
    world.champion("2", previous="1")
    world.tick(4)
    assert world.serving == "1"
    world.serve.restart()
    world.serve.broken["1"] = "ValueError: no either"
    world.start()
    world.tick(30)
    assert (world.serving, len(world.ledger)) == (None, 3)
    puts = world.serve.puts
    world.tick(30, seconds=0.1)
    assert world.serve.puts == puts


def test_a_version_that_never_answers_is_given_up_after_the_deadline(world: World) -> None:
    world.champion("1")
    world.tick()
    world.serve.slow.add("2")
    world.champion("2")
    world.tick(3)
    assert world.status["routes"]["A"]["trying"] == "2"
    world.serve.running["A"] = spec("1")
    world.tick(2, seconds=DEPLOY_DEADLINE_S + 1)
    assert world.serving == "1"
    assert "not answering after 110 s" in world.ledger[0][2]


def test_a_replica_that_could_not_reach_mlflow_is_not_held_against_its_model(world: World) -> None:
    world.champion("1")
    world.tick()
    world.serve.broken["2"] = "turo.errors.ServiceError: MLflow does not answer"
    world.champion("2")
    world.tick(10)
    assert (world.ledger, world.serving) == ([], "1")
    del world.serve.broken["2"]
    world.tick(10, seconds=6)
    assert world.serving == "2"


def test_a_restarted_ray_is_filled_again_at_once_also_while_mlflow_is_away(world: World) -> None:
    world.champion("1")
    world.tick()
    world.wishes = ConnectionError("MLflow is down")
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
    world.start()
    world.wishes = ConnectionError("MLflow is not up yet")
    world.tick(3)
    assert world.serving == "1"
    assert world.serve.told["A"].version == "1"


def test_notes_change_without_another_deployment(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    world.champion("1")
    world.tick()
    world.champion("1", metrics={"mae": 2.5}, challenger=spec("2"))
    world.tick()
    assert world.serve.notes["A"]["metrics"] == {"mae": 2.5}
    assert world.serve.notes["A"]["challenger"]["version"] == "2"
    assert caplog.text.count("DEPLOYED") == 1


def test_a_name_that_is_no_longer_configured_disappears_and_others_are_not_disturbed(tmp_path: Path) -> None:
    world = World(tmp_path, ("A", "B"))
    world.wishes = {"A": Desired(spec("1"), Notes()), "B": Desired(spec("5", "B"), Notes())}
    world.tick()
    assert world.serve.running.keys() == {"A", "B"}
    world.settings = settings_module.load(status_file=tmp_path / "status.json", model_names=("A",))
    world.start()
    world.tick()
    assert world.serve.running == {"A": spec("1")}
