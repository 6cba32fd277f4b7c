"""`turo reset-sample`: the sample goes, one's own files of the same names stay."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from turo import last_runs
from turo.cli import app
from turo.data.synthetic.generate import write_sample
from turo.errors import ServiceError, TrainingError
from turo.files import sha256
from turo.prepare import input_notes, reset_sample
from turo.settings import load
from turo.table.lock import exclusive

DATAS = Path(__file__).resolve().parents[2] / "datas"
OWN = (
    "reservation_id,vehicle_id,trip_start,trip_end,status\n1,7,2026-01-01T10:00,2026-01-03T10:00,completed\n"
)


@pytest.fixture
def data(tmp_path, monkeypatch):
    """The committed sample with the outputs of a run; contents of the outputs play no part."""
    for name in reset_sample.SAMPLE:
        shutil.copy(DATAS / name, tmp_path / name)
    (tmp_path / "oracle.csv").write_text("vehicle_id\n")
    (tmp_path / "oracle_totals.csv").write_text("origin_date\n")
    inputs = {"reservations.csv": {"sha256": sha256(tmp_path / "reservations.csv")}}
    fleet: dict[str, object] = dict.fromkeys(("profile", "snapshot", "first", "last", "sketch"), "")
    fleet |= {"id": "abc", "vehicles": 1, "reservations": 1}
    (tmp_path / "manifest.json").write_text(json.dumps({"inputs": inputs, "fleet": fleet}))
    for name in ("datas.csv", "datas.parquet", "forecasts.csv", "fleets.json"):
        (tmp_path / name).write_text(name)
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    return tmp_path


def run(*words):
    return CliRunner().invoke(app, ["reset-sample", *words], obj=load())


def names(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {".prepare.lock"}


def test_the_committed_files_are_the_sample():
    assert {name: sha256(DATAS / name) for name in reset_sample.SAMPLE} == reset_sample.SAMPLE


def test_the_committed_files_are_what_generate_writes(tmp_path):
    write_sample(tmp_path, horizons=())
    assert {name: sha256(tmp_path / name) for name in reset_sample.SAMPLE} == reset_sample.SAMPLE


def test_everything_of_the_sample_is_moved_and_nothing_is_lost(data):
    before = {path.name: path.read_bytes() for path in data.iterdir() if path.is_file()}
    assert run("--yes").exit_code == 0
    assert {path.name for path in data.iterdir()} == {"fleets.json", "other-fleets", ".prepare.lock"}
    away = {path.name: path.read_bytes() for path in (data / "other-fleets").rglob("*") if path.is_file()}
    assert away == {name: content for name, content in before.items() if name != "fleets.json"}


def failed_before(data):
    with pytest.raises(TrainingError), last_runs.noted(data, "train SVR"):
        raise TrainingError("SVR found no fit.", "Look at its run.")
    input_notes.passed(data, {})


def test_how_steps_ended_on_the_sample_is_forgotten_with_it(data):
    failed_before(data)
    assert run("--yes").exit_code == 0
    assert last_runs.read(data) == []
    assert not input_notes.state(data).passed_at
    failed_before(data)
    assert run("--undo").exit_code == 0
    assert [step.step for step in last_runs.read(data)] == ["train SVR"]


def test_how_steps_ended_on_ones_own_table_is_kept(data):
    (data / "reservations.csv").write_text(OWN)
    manifest = json.loads((data / "manifest.json").read_text())
    manifest["inputs"]["reservations.csv"]["sha256"] = sha256(data / "reservations.csv")
    (data / "manifest.json").write_text(json.dumps(manifest))
    failed_before(data)
    assert run("--yes").exit_code == 0
    assert [step.step for step in last_runs.read(data)] == ["train SVR"]


def test_a_file_of_ones_own_is_not_touched(data):
    (data / "reservations.csv").write_text(OWN)
    assert run("--yes").exit_code == 0
    assert (data / "reservations.csv").read_text() == OWN
    assert not {"vehicles.csv", "blocks.csv", "datas.parquet", "forecasts.csv"} & {
        p.name for p in data.iterdir()
    }


def test_a_table_of_ones_own_is_not_touched_either(data):
    (data / "reservations.csv").write_text(OWN)
    manifest = json.loads((data / "manifest.json").read_text())
    manifest["inputs"]["reservations.csv"]["sha256"] = sha256(data / "reservations.csv")
    (data / "manifest.json").write_text(json.dumps(manifest))
    assert run("--yes").exit_code == 0
    left = {path.name for path in data.iterdir()}
    assert {"reservations.csv", "manifest.json", "datas.parquet", "forecasts.csv"} <= left
    assert not {"vehicles.csv", "blocks.csv"} & left


def test_nothing_is_moved_without_a_yes(data):
    before = names(data)
    refused = run()
    assert refused.exit_code
    assert names(data) == before
    assert "--yes" in str(refused.exception)


def test_a_second_call_moves_nothing(data):
    run("--yes")
    again = run("--yes")
    assert again.exit_code == 0
    assert "Nothing of the sample is left" in again.output


def test_undo_brings_everything_back(data):
    before = {name: (data / name).read_bytes() for name in names(data)}
    run("--yes")
    assert run("--undo").exit_code == 0
    assert {name: (data / name).read_bytes() for name in names(data)} == before


def test_undo_spoils_nothing_of_ones_own(data):
    run("--yes")
    (data / "vehicles.csv").write_text("vehicle_id\n7\n")
    (data / "manifest.json").write_text("{}")
    assert run("--undo").exit_code == 0
    assert sha256(data / "reservations.csv") == reset_sample.SAMPLE["reservations.csv"]
    assert (data / "vehicles.csv").read_text() == "vehicle_id\n7\n"
    assert not (data / "datas.parquet").exists()
    (data / "reservations.csv").write_text(OWN)
    refused = run("--undo")
    assert "has a reservations.csv" in str(refused.exception)
    assert (data / "reservations.csv").read_text() == OWN


def test_it_waits_for_nobody_and_disturbs_no_prepare(data):
    before = names(data)
    with exclusive(data), pytest.raises(ServiceError, match="Another prepare"):
        reset_sample.reset(load(data_dir=str(data)))
    assert names(data) == before


def test_killed_in_the_middle_it_finishes_when_called_again(data):
    """The manifest goes last; until it is gone the outputs are known to be the sample's."""
    (data / "reservations.csv").unlink()
    (data / "datas.csv").unlink()
    assert run("--yes").exit_code == 0
    assert {path.name for path in data.iterdir()} == {"fleets.json", "other-fleets", ".prepare.lock"}
