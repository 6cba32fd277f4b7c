"""Whatever befalls a file, reading it ends in tables or a plain error, and no personal field shows."""

import logging
import re
import shutil
import tempfile
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from export_factory import HEADER, Fleet, header_44, text
from hypothesis import given, settings
from hypothesis import strategies as st

from turo.data.load import load_tables
from turo.errors import InputError, TuroError
from turo.settings import load as settings_of

ROWS = Fleet(days=120).rows(datetime(2025, 6, 1, 12))[:40]
WHOLE = {47: text(ROWS), 44: text(ROWS, header_44())}
PERSONAL = re.compile(r"Guest \d|Invented|Nowhere|SYN\d|SYNTHETICVIN|nickname", re.IGNORECASE)
CELLS = st.sampled_from(
    [
        "", " ", ",", '"', "\n", "\r", "\x0b", "\u2028", "\ufeff", "\x00", "-", "$", "()", "nan", "1e309",
        "9" * 25, "9" * 400, "$" + "9" * 30, "١٢", "(TX #SYN0009) (CA #)", "a" * 140_000, "No-show",
        "Cancelled", "Guest 5", "2025-03-09 02:30 AM", "9999-12-31T23:59:59+14:00",
        "0001-01-01T00:00:00-12:00", "2025-01-01T00:00+99:99", "1/2/25 10:00 AM",
        "12 Invented Street, Nowhere TX",
    ]
)  # fmt: skip
CELL_EDITS = st.lists(st.tuples(st.integers(0, len(ROWS) - 1), st.sampled_from(HEADER), CELLS), max_size=3)
PUT = st.binary(max_size=3) | st.sampled_from([b'"', b"\r", b"\n", b","])
BYTE_EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), PUT), max_size=4)


def told(tables):
    """Everything a run would write or say of these tables."""
    frames = (tables.reservations, tables.vehicles, tables.rejected)
    return "\n".join([*(frame.write_csv() for frame in frames), *tables.warnings])


def read(content):
    """What is told of an export with this content, be it an error."""
    folder = Path(tempfile.mkdtemp())
    try:
        (folder / "reservations.csv").write_bytes(content)
        tables = load_tables(settings_of(data_dir=str(folder)))
    except TuroError as error:
        return str(error)
    finally:
        shutil.rmtree(folder)
    floats = tables.reservations.select(pl.selectors.float())
    assert floats.select(pl.all().is_finite().all()).row(0) == (True,) * floats.width
    return told(tables)


@settings(max_examples=120, deadline=None)
@given(st.sampled_from([47, 44]), CELL_EDITS, BYTE_EDITS)
def test_a_damaged_export_gives_tables_or_a_plain_error_and_leaks_nothing(columns, cells, edits):
    logging.disable()
    rows = [dict(row) for row in ROWS]
    for number, name, value in cells:
        rows[number][name] = value
    content = bytearray(text(rows, HEADER if columns == 47 else header_44()).encode())
    for place, cut, put in edits:
        at = int(place * len(content))
        content[at : at + cut] = put
    try:
        said = read(bytes(content))
    finally:
        logging.disable(logging.NOTSET)
    header = content.split(b"\n")[0]
    if header == WHOLE[columns].encode().split(b"\n")[0]:  # a damaged header is shown as it is
        assert not PERSONAL.search(said), said


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda content: content.replace("\n", "\r"), "reservations.csv ends its lines with CR alone"),
        (lambda _: "x" * 200_000, "reservations.csv has no header: its first line is over 65536 bytes"),
        (lambda _: "x" + "é" * 700_000, "reservations.csv has no header: its first line is over 65536"),
        (lambda content: content.split("\n")[0] + "\n1,2\n3\n", "2 of 2 rows .*has 2 cells where the"),
        (
            lambda content: content.replace("Guest 1", "Gue\0st", 1) + "\n" * (1 << 20),
            r"reservations.csv is .*damaged: line \d+ holds a NUL",
        ),
        (
            lambda content: content + "\n" * (1 << 20) + "\0",
            rf"reservations.csv is .*damaged: line {len(ROWS) + 2 + (1 << 20)} holds a NUL",
        ),
    ],
    ids=["old Mac", "no line end", "wide letters over blocks", "only short rows", "NUL", "NUL far down"],
)  # fmt: skip
def test_damage_is_named(tmp_path, load, spoil, message):
    (tmp_path / "reservations.csv").write_bytes(spoil(WHOLE[47]).encode())
    with pytest.raises(InputError, match=message):
        load()
