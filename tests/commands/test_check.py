"""`turo check`: what would be read, what is missing, what would be refused, and nothing changed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from export_factory import Fleet, header_44, write
from typer.testing import Result

from turo import last_runs, settings
from turo.commands import steps
from turo.errors import InputError, ServiceError
from turo.prepare import input_notes, watched_inputs
from turo.table.names import MANIFEST

Turo = Callable[..., Result]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_says_on_one_screen_what_would_be_read_and_changes_nothing(data: Path, turo: Turo) -> None:
    before, rows = content(data), pl.read_csv(data / "reservations.csv")
    told = turo("check")
    assert told.exit_code == 0, told.output
    assert len(told.output.splitlines()) <= 30
    assert "canonical" in told.output
    assert f"{rows.height} reservations" in told.output
    assert f"{rows['vehicle_id'].n_unique()} with reservations" in told.output
    assert "nothing was prepared here yet" in told.output
    assert "would be taken" in told.output
    assert content(data) == before


def test_an_export_is_checked_from_elsewhere_without_keys_being_kept(
    data: Path, turo: Turo, tmp_path: Path
) -> None:
    other = tmp_path / "elsewhere"
    other.mkdir()
    now = datetime(2025, 8, 1, 12)
    found = write(other, Fleet(days=240).rows(now), header=header_44())
    export = found.rename(other / "trip_earnings_export_20250801.csv")
    for name in ("vehicles.csv", "blocks.csv", "reservations.csv"):
        (data / name).unlink()
    told = turo("check", export)
    assert told.exit_code == 0, told.output
    assert "turo_export" in told.output
    assert "vehicles.csv: no class" in told.output
    assert "blocks.csv: days that the owner took out count as open" in told.output
    assert content(data) == {}
    assert [path.name for path in other.iterdir()] == [export.name]


def test_rejected_rows_are_listed_by_reason_and_line(data: Path, turo: Turo) -> None:
    path = data / "reservations.csv"
    lines = path.read_text().splitlines()
    lines[2] = lines[2].replace("2026", "20x6")
    path.write_text("\n".join(lines) + "\n")
    told = turo("check")
    assert told.exit_code == 0, told.output
    assert "1 row" in told.output
    assert "first in line 3" in told.output


@pytest.mark.parametrize("noted", [False, True])
def test_what_would_be_refused_ends_with_the_reason(data: Path, turo: Turo, noted: bool) -> None:
    (data / "reservations.csv").write_text("name,colour\na,red\n")
    told = turo("check", *(["--noted"] if noted else []))
    assert told.exit_code == 1
    assert isinstance(told.exception, InputError)
    assert "would be refused. reservations.csv" in told.output
    assert "turo-check-" not in told.output
    runs = last_runs.read(data)
    assert [run.step for run in runs] == (["check"] if noted else [])
    if noted:
        assert "no header that is known" in runs[0].problem
        now = watched_inputs.digests(data, ["reservations.csv"])
        kept = json.loads((data / input_notes.REFUSED).read_text())
        assert kept["reservations.csv"] == now["reservations.csv"]  # not news any more


def test_what_was_refused_once_is_news_again_when_it_comes_back(data: Path, turo: Turo) -> None:
    names = ["reservations.csv", "vehicles.csv", "blocks.csv"]
    prepared = {name: {"sha256": sha} for name, sha in watched_inputs.digests(data, names).items()}
    (data / MANIFEST).write_text(json.dumps({"inputs": prepared}))
    good, bad = (data / "reservations.csv").read_text(), "name,colour\na,red\n"

    def news(text: str) -> bool:
        (data / "reservations.csv").write_text(text)
        return watched_inputs.is_news(data, watched_inputs.digests(data, names), names)

    assert news(bad)
    assert turo("check", "--noted").exit_code == 1
    assert not news(bad)
    assert news(good)  # for a check that takes the refusal back
    assert turo("check", "--noted").exit_code == 0
    assert not news(good)
    assert news(bad)


def test_a_check_that_passes_is_noted(data: Path, turo: Turo) -> None:
    told = turo("check", "--noted")
    assert told.exit_code == 0, told.output
    assert told.output.splitlines()[-1].startswith("TURO_RESULT ")
    (run,) = last_runs.read(data)
    assert not (data / input_notes.CHECKED).exists()  # whether it was prepared the manifest will tell
    assert run.step == "check"
    assert run.ended
    assert not run.problem


def test_what_passed_but_was_not_prepared_is_prepared_when_new_files_is_triggered_again(
    data: Path, turo: Turo
) -> None:
    def wants_preparation() -> bool:
        told = turo("check", "--noted")
        assert told.exit_code == 0, told.output
        result = json.loads(told.output.splitlines()[-1].removeprefix("TURO_RESULT "))
        assert result["costs"] is False
        return bool(result["news"])

    assert wants_preparation()
    assert input_notes.state(data).passed_at
    chosen = settings.load(data_dir=str(data))
    with pytest.raises(InputError), steps.noted(chosen, "prepare"), steps.remembered(chosen):
        raise InputError("The disk was full.", "Make room.")
    assert wants_preparation()
    names = watched_inputs.states(data, chosen.input_files)
    found = {name: {"sha256": sha} for name, sha in watched_inputs.digests(data, names).items()}
    with steps.noted(chosen, "prepare"), steps.remembered(chosen):
        (data / MANIFEST).write_text(json.dumps({"inputs": found}))
    assert not input_notes.state(data).passed_at
    assert not wants_preparation()


@pytest.fixture
def prepared(data: Path) -> Path:
    """A folder whose table is of the files that lie there."""
    prepare(data)
    return data


def prepare(folder: Path, problem: str = "") -> None:
    """What `turo prepare` notes of a good run, or of one that fails."""
    chosen = settings.load(data_dir=str(folder))
    with steps.noted(chosen, "prepare"), steps.remembered(chosen):
        if problem:
            raise ServiceError(problem, "Start it.")
        names = watched_inputs.states(folder, chosen.input_files)
        found = {name: {"sha256": sha} for name, sha in watched_inputs.digests(folder, names).items()}
        (folder / MANIFEST).write_text(json.dumps({"inputs": found}))


def is_news(folder: Path) -> bool:
    names = settings.load(data_dir=str(folder)).input_files
    return watched_inputs.is_news(
        folder, watched_inputs.digests(folder, watched_inputs.states(folder, names)), names
    )


def problems(folder: Path) -> list[str]:
    return [run.step for run in last_runs.read(folder) if run.problem]


@pytest.fixture
def passed(prepared: Path, turo: Turo) -> Path:
    """Others in their places, which passed their check and wait."""
    good = (prepared / "reservations.csv").read_text()
    (prepared / "reservations.csv").write_text(good + "\n")
    assert turo("check", "--noted").exit_code == 0
    assert input_notes.state(prepared).passed_at
    return prepared


@pytest.mark.parametrize("by_a_check", [False, True])
def test_files_that_passed_wait_no_longer_once_those_of_the_table_are_back(
    passed: Path, turo: Turo, by_a_check: bool
) -> None:
    path = passed / "reservations.csv"
    path.write_text(path.read_text()[:-1])
    if by_a_check:
        assert turo("check", "--noted").exit_code == 0
    assert not input_notes.state(passed).passed_at
    assert (passed / input_notes.PASSED).exists() is not by_a_check


def test_files_that_passed_wait_no_longer_once_they_are_deleted(passed: Path) -> None:
    (passed / "reservations.csv").unlink()
    assert not input_notes.state(passed).passed_at


def test_going_on_without_a_file_waits_no_longer_once_it_is_back(prepared: Path, turo: Turo) -> None:
    blocks = (prepared / "blocks.csv").read_text()
    (prepared / "blocks.csv").unlink()
    assert turo("check", "--noted").exit_code == 0
    assert input_notes.state(prepared).passed_at
    (prepared / "blocks.csv").write_text(blocks)
    assert not input_notes.state(prepared).passed_at


PREPARING = """
import os, signal, sys
from turo import settings
from turo.commands import steps

chosen = settings.load(data_dir=sys.argv[1])
with steps.noted(chosen, "prepare"), steps.remembered(chosen):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("killed", [False, True])
def test_that_others_could_not_be_prepared_is_over_once_those_of_the_table_are_back(
    passed: Path, turo: Turo, killed: bool
) -> None:
    if killed:
        subprocess.run([sys.executable, "-c", PREPARING, str(passed)], check=False)
    else:
        with pytest.raises(ServiceError):
            prepare(passed, problem="Ray is away.")
    path = passed / "reservations.csv"
    path.write_text(path.read_text()[:-1])
    assert is_news(passed)  # to a check, which takes the failure back
    assert turo("check", "--noted").exit_code == 0
    assert [run.step for run in last_runs.read(passed)] == ["check"]
    assert not is_news(passed)


def test_a_table_that_could_not_be_made_again_of_its_own_files_stays_told(prepared: Path, turo: Turo) -> None:
    with pytest.raises(ServiceError):
        prepare(prepared, problem="Ray is away.")
    assert not is_news(prepared)
    assert turo("check", "--noted").exit_code == 0
    assert problems(prepared) == ["prepare"]


def test_a_file_that_is_replaced_while_the_table_is_made_is_not_taken_for_prepared(data: Path) -> None:
    chosen = settings.load(data_dir=str(data))
    with steps.remembered(chosen):
        (data / "blocks.csv").unlink()
    assert set(json.loads((data / input_notes.CHECKED).read_text())) == {"reservations.csv", "vehicles.csv"}


def test_a_missing_price_and_date_are_told_with_what_they_cost(
    data: Path, turo: Turo, tmp_path: Path
) -> None:
    rows = pl.read_csv(data / "reservations.csv", infer_schema=False)
    bare = tmp_path / "bare.csv"
    rows.drop("trip_price", "booked_at", "cancelled_at", strict=False).write_csv(bare)
    told = turo("check", bare)
    assert told.exit_code == 0, told.output
    for what in ("price: all", "booking date: all", "date of cancellation"):
        assert what in told.output


def test_one_of_several_exports_is_read_beside_the_others(
    data: Path, turo: Turo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = (data / "reservations.csv").read_text().splitlines()
    (data / "in").mkdir()
    half = len(rows) // 2
    (data / "in" / "a.csv").write_text("\n".join(rows[:half]) + "\n")
    (data / "in" / "b.csv").write_text("\n".join([rows[0], *rows[half:]]) + "\n")
    (tmp_path / "b.csv").write_text("\n".join([rows[0], *rows[half:]]) + "\n")
    for names in ("in/*.csv", "in/a.csv,in/b.csv"):
        monkeypatch.setenv("RESERVATIONS_FILE", names)
        assert (
            turo("check", tmp_path / "b.csv").output.splitlines()[3:] == turo("check").output.splitlines()[3:]
        )


def test_a_file_that_is_not_there(turo: Turo, tmp_path: Path) -> None:
    told = turo("check", tmp_path / "nowhere.csv")
    assert told.exit_code == 1
    assert "nowhere.csv: no such file" in str(told.exception)


def test_two_files_of_one_name(data: Path, turo: Turo, tmp_path: Path) -> None:
    (tmp_path / "vehicles.csv").write_bytes((data / "vehicles.csv").read_bytes())
    told = turo("check", data / "vehicles.csv", tmp_path / "vehicles.csv")
    assert told.exit_code == 1
    assert "Two files are called vehicles.csv" in str(told.exception)


def test_a_folder_behind_an_url_takes_no_note_and_is_not_made(turo: Turo, data: Path) -> None:
    told = turo("check", "--noted", data_dir=data.as_uri())
    assert told.exit_code == 0, told.output
    assert last_runs.read(data) == []


def renamed(data: Path) -> str:
    name = "trip_earnings_export_20250801.csv"
    (data / "vehicles.csv").unlink()
    (data / "blocks.csv").unlink()
    write(data, Fleet(days=240).rows(datetime(2025, 8, 1, 12)), header=header_44()).rename(data / name)
    (data / "reservations.csv").unlink(missing_ok=True)
    return name


@pytest.mark.parametrize("command", ["check", "prepare"])
def test_an_export_under_its_own_name_is_named_with_both_ways_to_have_it_read(
    data: Path, turo: Turo, command: str
) -> None:
    name = renamed(data)
    told = turo(command)
    assert told.exit_code == 1
    assert isinstance(told.exception, InputError)
    said = str(told.exception)
    assert f"reservations.csv not found in {data}, but {name} lies there." in said
    assert "RESERVATIONS_FILE=trip_earnings_export_*.csv" in said
    assert "rename the file to reservations.csv and set AS_OF" in said


def test_reservations_are_not_proposed_in_place_of_vehicles(data: Path, turo: Turo) -> None:
    (data / "vehicles.csv").unlink()
    said = str(turo("check").exception)
    assert "vehicles.csv not found" in said
    assert "lies there" not in said
    assert "AS_OF" not in said


def test_it_says_what_tells_until_when_the_files_are_known(data: Path, turo: Turo) -> None:
    assert "Known until 2026-11-24 00:00, by AS_OF" in turo("check", as_of="2026-11-24").output
    assert "prove; where it was taken later, put that day into the file's name" in turo("check").output
    name = renamed(data)
    told = turo("check", reservations_file="trip_earnings_export_*.csv", as_of="2025-08-03").output
    assert f"by the name of {name}" in told
    assert "Known until 2025-08-01 " in told
