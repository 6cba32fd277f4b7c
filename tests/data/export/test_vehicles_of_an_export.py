"""Which vehicle a row of an export is about: ids, plates, a lone name, and ids that the user has joined."""

from datetime import datetime, timedelta

import pytest
from export_factory import header_44, row, write

from turo.errors import InputError

START = datetime(2025, 3, 1, 10)
NAME_ONLY = [name for name in header_44() if name != "Vehicle"]


def trips(*numbers, **cells):
    """One trip after the other, two days each; `numbers` are those of their vehicles."""
    first = [START + timedelta(days=3 * n) for n in range(len(numbers))]
    return [
        row(n + 1, at, at + timedelta(days=2), vehicle=vehicle, **cells)
        for n, (at, vehicle) in enumerate(zip(first, numbers, strict=True))
    ]


def warned(tables, *parts):
    return [w for w in tables.warnings if all(part in w for part in parts)]


# --- plates and names as keys -----------------------------------------------------------------------------


def test_a_plate_without_its_state_is_a_plate(tmp_path, load):
    rows = trips(0, 1, 0)
    write(tmp_path, rows, header=header_44())
    clean = load(as_of="2025-04-01")
    bare = [r | {"Vehicle": r["Vehicle"].replace("(TX #", "(# ")} for r in rows]
    write(tmp_path, bare, header=header_44())
    tables = load(as_of="2025-04-01")
    assert tables.reservations.equals(clean.reservations)
    assert tables.vehicles["state"].to_list() == [None, None]
    assert tables.vehicles.drop("state").equals(clean.vehicles.drop("state"))


def test_a_word_in_parentheses_is_no_plate(tmp_path, load):
    write(tmp_path, [r | {"Vehicle": "Blue (ABC1234)"} for r in trips(0)], header=header_44())
    with pytest.raises(InputError, match=r"no Vehicle id, VIN or plate, such as \(TX #ABC1234\)") as caught:
        load(as_of="2025-04-01")
    assert "Blue" not in str(caught.value)


def test_one_vehicle_name_is_one_vehicle(tmp_path, load):
    rows = trips(0, 0, 0)
    write(tmp_path, [*rows[:2], rows[2] | {"Vehicle name": "honda  civic 2021"}], header=NAME_ONLY)
    tables = load(as_of="2025-04-01")
    assert warned(tables, "reservations.csv has one Vehicle name", "taken for one vehicle")
    assert tables.vehicles.select("vehicle_id", "year").rows() == [("car-0001", 2021)]
    assert tables.reservations["vehicle_id"].to_list() == ["car-0001"] * 3
    assert load(as_of="2025-04-01").reservations.equals(tables.reservations)


def test_several_vehicle_names_do_not_tell_vehicles_apart(tmp_path, load):
    write(tmp_path, trips(0, 1), header=NAME_ONLY)
    with pytest.raises(InputError, match="only by Vehicle name, which is not unique"):
        load(as_of="2025-04-01")


def test_trips_that_overlap_show_that_one_name_is_not_one_vehicle(tmp_path, load):
    rows = trips(0, 0)
    between = row(9, START + timedelta(days=1), START + timedelta(days=4), vehicle=0)
    write(tmp_path, [*rows, between], header=NAME_ONLY)
    with pytest.raises(
        InputError, match="only by Vehicle name, which is not unique, and their trips overlap"
    ):
        load(as_of="2025-04-01")


def test_a_name_beside_vehicles_with_ids_is_refused(tmp_path, load):
    write(tmp_path, trips(0, 1), "trip_earnings_export_20250401.csv")
    rows = [r | {"Reservation ID": "7" + r["Reservation ID"][1:]} for r in trips(0)]
    write(tmp_path, rows, "trip_earnings_export_20250310.csv", header=NAME_ONLY)
    with pytest.raises(
        InputError, match=r"trip_earnings_export_20250310\.csv tells vehicles apart only by Vehicle n"
    ):
        load(reservations_file="trip_*.csv", accept_older_snapshot=True)


# --- a vehicle that was listed anew -----------------------------------------------------------------------


@pytest.fixture(params=[1, -1], ids=["oldest first", "newest first"])
def anew(tmp_path, request):
    """An export in which vehicle 0 is listed again as vehicle 7, and the same one without that."""
    rows = trips(0, 0, 1, 0, 0)
    listed = [r | {"Vehicle id": "1000007"} if n > 2 else r for n, r in enumerate(rows)]
    write(tmp_path, listed[:: request.param])
    return rows


def test_the_warning_of_a_vehicle_listed_anew_tells_how_to_join_it_and_that_works(tmp_path, load, anew):
    tables = load(as_of="2025-04-01")
    (told,) = warned(tables, "1000000, 1000007 share a VIN", "first line kind,key,vehicle_id")
    line = told.split("such as ")[1].removesuffix(".")
    assert line == "vehicle,1000000,1000007"
    keys = tmp_path / "vehicle_keys.csv"
    keys.write_text(f"kind,key,vehicle_id\n{line}\n")
    joined = load(as_of="2025-04-01")
    assert not warned(joined, "share a VIN")
    write(tmp_path, [r | {"Vehicle id": "1000007"} if r["VIN"].endswith("0") else r for r in anew])
    keys.unlink()
    clean = load(as_of="2025-04-01")
    assert joined.reservations.equals(clean.reservations)
    assert joined.vehicles.equals(clean.vehicles)


@pytest.mark.parametrize("lines", ["Vehicle id,1000007.0,1000000", "vehicle,1000007,5\nvehicle,5,1000000"])
def test_the_old_id_may_stay_the_one_in_use(tmp_path, load, anew, lines):
    (tmp_path / "vehicle_keys.csv").write_text(f"kind,key,vehicle_id\n{lines}\n")
    (tmp_path / "vehicles.csv").write_text("vehicle_id,class\n1000000,car\n1000001,suv\n1000007,truck\n")
    (tmp_path / "blocks.csv").write_text("vehicle_id,start,end\n1000007,2025-04-01,2025-04-03\n")
    tables = load(as_of="2025-04-01")
    assert tables.vehicles.select("vehicle_id", "class").rows() == [("1000000", "car"), ("1000001", "suv")]
    assert tables.reservations["vehicle_id"].to_list() == ["1000000"] * 4 + ["1000001"]
    assert tables.blocks["vehicle_id"].to_list() == ["1000000"]


def test_the_vehicles_file_may_know_the_vehicle_by_its_other_id_only(tmp_path, load, anew):
    (tmp_path / "vehicle_keys.csv").write_text("kind,key,vehicle_id\nvehicle,1000000,1000007\n")
    (tmp_path / "vehicles.csv").write_text("vehicle_id,class\n1000000,car\n1000001,suv\n")
    listed = load(as_of="2025-04-01").vehicles
    assert listed.select("vehicle_id", "class").rows() == [("1000001", "suv"), ("1000007", "car")]


def test_ids_joined_in_a_circle_are_named(tmp_path, load, anew):
    lines = "vehicle,1000000,1000007\nvehicle,1000007,1000000"
    (tmp_path / "vehicle_keys.csv").write_text(f"kind,key,vehicle_id\n{lines}\n")
    with pytest.raises(
        InputError, match=r"vehicle_keys\.csv joins the vehicle ids 1000000, 1000007 in a circle"
    ):
        load(as_of="2025-04-01")


def test_joining_does_not_hide_that_two_vehicles_are_in_one(tmp_path, load, anew):
    (tmp_path / "vehicle_keys.csv").write_text("kind,key,vehicle_id\nvehicle,1000001,1000000\n")
    with pytest.raises(InputError, match="two different VINs"):
        load(as_of="2025-04-01")


def test_a_plate_in_the_key_file_may_be_written_with_blanks(tmp_path, load):
    write(tmp_path, trips(0, 1, 0), header=header_44())
    (tmp_path / "vehicle_keys.csv").write_text(
        "kind,key,vehicle_id\nPlate,syn 0000,blue\nplate,SYN 0001,red\n"
    )
    assert set(load(as_of="2025-04-01").reservations["vehicle_id"]) == {"blue", "red"}


# --- numbers that a spreadsheet has filled up with zeros --------------------------------------------------


def test_zeros_before_the_numbers_of_an_export_make_no_second_vehicle(tmp_path, load):
    rows = trips(0, 1, 0)
    write(tmp_path, rows)
    clean = load(as_of="2025-04-01")
    ids = {name: f"0{rows[0][name]}" for name in ("Reservation ID", "Vehicle id")}
    write(tmp_path, [rows[0] | ids, *rows[1:]])
    tables = load(as_of="2025-04-01")
    assert tables.reservations.equals(clean.reservations)
    assert tables.vehicles.equals(clean.vehicles)
    assert tables.warnings == clean.warnings


def test_an_older_export_whose_numbers_have_zeros_before_them_is_the_same_fleet(tmp_path, load):
    rows = trips(0, 1, 0)
    write(tmp_path, rows, name="trips_20250401.csv")
    filled = [r | {n: r[n].zfill(12) for n in ("Reservation ID", "Vehicle id")} for r in rows[:2]]
    write(tmp_path, filled, name="trips_20250307.csv")
    tables = load(reservations_file="trips_*.csv")
    assert sorted(tables.reservations["reservation_id"]) == sorted(r["Reservation ID"] for r in rows)
    assert tables.vehicles.height == 2


def test_a_line_that_joins_vehicles_may_carry_zeros_and_guards(tmp_path, load, anew):
    (tmp_path / "vehicle_keys.csv").write_text("kind,key,vehicle_id\nvehicle,'01000000,01000007\n")
    assert not warned(load(as_of="2025-08-01"), "share a VIN")


# --- plates and VINs as people leave them -----------------------------------------------------------------


@pytest.mark.parametrize("hash_mark", ["( #", "(TX, #", "( TX #"])
def test_blanks_and_commas_around_the_state_hide_no_plate(tmp_path, load, hash_mark):
    rows = trips(0, 1, 0)
    write(tmp_path, rows, header=header_44())
    clean = load(as_of="2025-04-01")
    write(
        tmp_path,
        [r | {"Vehicle": r["Vehicle"].replace("(TX #", hash_mark)} for r in rows],
        header=header_44(),
    )
    tables = load(as_of="2025-04-01")
    assert tables.reservations.equals(clean.reservations)
    assert tables.vehicles["state"].to_list() == (["TX"] * 2 if "TX" in hash_mark else [None] * 2)


@pytest.mark.parametrize("nothing", ["-", "Unknown", "N/A", "1.23E+16", "00000000000000000", "Not available"])
def test_what_stands_for_no_vin_joins_no_vehicles(tmp_path, load, nothing):
    """Rows of old have no Vehicle id; a word in place of the VIN must not make them all one vehicle."""
    rows = [r | {"Vehicle id": ""} if n < 2 else r for n, r in enumerate(trips(0, 1, 0, 1))]
    write(tmp_path, rows)
    clean = load(as_of="2025-04-01")
    write(tmp_path, [r | {"VIN": nothing} for r in rows])
    tables = load(as_of="2025-04-01")
    assert tables.reservations.equals(clean.reservations)
    assert not warned(tables, "share a VIN")
