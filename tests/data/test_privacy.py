"""No guest, address, plate, nickname or VIN reaches a table, a rejected row, a warning, an error or a log."""

import logging
import traceback
from datetime import datetime

import pytest
from export_factory import Fleet, header_44, text, write

from turo.errors import InputError

NOW = datetime(2025, 8, 1, 12)
PERSONAL = ("Guest ", "Invented Street", "Nowhere", "SYN0", "SYNTHETICVIN", "nickname")


@pytest.fixture
def rows():
    return Fleet(days=240).rows(NOW)


def everything(tables, caplog):
    frames = [tables.reservations, tables.vehicles, tables.rejected]
    said = [*tables.warnings, *(record.getMessage() for record in caplog.records), str(tables.inputs)]
    return "\n".join([*(frame.write_csv() for frame in frames), *said])


def leaks(text):
    return [word for word in PERSONAL if word.lower() in text.lower()]


@pytest.mark.parametrize("header", [None, header_44()], ids=["47 columns", "44 columns"])
def test_a_file_with_every_kind_of_bad_row_leaks_nothing(tmp_path, load, rows, header, caplog):
    caplog.set_level(logging.DEBUG)
    shifted = text([rows[0]], header or None or header_44()).splitlines()[1]
    bad = [
        rows[0] | {"Trip start": "Guest 7"},
        rows[1] | {"Trip price": "12 Invented Street"},
        rows[2] | {"Reservation ID": "Guest 8"},
        rows[3] | {"Trip days": "Guest 9", "Check-in odometer": "Guest 9"},
        rows[4] | {"Total earnings": "$1.00"},
    ]
    path = write(tmp_path, [*bad, *rows[5:], rows[6]], header=header)
    path.write_text(path.read_text() + shifted.replace('","', '","","', 1) + "\n")
    tables = load()
    assert len(tables.rejected) == 4
    assert leaks(everything(tables, caplog)) == []
    others = [p for p in tmp_path.iterdir() if p.name not in ("reservations.csv", "vehicle_keys.csv")]
    assert others == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda rows: [r | {"Trip start": r["Guest"]} for r in rows],
        lambda rows: [r | {"Vehicle id": "1000000"} for r in rows],
        lambda rows: [*rows, rows[3] | {"Trip end": "2025-07-31 10:00 AM"}],
        lambda rows: [r | {"Reservation ID": r["Guest"]} for r in rows],
        lambda rows: [r | {"Vehicle id": r["Guest"]} for r in rows],
    ],
    ids=["dates", "one id for all vehicles", "repeated id", "ids", "vehicle ids"],
)
def test_errors_leak_nothing(tmp_path, load, rows, spoil, caplog):
    caplog.set_level(logging.DEBUG)
    write(tmp_path, spoil(rows))
    with pytest.raises(InputError) as caught:
        load()
    told = "".join(traceback.format_exception(caught.value))
    assert leaks(told.split("Error: ", 1)[1]) == []
    assert leaks("\n".join(record.getMessage() for record in caplog.records)) == []


@pytest.mark.parametrize("header", [None, header_44()], ids=["47 columns", "44 columns"])
def test_a_file_without_its_header_leaks_nothing(tmp_path, load, rows, header):
    content = text(rows, header) if header else text(rows)
    (tmp_path / "reservations.csv").write_text(content.split("\n", 1)[1])
    with pytest.raises(InputError, match=r"reservations\.csv has no header") as caught:
        load()
    assert leaks(str(caught.value)) == []


@pytest.mark.parametrize("cut", [0.3, 0.5, 0.9])
def test_a_cut_file_leaks_nothing(tmp_path, load, rows, cut):
    content = text(rows)
    (tmp_path / "reservations.csv").write_text(content[: int(len(content) * cut)])
    with pytest.raises(InputError) as caught:
        load()
    assert leaks(str(caught.value)) == []


def test_another_encoding_leaks_nothing(tmp_path, load, rows):
    content = text([rows[0] | {"Guest": "Guest Zoë"}, *rows[1:]])
    (tmp_path / "reservations.csv").write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match="not UTF-8: line 2") as caught:
        load()
    assert leaks(str(caught.value)) == []


def test_plates_are_only_in_the_private_file(tmp_path, load, rows):
    write(tmp_path, rows, header=header_44())
    load()
    keys = tmp_path / "vehicle_keys.csv"
    assert "SYN0001" in keys.read_text()
    assert keys.stat().st_mode & 0o077 == 0
