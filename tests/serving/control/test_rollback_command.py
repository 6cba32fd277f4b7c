"""`turo rollback`: where it goes back to, what it refuses before the alias moves, and every kill within."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from json_server import Answer, json_server
from serve_answers import applications, reports
from serving_stack import log_model

from turo import settings
from turo.errors import DeployError, RegistryError
from turo.registry import aliases, versions
from turo.registry.client import Version, client
from turo.registry.decision_log import append_entry, read_entries
from turo.serving.control import rollback_command as module
from turo.serving.control.desired import as_spec
from turo.serving.control.rollback_command import rollback
from turo.serving.control.serve_client import PATH
from turo.serving.replica.states import STATES_PATH, State


class Killed(BaseException):
    """The process ends here."""


class Route:
    """Answers as the champion does; told whom it was asked about and with what."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, version: Version, example: dict[str, Any]) -> bool:
        self.asked.append((version.version, example))
        return pointing() == version.version


def pointing(alias: str = "champion") -> str | None:
    found = aliases.alias("A", alias)
    return found.version if found else None


def events(*wanted: str) -> list[tuple[str, str]]:
    return [(e["event"], e["version"]) for e in reversed(read_entries("A")) if e["event"] in wanted]


def back(to: str = "") -> dict[str, Any]:
    result = rollback("A", settings.load(), to, Route())
    result.pop("seconds")
    return result


@pytest.fixture
def make_champions(tracking: Path) -> Callable[..., None]:
    """Registers so many versions, each made champion after the one before."""

    def promote(number: int) -> None:
        for _ in range(number):
            version = versions.version("A", log_model("A", "svr", rows=60))
            assert version is not None
            aliases.set_champion(version)
            append_entry("promoted", "A", version.version, "better")

    return promote


def test_it_goes_back_to_the_champion_before_and_asking_again_changes_nothing(make_champions) -> None:
    make_champions(2)
    assert back() == {"model": "A", "version": "1", "replaced": "2"}
    for to in ("", "1", ""):
        assert back(to) == {"model": "A", "version": "1", "replaced": "2", "repeated": True}
        assert (pointing(), pointing("previous")) == ("1", "2")
    assert events("rollback_begun", "rolled_back") == [("rollback_begun", "1"), ("rolled_back", "1")]


def test_mlflow_says_of_the_model_which_version_serves_again(make_champions) -> None:
    make_champions(2)
    back()
    assert client().get_registered_model("A").description == (
        "The champion is version 1: `POST /A` answers with it."
    )


def test_any_earlier_version_is_in_reach_and_so_is_the_way_back(make_champions) -> None:
    make_champions(4)
    assert back("2") == {"model": "A", "version": "2", "replaced": "4"}
    assert back("1") == {"model": "A", "version": "1", "replaced": "2"}
    assert back("4") == {"model": "A", "version": "4", "replaced": "1"}
    assert (pointing(), pointing("previous")) == ("4", "1")
    make_champions(1)
    assert back() == {"model": "A", "version": "4", "replaced": "5"}, "a promotion ends what was before"


def test_a_version_that_was_taken_back_returns_only_by_name(make_champions) -> None:
    make_champions(3)
    assert back()["version"] == "2"
    client().set_registered_model_alias("A", "champion", "1")  # by hand, on MLflow's page
    with pytest.raises(RegistryError, match=r"A version 3, .* was itself taken back.*--to 3"):
        back()
    assert pointing() == "1"
    assert back("3")["version"] == "3"


STEPS = ("intent", "champion", "previous", "done")


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("to", ["", "1"])
def test_a_call_that_was_killed_is_finished_by_the_next(
    make_champions, monkeypatch: pytest.MonkeyPatch, to: str, step: str, after: bool
) -> None:
    make_champions(3)
    goal = to or "2"
    wanted = STEPS.index(step)
    calls = [0]

    def deadly(call: Callable[..., Any]) -> Callable[..., Any]:
        def step(*arguments: Any) -> Any:
            number, calls[0] = calls[0], calls[0] + 1
            if number == wanted and not after:
                raise Killed
            result = call(*arguments)
            if number == wanted:
                raise Killed
            return result

        return step

    with monkeypatch.context() as dying:
        dying.setattr(module, "append_entry", deadly(module.append_entry))
        dying.setattr(aliases, "set_alias", deadly(aliases.set_alias))
        with pytest.raises(Killed):
            back(to)
    assert pointing() in ("3", goal)
    for _ in range(2):
        told = back(to)
        assert (told["version"], told["replaced"]) == (goal, "3")
        assert (pointing(), pointing("previous")) == (goal, "3")
    assert events("rollback_begun", "rolled_back") == [("rollback_begun", goal), ("rolled_back", goal)]


def test_what_was_begun_does_not_bind_who_wants_another_version(make_champions, monkeypatch) -> None:
    make_champions(3)
    with monkeypatch.context() as dying:
        dying.setattr(aliases, "set_alias", lambda *_: (_ for _ in ()).throw(Killed()))
        with pytest.raises(Killed):
            back()
    assert back("1") == {"model": "A", "version": "1", "replaced": "3"}
    assert back()["version"] == "1"


def test_the_route_is_asked_with_the_restored_versions_own_example(make_champions) -> None:
    make_champions(2)
    route = Route()
    rollback("A", settings.load(), answers=route)
    ((version, example),) = route.asked
    assert version == "1"
    assert {"otb_days", "class", "make"} <= example.keys()


def test_a_version_that_cannot_be_served_is_refused_before_the_alias_moves(
    make_champions, tracking: Path
) -> None:
    log_model("A", "svr", rows=60, sha256="0" * 64)
    make_champions(1)
    for number, error, message in (
        ("1", RegistryError, "SHA-256"),
        ("7", RegistryError, "A has no version 7"),
        ("newest", RegistryError, "A has no version newest"),
    ):
        with pytest.raises(error, match=message):
            back(number)
    assert (pointing(), pointing("previous")) == ("2", None)
    assert events("rollback_begun", "rolled_back") == []


def test_a_route_that_does_not_follow_is_said_and_asking_again_waits_for_it(
    make_champions, monkeypatch
) -> None:
    make_champions(2)
    monkeypatch.setattr(module, "DEADLINE_S", 0.0)
    with pytest.raises(DeployError, match=r"/A does not answer with version 1 after 0 s"):
        rollback("A", settings.load(), answers=lambda *_: False)
    assert back() == {"model": "A", "version": "1", "replaced": "2", "repeated": True}


def test_without_a_champion_or_a_version_before_it_says_so(make_champions) -> None:
    with pytest.raises(RegistryError, match="A has no champion to take back"):
        back()
    make_champions(1)
    with pytest.raises(RegistryError, match=r"A has no previous champion .*--to VERSION"):
        back()
    assert back("1") == {"model": "A", "version": "1", "replaced": "", "repeated": True}


def test_it_ends_once_every_replica_serves_the_version(make_champions: Callable[..., None]) -> None:
    """The route answers as the version from the first look on; the second replica takes it over later."""
    make_champions(2)
    found = versions.version("A", "1")
    assert found is not None
    spec, before, looks = as_spec(found), as_spec(found).model_copy(update={"version": "2"}), list[str]()

    def answer(method: str, path: str, _: object) -> Answer:
        if method == "POST":
            return 200, {"predictions": [1.0]}, {"X-Model-Version": "1"}
        if path == PATH:
            return 200, applications(spec, ["r1", "r2"]), {}
        looks.append(path)
        second = spec if len(looks) > 2 else before
        states = [State(replica="r1", serves=spec), State(replica="r2", serves=second)]
        return 200, reports("A", states), {}

    with json_server(answer) as url:
        result = rollback("A", settings.load(serve_url=url, ray_dashboard_url=url))
    assert (result["version"], looks) == ("1", [STATES_PATH] * 3)
