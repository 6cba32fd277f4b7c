"""One export file overwritten by the next: it must continue what the run before was made of."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from export_factory import Fleet, write

from turo.errors import InputError
from turo.prepare.run import run
from turo.settings import Settings

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("local_ray")]
SPRING, SUMMER = datetime(2025, 6, 1, 12), datetime(2025, 8, 1, 12)
TABLE = ("datas.csv", "datas.parquet", "manifest.json", "last_export.parquet", "fleets.json")


@pytest.fixture(scope="module")
def fleet():
    return Fleet(days=240)


@pytest.fixture
def data(tmp_path, fleet):
    """A folder whose export of 1 June has been prepared."""
    replace(tmp_path, fleet.rows(SPRING), SPRING)
    prepare(tmp_path)
    return tmp_path


def replace(folder, rows, day):
    for old in folder.glob("trip_earnings_export_*.csv"):
        old.unlink()
    write(folder, rows, f"trip_earnings_export_{day:%Y%m%d}.csv")


def prepare(folder, **more):
    files = {"reservations_file": "trip_earnings_export_*.csv"}
    return run(Settings(**({"data_dir": str(folder), "ray_address": "local"} | files | more)))


def contents(folder):
    return {name: (folder / name).read_bytes() for name in TABLE}


def test_a_later_export_in_its_place_is_taken(data, fleet):
    replace(data, fleet.rows(SUMMER), SUMMER)
    made = prepare(data)
    assert made["snapshot"].startswith("2025-08-01")
    assert made["outputs"]["last_export.parquet"]["rows"] == made["rows"]["accepted"]


def test_an_export_of_some_months_lacks_the_others_by_right(data, fleet):
    recent = [row for row in fleet.rows(SUMMER) if row["Trip end"] >= "2025-05-01"]
    replace(data, recent, SUMMER)
    assert prepare(data)["rows"]["accepted"] == len(recent)


def undone(rows):
    """The first completed trip is a booking again."""
    first = next(row for row in rows if row["Trip status"] == "Completed")
    return [row | ({"Trip status": "Booked"} if row is first else {}) for row in rows]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (undone, "1 completed trips became booked"),
        (lambda rows: rows[::2] + rows[-1:], "reservations of the older one are missing"),
    ],
)
def test_one_that_does_not_continue_the_last_is_refused_unless_told(data, fleet, spoil, says):
    before = contents(data)
    replace(data, spoil(fleet.rows(SUMMER)), SUMMER)
    with pytest.raises(InputError, match=rf"of 2025-08-01 does not continue .* of 2025-06-01: .*{says}"):
        prepare(data)
    assert contents(data) == before
    assert prepare(data, accept_older_snapshot=True)["snapshot"].startswith("2025-08-01")


def test_a_fleet_of_another_profile_is_compared_with_nothing(data):
    from turo.data.synthetic.generate import write_sample

    write_sample(data, vehicles=3, years=1, seed=1, end=SUMMER + timedelta(days=300), horizons=())
    made = prepare(data, reservations_file="reservations.csv")
    assert (made["profile"], made["outputs"]["last_export.parquet"]["rows"]) == ("canonical", 0)
