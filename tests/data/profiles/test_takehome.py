"""The take-home profile, in both of its forms, and on the real files where they are at hand."""

import os
from datetime import datetime
from pathlib import Path

import pytest

from turo.errors import InputError

SHARED = Path(os.environ.get("TURO_SHARED_DATA", Path(__file__).parents[3] / "../shared/data"))
VEHICLES = (
    "vehicle_id,technology,actual_price,recommended_price,num_images,street_parked,description\n"
    "1,1,67.85,59,5,0,7\n2,0,100.7,53,5,0,224\n3,0,74,74,4,1,21\n"
)


@pytest.fixture
def files(tmp_path):
    def write(reservations, vehicles=VEHICLES):
        (tmp_path / "reservations.csv").write_text(reservations)
        (tmp_path / "vehicles.csv").write_text(vehicles)

    return write


def test_the_form_with_dates(files, load):
    files("vehicle_id,created_at\n2,2023-07-27 14:58:26\n1,2023-04-18 09:36:57\n2,2023-01-01 00:00:00\n")
    tables = load()
    assert tables.profile == "turo_takehome"
    assert tables.reservations.rows() == [
        ("1", datetime(2023, 4, 18, 9, 36, 57)),
        ("2", datetime(2023, 1, 1)),
        ("2", datetime(2023, 7, 27, 14, 58, 26)),
    ]
    assert tables.snapshot == datetime(2023, 7, 27, 14, 58, 26)
    listed = tables.vehicles.select("vehicle_id", "actual_price", "recommended_price", "street_parked")
    assert listed.rows() == [("1", 67.85, 59.0, 0.0), ("2", 100.7, 53.0, 0.0), ("3", 74.0, 74.0, 1.0)]
    assert tables.warnings == []


def test_a_date_alone_is_its_midnight(files, load):
    files("vehicle_id,created_at\n2,2023-07-27\n")
    assert load().reservations.rows() == [("2", datetime(2023, 7, 27))]


def test_the_older_form_with_types(files, load):
    files("vehicle_id,reservation_type\n2,1\n1,3\n2,2\n")
    tables = load()
    assert tables.profile == "turo_takehome"
    assert tables.reservations.rows() == [("1", None), ("2", None), ("2", None)]


def test_rows_that_cannot_be_used_are_set_aside(files, load):
    lines = "".join(f"{n % 3 + 1},2023-07-27 14:58:{n:02d}\n" for n in range(50))
    files("vehicle_id,created_at\n" + lines + ",2023-07-27 14:58:26\n1,\n")
    assert load().rejected.rows() == [
        ("reservations.csv", 52, "vehicle_id is blank"),
        ("reservations.csv", 53, "created_at is no known date and time"),
    ]


def test_dates_that_may_be_day_or_month_say_so_and_are_read_once_their_order_is_set(files, load):
    lines = "".join(f"{n % 3 + 1},{n % 12 + 1}/4/2023 09:36\n" for n in range(24))
    files("vehicle_id,created_at\n" + lines)
    with pytest.raises(
        InputError, match=r"created_at may be day/month .*set DATE_ORDER \(24, such as 1/4/2023"
    ):
        load()
    assert load(date_order="DMY").reservations["created_at"].dt.month().unique().to_list() == [4]


def test_missing_attributes_are_named(files, load):
    files("vehicle_id,created_at\n1,2023-04-18 09:36:57\n", "vehicle_id,actual_price\n1,50\n")
    tables = load()
    assert any("attributes not in the file: technology, recommended_price" in w for w in tables.warnings)
    files("vehicle_id,created_at\n1,2023-04-18 09:36:57\n", "vehicle_id,class\n1,car\n")
    with pytest.raises(InputError, match=r"vehicles\.csv has none of the attributes technology"):
        load()


def test_vehicles_only_reservations_name_are_added_with_a_warning(files, load):
    files("vehicle_id,created_at\n9,2023-04-18 09:36:57\n1,2023-04-18 09:36:57\n")
    tables = load()
    assert tables.vehicles["vehicle_id"].to_list() == ["1", "2", "3", "9"]
    assert any("1 vehicle is in the reservations but not in vehicles.csv" in w for w in tables.warnings)


def test_the_real_files(load):
    if not (SHARED / "turo_takehome_reservations.csv").exists():
        pytest.skip("the take-home files are not at hand (TURO_SHARED_DATA)")
    tables = load(
        data_dir=str(SHARED),
        reservations_file="turo_takehome_reservations.csv",
        vehicles_file="turo_takehome_vehicles.csv",
    )
    assert tables.profile == "turo_takehome"
    assert (len(tables.reservations), len(tables.vehicles)) == (6376, 1000)
    assert len(tables.rejected) == 0
    assert tables.reservations["created_at"].null_count() == 0
    assert tables.warnings == []
