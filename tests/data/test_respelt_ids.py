"""Vehicle ids that a spreadsheet wrote otherwise in one file than in another, and other fleets' files."""

from datetime import datetime

import pytest
from export_factory import Fleet, write

from turo.errors import InputError

TRIP = "{number},{vehicle},2025-03-{day:02d}T10:00,2025-03-{day:02d}T20:00,completed"
HEADER = "reservation_id,vehicle_id,trip_start,trip_end,status"


@pytest.fixture
def files(tmp_path):
    """Write reservations of these vehicles, a trip each, and a vehicles file of those."""

    def write_files(reserved, listed, blocked=None, columns="vehicle_id,class,timezone"):
        trips = [TRIP.format(number=n + 1, day=n + 1, vehicle=vehicle) for n, vehicle in enumerate(reserved)]
        (tmp_path / "reservations.csv").write_text("\n".join([HEADER, *trips]) + "\n")
        lines = (
            listed if columns == "vehicle_id" else [f"{vehicle},suv,America/Chicago" for vehicle in listed]
        )
        (tmp_path / "vehicles.csv").write_text("\n".join([columns, *lines]) + "\n")
        if blocked is not None:
            lines = [f"{vehicle},2025-04-01,2025-04-03" for vehicle in blocked]
            (tmp_path / "blocks.csv").write_text("\n".join(["vehicle_id,start,end", *lines]) + "\n")

    return write_files


def ids(tables):
    return tables.vehicles["vehicle_id"].to_list()


@pytest.mark.parametrize(
    ("reserved", "listed"),
    [
        (["1001.0", "1002.0"], ["1001", "1002"]),
        (["1001", "1002"], ["1001.0", "1002.00"]),
        (["1.001E+03", "1002"], ["'1001", '"=""1002"""']),
        (["\u00a01001", "1002"], ["1001", "1002\u202f"]),
    ],
)
def test_numbers_that_became_floats_are_the_same_vehicles(files, load, reserved, listed):
    files(["1001", "1002"], ["1001", "1002"], ["1001"])
    clean = load()
    files(reserved, listed, ["1001.0"])
    tables = load()
    assert tables.reservations.equals(clean.reservations)
    assert tables.vehicles.equals(clean.vehicles)
    assert tables.blocks.equals(clean.blocks)
    assert tables.warnings == clean.warnings == []


@pytest.mark.parametrize(
    ("reserved", "listed"),
    [
        (["7", "12"], ["007", "012"]),
        (["007", "012"], ["7", "12"]),
        (["7", "12"], ["007.0", "12"]),
        (["van 1", "VAN2"], ["VAN1", "van2"]),
    ],
)
def test_what_differs_in_zeros_case_or_blanks_is_taken_as_the_reservations_write_it(
    files, load, reserved, listed
):
    files(reserved, reserved, reserved)
    clean = load()
    files(reserved, listed, listed)
    tables = load()
    assert tables.reservations.equals(clean.reservations)
    assert tables.vehicles.equals(clean.vehicles)
    assert tables.blocks.equals(clean.blocks)
    told = [w for w in tables.warnings if "otherwise than the reservations" in w]
    assert [w.split()[0] for w in told] == ["vehicles.csv", "blocks.csv"]
    assert f"{sorted(set(listed) - set(reserved))[0].removesuffix('.0')} as " in told[0]


@pytest.mark.parametrize(
    ("reserved", "listed"),
    [
        (["7", "12"], ["007", "07", "12"]),
        (["7", "07"], ["7"]),
        (["7"], ["7", "007"]),
        (["A 1"], ["a1", "A1"]),
        (["1001", '"1,001"'], ["1001"]),
    ],
)
def test_ids_that_may_mean_several_are_refused(files, load, reserved, listed):
    files(reserved, listed)
    with pytest.raises(InputError, match=r"vehicles\.csv and the reservations write vehicle ids in several"):
        load()


def test_words_that_differ_in_case_may_be_different_vehicles(files, load):
    files(["aB", "AB"], ["aB"])
    assert ids(load()) == ["AB", "aB"]


@pytest.mark.parametrize("listed", [["5", "6"], ["sample-1"], ["10010", "10020"]])
def test_a_vehicles_file_of_another_fleet_is_refused_with_a_way_out(files, load, listed):
    files(["1001", "1002"], listed)
    with pytest.raises(InputError) as caught:
        load()
    assert f"reservations.csv has 1001, 1002, vehicles.csv has {', '.join(listed)}" in caught.value.what
    assert "at least the column vehicle_id, with the ids of reservations.csv" in caught.value.remedy


def test_the_way_out_works(files, load):
    files(["1001", "1002"], ["5", "6"])
    with pytest.raises(InputError):
        load()
    files(["1001", "1002"], ["1001", "1002"], columns="vehicle_id")
    assert ids(load()) == ["1001", "1002"]


def test_times_with_an_offset_find_their_zone_under_the_other_spelling(files, load, tmp_path):
    files(["007"], ["7"])
    path = tmp_path / "reservations.csv"
    path.write_text(path.read_text().replace("T10:00", "T10:00-06:00"))
    assert load().reservations["trip_start"].to_list() == [datetime(2025, 3, 1, 10)]


def test_blocks_of_another_fleet_are_said_to_be_so(files, load):
    files(["1001", "1002"], ["1001", "1002"], ["v1", "v2"])
    tables = load()
    assert tables.blocks.height == 0
    (said,) = [w for w in tables.warnings if "seems to belong to another fleet" in w]
    assert said.startswith("blocks.csv knows none of the vehicles of the reservations")


def test_blocks_in_dates_that_may_be_day_or_month_say_so(files, load, tmp_path):
    files([str(n) for n in range(1, 30)], [str(n) for n in range(1, 30)])
    (tmp_path / "blocks.csv").write_text(
        "vehicle_id,start,end\n" + "1,2025-01-01,2025-01-02\n" * 30 + "1,5/6/2025,6/6/2025\n"
    )
    told = "start may be day/month or month/day, or lacks the century: set DATE_ORDER (met 5/6/2025)"
    assert load().rejected["reason"].to_list() == [told]
    assert load(date_order="DMY").blocks["start"].to_list()[-1] == datetime(2025, 6, 5)


def test_take_home_files_are_matched_in_the_same_way(tmp_path, load):
    (tmp_path / "vehicles.csv").write_text("vehicle_id,actual_price\n1.0,$50.00\n02,60\n")
    reservations = tmp_path / "reservations.csv"
    reservations.write_text("vehicle_id,created_at\n1,2023-04-18 9:36:57\n2.0,2023-04-19 09:36:57\n")
    tables = load()
    assert tables.vehicles.select("vehicle_id", "actual_price").rows() == [("1", 50.0), ("2", 60.0)]
    assert tables.reservations["vehicle_id"].to_list() == ["1", "2"]
    reservations.write_text("vehicle_id,created_at\n8,2023-04-18 09:36:57\n9,2023-04-18 09:36:57\n")
    with pytest.raises(
        InputError, match=r"vehicles\.csv knows none of the vehicles in .*has 8, 9, vehicles.csv has 02, 1"
    ):
        load()


@pytest.mark.parametrize("form", ["{}.0", "0{}", "'{}"])
def test_the_vehicles_of_an_export_are_found_in_the_file(tmp_path, load, form):
    write(tmp_path, Fleet(days=90).rows(datetime(2025, 5, 1)))
    listed = [form.format(1_000_000 + n) for n in range(4)]
    (tmp_path / "vehicles.csv").write_text("vehicle_id,class\n" + "".join(f"{each},suv\n" for each in listed))
    tables = load()
    assert ids(tables) == ["1000000", "1000001", "1000002", "1000003"]
    assert tables.vehicles["class"].to_list() == ["suv"] * 4


@pytest.mark.parametrize(
    ("cell", "dollars"), [("$85.50", 85.5), ("US$ 85.50", 85.5), ("'85.50", 85.5), ("1,085.50 USD", 1085.5)]
)
def test_list_prices_in_dollars(tmp_path, load, cell, dollars):
    (tmp_path / "reservations.csv").write_text(
        HEADER + "\n" + TRIP.format(number=1, day=1, vehicle="v1") + "\n"
    )
    (tmp_path / "vehicles.csv").write_text(f'vehicle_id,list_price,listed_from\nv1,"{cell}","Jan 2, 2025"\n')
    vehicle = load().vehicles.to_dicts()[0]
    assert (vehicle["list_price"], str(vehicle["listed_from"])) == (dollars, "2025-01-02")


def test_canonical_amounts_in_dollars(tmp_path, load):
    (tmp_path / "vehicles.csv").write_text("vehicle_id\nv1\n")
    trip = TRIP.format(number=1, day=1, vehicle="v1")
    (tmp_path / "reservations.csv").write_text(
        f"{HEADER},trip_price,discounts,fees,total_earnings\n{trip},$120.50,$ (20.50),$ -,100.00 USD\n"
    )
    amounts = load().reservations.select("trip_price", "discounts", "fees", "total_earnings").row(0)
    assert amounts == (120.5, -20.5, 0.0, 100.0)
