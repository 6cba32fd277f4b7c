"""Several things at once that spreadsheets and hosts do to files, and the same things in every file."""

import csv
import io
from datetime import datetime

import pytest
from export_factory import HEADER, Fleet, write

from turo.errors import InputError

ROWS = Fleet(days=90).rows(datetime(2025, 8, 1, 12))
TITLE = "Trips of Zoe Quimby in Austin"
TRIPS = "reservation_id,vehicle_id,trip_start,trip_end,status,trip_price,fees"
VEHICLES = "vehicle_id,make,year,listed_from"


def lines_of(rows, each=str, header=HEADER):
    """CSV lines of an export, each cell through `each`."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([[each(name) for name in header], *([each(r[name]) for name in header] for r in rows)])
    return out.getvalue().splitlines()


def put(folder, *lines, name="reservations.csv"):
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def trips(start="2025-03-01T10:00", end="2025-03-04T09:00", vehicle="7", price="99.00", fees="4.35"):
    return [f"{40 + i},{vehicle},{start},{end},completed,{price},{fees}" for i in range(4)]


@pytest.fixture
def clean(tmp_path, load):
    write(tmp_path, ROWS)
    return load()


def same(tables, clean):
    return tables.reservations.equals(clean.reservations) and tables.vehicles.equals(clean.vehicles)


@pytest.mark.parametrize("guard", ['="{}"', "'{}", "\u200b{}", '= "{}"'])
def test_guards_around_every_cell_and_the_header_too(tmp_path, load, clean, guard):
    put(tmp_path, *lines_of(ROWS, guard.format))
    assert same(load(), clean)


def accounting(cell):
    if "$" not in cell:
        return f"{cell}.0" if cell.isdigit() else cell
    amount = float(cell.replace("$", "").replace(",", "").replace(" ", ""))
    if not amount:
        return " $ -   "
    return f" $ ({-amount:,.2f})" if amount < 0 else f" $ {amount:,.2f} "


@pytest.mark.parametrize("guard", ["{}", '="{}"'])
def test_a_file_that_went_through_everything(tmp_path, load, clean, guard):
    header, *lines = lines_of(ROWS, lambda cell: guard.format(accounting(cell)))
    put(tmp_path, "sep=,", header + ",Notes", *(line + ",,," for line in lines), "Total,,,,,,,,,,,$ 9.00")
    tables = load()
    assert same(tables, clean)
    assert tables.rejected.rows() == [("reservations.csv", len(ROWS) + 3, "a totals line, no reservation")]


def test_numbers_with_commas_and_decimals_are_ids(tmp_path, load, clean):
    put(
        tmp_path,
        *lines_of(ROWS, lambda cell: f"{int(cell):,}.00" if cell.isdigit() and len(cell) > 4 else cell),
    )
    assert same(load(), clean)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"start": "3/1/2025 10:00"}, r"trip_start may be .*: set DATE_ORDER \(4, such as 3/1/2025 10:00\)"),
        ({"start": "2025-03-01"}, r"trip_start has no time of day \(4, such as 2025-03-01\)"),
        ({"start": "45717.4167"}, r"trip_start is a day number .* date and time \(4, such as 45717\.4167\)"),
        ({"price": "CA$99"}, r"trip_price is no plain amount \(4, such as CA\$99\)"),
    ],
)
def test_a_form_is_shown_whatever_optional_columns_are_absent(tmp_path, load, changed, reason):
    put(tmp_path, TRIPS, *trips(**changed))
    put(tmp_path, VEHICLES, "7,Kia,2020,2025-01-01", name="vehicles.csv")
    with pytest.raises(InputError, match=reason):
        load()


def test_dollars_are_the_same_number_with_their_sign_and_without(tmp_path, load):
    put(tmp_path, TRIPS, *trips(price="$99.00", fees=" $ 4.35 "))
    put(tmp_path, VEHICLES, "7,Kia,2020,2025-01-01", name="vehicles.csv")
    rows = load().reservations
    assert rows["fees"].to_list() == [4.35] * 4


@pytest.mark.parametrize("vehicle", ["1001", "1,001", "1001.0"])
def test_a_total_below_the_vehicles_is_no_vehicle(tmp_path, load, vehicle):
    put(tmp_path, TRIPS, *trips(vehicle="1001"))
    put(
        tmp_path,
        VEHICLES,
        f'"{vehicle}",Audi,2020,2025-01-01',
        "1002,Kia,2021,",
        "Total,1,,",
        ",,1,",
        name="vehicles.csv",
    )
    put(tmp_path, "vehicle_id,start,end", "1001,2025-05-01,2025-05-03", "Total,2,", name="blocks.csv")
    tables = load()
    assert tables.vehicles["vehicle_id"].to_list() == ["1001", "1002"]
    assert tables.blocks.height == 1
    assert tables.rejected.rows() == [
        ("blocks.csv", 3, "a totals line, no reservation"),
        ("vehicles.csv", 4, "a totals line, no reservation"),
        ("vehicles.csv", 5, "a totals line, no reservation"),
    ]


def test_a_vehicle_may_be_called_after_its_model(tmp_path, load):
    put(tmp_path, TRIPS, *trips(vehicle="Q3"))
    put(
        tmp_path,
        VEHICLES,
        "Q3,Audi,2020,2025-01-01",
        "Q4 2022,Audi,2022,2025-01-01",
        name="vehicles.csv",
    )
    assert load().vehicles["vehicle_id"].to_list() == ["Q3", "Q4 2022"]


@pytest.mark.parametrize("file", ["vehicles.csv", "blocks.csv"])
def test_a_short_file_is_refused_by_its_own_errors_and_read_under_the_date_order(tmp_path, load, file):
    put(tmp_path, TRIPS, *(t.replace("4", str(n), 1) for n in range(1, 30) for t in trips()))
    day = {"vehicles.csv": "2025-05-01", "blocks.csv": "2025-05-01"} | {file: "13/5/2025"}
    put(tmp_path, VEHICLES, f"7,Kia,2020,{day['vehicles.csv']}", name="vehicles.csv")
    put(tmp_path, "vehicle_id,start,end", f"7,{day['blocks.csv']},2025-05-20", name="blocks.csv")
    with pytest.raises(InputError, match=rf"1 of 1 rows .*13/5/2025.* line 2 of {file}"):
        load()
    tables = load(date_order="DMY")
    read = tables.vehicles["listed_from"] if file == "vehicles.csv" else tables.blocks["start"].dt.date()
    assert read.to_list() == [datetime(2025, 5, 13).date()]


@pytest.mark.parametrize("file", ["reservations.csv", "vehicles.csv"])
def test_a_title_above_the_header_is_not_shown(tmp_path, load, file):
    put(tmp_path, TRIPS, *trips())
    put(tmp_path, VEHICLES, "7,Kia,2020,2025-01-01", name="vehicles.csv")
    good = (tmp_path / file).read_text()
    put(tmp_path, TITLE, good.strip(), name=file)
    with pytest.raises(InputError, match=rf"{file} has no .* line 1") as caught:
        load()
    assert not {"Quimby", "Austin"} & set(str(caught.value).split())
    (tmp_path / file).write_text(good)
    assert load().reservations.height == 4


def test_an_optional_file_that_is_a_workbook_is_named(tmp_path, load):
    write(tmp_path, ROWS)
    for name in ("vehicles.xlsx", "blocks.xlsx"):
        (tmp_path / name).write_bytes(b"PK\x03\x04xl/workbook.xml")
    told = " ".join(load().warnings)
    assert "vehicles.xlsx is no CSV and left out" in told
    assert "under the name blocks.csv" in told


def test_a_workbook_under_a_pattern_is_to_be_saved_under_its_own_name(tmp_path, load):
    (tmp_path / "trip_earnings_export_20250601.xlsx").write_bytes(b"PK\x03\x04xl/workbook.xml")
    with pytest.raises(InputError, match=r"as trip_earnings_export_20250601\.csv"):
        load(reservations_file="trip_earnings_export_*.csv")
