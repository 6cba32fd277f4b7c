"""Which format a file that is no CSV has, by its first bytes: a spreadsheet, an archive, a web page."""

from __future__ import annotations

import re
from typing import NamedTuple

AS_CSV = "Open it and save it as CSV in UTF-8 (in Excel: Save as > CSV UTF-8)."
EXPORT_AS_CSV = "Open it and export it as CSV in UTF-8."
UNPACK = "Unpack it and bring the CSV file in it."
DOWNLOAD = "Bring the CSV file itself."


class Format(NamedTuple):
    """What a file is, and how to come by a CSV."""

    what: str  # goes on "<file> is …"
    remedy: str


BEGINNINGS: tuple[tuple[bytes, Format], ...] = (
    (b"\x1f\x8b", Format("compressed with gzip", UNPACK)),
    (b"BZh", Format("compressed with bzip2", UNPACK)),
    (b"\xfd7zXZ\x00", Format("compressed with xz", UNPACK)),
    (b"\x28\xb5\x2f\xfd", Format("compressed with zstd", UNPACK)),
    (b"7z\xbc\xaf\x27\x1c", Format("a 7-Zip archive", UNPACK)),
    (b"Rar!\x1a\x07", Format("a RAR archive", UNPACK)),
    (b"%PDF-", Format("a PDF document", DOWNLOAD)),
    (b"{\\rtf", Format("an RTF document", "Save its text as plain CSV in UTF-8.")),
    (b"PAR1", Format("a Parquet file", DOWNLOAD)),
    (b"SQLite format 3\x00", Format("an SQLite database", DOWNLOAD)),
)
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MARKED_UP = re.compile(rb"^\s*<(!doctype\s+html|html|head|body|meta|table|\?xml|style|!--)", re.IGNORECASE)
UTF16 = Format("UTF-16 text, which Excel calls Unicode Text", AS_CSV)


def format_of(head: bytes) -> Format | None:
    """The format that the first block of a file shows, or None where it may be text of UTF-8."""
    for beginning, known in BEGINNINGS:
        if head.startswith(beginning):
            return known
    if head.startswith(ZIP):
        return _packed(head)
    if head.startswith(OLD_OFFICE):
        if "EncryptedPackage".encode("utf-16-le") in head:
            return Format("an Excel workbook (or another Office document) with a password", AS_CSV)
        return Format("an Excel workbook of the old kind (.xls)", AS_CSV)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or _every_other_is_nul(head[:64]):
        return UTF16
    return _marked_up(head.removeprefix(b"\xef\xbb\xbf")[:4096])


def _packed(head: bytes) -> Format:
    if b"application/vnd.oasis.opendocument" in head[:200]:
        return Format("an OpenDocument spreadsheet (.ods)", EXPORT_AS_CSV)
    if (b"Index/" in head and b".iwa" in head) or b"Index.zip" in head:
        return Format("a Numbers spreadsheet", EXPORT_AS_CSV)
    if b"xl/" in head:
        return Format("an Excel workbook", AS_CSV)
    return Format("a ZIP archive, a binary file", UNPACK)


def _marked_up(head: bytes) -> Format | None:
    if not MARKED_UP.match(head):
        return None
    if b"urn:schemas-microsoft-com:office:spreadsheet" in head:
        return Format("an Excel workbook saved as XML", AS_CSV)
    if re.match(rb"(?i)^\s*<\?xml", head) and not re.search(rb"(?i)<(html|table)\b", head):
        return Format("an XML document", AS_CSV)
    return Format("a web page (HTML), be it one that Excel opens", AS_CSV)


def _every_other_is_nul(head: bytes) -> bool:
    """Latin text in UTF-16 without a mark: a zero beside every letter."""
    pairs = len(head) // 2
    return pairs >= 4 and any(head[start::2][:pairs].count(0) == pairs for start in (0, 1)) and any(head)
