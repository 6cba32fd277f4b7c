"""Every dirty case of an export, and what the reader does about it."""

from datetime import date, datetime

import polars as pl
import pytest
from export_factory import HEADER, Fleet, header_44, row, text, write

from turo.errors import InputError

NOW = datetime(2025, 8, 1, 12)
START, END = datetime(2025, 3, 1, 10), datetime(2025, 3, 4, 9)


@pytest.fixture
def rows():
    return Fleet(days=180).rows(NOW)


def warned(tables, *parts):
    return [w for w in tables.warnings if all(part in w for part in parts)]


def reasons(tables):
    return tables.rejected.select("line", "reason").rows()


# --- the wrong file ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    ["Date,Vehicle,Gross earnings,Turo fee,Net earnings,Payment status", "Date,Type,Amount,Description"],
)
def test_another_export_of_turo_is_refused_and_the_right_one_named(tmp_path, load, header):
    (tmp_path / "reservations.csv").write_text(header + "\n1,2,3,4,5,6\n")
    with pytest.raises(InputError, match="trip earnings export") as caught:
        load()
    assert "reservations.csv" in caught.value.what


def test_a_missing_column_is_named_beside_those_found(tmp_path, load, rows):
    write(tmp_path, rows, header=[name for name in HEADER if name != "Trip end"])
    with pytest.raises(InputError, match=r"reservations.csv .*missing trip end; found .*Trip start"):
        load()


@pytest.mark.parametrize(("content", "message"), [("", "is empty"), ("\n\n", "is empty"), (None, "no rows")])
def test_an_empty_file_and_a_bare_header_are_refused(tmp_path, load, content, message):
    (tmp_path / "reservations.csv").write_text(text([]) if content is None else content)
    with pytest.raises(InputError, match=rf"reservations\.csv.*{message}"):
        load()


def test_only_vehicle_name_does_not_tell_vehicles_apart(tmp_path, load, rows):
    write(tmp_path, rows, header=[h for h in header_44() if h != "Vehicle"])
    with pytest.raises(InputError, match="Vehicle name, which is not unique"):
        load()


# --- repaired in silence ----------------------------------------------------------------------------------


def padded(content):
    """As an editor's "align CSV" leaves it."""
    return "\n".join(line.replace('","', '"   , "') for line in content.splitlines()) + "\n"


def far_down_padded(content):
    """One cell with a comma in it, behind a blank, in the last row only; empty lines before it."""
    *lines, last = content.splitlines()
    return "\n".join([*lines, "\n" * (1 << 20), last.replace(',"Guest ', ', "Here, Guest ')]) + "\n"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: "\ufeff" + content,
        lambda content: content.replace("\n", "\r\n"),
        padded,
        lambda content: content.replace("Trip start", " TRIP  Start ").replace(
            "Reservation ID", "reservation id"
        ),
        lambda content: content.replace('\n"', '\n "'),
        far_down_padded,
        lambda content: content.replace('"', ""),
        lambda content: content.replace('"Guest 1', '" Guest\n1'),
        lambda content: content.rstrip("\n"),
        lambda content: content + "\n\n",
    ],
    ids=[
        "bom",
        "crlf",
        "padded",
        "blank before the first quote",
        "padded far down",
        "header case",
        "unquoted",
        "cell over lines",
        "no last newline",
        "blank lines",
    ],
)
def test_form_is_repaired_in_silence(tmp_path, load, rows, spoil):
    plain = [
        r | {"Total earnings": r["Total earnings"].replace(",", ""), "Pickup location": ""} for r in rows
    ]
    plain = [r | {"Return location": ""} for r in plain]
    (tmp_path / "reservations.csv").write_text(text(plain), encoding="utf-8")
    clean = load()
    (tmp_path / "reservations.csv").write_text(spoil(text(plain)), encoding="utf-8", newline="")
    spoilt = load()
    assert spoilt.reservations.equals(clean.reservations)
    assert spoilt.warnings == clean.warnings
    assert len(spoilt.rejected) == 0


def test_44_columns_are_keyed_by_plate_with_a_warning(tmp_path, load, rows):
    write(tmp_path, rows, header=header_44())
    tables = load()
    assert warned(tables, "44 columns", "keyed by plate")
    assert tables.vehicles["vehicle_id"].to_list() == ["car-0001", "car-0002", "car-0003", "car-0004"]
    assert len(tables.reservations) == len(rows)


# --- columns Turo may add ---------------------------------------------------------------------------------


def test_an_unknown_column_is_left_out_with_a_warning(tmp_path, load, rows):
    write(tmp_path, [r | {"Trip rating": "5"} for r in rows], header=[*HEADER, "Trip rating"])
    assert warned(load(), "unknown columns left out: trip rating")


def test_unknown_money_is_an_error_only_if_the_totals_then_fail(tmp_path, load, rows):
    header = [*HEADER, "Space fee"]
    write(tmp_path, [r | {"Space fee": "$3.00"} for r in rows], header=header)
    assert warned(load(), "space fee", "holds money")
    paid = [r | {"Space fee": "$3.00", "Total earnings": "$9,999.00"} for r in rows]
    write(tmp_path, paid, header=header)
    with pytest.raises(InputError, match=r"space fee holds money"):
        load()


# --- amounts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "dollars"),
    [
        ("$1,234.50", 1234.5),
        ("- $6.06", -6.06),
        ("-$6.06", -6.06),
        ("($6.06)", -6.06),
        ("$6.06-", -6.06),
        ("6.06", 6.06),
        ("$0.00", 0.0),
        ("", 0.0),
    ],
)
def test_amounts_are_read_to_the_cent(tmp_path, load, cell, dollars):
    write(tmp_path, [row(1, START, END) | {"Extras": cell, "Total earnings": ""}])
    assert load(as_of="2025-04-01").reservations["fees"].to_list() == [dollars]


@pytest.mark.parametrize(
    ("cell", "form"),
    [
        ("1.234,50", "9.999,99"),
        ("CA$5.00", "CA$9.99"),
        ("GBP 5", "GBP 9"),
        ("12 5.00", "99 9.99"),
        ("$" + "9" * 30, "$" + "9" * 29 + "…"),
        ("12.345", "99.999"),
        ("1,23", "9,99"),
        ("$", "$"),
        ("--5", "--9"),
        ("n/a", "n/a"),
    ],
)
def test_other_amounts_reject_the_row_with_its_line_and_form(tmp_path, load, rows, cell, form):
    write(tmp_path, [*rows[:40], rows[40] | {"Extras": cell}, *rows[41:]])
    tables = load()
    assert reasons(tables) == [(42, f"Extras is no amount in US dollars (met {form})")]
    assert tables.rejected["file"].to_list() == ["reservations.csv"]
    assert len(tables.reservations) == len(rows) - 1


def test_a_total_that_is_not_the_sum_is_counted_and_leaves_the_base(tmp_path, load, rows):
    wrong = [r | {"Total earnings": "$1.00"} for r in rows[:2]]
    write(tmp_path, [*wrong, *rows[2:]])
    tables = load()
    assert warned(tables, "2 row(s)", "not the sum of its components")
    marked = tables.reservations.filter(pl.col("reservation_id") == rows[0]["Reservation ID"])
    assert marked["total_earnings"].to_list() == [None]
    assert marked["trip_price"].null_count() == 0 or "cancel" in rows[0]["Trip status"]


@pytest.mark.parametrize(("total", "odd"), [("$100.01", False), ("$100.02", True)])
def test_a_total_may_be_off_by_one_cent(tmp_path, load, total, odd):
    cells = {"Trip_price": "$100.00", "3-day_discount": "", "Total_earnings": total}
    write(tmp_path, [row(1, START, END, **cells)])
    assert bool(warned(load(as_of="2025-04-01"), "not the sum of its components")) is odd


# --- times ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cell",
    [
        "2025-03-01 10:00 AM",
        "2025-03-01 10:00 am",
        "2025-03-01T10:00:00",
        "2025-03-01 10:00",
        "2025-03-01T18:00:00Z",
        "2025-03-01T10:00-08:00",
        "3/1/2025 10:00 AM",
        "03/01/2025 10:00 AM",
        "Mar 1, 2025 10:00 AM",
        "March 1, 2025 10:00 AM",
    ],
)
def test_known_forms_of_dates(tmp_path, load, cell):
    write(tmp_path, [row(1, START, END, Trip_start=cell)])
    tables = load(as_of="2025-04-01", timezone="America/Los_Angeles")
    assert tables.reservations["trip_start"].to_list() == [START]


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("01.03.2025 10:00", "may be day/month or month/day, or lacks the century: set DATE_ORDER"),
        ("2025-03-01", "has no time of day"),
        ("2025-02-30 10:00 AM", "is no known date and time"),
        ("3/1/25 10:00 AM", "may be day/month or month/day, or lacks the century: set DATE_ORDER"),
        ("1/3/2025 10:00", "may be day/month or month/day, or lacks the century: set DATE_ORDER"),
    ],
)
def test_other_dates_reject_the_row_and_are_shown(tmp_path, load, rows, cell, reason):
    write(tmp_path, [rows[0] | {"Trip start": cell}, *rows[1:]])
    assert reasons(load()) == [(2, f"Trip start {reason} (met {cell})")]


def test_a_blank_date_rejects_the_row(tmp_path, load, rows):
    write(tmp_path, [rows[0] | {"Trip start": ""}, *rows[1:]])
    assert reasons(load()) == [(2, "Trip start is blank")]


def test_ambiguous_dates_are_read_when_their_order_is_given(tmp_path, load):
    write(tmp_path, [row(1, START, END, Trip_start="1/3/25 10:00")])
    assert load(as_of="2025-04-01", date_order="DMY").reservations["trip_start"].to_list() == [START]
    write(tmp_path, [row(1, START, END, Trip_start="3/1/25 10:00 AM")])
    assert load(as_of="2025-04-01", date_order="MDY").reservations["trip_start"].to_list() == [START]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"Trip end": "2025-01-01 10:00 AM"}, "trip ends before or when it starts"),
        ({"Trip end": "2026-12-01 10:00 AM"}, "trip is longer than 400 days"),
        ({"Trip start": "1999-01-01 10:00 AM"}, "year is outside 2009-2100"),
        ({"Trip end": "2101-01-01 10:00 AM"}, "year is outside 2009-2100"),
        (
            {"Trip start": "1999-01-01 10:00 AM", "Trip end": "1999-01-02 10:00 AM"},
            "year is outside 2009-2100",
        ),
        ({"Reservation ID": ""}, "Reservation ID is blank or no number"),
        (
            {"Reservation ID": "1.2E+07"},
            "Reservation ID has lost its last digits to a spreadsheet (met 1.2E+07)",
        ),
        ({"Reservation ID": "١٢٣٤٥٦٧٨"}, "Reservation ID is blank or no number (met ????????)"),
        ({"Vehicle id": "١٢٣"}, "Vehicle id is no number (met ???)"),
        (
            {"Vehicle id": "", "VIN": "", "Vehicle": "no plate here"},
            "no Vehicle id, VIN or plate, such as (TX #ABC1234) at the end of Vehicle",
        ),
    ],
)
def test_impossible_rows_are_set_aside(tmp_path, load, rows, cells, reason):
    write(tmp_path, [*rows[:5], row(99_999_999, START, END) | cells, *rows[5:]])
    tables = load()
    assert reasons(tables) == [(7, reason)]
    assert len(tables.reservations) == len(rows)


def test_a_time_that_the_spring_change_skips_moves_forward_and_autumn_stays(tmp_path, load):
    spring = row(1, datetime(2025, 3, 9, 2, 30), datetime(2025, 3, 11, 9))
    autumn = row(2, datetime(2025, 11, 2, 1, 30), datetime(2025, 11, 4, 9))
    write(tmp_path, [spring, autumn])
    starts = load(as_of="2025-12-01", timezone="America/Los_Angeles").reservations["trip_start"]
    assert starts.to_list() == [datetime(2025, 3, 9, 3, 30), datetime(2025, 11, 2, 1, 30)]
    arizona = load(as_of="2025-12-01", timezone="America/Phoenix").reservations["trip_start"]
    assert arizona.to_list()[0] == datetime(2025, 3, 9, 2, 30)


def test_the_zone_of_the_machine_plays_no_part(tmp_path, load, rows, monkeypatch):
    import time

    write(tmp_path, rows)
    here = load().reservations
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert load().reservations.equals(here)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_wrong_trip_days_are_recomputed_with_a_warning(tmp_path, load, rows):
    write(tmp_path, [rows[0] | {"Trip days": "99"}, *rows[1:]])
    assert warned(load(), "Trip days that are not hours over 24")


# --- repeated rows, statuses, odometers -------------------------------------------------------------------


def test_identical_repetitions_are_dropped_and_counted(tmp_path, load, rows):
    write(tmp_path, [*rows, rows[3], rows[4]])
    tables = load()
    assert warned(tables, "2 identical repeated row(s)")
    assert len(tables.reservations) == len(rows)


def test_one_id_with_two_contents_is_an_error_naming_it(tmp_path, load, rows):
    write(tmp_path, [*rows, rows[3] | {"Trip end": "2025-07-30 10:00 AM"}])
    with pytest.raises(
        InputError,
        match=rf"with different content \({rows[3]['Reservation ID']}\).*See lines 5 and {len(rows) + 2}\.",
    ):
        load()


@pytest.mark.parametrize(
    ("spelling", "status"),
    [
        ("In progress", "in_progress"),
        ("Cancelled", "guest_cancellation"),
        ("Cancelled by guest", "guest_cancellation"),
        ("canceled by host", "host_cancellation"),
    ],
)
def test_obvious_spellings_of_a_status_are_mapped_with_a_warning(tmp_path, load, spelling, status):
    write(tmp_path, [row(1, START, END, Trip_status=spelling)])
    tables = load(as_of="2025-03-02")
    assert tables.reservations["status"].to_list() == [status]
    assert warned(tables, "1 row(s)", "another spelling")


@pytest.mark.parametrize("spelling", ["No-show", "", "Upcoming"])
def test_an_unknown_status_is_an_error_listing_the_values(tmp_path, load, rows, spelling):
    write(tmp_path, [rows[0] | {"Trip status": spelling}, *rows[1:]])
    with pytest.raises(InputError, match=rf"unknown Trip status '{spelling}' \(1\), first in line 2"):
        load()


def test_a_status_that_may_be_something_personal_is_not_shown(tmp_path, load, rows):
    write(tmp_path, [rows[0] | {"Trip status": rows[0]["Vehicle"]}, *rows[1:]])
    with pytest.raises(InputError, match=r"unknown Trip status other than words \(1\), first in line 2\."):
        load()


@pytest.mark.parametrize(
    "cells",
    [
        {"Check-in odometer": "-5"},
        {"Check-in odometer": "20,500", "Check-out odometer": "20,400"},
        {"Distance traveled": "-1"},
    ],
)
def test_odd_odometers_are_warned_about_and_blank_ones_are_not(tmp_path, load, rows, cells):
    write(tmp_path, [rows[0] | {"Check-in odometer": "", "Check-out odometer": ""}, *rows[1:]])
    assert not warned(load(), "odometer")
    write(tmp_path, [rows[0] | {"Distance traveled": "1,250"} | cells, *rows[1:]])
    tables = load()
    assert warned(tables, "1 row(s)", "negative or decreasing odometer")
    assert tables.reservations["distance"].null_count() == len(rows)


def test_the_distance_of_a_trip_is_read(tmp_path, load, rows):
    write(tmp_path, [rows[0] | {"Distance traveled": "1,250"}, *rows[1:]])
    assert load().reservations["distance"].drop_nulls().to_list() == [1250.0]


@pytest.mark.parametrize("cell", ["85,4", "1.234,5", "120 mi", "-", ""])
def test_a_distance_that_cannot_be_read_is_unknown_and_told(tmp_path, load, rows, cell):
    write(tmp_path, [rows[0] | {"Distance traveled": cell}, *rows[1:]])
    tables = load()
    assert tables.reservations["distance"].null_count() == len(rows)
    told = warned(tables, "1 row(s) have a Distance traveled that is no plain number; it counts as unknown.")
    assert bool(told) == (cell not in {"-", ""})


def test_cancelled_with_earnings_and_completed_without_are_kept(tmp_path, load):
    fee = row(1, START, END, "Guest cancellation", Cancellation_fee="$25.00")
    free = row(2, START, END, "Completed", vehicle=1, **{"Trip_price": "$0.00", "3-day_discount": "$0.00"})
    write(tmp_path, [fee, free])
    kept = load(as_of="2025-04-01").reservations.sort("reservation_id")
    assert kept["status"].to_list() == ["guest_cancellation", "completed"]
    assert kept["trip_price"].to_list() == [None, 0.0]  # a cancelled trip shows 0, which means unknown
    assert kept["fees"].to_list() == [25.0, 0.0]
    assert kept["total_earnings"].to_list() == [25.0, 0.0]


def test_overlapping_trips_are_both_kept_with_a_warning(tmp_path, load):
    write(tmp_path, [row(1, START, END), row(2, datetime(2025, 3, 3), datetime(2025, 3, 6))])
    tables = load(as_of="2025-04-01")
    assert len(tables.reservations) == 2
    assert warned(tables, "20000002", "common time counts once")


# --- vehicles ---------------------------------------------------------------------------------------------


def test_lower_case_vin_and_new_plate_are_still_the_same_vehicle(tmp_path, load, rows):
    changed = rows[0] | {"VIN": rows[0]["VIN"].lower(), "Vehicle": "Renamed (ok #SYN9999)"}
    write(tmp_path, [changed, *rows[1:]])
    assert len(load().vehicles) == 4


@pytest.mark.parametrize(
    "vehicle",
    [
        "2021 [red] #3 (NV #OLD1) Civic (ca #syn0000)",
        "(CA #SYN 0000) moved",
        "(CAL #SYN0000)",
        "Nick\nname (X # SYN0000 )",
    ],
)
def test_the_plate_is_in_the_last_parenthesis(tmp_path, load, rows, vehicle):
    write(tmp_path, [rows[0] | {"Vehicle": vehicle}, *rows[1:]], header=header_44())
    load()
    assert set(pl.read_csv(tmp_path / "vehicle_keys.csv")["key"]) == {f"SYN000{n}" for n in range(4)}


def test_one_vehicle_id_with_two_vins_is_an_error_without_the_vins(tmp_path, load, rows):
    write(tmp_path, [rows[0] | {"VIN": "OTHERVIN000000000"}, *rows[1:]])
    message = rf"{rows[0]['Vehicle id']}.*see line \d+ of reservations\.csv"
    with pytest.raises(InputError, match=message) as caught:
        load()
    assert "OTHERVIN" not in str(caught.value)


def test_a_vin_with_two_vehicle_ids_is_warned_about(tmp_path, load, rows):
    write(tmp_path, [rows[0] | {"Vehicle id": "1999999"}, *rows[1:]])
    tables = load()
    assert warned(tables, "1999999", "listed again")
    assert len(tables.vehicles) == 5


def test_vehicles_are_derived_when_there_is_no_vehicles_file(tmp_path, load, rows):
    write(tmp_path, rows)
    tables = load()
    assert warned(
        tables,
        "4 vehicles are derived from the export, from their first trip on; the league table counts from the "
        "first booking.",
    )
    facts = tables.vehicles.select("make", "model", "year", "state").rows()
    assert facts == [
        ("Honda", "Civic", 2021, "TX"),
        ("Land Rover", "Discovery", 2019, "TX"),
        ("Toyota", "RAV4", 2022, "TX"),
        ("Tesla", "Model 3", 2023, "TX"),
    ]
    first = tables.reservations.group_by("vehicle_id").agg(pl.col("trip_start").min().dt.date())
    assert tables.vehicles["listed_from"].to_list() == first.sort("vehicle_id")["trip_start"].to_list()


def test_a_vehicle_missing_in_the_vehicles_file_gets_a_stub_and_one_without_trips_stays(tmp_path, load, rows):
    write(tmp_path, rows)
    (tmp_path / "vehicles.csv").write_text(
        "vehicle_id,class,listed_from\n1000000,car,2024-01-01\n7777777,suv,2025-02-01\n"
    )
    tables = load()
    vehicles = {r["vehicle_id"]: r for r in tables.vehicles.to_dicts()}
    assert warned(tables, "3 vehicles of the export are not in vehicles.csv")
    assert vehicles["1000000"]["class"] == "car"
    assert vehicles["1000000"]["make"] == "Honda"
    assert vehicles["1000001"]["make"] == "Land Rover"
    assert vehicles["7777777"]["listed_from"] == date(2025, 2, 1)


def test_a_vehicles_file_of_another_fleet_is_left_out(tmp_path, load, rows):
    write(tmp_path, rows)
    (tmp_path / "vehicles.csv").write_text("vehicle_id,class\n1,car\n2,suv\n")
    tables = load()
    assert len(tables.vehicles) == 4
    assert warned(tables, "knows none of the vehicles")


# --- too much of it ---------------------------------------------------------------------------------------


def test_over_five_percent_rejected_fails_the_run_with_the_commonest_reason(tmp_path, load, rows):
    limit = len(rows) * 5 // 100
    bad = [r | {"Trip start": "soon"} for r in rows[:limit]]
    write(tmp_path, [*bad, *rows[limit:]])
    assert len(load().rejected) == limit
    bad = [r | {"Trip start": "soon"} for r in rows[: limit + 1]]
    write(tmp_path, [*bad, *rows[limit + 1 :]])
    with pytest.raises(
        InputError, match=rf"over 5%.*Trip start is no known date and time \({limit + 1}, such as aaaa\)"
    ):
        load()
