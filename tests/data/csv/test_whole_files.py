"""Files that are cut, changing, in another encoding, or elsewhere; lines are counted as an editor does."""

import os
import re
import threading
from datetime import datetime

import pytest
from export_factory import HEADER, Fleet, text, write

from turo.data.csv import rows as rows_module
from turo.data.csv.input_files import find
from turo.data.csv.rows import batches
from turo.data.csv.sheet import open_sheet
from turo.errors import ConfigError, InputError

NOW = datetime(2025, 8, 1, 12)


@pytest.fixture
def exported():
    return Fleet(days=180).rows(NOW)


def sheet_of(folder, content, name="reservations.csv"):
    data = content if isinstance(content, bytes) else content.encode()
    (folder / name).write_bytes(data)
    return open_sheet(find(str(folder), name)[0])


def read(folder, content, wanted=("a", "b")):
    sheet = sheet_of(folder, content)
    frames = list(batches(sheet, wanted))
    return sheet, [row for frame in frames for row in frame.rows()]


def test_rows_carry_their_line_and_bad_ones_are_named(tmp_path):
    sheet, rows = read(tmp_path, "a,b\n1,2\n\n3\n4,5\n6,7,8\n9,10\n")
    assert rows == [("1", "2", 2), ("4", "5", 5), ("9", "10", 7)]
    assert sheet.malformed == [
        (4, "has 1 cells where the header has 2"),
        (6, "has 3 cells where the header has 2"),
    ]
    assert sheet.rows == 5


def test_lines_stay_right_over_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(rows_module, "BLOCK", 64)
    content = "a,b\n" + "".join(f"{n},x\n" if n % 10 else f"{n}\n" for n in range(2, 200))
    sheet, rows = read(tmp_path, content)
    assert all(int(a) == line for a, _, line in rows)
    assert [line for line, _ in sheet.malformed] == list(range(10, 200, 10))


def test_lines_stay_right_over_cells_that_span_lines(tmp_path):
    _, rows = read(tmp_path, 'a,b\n"x\ny",1\n2,"p\n\nq"\n3,4\n')
    assert rows == [("x\ny", "1", 2), ("2", "p\n\nq", 4), ("3", "4", 7)]


def test_blank_lines_before_the_header_count(tmp_path):
    _, rows = read(tmp_path, "\n\na,b\n1,2\n")
    assert rows == [("1", "2", 4)]


@pytest.mark.parametrize("tail", ['"3","4', '"3"', '"3",'])
def test_a_file_cut_in_mid_row_is_refused(tmp_path, tail):
    content = '"a","b","c"\n"1","2","3"\n' + tail
    with pytest.raises(InputError, match=r"reservations\.csv.*ends in the middle of a row"):
        read(tmp_path, content, ("a",))


def test_a_header_with_a_name_twice_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"reservations\.csv has the column trip start more than once"):
        sheet_of(tmp_path, "Trip start,b, trip  Start\n1,2,3\n")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("a,b\ncafé,2\n".encode("latin-1"), r"not UTF-8: line 2 holds the byte 0xE9; it looks like Latin-1"),
        (
            "a,b\n1,“x”\n".encode("cp1252"),
            r"not UTF-8: line 2 holds the byte 0x93; it looks like Windows-1252",
        ),
        ("a,é\n1,2\n".encode("latin-1"), r"not UTF-8: line 1"),
        ('a,b\n"é\n",2\n'.encode("latin-1"), r"not UTF-8: line 2"),
        ("a,b\n1,2\n".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04\x00\x00", "a binary file"),
        (b"a;b\n1;2\n", "separated by ';'"),
    ],
)
def test_other_encodings_and_formats_are_named(tmp_path, data, message):
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path, data)
    assert "reservations.csv" in caught.value.what


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path):
    sheet = sheet_of(tmp_path, "a,b\n1,2\n")
    reader = batches(sheet, ("a", "b"))
    next(reader)
    with (tmp_path / "reservations.csv").open("a") as handle:
        handle.write("3,4\n")
    with pytest.raises(InputError, match=r"reservations\.csv changed while it was read.*still being copied"):
        list(reader)


def test_a_file_that_grew_since_its_header_was_read_is_refused(tmp_path):
    sheet = sheet_of(tmp_path, "a,b\n1,2\n")
    with (tmp_path / "reservations.csv").open("a") as handle:
        handle.write("3,4\n")
    with pytest.raises(InputError, match="still being copied"):
        list(batches(sheet, ("a",)))


def test_a_file_that_is_copied_again_and_again_never_gives_half_a_table(tmp_path, load, exported):
    """A writer replaces the file's content in place; every read is whole or refused."""
    path = write(tmp_path, exported)
    whole, stop = path.read_bytes(), threading.Event()
    expected = load().reservations

    def copy():
        while not stop.is_set():
            with path.open("wb", buffering=0) as handle:
                for start in range(0, len(whole), 20_000):
                    handle.write(whole[start : start + 20_000])

    writer = threading.Thread(target=copy, daemon=True)
    writer.start()
    try:
        for _ in range(20):
            try:
                assert load().reservations.equals(expected)
            except InputError as error:
                assert re.search(r"still being copied|is empty|middle of a row|no rows", str(error)), error
    finally:
        stop.set()
        writer.join()


def test_a_missing_file_is_named_with_the_setting(tmp_path, load):
    with pytest.raises(InputError, match=r"reservations\.csv not found in .*RESERVATIONS_FILE"):
        load()


def test_a_glob_without_matches_is_named(load):
    with pytest.raises(InputError, match=r"trip_\*\.csv not found"):
        load(reservations_file="trip_*.csv")


def test_a_url_is_read_like_a_folder(tmp_path, load, exported):
    write(tmp_path, exported)
    assert load(data_dir=tmp_path.as_uri()).reservations.equals(load().reservations)


def test_a_glob_may_reach_into_a_folder(tmp_path, load, exported):
    (tmp_path / "exports").mkdir()
    write(tmp_path / "exports", exported, "trip_earnings_export_20250801.csv")
    write(tmp_path, exported[:5], "trip_earnings_export_20250101.csv")
    tables = load(reservations_file="exports/trip_*.csv")
    assert list(tables.inputs) == ["exports/trip_earnings_export_20250801.csv"]


def test_an_unknown_scheme_is_a_clear_error():
    with pytest.raises(InputError, match="DATA_DIR='nowhere://bucket'"):
        find("nowhere://bucket", "reservations.csv")


def test_a_file_that_may_not_be_read_is_an_input_error(tmp_path, load, exported):
    path = write(tmp_path, exported)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(InputError, match=r"reservations\.csv cannot be opened"):
        load()


def test_rejected_lines_are_the_lines_of_the_file(tmp_path, load, exported):
    lines = text(exported).splitlines()
    lines[30] = lines[30].rsplit(",", 3)[0]
    lines[40] = lines[40].replace(exported[39]["Trip end"], "never")
    (tmp_path / "reservations.csv").write_text("\n".join(lines) + "\n")
    assert load().rejected.rows() == [
        ("reservations.csv", 31, f"has {len(HEADER) - 3} cells where the header has {len(HEADER)}"),
        ("reservations.csv", 41, "Trip end is no known date and time (met aaaaa)"),
    ]


@pytest.mark.parametrize("names", [",", " , "])
def test_a_setting_that_names_no_file_is_named(load, names):
    with pytest.raises(ConfigError, match=r"RESERVATIONS_FILE='.*' names no file"):
        load(reservations_file=names)
