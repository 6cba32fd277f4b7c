"""A CSV file that was opened: scanned once from end to end, its header read."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection
from dataclasses import dataclass, field

from turo.data.csv.input_files import Source
from turo.data.csv.raw_bytes import Content, scan
from turo.errors import InputError

VALUE = re.compile(r"^[-($]*\d[\d\s.,:/$)-]*([AaPp][Mm])?$")  # a number, an amount, a date: no column name
LONGEST_HEADER = 1 << 16  # bytes; Turo's has 900
HINT = re.compile(r'^\s*"?\s*sep=(.)\s*"?[\s,;]*$', re.IGNORECASE)  # a line that tells Excel the separator
GUARD = re.compile(r"""^(?:=\s*"(.*)"|'(.+))$""")  # as around cells (see `cells.tidy`)
UNSEEN = re.compile("[\u200b-\u200f\u2060\ufeff]")
OTHER_SEPARATORS = (";", "\t", "|")


@dataclass
class Sheet:
    """An opened CSV file: its header, and after reading the rows that did not fit it."""

    source: Source
    content: Content
    columns: list[str]  # as written, trimmed
    keys: list[str]  # lower case, single blanks
    header_line: int
    rows: int = 0  # seen so far, malformed ones included
    malformed: list[tuple[int, str]] = field(default_factory=list)  # (line, reason)

    def spell(self, names: Collection[str]) -> None:
        """Take `Vehicle ID` and `vehicle-id` for vehicle_id, if `names` has that and the header has not."""
        for place, key in enumerate(self.keys):
            spelled = underscored(key)
            if spelled in names and spelled not in self.keys:
                self.keys[place] = spelled


def underscored(key: str) -> str:
    """A column's name in the spelling of hand-made files: `vehicle id` and `vehicle-id` are `vehicle_id`."""
    return re.sub("[ -]+", "_", key)


def open_sheet(source: Source) -> Sheet:
    """Scan the file and read its header.

    Raises:
        InputError: empty, binary, not UTF-8, cut off, or with a header that is not a comma-separated list of
            different names.
    """
    content = scan(source)
    number, header = _first_line(source, content)
    columns = [_unguarded(name) for name in next(csv.reader([header], skipinitialspace=True))]
    keys = [" ".join(name.casefold().split()) for name in columns]
    if len(columns) == 1:
        for sign in OTHER_SEPARATORS:
            if sign in header:
                raise _separated(source, sign)
    if any(VALUE.match(name) for name in columns):
        # not even shown: they may be a guest's
        raise InputError(
            f"{source.name} has no header: its first line holds values.",
            "Export the file again, or add its header.",
        )
    double = sorted({name for name in keys if name and keys.count(name) > 1})
    if double:
        raise InputError(
            f"{source.name} has the column {', '.join(double)} more than once in its header.",
            "Remove or rename the second one.",
        )
    if content.open_quote:
        raise InputError(
            f"{source.name} has a quote that is never closed: it ends in the middle of a row.",
            "Copy or export the file again.",
        )
    return Sheet(source, content, columns, keys, number + 1)


def _unguarded(name: str) -> str:
    plain = UNSEEN.sub("", name).strip()
    return GUARD.sub(lambda found: found[1] or found[2] or "", plain).strip()


def _first_line(source: Source, content: Content) -> tuple[int, str]:
    """Index and text of the header: the first line that is neither empty nor Excel's hint `sep=,`."""
    hinted = False
    for number, line in enumerate(content.head.split(b"\n")):
        if not line.strip(b"\r \t\xef\xbb\xbf,"):
            continue
        header = _header(source, line)
        hint = None if hinted else HINT.match(header)
        if hint is None:
            return number, header
        if hint[1] != ",":
            raise _separated(source, hint[1])
        hinted = True
    raise InputError(f"{source.name} holds no table, only the line {header!r}.", "Export the file again.")


def _separated(source: Source, sign: str) -> InputError:
    return InputError(f"{source.name} is separated by {sign!r}.", "Save it as CSV with commas.")


def _header(source: Source, line: bytes) -> str:
    if len(line) > LONGEST_HEADER:
        raise InputError(
            f"{source.name} has no header: its first line is over {LONGEST_HEADER} bytes long.",
            "Export the file again.",
        )
    header = line.decode("utf-8-sig").strip("\r\ufeff")
    if "\r" in header:
        raise InputError(
            f"{source.name} ends its lines with CR alone, as old Macs did.",
            "Save it as CSV with line ends LF or CRLF.",
        )
    return header


def unreadable(source: Source) -> InputError:
    return InputError(f"{source.name} cannot be read as CSV.", "Export or save it again.")
