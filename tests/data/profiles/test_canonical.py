"""The canonical profile: types, strictness, booking and cancellation times, vehicles, blocks."""

from datetime import date, datetime

import polars as pl
import pytest

from turo.data.synthetic.generate import write_sample
from turo.data.tables import RESERVATIONS, VEHICLES
from turo.errors import ConfigError, InputError

COLUMNS = (
    "reservation_id,vehicle_id,trip_start,trip_end,status,booked_at,cancelled_at,"
    "trip_price,discounts,fees,total_earnings"
)
GOOD = "r1,v1,2025-03-01T10:00,2025-03-04T09:00,completed,2025-02-01T08:30,,120.00,-6.00,5.00,119.00"


@pytest.fixture
def files(tmp_path):
    """Write reservations of the given lines, and a vehicles file."""

    def write(*lines, columns=COLUMNS, vehicles="vehicle_id\nv1\nv2\n"):
        (tmp_path / "reservations.csv").write_text("\n".join([columns, *lines]) + "\n")
        (tmp_path / "vehicles.csv").write_text(vehicles)

    return write


def one(tables):
    return tables.reservations.to_dicts()[0]


def test_the_sample_is_read_as_it_was_written(tmp_path, load):
    rows = write_sample(tmp_path, vehicles=12, years=1, horizons=())
    tables = load()
    assert tables.profile == "canonical"
    assert len(tables.reservations) == rows["reservations.csv"]
    assert dict(tables.reservations.schema) == RESERVATIONS
    assert list(tables.vehicles.columns) == list(VEHICLES)
    assert tables.blocks is not None
    assert len(tables.blocks) == rows["blocks.csv"]
    assert tables.warnings == []
    assert len(tables.rejected) == 0
    assert datetime(2026, 11, 23) <= tables.snapshot <= datetime(2026, 11, 24)
    assert set(tables.reservations["booked_at_source"]) == {"exact"}
    assert {name: facts["rows"] for name, facts in tables.inputs.items()} == rows
    assert all(len(facts["sha256"]) == 64 for facts in tables.inputs.values())


def test_values_of_a_row(files, load):
    files(GOOD)
    row = one(load())
    assert row == {
        "reservation_id": "r1",
        "vehicle_id": "v1",
        "trip_start": datetime(2025, 3, 1, 10),
        "trip_end": datetime(2025, 3, 4, 9),
        "status": "completed",
        "booked_at": datetime(2025, 2, 1, 8, 30),
        "booked_at_source": "exact",
        "cancelled_at": None,
        "trip_price": 120.0,
        "discounts": -6.0,
        "fees": 5.0,
        "total_earnings": 119.0,
        "distance": None,
    }


def test_distances_are_read_and_one_that_cannot_be_costs_no_row(files, load):
    cells = ['"1,250.5"', "0", "", "-3", "120 mi"]
    lines = [f"{GOOD.replace('r1', f'r{place}')},{cell}" for place, cell in enumerate(cells)]
    files(*lines, columns=f"{COLUMNS},distance")
    tables = load()
    assert tables.reservations.sort("reservation_id")["distance"].to_list() == [1250.5, 0.0, None, None, None]
    assert [text for text in tables.warnings if "distance" in text] == [
        "reservations.csv: 2 row(s) have a distance that is negative or no plain number; it counts as "
        "unknown."
    ]


def test_a_comma_that_may_be_a_decimal_one_makes_no_distance(files, load):
    cells = ["85,4", "1.234,5", "1,2,3", "12,345", "0,123", "1,234,567.25"]
    lines = [f'{GOOD.replace("r1", f"r{place}")},"{cell}"' for place, cell in enumerate(cells)]
    files(*lines, columns=f"{COLUMNS},distance")
    tables = load()
    found = tables.reservations.sort("reservation_id")["distance"].to_list()
    assert found == [None, None, None, 12345.0, None, 1234567.25]
    assert any("4 row(s) have a distance that is negative or no plain number" in w for w in tables.warnings)


@pytest.mark.parametrize(
    ("cells", "kept", "sentence"),
    [
        (
            ("9", "8"),
            8.0,
            "1 reservation is repeated with another distance; the last one that is known counts",
        ),
        (
            ("", "9"),
            9.0,
            "1 reservation is repeated with another distance; the last one that is known counts",
        ),
        (
            ("9", ""),
            9.0,
            "1 reservation is repeated with another distance; the last one that is known counts",
        ),
        (("9", "9"), 9.0, "1 identical repeated row(s) were dropped."),
    ],
)
def test_repeated_rows_that_differ_in_distance_alone_stop_nothing_and_are_told(
    files, load, cells, kept, sentence
):
    files(*(f"{GOOD},{cell}" for cell in cells), columns=f"{COLUMNS},distance")
    tables = load()
    assert tables.reservations["distance"].to_list() == [kept]
    assert [text for text in tables.warnings if "repeated" in text] == [
        f"reservations.csv: {sentence}" + (" (r1)." if "another" in sentence else "")
    ]


def test_required_columns_are_enough_and_leave_booking_times_unknown(files, load):
    files("r1,v1,2025-03-01T10:00,2025-03-04T09:00,completed", columns=",".join(COLUMNS.split(",")[:5]))
    row = one(load())
    assert row["booked_at"] is None
    assert row["booked_at_source"] == "none"
    assert row["trip_price"] is None


@pytest.mark.parametrize("sign", [" ", "-"])
def test_names_of_columns_may_have_blanks_in_them(files, load, tmp_path, sign):
    def put(spell):
        files(GOOD, columns=spell(COLUMNS), vehicles=spell("vehicle_id,list_price") + "\nv1,55\n")
        days = spell("vehicle_id,start,end,created_at") + "\nv1,2025-01-01,2025-01-03,\n"
        (tmp_path / "blocks.csv").write_text(days)

    put(str)
    clean = load()
    put(lambda names: names.replace("_", sign).title())
    tables = load()
    assert tables.reservations.equals(clean.reservations)
    assert tables.vehicles.equals(clean.vehicles)
    assert tables.blocks.equals(clean.blocks)
    assert tables.warnings == clean.warnings


def test_an_export_without_its_status_is_not_taken_for_canonical(files, load):
    files(columns="Reservation ID,Vehicle,Vehicle name,Vehicle id,Trip start,Trip end,Status")
    with pytest.raises(InputError, match="not usable as trip earnings export: missing trip status"):
        load()


def test_a_missing_column_is_named(files, load):
    files("r1,v1,2025-03-01T10:00,completed", columns="reservation_id,vehicle_id,trip_start,status")
    with pytest.raises(InputError, match=r"reservations\.csv .*missing trip_end; found reservation_id"):
        load()


def test_the_vehicles_file_is_required(files, load, tmp_path):
    files(GOOD)
    (tmp_path / "vehicles.csv").unlink()
    with pytest.raises(InputError, match=r"vehicles\.csv not found"):
        load()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("r1,", ","), "reservation_id is blank"),
        ((",v1,", ",,"), "vehicle_id is blank"),
        (("2025-03-01T10:00", ""), "trip_start is blank"),
        (("2025-03-01T10:00", "2025-03-01"), "trip_start has no time of day (met 2025-03-01)"),
        (
            ("2025-03-01T10:00", "2025-13-01T10:00"),
            "trip_start is no known date and time (met 2025-13-01T10:00)",
        ),
        (("2025-02-01T08:30", "soon"), "booked_at is no known date and time (met aaaa)"),
        (("120.00", "CA$120.00"), "trip_price is no plain amount (met CA$999.99)"),
        (("120.00", "nan"), "trip_price is no plain amount (met nan)"),
        (("120.00", "9" * 400), f"trip_price is no plain amount (met {'9' * 30}…)"),
        (("120.00", "1e3"), "trip_price is no plain amount (met 9e9)"),
        (("2025-03-04T09:00", "2025-03-01T10:00"), "trip ends before or when it starts"),
        (("2025-03-04T09:00", "2027-03-01T10:00"), "trip is longer than 400 days"),
        (("2025-02-01T08:30", "2025-03-05T08:30"), "booked_at is after trip_end"),
        (("2025-02-01T08:30", "1900-01-01T08:30"), "booked_at is before 2009"),
    ],
)
def test_rows_that_cannot_be_used_are_set_aside(files, load, change, reason):
    good = [GOOD.replace("r1", f"r{n}").replace("v1", f"v{n % 3}") for n in range(2, 40)]
    files(*good, GOOD.replace(*change))
    tables = load()
    assert tables.rejected.rows() == [("reservations.csv", 40, reason)]
    assert len(tables.reservations) == 38


def test_a_long_vehicles_file_does_not_hide_that_over_five_percent_of_the_reservations_are_bad(files, load):
    good = [GOOD.replace("r1", f"r{n}") for n in range(20)]
    listed = "vehicle_id\n" + "".join(f"v{n}\n" for n in range(1, 200))
    files(*good, GOOD.replace("2025-03-01T10:00", "soon"), vehicles=listed)
    assert len(load().rejected) == 1
    bad = [GOOD.replace("r1", f"bad{n}").replace("2025-03-01T10:00", "soon") for n in range(2)]
    files(*good, *bad, vehicles=listed)
    with pytest.raises(
        InputError, match=r"2 of 22 rows cannot be used \(over 5%\).*line 22 of reservations\.csv"
    ):
        load()


def test_an_unknown_status_is_an_error_listing_the_values(files, load):
    files(GOOD, GOOD.replace("r1", "r2").replace("completed", "no-show"))
    with pytest.raises(
        InputError,
        match=r"reservations\.csv: unknown status 'no_show' \(1\), first in line 3.*completed, booked",
    ):
        load()


def test_obvious_spellings_of_a_status_are_mapped_with_a_warning(files, load):
    files(
        GOOD.replace("completed", "Cancelled"),
        GOOD.replace("r1", "r2").replace("completed", "Canceled by host"),
        GOOD.replace("r1", "r3").replace("completed", "In-progress"),
    )
    tables = load()
    assert tables.reservations.sort("reservation_id")["status"].to_list() == [
        "guest_cancellation",
        "host_cancellation",
        "in_progress",
    ]
    assert any("reservations.csv: 2 row(s) have a status in another spelling" in w for w in tables.warnings)


def test_a_cancelled_row_keeps_its_price_and_0_means_unknown(files, load):
    kept = GOOD.replace("completed", "guest_cancellation").replace(":30,,", ":30,2025-02-09T10:00,")
    files(kept, kept.replace("r1", "r2").replace("120.00", "0"), GOOD.replace("r1", "r3"))
    rows = {row["reservation_id"]: row for row in load().reservations.to_dicts()}
    assert rows["r1"]["trip_price"] == 120.0
    assert rows["r1"]["cancelled_at"] == datetime(2025, 2, 9, 10)
    assert rows["r2"]["trip_price"] is None


def test_a_cancellation_time_that_does_not_fit_is_ignored_with_a_warning(files, load):
    early = GOOD.replace("completed", "guest_cancellation").replace(":30,,", ":30,2025-01-01T10:00,")
    files(GOOD.replace(":30,,", ":30,2025-02-09T10:00,"), early.replace("r1", "r2"))
    tables = load()
    assert tables.reservations["cancelled_at"].to_list() == [None, None]
    assert any("2 row(s) carry a cancelled_at that does not fit" in w for w in tables.warnings)


def test_totals_that_do_not_add_up_are_counted(files, load):
    files(GOOD.replace("119.00", "150.00"), GOOD.replace("r1", "r2").replace("119.00", "119.01"))
    assert any("1 row(s) have total_earnings that is not" in w for w in load().warnings)


def test_discounts_above_zero_are_counted_also_without_a_total(files, load):
    files(
        GOOD.removesuffix(",5.00,119.00").replace("-6.00", "6.00"), columns=COLUMNS[: COLUMNS.index(",fees")]
    )
    tables = load()
    assert one(tables)["discounts"] == 6.0
    assert any("1 row(s) have discounts above 0, which raise the price" in w for w in tables.warnings)


def test_repeated_rows(files, load):
    files(GOOD, GOOD)
    tables = load()
    assert len(tables.reservations) == 1
    assert any("1 identical repeated row(s)" in w for w in tables.warnings)
    files(GOOD, GOOD.replace("120.00", "121.00"))
    with pytest.raises(InputError, match=r"with different content \(r1\).*See lines 2 and 3\."):
        load()


def test_columns_nobody_knows_are_left_out_and_named(files, load):
    files(GOOD + ",x", columns=COLUMNS + ",Notes")
    assert any("unknown columns left out: notes" in w for w in load().warnings)


def test_times_with_an_offset_become_the_clock_where_the_vehicle_is(files, load):
    files(
        GOOD.replace("2025-03-01T10:00", "2025-03-01T15:00Z"),
        GOOD.replace("r1,v1", "r2,v2").replace("2025-03-01T10:00", "2025-03-01T15:00Z"),
        vehicles="vehicle_id,timezone\nv1,America/New_York\nv2,America/Los_Angeles\n",
    )
    starts = load().reservations.sort("reservation_id")["trip_start"].to_list()
    assert starts == [datetime(2025, 3, 1, 10), datetime(2025, 3, 1, 7)]


def test_each_vehicle_has_its_own_spring(files, load):
    files(
        GOOD.replace("2025-03-01T10:00", "2025-03-09T02:30").replace("03-04", "03-14"),
        GOOD.replace("r1,v1", "r2,v2")
        .replace("2025-03-01T10:00", "2025-03-09T02:30")
        .replace("03-04", "03-14"),
        vehicles="vehicle_id,timezone\nv1,America/New_York\nv2,America/Phoenix\n",
    )
    starts = load().reservations.sort("reservation_id")["trip_start"].to_list()
    assert starts == [datetime(2025, 3, 9, 3, 30), datetime(2025, 3, 9, 2, 30)]


@pytest.mark.parametrize("zone", ["Mars/Olympus", "localtime", "Factory"])
def test_a_timezone_that_does_not_exist_is_named(files, load, zone):
    files(GOOD, vehicles=f"vehicle_id,timezone\nv1,{zone}\n")
    with pytest.raises(InputError, match=f"unknown timezone {zone}"):
        load()


def test_vehicle_columns_are_typed_and_absent_ones_null(files, load):
    files(
        GOOD,
        vehicles="Vehicle_ID,Year,List_Price,Listed_From,Listed_To,Plate\nv1,2020,$85.50,2024-01-02,,SECRET\n",
    )
    vehicle = load().vehicles.to_dicts()[0]
    assert (vehicle["year"], vehicle["list_price"], vehicle["listed_from"]) == (2020, 85.5, date(2024, 1, 2))
    assert vehicle["listed_to"] is None
    assert vehicle["class"] is None
    assert "SECRET" not in map(str, vehicle.values())


def test_vehicle_rows_that_cannot_be_used_are_set_aside(files, load):
    listed = "".join(f"v{n},2024-01-0{n % 9 + 1},2020\n" for n in range(1, 60))
    bad = f"v98,,{'9' * 30}\nv99,tomorrow,\n"
    files(GOOD, vehicles="vehicle_id,listed_from,year\n" + listed + bad)
    assert load().rejected.rows() == [
        ("vehicles.csv", 61, f"year is no plain number (met {'9' * 30})"),
        ("vehicles.csv", 62, "listed_from is no date (met aaaaaaaa)"),
    ]


@pytest.mark.parametrize("year", ["21", "0", "20211"])
def test_a_year_in_which_no_vehicle_was_made_is_named(files, load, year):
    listed = "".join(f"v{n},2021.0\n" for n in range(1, 60))
    files(GOOD, vehicles=f"vehicle_id,year\n{listed}v60,{year}\n")
    tables = load()
    form = "9" * len(year)
    assert tables.rejected.rows() == [("vehicles.csv", 61, f"year is no year of four digits (met {form})")]
    assert set(tables.vehicles["year"]) == {2021}


@pytest.mark.parametrize("word", ["nan", "None", "N/A", "<NA>", "null"])
def test_what_tools_write_into_blank_cells_is_no_make_and_no_time_zone(files, load, word):
    files(GOOD, vehicles=f"vehicle_id,make,class,timezone\nv1,{word},{word},{word}\n")
    assert load().vehicles.select("make", "class", "timezone").rows() == [(None, None, None)]


def test_two_different_rows_of_a_vehicle_are_an_error(files, load):
    files(GOOD, vehicles="vehicle_id,class\nv1,car\nv1,suv\n")
    with pytest.raises(InputError, match=r"vehicles\.csv: .*several different rows \(v1\)"):
        load()


def test_a_vehicle_may_have_several_lines_that_are_dated(files, load):
    files(GOOD, vehicles="vehicle_id,list_price,valid_from\nv1,50,\nv1,60,2025-02-01\nv1,70,2025-05-01\n")
    assert load().vehicles["list_price"].to_list() == [50.0, 60.0, 70.0]
    files(GOOD, vehicles="vehicle_id,list_price,valid_from\nv1,50,2025-02-01\nv1,60,2025-02-01\n")
    with pytest.raises(InputError, match="several different rows"):
        load()


def test_a_setting_that_is_no_time_zone_is_named(files, load):
    files(GOOD)
    with pytest.raises(ConfigError, match="TIMEZONE='Pacific'"):
        load(timezone="Pacific")


def test_vehicles_only_reservations_name_get_a_stub_and_idle_ones_stay(files, load):
    others = "vehicle_id,listed_from\nv1,2025-01-02\nv2,2025-01-01\n"
    files(GOOD, GOOD.replace("r1,v1", "r2,v9"), vehicles=others)
    tables = load()
    assert tables.vehicles.select("vehicle_id", "listed_from").rows() == [
        ("v1", date(2025, 1, 2)),
        ("v2", date(2025, 1, 1)),
        ("v9", date(2025, 3, 1)),
    ]
    assert any("1 vehicle is in the reservations but not in the vehicles file" in w for w in tables.warnings)


def test_blocks(files, load, tmp_path):
    files(GOOD)
    assert load().blocks is None
    (tmp_path / "blocks.csv").write_text(
        "vehicle_id,start,end\nv1,2025-01-01T08:00,2025-01-03T08:00\nv8,2025-01-01T08:00,2025-01-02T08:00\n"
        "v2,2025-02-01,2025-02-03\n"
    )
    tables = load()
    assert tables.blocks.rows() == [
        ("v1", datetime(2025, 1, 1, 8), datetime(2025, 1, 3, 8), None),
        ("v2", datetime(2025, 2, 1), datetime(2025, 2, 3), None),  # a date alone is its midnight
    ]
    assert any("1 blocks of unknown vehicles left out (v8)" in w for w in tables.warnings)


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("2/3/2025 10:00", "may be day/month or month/day, or lacks the century: set DATE_ORDER"),
        ("soon", "is no known date and time (met aaaa)"),
    ],
)
def test_when_a_block_was_made_is_not_lost_without_a_word(files, load, tmp_path, cell, told):
    files(GOOD)
    lines = f"v1,2025-01-01,2025-01-03,{cell}\nv1,2025-02-01,2025-02-03,2025-01-30\n"
    (tmp_path / "blocks.csv").write_text(f"vehicle_id,start,end,created_at\n{lines}")
    tables = load()
    assert tables.blocks["created_at"].to_list() == [None, datetime(2025, 1, 30)]
    (warning,) = [w for w in tables.warnings if w.startswith("blocks.csv")]
    assert "1 created_at cannot be read" in warning
    assert told in warning
    assert "soon" not in warning


def test_a_blocks_file_without_rows_means_that_there_were_none(files, load, tmp_path):
    files(GOOD)
    (tmp_path / "blocks.csv").write_text("vehicle_id,start,end,created_at\n")
    assert load().blocks.rows() == []


def test_two_canonical_files_are_refused(files, load, tmp_path):
    files(GOOD)
    (tmp_path / "more.csv").write_text(COLUMNS + "\n" + GOOD + "\n")
    with pytest.raises(InputError, match="2 reservations files of the profile canonical"):
        load(reservations_file="reservations.csv,more.csv")


def test_files_of_different_kinds_are_refused(files, load, tmp_path):
    files(GOOD)
    (tmp_path / "more.csv").write_text("vehicle_id,created_at\nv1,2025-01-01 10:00:00\n")
    with pytest.raises(InputError, match=r"more\.csv is turo_takehome, reservations\.csv is canonical"):
        load(reservations_file="reservations.csv,more.csv")


def test_the_order_of_columns_plays_no_part(files, load):
    files(GOOD)
    first = load().reservations
    order = [3, 0, 2, 1, 10, 9, 8, 7, 6, 5, 4]
    names, cells = COLUMNS.split(","), GOOD.split(",")
    files(",".join(cells[i] for i in order), columns=",".join(names[i] for i in order))
    assert load().reservations.equals(first)


def test_what_leaves_the_reader_fits_the_schema(files, load):
    from turo.data.schema import validate

    files(GOOD)
    tables = load()
    validate(tables.reservations, tables.vehicles)
    broken = tables.reservations.with_columns(trip_end=pl.col("trip_start"))
    with pytest.raises(Exception, match="trip_end is after trip_start"):
        validate(broken, tables.vehicles)
