"""`turo note-retraining`: one line in the decision log for each retraining, by what the folder remembers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from turo import last_runs, settings
from turo.cli import app
from turo.cluster.job_log import RESULT_MARK
from turo.errors import InputError
from turo.operate.retrain.note import EVENT, STARTED, decide_and_note
from turo.operate.retrain.reasons import Reason, to_text
from turo.registry import decision_log

NOW = datetime.now(UTC)
DRIFT = Reason("FeatureDrift", "2 inputs of KNN have moved", NOW)


@pytest.fixture
def chosen(tracking: Path) -> settings.Settings:
    """A data folder with its input, and an empty decision log."""
    folder = tracking / "datas"
    folder.mkdir()
    (folder / "reservations.csv").write_text("reservation_id\n1\n")
    return settings.load()


def lines() -> list[dict[str, str]]:
    return [line for line in decision_log.read_entries(STARTED) if line["event"] == EVENT]


def every_hour(chosen: settings.Settings, hours: int, *reasons: Reason, after: int = 0) -> list[bool]:
    """What was decided at each look; a start is followed by the preparation, as the DAG does."""
    found = []
    for hour in range(after, after + hours):
        now = NOW + timedelta(hours=hour)
        start = decide_and_note(chosen, f"retrain__{hour}", reasons, now)["start"]
        found.append(start)
        if start:
            with last_runs.noted(Path(chosen.data_dir), "prepare"):
                pass
    return found


def test_a_shift_that_stays_is_one_retraining_and_one_line(chosen: settings.Settings) -> None:
    assert every_hour(chosen, 20, DRIFT) == [True, *[False] * 19]
    (line,) = lines()
    assert line["reason"] == "2 inputs of KNN have moved."
    assert (line["run"], line["alerts"]) == ("retrain__0", "FeatureDrift")


def test_a_retraining_that_fails_does_not_loop_nor_does_one_that_never_began(
    chosen: settings.Settings,
) -> None:
    assert decide_and_note(chosen, "retrain__0", [DRIFT])["start"]
    again = Reason(DRIFT.alert, DRIFT.what, NOW + timedelta(days=8))
    assert not decide_and_note(chosen, "retrain__1", [again], NOW + timedelta(days=9))["start"]
    with pytest.raises(InputError), last_runs.noted(Path(chosen.data_dir), "prepare"):
        raise InputError("No header that is known.", "Bring another.")
    told = decide_and_note(chosen, "retrain__2", [DRIFT])
    assert (told["start"], told["run"]) == (False, "retrain__0")  # to be looked for
    assert len(lines()) == 1


@pytest.mark.parametrize("step", ["prepare", "train KNN"])
def test_one_that_failed_is_tried_once_more_and_never_again(chosen: settings.Settings, step: str) -> None:
    assert every_hour(chosen, 1, DRIFT) == [True]
    with pytest.raises(InputError), last_runs.noted(Path(chosen.data_dir), step):
        raise InputError("The node died.", "Try again.")
    week = 7 * 24
    assert every_hour(chosen, 1, DRIFT, after=week - 1) == [False]
    assert decide_and_note(chosen, "retrain__again", [DRIFT], NOW + timedelta(days=8))["start"]
    assert len(lines()) == 2
    for days in (9, 30, 90):
        assert not decide_and_note(chosen, f"retrain__{days}", [DRIFT], NOW + timedelta(days=days))["start"]


def test_a_preparation_that_died_of_something_else_answers_no_drift(chosen: settings.Settings) -> None:
    """Somebody's own, so that the log has no line of it."""
    with pytest.raises(OSError), last_runs.noted(Path(chosen.data_dir), "prepare"):
        raise OSError(28, "No space left on device")
    earlier = Reason(DRIFT.alert, DRIFT.what, NOW - timedelta(hours=1))
    assert every_hour(chosen, 5, earlier) == [True, *[False] * 4]
    assert len(lines()) == 1


def test_newer_files_and_a_new_drift_are_another_one_after_the_cool_down(chosen: settings.Settings) -> None:
    assert every_hour(chosen, 1, DRIFT) == [True]
    (Path(chosen.data_dir) / "reservations.csv").write_text("reservation_id\n1\n2\n")
    again = Reason(DRIFT.alert, DRIFT.what, NOW + timedelta(days=6))
    assert every_hour(chosen, 2, again, after=7 * 24 - 2) == [False, False]
    assert every_hour(chosen, 3, again, after=7 * 24 + 1) == [True, False, False]
    assert [line["run"] for line in lines()][-1] == "retrain__0"
    assert len(lines()) == 2


def test_a_job_whose_answer_got_lost_notes_nothing_twice(chosen: settings.Settings) -> None:
    told = [decide_and_note(chosen, "retrain__0", [DRIFT]) for _ in range(3)]
    why = "2 inputs of KNN have moved."
    assert told == [{"start": True, "why": why, "run": "retrain__0", "reason": why}] * 3
    assert len(lines()) == 1


def test_the_command_reports_what_it_decided(chosen: settings.Settings) -> None:
    def ask(reasons: str) -> Any:
        return CliRunner().invoke(
            app, ["note-retraining", "--run", "retrain__0", "--reasons", reasons], obj=chosen
        )

    done = ask(to_text([DRIFT]))
    assert json.loads(done.stdout.splitlines()[-1].removeprefix(RESULT_MARK))["start"] is True
    assert "cannot be read" in str(ask("[1]").exception)
    assert len(lines()) == 1
