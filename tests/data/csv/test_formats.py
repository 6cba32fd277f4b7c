"""Spreadsheets, archives and pages under a CSV's name: refused by name, with the way to a CSV."""

import gzip
import io
import zipfile
from datetime import datetime

import pytest
from export_factory import Fleet, text

from turo.errors import InputError

ROWS = Fleet(days=60).rows(datetime(2025, 8, 1, 12))[:19]


def packed(*members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


WORKBOOK = packed(("[Content_Types].xml", "<Types/>"), ("xl/workbook.xml", "<workbook/>" * 500))
OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (WORKBOOK, "is an Excel workbook, not CSV.*CSV UTF-8"),
        (OLD + bytes(2000), r"is an Excel workbook of the old kind \(\.xls\), not CSV.*CSV UTF-8"),
        (OLD + "EncryptedPackage".encode("utf-16-le"), "is an Excel workbook .*with a password"),
        (
            packed(("mimetype", "application/vnd.oasis.opendocument.spreadsheet")),
            r"is an OpenDocument spreadsheet \(\.ods\).*export it as CSV",
        ),
        (packed(("Index/Document.iwa", "x")), "is a Numbers spreadsheet.*export it as CSV"),
        (packed(("reservations.csv", text(ROWS))), "is a ZIP archive.*Unpack it"),
        (gzip.compress(text(ROWS).encode()), "is compressed with gzip.*Unpack it"),
        (b"%PDF-1.7\n1 0 obj\n", "is a PDF document"),
        (b"{\\rtf1\\ansi Reservation ID,Vehicle}", "is an RTF document"),
        (b"\xef\xbb\xbf\n<html><table><tr><td>1", r"is a web page \(HTML\).*save it as CSV"),
        (b"<!DOCTYPE html>\n<title>Log in</title>", r"is a web page \(HTML\)"),
        (
            b'<?xml version="1.0"?>\n<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">',
            "is an Excel workbook saved as XML",
        ),
        (text(ROWS).encode("utf-16"), "is UTF-16 text, which Excel calls Unicode Text.*CSV UTF-8"),
        (text(ROWS).encode("utf-16-le"), "is UTF-16 text"),
        (text(ROWS).encode("utf-16-be"), "is UTF-16 text"),
    ],
)
@pytest.mark.parametrize("name", ["reservations.csv", "trips.xlsx"])
def test_another_format_is_named_with_the_way_to_a_csv(tmp_path, load, content, message, name):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        load(reservations_file=name)
    assert caught.value.what.startswith(name)


@pytest.mark.parametrize(
    ("asked", "there"),
    [
        ("reservations.csv", "reservations.xlsx"),
        ("reservations.csv", "reservations.csv.xlsx"),
        ("reservations.csv", "Reservations.XLS"),
        ("trip_earnings_export_*.csv", "trip_earnings_export_20250801.ods"),
    ],
)
def test_a_missing_file_that_lies_there_in_another_format_is_pointed_out(tmp_path, load, asked, there):
    (tmp_path / there).write_bytes(WORKBOOK)
    with pytest.raises(InputError, match="not found in") as caught:
        load(reservations_file=asked)
    assert f"but {there} lies there" in caught.value.what
    assert "save it as CSV" in caught.value.remedy
