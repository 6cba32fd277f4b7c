"""Files as spreadsheets leave them: read to the values of the clean file, or refused by the form met."""

import csv
import io
from datetime import datetime

import pytest
from export_factory import HEADER, Fleet, write

from turo.errors import InputError

ROWS = Fleet(days=60).rows(datetime(2025, 8, 1, 12))[:19]
NOTES = [*HEADER, "Notes"]


@pytest.fixture
def clean(tmp_path, load):
    """The tables of the file that nothing has befallen."""
    write(tmp_path, ROWS)
    tables = load()
    assert len(tables.reservations) == len(ROWS)
    return tables


def same(tables, clean):
    return (
        tables.reservations.equals(clean.reservations)
        and tables.vehicles.equals(clean.vehicles)
        and tables.snapshot == clean.snapshot
    )


def lines_of(rows, header=HEADER):
    """Lines as Excel writes them: quotes only where they are needed."""
    out = io.StringIO()
    writer = csv.DictWriter(out, header, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().splitlines()


def put(folder, lines, end="\n", name="reservations.csv"):
    (folder / name).write_text("\n".join(lines) + end, encoding="utf-8", newline="")


def slow(lines):
    """Blanks beside a quote, which only Python's csv module reads."""
    return [line + "," if n == 0 else line + ', "x"' for n, line in enumerate(lines)]


# --- the hint for Excel -----------------------------------------------------------------------------------


@pytest.mark.parametrize("hint", ["sep=,", '"sep=,"', "\ufeffsep=,", "SEP=,", "sep=,,,,,", "\nsep=,\r"])
@pytest.mark.parametrize("spoil", [list, slow])
def test_the_line_that_tells_excel_the_separator_is_no_header(tmp_path, load, clean, hint, spoil):
    put(tmp_path, [*hint.split("\n"), *spoil(lines_of(ROWS))])
    tables = load()
    assert same(tables, clean)
    assert tables.inputs["reservations.csv"]["rows"] == len(ROWS)


@pytest.mark.parametrize("spoil", [list, slow])
def test_under_that_line_rejected_lines_are_still_those_of_the_file(tmp_path, load, spoil):
    lines = spoil(lines_of(Fleet(days=180).rows(datetime(2025, 8, 1, 12))))
    lines[30] = lines[30].replace("Completed", "").replace("2025-", "never-")
    put(tmp_path, ["sep=,", *lines])
    assert load().rejected.rows() == [
        ("reservations.csv", 32, "Trip start is no known date and time (met aaaaa-99-99 99:99 aa)")
    ]


@pytest.mark.parametrize("sign", [";", "\t", "|"])
def test_another_separator_that_the_line_tells_is_named(tmp_path, load, sign):
    put(tmp_path, [f"sep={sign}", *(line.replace(",", sign) for line in lines_of(ROWS))])
    with pytest.raises(InputError, match=r"reservations\.csv is separated by '.*Save it as CSV with commas"):
        load()


def test_a_file_with_nothing_but_that_line_is_refused(tmp_path, load):
    put(tmp_path, ["sep=,"])
    with pytest.raises(InputError, match=r"reservations\.csv holds no table"):
        load()


# --- separators left out or added at the end of rows ------------------------------------------------------


def left_out(lines, among=3):
    """Without the separator before the empty last cell, but in every third row."""
    return [line.removesuffix(",") if n and n % among else line for n, line in enumerate(lines)]


@pytest.mark.parametrize("block", [4096, 8 << 20])
def test_separators_left_out_under_an_unused_last_column(tmp_path, load, clean, monkeypatch, block):
    monkeypatch.setattr("turo.data.csv.rows.BLOCK", block)
    noted = [row | {"Notes": "oil, and a wash"} if n == 6 else row for n, row in enumerate(ROWS)]
    put(tmp_path, left_out(lines_of(noted, NOTES)))
    tables = load()
    assert same(tables, clean)
    assert not tables.rejected.height
    assert "reservations.csv: unknown columns left out: notes." in tables.warnings


def test_separators_left_out_in_a_file_with_cells_that_span_lines(tmp_path, load, clean):
    noted = [row | {"Notes": "oil\nand a wash"} if n == 5 else row for n, row in enumerate(ROWS)]
    lines = "\n".join(lines_of(noted, NOTES)).replace("\n2", "\r2").split("\r")
    put(tmp_path, left_out(lines))
    assert same(load(), clean)


def test_several_unused_columns_may_be_left_out_and_nameless_ones_too(tmp_path, load, clean):
    lines = lines_of(ROWS, [*HEADER, "Notes", "Cleaner", ""])
    put(tmp_path, [line.rstrip(",") if n % 4 else line for n, line in enumerate(lines)])
    assert same(load(), clean)


@pytest.mark.parametrize("spoil", [list, slow])
def test_lines_stay_true_beside_rows_without_their_last_separators(tmp_path, load, spoil):
    rows = [dict(row) for row in Fleet(days=180).rows(datetime(2025, 8, 1, 12))]
    rows[20]["Trip end"] = rows[41]["Trip end"] = "never"
    put(tmp_path, spoil(left_out(lines_of(rows, NOTES))))
    assert [line for _, line, _ in load().rejected.rows()] == [22, 43]


def test_a_row_without_a_cell_of_a_used_column_stays_malformed(tmp_path, load):
    rows = [row | {"Total earnings": ""} for row in Fleet(days=180).rows(datetime(2025, 8, 1, 12))]
    lines = lines_of(rows)
    lines[9] = lines[9].removesuffix(",")
    put(tmp_path, lines)
    width = len(HEADER)
    assert load().rejected.rows() == [
        ("reservations.csv", 10, f"has {width - 1} cells where the header has {width}")
    ]


@pytest.mark.parametrize("cut", [1, 4])
def test_a_last_row_that_is_cut_off_is_still_refused(tmp_path, load, cut):
    lines = left_out(lines_of(ROWS, NOTES))
    whole = lines[-1].rstrip(",")
    put(tmp_path, [*lines[:-1], whole[: len(whole) - cut + 1]], end="")
    with pytest.raises(InputError, match="ends in the middle of a row"):
        load()


@pytest.mark.parametrize("tail", ["Audi Q3 2023", "Audi Q3 2023,21000001", "Summer (TX #SYN"])
def test_a_cut_row_is_no_totals_line(tmp_path, load, tail):
    header = ["Vehicle name", *[name for name in HEADER if name != "Vehicle name"]]
    put(tmp_path, [*lines_of(ROWS, header), tail], end="")
    with pytest.raises(InputError, match=r"line 21 has \d of 47 cells"):
        load()


@pytest.mark.parametrize("spoil", [list, slow])
@pytest.mark.parametrize("rows", ["some", "all"])
def test_separators_too_many_after_a_row(tmp_path, load, clean, spoil, rows):
    lines = spoil(lines_of(ROWS))
    put(tmp_path, [line + ",, ," if n and (rows == "all" or n % 3) else line for n, line in enumerate(lines)])
    tables = load()
    assert same(tables, clean)
    assert not tables.rejected.height


def test_a_surplus_that_holds_something_stays_malformed(tmp_path, load):
    lines = lines_of(Fleet(days=180).rows(datetime(2025, 8, 1, 12)))
    lines[9] += ",,x"
    put(tmp_path, lines)
    assert [line for _, line, _ in load().rejected.rows()] == [10]


def test_rows_of_separators_only_are_blank(tmp_path, load, clean):
    put(tmp_path, [*lines_of(ROWS), ",,,", "," * 80, " , "])
    tables = load()
    assert same(tables, clean)
    assert tables.inputs["reservations.csv"]["rows"] == len(ROWS)


def test_canonical_rows_may_leave_out_blank_cells_at_their_end(tmp_path, load):
    header = "reservation_id,vehicle_id,trip_start,trip_end,status,trip_price,booked_at,cancelled_at"
    rows = [
        f"r{n},v1,2025-03-{n:02}T10:00,2025-03-{n:02}T20:00,completed,20.5,2025-02-01T08:30,"
        for n in range(1, 22)
    ]
    put(tmp_path, ["vehicle_id,make,listed_to", "v1,Honda"], name="vehicles.csv")
    put(tmp_path, [header, *rows])
    whole = load()
    put(tmp_path, [header, *left_out(rows)])
    assert load().reservations.equals(whole.reservations)
    assert whole.vehicles["make"].to_list() == ["Honda"]
    put(tmp_path, [header, *rows, rows[0].replace("r1", "r99").rsplit(",", 2)[0]])
    assert load().rejected["line"].to_list() == [23]


# --- totals, headings and notes ---------------------------------------------------------------------------

SUMS = {"Trip price": "$12,345.00", "Total earnings": "$12,340.25"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"Reservation ID": "Total"} | SUMS, "a totals line, no reservation"),
        ({"Reservation ID": "Grand total:"} | SUMS, "a totals line, no reservation"),
        ({"Reservation ID": "Q1 2025"} | SUMS, "a totals line, no reservation"),
        ({"Reservation ID": "Q3"}, "a totals line, no reservation"),
        ({"Reservation ID": "2025 Q2 subtotal"} | SUMS, "a totals line, no reservation"),
        ({"Vehicle": "2025-Q2"} | SUMS, "a totals line, no reservation"),
        ({"Reservation ID": "Average"} | SUMS, "a totals line, no reservation"),
        ({"Reservation ID": "1st quarter"} | SUMS, "a totals line, no reservation"),
        ({"Vehicle": "Sum"} | SUMS, "a totals line, no reservation"),
        ({"Trip status": "TOTAL"} | SUMS, "a totals line, no reservation"),
        (SUMS, "a totals line, no reservation"),
        ({"Reservation ID": "19"} | SUMS, "a totals line, no reservation"),
        ({"Guest": "Total"} | SUMS, "a totals line, no reservation"),
        ({"Reservation ID": "January 2025"} | SUMS, "a totals line, no reservation"),
        ({"Reservation ID": "19 trips"} | SUMS, "a totals line, no reservation"),
        ({"Reservation ID": "Summe"} | SUMS, "a totals line, no reservation"),
        ({"Reservation ID": "Exported on 2025-08-01"}, "a note, no reservation"),
        ({"Vehicle name": "January 2025"}, "a note, no reservation"),
        ({name: name for name in HEADER}, "the header again, no reservation"),
    ],
)
@pytest.mark.parametrize("spoil", [list, slow])
def test_a_line_that_is_no_reservation_is_set_aside_and_does_not_count(
    tmp_path, load, clean, line, reason, spoil
):
    put(tmp_path, spoil([*lines_of(ROWS)[:8], lines_of([line])[1], *lines_of(ROWS)[8:]]))
    tables = load()
    assert same(tables, clean)
    assert tables.rejected.rows() == [("reservations.csv", 9, reason)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Exported on 2025-08-01", "a note, no reservation"),
        ("Total,$12", "a totals line, no reservation"),
        ("Grand total", "a totals line, no reservation"),
    ],
)
@pytest.mark.parametrize("end", ["\n", ""])
def test_a_note_below_the_table_may_be_short(tmp_path, load, clean, line, reason, end):
    put(tmp_path, [*lines_of(ROWS), "", line], end=end)
    tables = load()
    assert same(tables, clean)
    assert tables.rejected.rows() == [("reservations.csv", 22, reason)]


@pytest.mark.parametrize(
    "change",
    [
        {"Trip start": "", "Trip end": ""},
        {"Trip start": "", "Trip end": "", "Vehicle": "", "Vehicle name": "", "Trip status": ""},
        {"Reservation ID": "", "Trip start": "", "Trip end": "", "Vehicle name": "Audi Q3 2023"},
        {"Reservation ID": "Total"},
        {"Trip start": ""},
    ],
)
def test_what_may_be_a_reservation_counts(tmp_path, load, change):
    write(tmp_path, [*ROWS[:-1], ROWS[-1] | change])
    with pytest.raises(InputError, match=r"1 of 19 rows cannot be used \(over 5%\)"):
        load()


def test_a_file_of_totals_is_refused(tmp_path, load):
    write(tmp_path, [*ROWS[:3], *[dict.fromkeys(HEADER, "") | {"Reservation ID": "Total"} | SUMS] * 4])
    with pytest.raises(InputError, match=r"4 of 7 rows cannot be used .*a totals line, no reservation \(4\)"):
        load()


def test_under_the_canonical_profile_a_totals_line_does_not_count_either(tmp_path, load):
    header = "reservation_id,vehicle_id,trip_start,trip_end,status,trip_price"
    rows = [f"r{n},v1,2025-03-{n:02}T10:00,2025-03-{n:02}T20:00,completed,20.5" for n in range(1, 8)]
    put(tmp_path, ["vehicle_id", "v1"], name="vehicles.csv")
    put(tmp_path, [header, *rows, "Total,,,,,143.5"])
    tables = load()
    assert len(tables.reservations) == 7
    assert tables.rejected.rows() == [("reservations.csv", 9, "a totals line, no reservation")]
