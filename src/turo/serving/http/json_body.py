"""Request bytes to JSON: strict about what JSON leaves open (duplicates, NaN, encodings)."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
import orjson

from turo.serving.http.problems import Problem, cut, shown

MAX_DIGITS = 18  # of a length in a header: more than any body has, and Python refuses to read thousands
BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # what some editors and spreadsheets write before UTF-8
QUOTATION_MARK = b'"'
LONG_BYTES = 1 << 14
WIDE = (b"\xff\xfe", b"\xfe\xff")  # the same before UTF-16 and UTF-32
JSON_TYPES = (b"application/json", b"application/vnd.api+json", b"text/json")


def check_content_type(content_type: bytes | None, also: tuple[bytes, ...] = ()) -> None:
    """Refuse what is declared to be something else than JSON in UTF-8; no declaration is fine."""
    if not content_type or content_type == b"application/json":
        return
    kind, _, rest = content_type.lower().partition(b";")
    if kind.strip() not in JSON_TYPES + also:
        got = shown(content_type.decode("latin-1"))
        raise Problem(415, f"Content-Type {got} is not accepted; send application/json.")
    charset = rest.partition(b"charset=")[2].split(b";")[0].strip(b' "')
    if charset not in (b"", b"utf-8", b"utf8", b"us-ascii"):
        raise Problem(415, f"charset {shown(charset.decode('latin-1'))} is not accepted; JSON is UTF-8.")


def check_content_encoding(encoding: bytes | None) -> None:
    """Refuse compressed bodies: their size is unknown before they are unpacked."""
    if encoding and encoding.lower() != b"identity":
        got = shown(encoding.decode("latin-1"))
        raise Problem(415, f"Content-Encoding {got} is not accepted; send the body uncompressed.")


def parse(body: bytes) -> Any:
    """Parse JSON. NaN and Infinity pass here so that the table check can name their row and column.

    Raises:
        Problem: 400 for anything else that is not JSON in UTF-8.
    """
    body = body.removeprefix(BYTE_ORDER_MARK)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        reason = str(error)
    if not body.strip():
        raise Problem(400, 'The body is empty; send JSON such as {"inputs": [{…}]}.')
    if body[:2] in WIDE or b"\x00" in body[:4]:
        raise Problem(400, "The body is not UTF-8 but UTF-16 or UTF-32; send it as UTF-8.")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Problem(
            400, f"The body is not UTF-8: byte {error.start} is {body[error.start]:#04x}."
        ) from None
    if "NaN" in text or "Infinity" in text or "number is infinity" in reason:
        try:
            document = json.loads(text)
            # Python's parser takes half a surrogate pair, which no answer could quote.
            json.dumps(document, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            pass
        else:
            return document
    raise Problem(400, f"The body is not valid JSON: {reason}.")


def check_duplicates(body: bytes, strings: int) -> None:
    """Refuse a document in which a key occurs twice in one object (parsers silently keep the last).

    Args:
        body: the request's bytes.
        strings: how many strings, keys included, are left in the parsed document. Without escapes every
            string has two quotation marks, so a count suffices and only odd documents are parsed twice.
    """
    if quotation_marks(body) == 2 * strings and b"\\" not in body:
        return
    objects = 0

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal objects
        found = dict(pairs)
        if len(found) != len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name, times in Counter(names).items() if times > 1)
            error = {"row": objects, "column": cut(twice), "expected": "each key once", "got": "twice"}
            raise Problem(422, f"Key {shown(twice)} occurs twice in one object.", [error])
        objects += 1
        return found

    try:
        json.loads(body, object_pairs_hook=unique)
    except RecursionError:
        raise Problem(400, "The body is nested too deeply.") from None


def quotation_marks(body: bytes) -> int:
    """How many there are: by NumPy where a body is long, which is several times as fast there."""
    if len(body) < LONG_BYTES:
        return body.count(QUOTATION_MARK)
    return int(np.count_nonzero(np.frombuffer(body, np.uint8) == ord(QUOTATION_MARK)))


def count_strings(value: Any) -> int:
    """The number of strings in a parsed document, keys included; nested as deep as parsers let it be."""
    strings, ahead = 0, [value]
    while ahead:
        item = ahead.pop()
        if isinstance(item, str):
            strings += 1
        elif isinstance(item, dict):
            strings += len(item)
            ahead.extend(item.values())
        elif isinstance(item, list):
            kinds = set(map(type, item))
            if kinds == {str}:
                strings += len(item)
            elif kinds & {str, dict, list}:
                ahead.extend(item)
    return strings


def length_of(header: bytes) -> int | None:
    """What a header announces as a number of bytes; None for anything else."""
    return int(header) if header.isdigit() and len(header) <= MAX_DIGITS else None
