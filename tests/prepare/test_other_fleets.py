"""What was made of one fleet is put away when the data change, and is there again with them."""

from __future__ import annotations

import csv
import json
from datetime import datetime, timedelta

import pytest
from export_factory import Fleet, write

from turo.data.synthetic.generate import write_sample
from turo.errors import InputError
from turo.prepare import other_fleets
from turo.prepare.run import run
from turo.settings import load

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("local_ray")]
SPRING = datetime(2025, 6, 1, 12)
SAMPLE_END = SPRING + timedelta(days=300)
FILES = (
    "report.html",
    "forecast-accuracy.csv",
    "forecast-totals.csv",
    "forecast-draws.parquet",
    "forecast-inputs.parquet",
    "forecast-live.csv",
    "forecast-live-mondays.csv",
)
FOLDERS = ("forecasts-history", "forecast-totals-history", "horizon-7")
TRACES = ("forecasts.csv", *FILES, *FOLDERS)


def prepare(folder, **more):
    return run(load(data_dir=str(folder), ray_address="local", **more))


def sample(folder):
    clear(folder)
    write_sample(folder, vehicles=3, years=1, seed=1, end=SAMPLE_END, horizons=())
    return prepare(folder)


def own(folder, days=240):
    clear(folder)
    write(folder, Fleet(days=days).rows(SPRING))
    return prepare(folder, as_of="2025-06-01")


def clear(folder):
    for name in ("reservations.csv", "vehicles.csv", "blocks.csv"):
        (folder / name).unlink(missing_ok=True)


def leave_traces(folder, mark, vehicle):
    """As a forecast leaves them: contents that say whose they are."""
    with (folder / "forecasts.csv").open("w") as handle:
        csv.writer(handle).writerows([["vehicle_id", "mark"], [vehicle, mark]])
    for name in FILES:
        (folder / name).write_text(mark)
    for name in FOLDERS:
        (folder / name).mkdir(exist_ok=True)
        (folder / name / f"{mark}.parquet").write_text(mark)


def standing(folder):
    return {name for name in TRACES if (folder / name).exists()}


def marks(folder):
    return {(folder / "report.html").read_text(), *(p.stem for p in (folder / "forecasts-history").iterdir())}


@pytest.fixture
def data(tmp_path):
    """A folder with a sample's table and all that a forecast leaves."""
    sample(tmp_path)
    leave_traces(tmp_path, "sample", "1000001")
    return tmp_path


def test_the_same_fleet_keeps_everything_in_its_place(data):
    sample(data)
    assert standing(data) == set(TRACES)
    assert not (data / other_fleets.FOLDER).exists()


def test_another_fleet_finds_nothing_of_the_last_one_and_the_last_one_everything_again(data):
    first = json.loads((data / "manifest.json").read_text())["fleet"]["id"]
    second = own(data)["fleet"]["id"]
    assert standing(data) == set()
    assert marks(data / other_fleets.FOLDER / first) == {"sample"}
    leave_traces(data, "own", "1000000")
    assert sample(data)["fleet"]["id"] == first
    assert marks(data) == {"sample"}
    assert marks(data / other_fleets.FOLDER / second) == {"own"}
    assert not (data / other_fleets.FOLDER / first).exists()
    own(data)
    assert marks(data) == {"own"}


def test_a_run_that_fails_leaves_the_last_fleet_s_report_where_it_was(data):
    clear(data)
    write(data, Fleet(days=240).rows(SPRING)[:1])
    with pytest.raises(InputError, match="HORIZON_DAYS=366 is longer than the history"):
        prepare(data, as_of="2025-06-01", horizon_days=366)
    assert marks(data) == {"sample"}
    assert not (data / other_fleets.FOLDER).exists()


def test_what_a_killed_run_had_put_away_is_taken_back(data):
    """Killed after the move and before the new manifest: the manifest still names the old fleet."""
    other_fleets.put_away(data, other_fleets.current(data))
    assert standing(data) == set()
    other_fleets.take_back(data)
    assert standing(data) == set(TRACES)
    assert marks(data) == {"sample"}


def test_a_forecast_made_meanwhile_is_not_overwritten_by_an_older_one(data):
    other_fleets.put_away(data, other_fleets.current(data))
    leave_traces(data, "newer", "1000001")
    other_fleets.take_back(data)
    assert (data / "report.html").read_text() == "newer"
    assert marks(data) == {"newer", "sample"}


def test_traces_of_an_older_version_are_told_by_their_vehicles(data):
    """Its manifest names no fleet: forecasts of these vehicles stay, of others go."""
    manifest = json.loads((data / "manifest.json").read_text())
    (data / "manifest.json").write_text(json.dumps({k: v for k, v in manifest.items() if k != "fleet"}))
    leave_traces(data, "sample", sample_vehicle(data))
    sample(data)
    assert marks(data) == {"sample"}
    manifest.pop("fleet")
    (data / "manifest.json").write_text(json.dumps(manifest))
    own(data)
    assert standing(data) == set()
    assert marks(data / other_fleets.FOLDER / other_fleets.UNKNOWN) == {"sample"}


def sample_vehicle(folder):
    with (folder / "datas.csv").open() as handle:
        return next(csv.DictReader(handle))["vehicle_id"]


def test_the_table_of_a_further_horizon_moves_nothing(data):
    run(load(data_dir=str(data), ray_address="local", horizon_days=7), folder=str(data / "horizon-7"))
    assert standing(data) == set(TRACES)
