"""Champions of another fleet: what is trained at first start, and what `turo rollback` refuses."""

from __future__ import annotations

from typing import Any

import pytest
from gate_runs import finished, fleet
from training_table import frame, write

from turo import settings
from turo.errors import RegistryError
from turo.gate import promote as gate
from turo.mlflow_container import first_start
from turo.registry import aliases, decision_log
from turo.serving.control.rollback_command import rollback

CONFIGURED = {"A": "/projects/a", "B": "/projects/b"}


def promote(name, run_id, run_key):
    return gate.promote(name, run_id, run_key, settings.load())


class Submitted:
    """Takes jobs in place of a Ray cluster and does not run them."""

    def __init__(self) -> None:
        self.commands: dict[str, str] = {}

    def run(self, job_id: str, command: str, **_: Any) -> None:
        self.commands[job_id] = command


@pytest.fixture
def trained(tracking, monkeypatch):
    """Fills the first models; returns the commands by job."""

    def fill() -> dict[str, str]:
        jobs = Submitted()
        monkeypatch.setattr(first_start, "connect", lambda _: jobs)
        first_start.fill(CONFIGURED, settings.load())
        return jobs.commands

    return fill


def test_at_start_models_without_a_champion_of_this_fleet_are_trained(tracking, trained):
    sample, own = frame(), frame(seed=8)
    write(tracking / "datas", sample, fleet=fleet(1))
    promote("A", finished("A", tracking), "k")
    commands = trained()
    assert [command.split()[:3] for command in commands.values()] == [["turo", "train", "B"]]
    promote("B", finished("B", tracking), "k")
    assert trained() == {}
    write(
        tracking / "datas", sample.with_columns(otb_trips=0.0), fleet=fleet(1)
    )  # the same fleet, newer data
    assert trained() == {}

    write(tracking / "datas", own, fleet=fleet(2))
    away = trained()
    assert {command.split()[2] for command in away.values()} == {"A", "B"}
    # The reconciler's words in the meantime, and a promotion that broke off.
    for event in (decision_log.REFUSED, decision_log.SERVING, decision_log.DECIDED):
        decision_log.append_entry(event, "A", "1", "")
    assert trained().keys() == away.keys()  # restarted meanwhile: the same jobs
    promote("A", finished("A", tracking), "own")
    assert {command.split()[2] for command in trained().values()} == {"B"}
    write(tracking / "datas", sample, fleet=fleet(1))
    promote("A", finished("A", tracking), "back")
    write(tracking / "datas", own, fleet=fleet(2))
    again = trained()  # the second change to that fleet is not the first one's finished job
    assert not {job for job, command in again.items() if command.split()[2] == "A"} & away.keys()


def test_a_table_that_names_no_fleet_starts_no_training(tracking, trained):
    write(tracking / "datas", frame())
    for name in CONFIGURED:
        promote(name, finished(name, tracking), "k")
    write(tracking / "datas", frame(seed=8))
    assert trained() == {}


def test_rollback_does_not_go_back_to_another_fleet(tracking):
    sample = frame()
    write(tracking / "datas", sample, fleet=fleet(1))
    promote("A", finished("A", tracking), "k")
    write(tracking / "datas", frame(seed=8), fleet=fleet(2))
    promote("A", finished("A", tracking), "k2")
    with pytest.raises(RegistryError, match=r"A version 1 was trained on another fleet"):
        rollback("A", settings.load())
    champion = aliases.champion("A")
    assert champion is not None
    assert champion.version == "2"
    assert [entry["event"] for entry in decision_log.read_entries("A")] == ["promoted", "decided"] * 2
    write(tracking / "datas", sample, fleet=fleet(1))  # that fleet's files are back: now it is the right one
    told = rollback("A", settings.load(), answers=lambda version, example: version.version == "1")
    assert (told["version"], told["replaced"]) == ("1", "2")
