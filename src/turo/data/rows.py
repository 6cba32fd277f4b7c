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

from turo.data.content import unchanged
from turo.data.sheet import Sheet, unreadable
from turo.errors import InputError

BLOCK = 8 << 20
BATCH_ROWS = 50_000
LINE = "line"  # 1-based, the header counts


def batches(sheet: Sheet, wanted: Collection[str], may_be_empty: bool = False) -> Iterator[pl.DataFrame]:
    """Yield frames of the `wanted` columns (of `sheet.keys`) as trimmed text, "" where empty, and `line`.

    There is at least one frame, be it empty. Columns that are not wanted are never turned into values. Rows
    with too few or too many cells go to `sheet.malformed`.

    Raises:
        InputError: not UTF-8, cut off in its last row, without any row (unless it `may_be_empty`), or changed
            while it was read.
    """
    names = [name for name in sheet.keys if name in wanted]
    slow = sheet.content.quoted_newlines or sheet.content.padded
    unchanged(sheet.source, sheet.content.state)
    some = False
    try:
        for batch in (_parsed if slow else _streamed)(sheet, names):
            some = True
            yield batch.with_columns(pl.col(names).str.strip_chars())
    finally:
        # says so even where half a file has led to another error
        unchanged(sheet.source, sheet.content.state)
    if not sheet.rows and not may_be_empty:
        raise InputError(f"{sheet.source.name} has a header but no rows.", "Bring a file with rows in it.")
    if not some:
        yield pl.DataFrame(schema=_schema(names))


def _streamed(sheet: Sheet, names: list[str]) -> Iterator[pl.DataFrame]:
    skipped: list[tuple[int, int, bool]] = []  # line, cells, blank

    def malformed(row: arrow_csv.InvalidRow) -> str:
        skipped.append((row.number, row.actual_columns, not row.text.strip()))
        return "skip"

    text = {name: pa.string() for name in names}
    filled, used, number = 0, 0, sheet.header_line
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
                arrow_csv.ParseOptions(ignore_empty_lines=False, invalid_row_handler=malformed),
                arrow_csv.ConvertOptions(column_types=text, include_columns=names, strings_can_be_null=False),
            ) as reader,
        ):
            for batch in reader:
                frame = pl.DataFrame(pl.from_arrow(batch))
                lines, number, used = _number(number, frame.height, [n for n, _, _ in skipped], used)
                frame = frame.with_columns(pl.Series(LINE, lines, dtype=pl.Int64))
                frame = frame.filter(~pl.all_horizontal(pl.col(names).str.strip_chars() == ""))
                filled += frame.height
                yield frame
    except pa.ArrowInvalid:
        raise unreadable(sheet.source) from None  # the cause may quote a row
    wrong = [(line, cells) for line, cells, blank in skipped if not blank]
    _finish(sheet, filled + len(wrong), wrong, max([number, *(line for line, _, _ in skipped)]))


def _parsed(sheet: Sheet, names: list[str]) -> Iterator[pl.DataFrame]:
    wrong: list[tuple[int, int]] = []
    rows: list[list[str | int]] = []
    schema = _schema(names)
    picks = [sheet.keys.index(name) for name in names]
    count, last = 0, sheet.header_line
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
                count += 1
                if len(cells) != len(sheet.keys):
                    wrong.append((line, len(cells)))
                    continue
                rows.append([*(cells[i] for i in picks), line])
                if len(rows) == BATCH_ROWS:
                    yield pl.DataFrame(rows, schema, orient="row")
                    rows = []
        except (csv.Error, UnicodeDecodeError):
            raise unreadable(sheet.source) from None
    if rows:
        yield pl.DataFrame(rows, schema, orient="row")
    _finish(sheet, count, wrong, last)


def _finish(sheet: Sheet, rows: int, wrong: list[tuple[int, int]], last: int) -> None:
    """Note the rows that did not fit; a short last row without a line end means that the file was cut."""
    sheet.rows = rows
    wanted = len(sheet.keys)
    if wrong and not sheet.content.ends_with_newline and wrong[-1][0] == last and wrong[-1][1] < wanted:
        raise InputError(
            f"{sheet.source.name} ends in the middle of a row: "
            f"line {last} has {wrong[-1][1]} of {wanted} cells.",
            "Copy or export the file again.",
        )
    sheet.malformed += [(line, f"has {cells} cells where the header has {wanted}") for line, cells in wrong]


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
