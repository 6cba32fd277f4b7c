"""CSV into batches of text columns with line numbers; blanks around cells are cut off.

The fast way is pyarrow's streaming reader. Files that an editor has aligned (`"a"   , "b"`) and cells that
span lines take Python's csv module, which knows the line of every row.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator

import polars as pl
import pyarrow as pa
from pyarrow import csv as arrow_csv

from turo.data.csv import footers
from turo.data.csv.ragged_rows import UNCLEAR, Ragged
from turo.data.csv.raw_bytes import unchanged
from turo.data.csv.sheet import Sheet, unreadable
from turo.errors import InputError

BLOCK = 8 << 20
BATCH_ROWS = 50_000
LINE = "line"  # 1-based, the header counts


def batches(
    sheet: Sheet, wanted: Collection[str], may_be_empty: bool = False, spare: Collection[str] = ()
) -> Iterator[pl.DataFrame]:
    """Yield frames of the `wanted` columns (of `sheet.keys`) as trimmed text, "" where empty, and `line`.

    There is at least one frame, be it empty. Columns that are not wanted are never turned into values. Rows
    with too few or too many cells go to `sheet.malformed`, unless nothing but empty cells is too much, or
    only cells at their end are missing that are `spare` or not wanted. Lines that are no reservation (see
    `footers`) go there too.

    Raises:
        InputError: not UTF-8, cut off in its last row, without any row (unless it `may_be_empty`), or changed
            while it was read.
    """
    names = [name for name in sheet.keys if name in wanted]
    slow = sheet.content.quoted_newlines or sheet.content.padded
    unchanged(sheet.source, sheet.content.state)
    ragged = Ragged(sheet, [name for name in names if name not in spare])
    some = False
    try:
        for batch in (_parsed if slow else _streamed)(sheet, names, ragged):
            some = True
            trimmed = batch.with_columns(pl.col(names).str.strip_chars())
            frame, found = footers.split(trimmed)
            ragged.malformed += found
            yield frame
    finally:
        # says so even where half a file has led to another error
        unchanged(sheet.source, sheet.content.state)
    sheet.malformed += sorted(ragged.malformed)
    if not sheet.rows and not may_be_empty:
        raise InputError(f"{sheet.source.name} has a header but no rows.", "Bring a file with rows in it.")
    if not some:
        yield pl.DataFrame(schema=_schema(names))


def _streamed(sheet: Sheet, names: list[str], ragged: Ragged) -> Iterator[pl.DataFrame]:
    skipped: list[int] = []
    fitted: list[list[str | int]] = []  # rows of another length that fit, not yet yielded
    text, schema = {name: pa.string() for name in names}, _schema(names)
    used, number = 0, sheet.header_line
    picks = [sheet.keys.index(name) for name in names]

    def other_length(row: arrow_csv.InvalidRow) -> str:
        skipped.append(row.number)
        cells = _cells(row)
        if not any(cell.strip() for cell in cells):
            return "skip"
        if whole := ragged.fit(row.number, cells):
            fitted.append([*(whole[i] for i in picks), row.number])
        else:
            sheet.rows += 1
        return "skip"

    try:
        with (
            sheet.source.filesystem.open_input_stream(sheet.source.path) as stream,
            arrow_csv.open_csv(
                stream,
                arrow_csv.ReadOptions(
                    use_threads=False,
                    block_size=BLOCK,
                    skip_rows=sheet.header_line,
                    column_names=_unique(sheet.keys),
                ),
                arrow_csv.ParseOptions(ignore_empty_lines=False, invalid_row_handler=other_length),
                arrow_csv.ConvertOptions(column_types=text, include_columns=names, strings_can_be_null=False),
            ) as reader,
        ):
            for batch in reader:
                frame = pl.DataFrame(pl.from_arrow(batch))
                lines, number, used = _number(number, frame.height, skipped, used)
                frame = frame.with_columns(pl.Series(LINE, lines, dtype=pl.Int64))
                if fitted:
                    before = [row for row in fitted if int(row[-1]) <= number]
                    fitted[: len(before)] = []
                    frame = pl.concat([frame, pl.DataFrame(before, schema, orient="row")]).sort(LINE)
                frame = frame.filter(~pl.all_horizontal(pl.col(names).str.strip_chars() == ""))
                sheet.rows += frame.height
                yield frame
    except pa.ArrowInvalid:
        raise unreadable(sheet.source) from None  # the cause may quote a row
    if fitted:
        sheet.rows += len(fitted)
        yield pl.DataFrame(fitted, schema, orient="row")
    ragged.refuse_cut(max([number, *skipped]))


def _parsed(sheet: Sheet, names: list[str], ragged: Ragged) -> Iterator[pl.DataFrame]:
    rows: list[list[str | int]] = []
    schema = _schema(names)
    picks = [sheet.keys.index(name) for name in names]
    last = sheet.header_line
    with sheet.source.filesystem.open_input_stream(sheet.source.path) as stream:
        text = io.TextIOWrapper(io.BufferedReader(stream), "utf-8-sig", newline="")
        reader = csv.reader(text, skipinitialspace=True)
        try:
            for _ in range(sheet.header_line):
                text.readline()
            for cells in reader:
                line, last = last + 1, sheet.header_line + reader.line_num
                if not any(cell.strip() for cell in cells):
                    continue
                sheet.rows += 1
                if whole := ragged.fit(line, cells):
                    rows.append([*(whole[i] for i in picks), line])
                if len(rows) == BATCH_ROWS:
                    yield pl.DataFrame(rows, schema, orient="row")
                    rows = []
        except (csv.Error, UnicodeDecodeError):
            raise unreadable(sheet.source) from None
    if rows:
        yield pl.DataFrame(rows, schema, orient="row")
    ragged.refuse_cut(last)


def _cells(row: arrow_csv.InvalidRow) -> list[str]:
    """The cells of a row, as the csv module sees them; pyarrow's count where it sees others."""
    try:
        cells = next(csv.reader([row.text], skipinitialspace=True), [])
    except csv.Error:
        cells = []
    blank = not row.text.strip()
    return cells if blank or len(cells) == row.actual_columns else [UNCLEAR] * row.actual_columns


def _number(number: int, count: int, skipped: list[int], used: int) -> tuple[list[int] | range, int, int]:
    """Lines of the next `count` good rows after line `number`, leaving out the skipped ones."""
    ahead = skipped[used:]
    if not ahead or ahead[0] > number + count:
        return range(number + 1, number + count + 1), number + count, used
    lines: list[int] = []
    while len(lines) < count:
        number += 1
        if used < len(skipped) and skipped[used] == number:
            used += 1
        else:
            lines.append(number)
    return lines, number, used


def _schema(names: list[str]) -> dict[str, type[pl.DataType]]:
    return {**dict.fromkeys(names, pl.String), LINE: pl.Int64}


def _unique(keys: list[str]) -> list[str]:
    """Nameless columns need different names for pyarrow; nobody asks for them."""
    return [key or f"\x00{i}" for i, key in enumerate(keys)]
