"""The raw bytes of a file, read once from end to end: digest, encoding, and whether it is whole."""

from __future__ import annotations

import codecs
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from turo.data.csv import other_formats
from turo.data.csv.input_files import Source, State
from turo.errors import InputError

if TYPE_CHECKING:
    from pyarrow import NativeFile

CHUNK = 1 << 20
OVERLAP = 256  # bytes of the block before that are looked at again
PADDED = re.compile(rb'(^|[\n,])[ \t]+"|"[ \t]+[,\r\n]')
SAVE_AS_UTF8 = "Save it as CSV in UTF-8."


@dataclass(frozen=True)
class Content:
    """What one pass over the raw bytes tells."""

    sha256: str
    state: State
    head: bytes  # the first block
    quoted_newlines: bool  # cells that span lines
    padded: bool  # blanks between a quote and its comma or line end
    open_quote: bool  # an odd number of quotes
    ends_with_newline: bool


def scan(source: Source) -> Content:
    """Read the raw bytes once: digest, and what tells a cut or binary file from a whole one.

    Raises:
        InputError: empty file, a spreadsheet or other binary content, or a size that changes while
            it is read.
    """
    before = source.state()
    digest, size, head, last = hashlib.sha256(), 0, b"", b""
    inside, spans, padded, lines = 0, False, False, 1
    decoder = codecs.getincrementaldecoder("utf-8")()
    with _opened(source) as stream:
        while block := stream.read(CHUNK):
            if not head and (known := other_formats.format_of(block)):
                raise InputError(f"{source.name} is {known.what}, not CSV.", known.remedy)
            head = head or block
            _refuse_binary(source, block, lines)
            digest.update(block)
            _check_utf8(source, decoder, block, lines)
            lines += block.count(b"\n")
            size += len(block)
            if inside or b'"' in block:
                padded = padded or _is_padded(last + block)
                spans, inside = _quoted(block, inside, spans)
            last = block[-OVERLAP:]
    unchanged(source, before, size)
    if not head.strip(b"\xef\xbb\xbf \t\r\n,"):
        raise InputError(f"{source.name} is empty.", "Export the file again and put it in its place.")
    ended = last.endswith((b"\n", b"\r"))
    return Content(digest.hexdigest(), before, head, spans, padded, bool(inside), ended)


def unchanged(source: Source, before: State, read: int | None = None) -> None:
    """Raise when the file is not what it was `before`, or its size differs from the bytes `read`."""
    after = source.state()
    if after != before or (read is not None and read != after[0]):
        raise InputError(
            f"{source.name} changed while it was read ({before[0]} bytes, then {after[0]}): "
            "is it still being copied?",
            "Wait until the copy is complete and run again.",
        )


def _refuse_binary(source: Source, block: bytes, lines: int) -> None:
    if (at := block.find(0)) >= 0:
        line = lines + block.count(b"\n", 0, at)
        raise InputError(
            f"{source.name} is a binary file, not text, or damaged: line {line} holds a NUL byte.",
            SAVE_AS_UTF8,
        )


def _check_utf8(source: Source, decoder: codecs.IncrementalDecoder, block: bytes, lines: int) -> None:
    try:
        decoder.decode(block)
    except UnicodeDecodeError as error:
        line, byte = lines + error.object.count(b"\n", 0, error.start), error.object[error.start]
        kind = "Windows-1252" if 0x80 <= byte <= 0x9F else "Latin-1 or Windows-1252"
        raise InputError(
            f"{source.name} is not UTF-8: line {line} holds the byte 0x{byte:02X}; it looks like {kind}.",
            SAVE_AS_UTF8,
        ) from None  # the cause holds a part of the file


def _opened(source: Source) -> NativeFile:
    try:
        return source.filesystem.open_input_stream(source.path)
    except OSError as error:
        raise InputError(
            f"{source.name} cannot be opened: {error}.", "Allow this user to read it."
        ) from error


def _is_padded(block: bytes) -> bool:
    """Whether blanks lie between a quote and its comma or line end, in a text that has quotes."""
    import numpy as np

    signs = np.frombuffer(block, np.uint8)
    quote, blank = signs == ord('"'), (signs == ord(" ")) | (signs == ord("\t"))
    near = (quote[1:] & blank[:-1]).any() or (quote[:-1] & blank[1:]).any()  # much faster than the pattern
    return bool(near) and PADDED.search(block) is not None


def _quoted(block: bytes, inside: int, spans: bool) -> tuple[bool, int]:
    """Whether a newline lies between quotes in this block (or did before), and whether a quote stays open."""
    import numpy as np

    signs = np.frombuffer(block, np.uint8)
    open_quote = (np.cumsum(signs == ord('"'), dtype=np.int64) + inside) & 1
    return spans or bool((open_quote[signs == ord("\n")]).any()), int(open_quote[-1])
