"""Fast path from V2 tensors to columns: no Python value per cell, for valid input only.

As in `turo.serving.forms.rows_fast_path`, it returns None where anything is odd; `turo.serving.forms.v2` then
reads the tensors value by value and names the error.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from turo.serving.forms.rows import RowReader
from turo.serving.forms.rows_fast_path import Columns, Values
from turo.serving.http.json_body import count_strings

BYTES = "BYTES"
NUMPY_TYPES = {
    "FP64": "<f8", "FP32": "<f4", "FP16": "<f2", "INT64": "<i8", "INT32": "<i4", "INT16": "<i2", "INT8": "i1",
    "UINT64": "<u8", "UINT32": "<u4", "UINT16": "<u2", "UINT8": "u1",
}  # fmt: skip
WHOLE = frozenset((int, type(None)))
LENGTH = struct.Struct("<I")


def read(document: dict[str, Any], tail: bytes, row_reader: RowReader) -> tuple[Columns, int] | None:
    """Columns of an infer request, and the number of strings in its JSON; None where anything is odd.

    Args:
        document: its JSON; `inputs` is a list of objects.
        tail: the bytes of the binary tensors, in the order of `inputs`.
    """
    texts = {field.name for field in row_reader.categories}
    columns: dict[str, Values] = {}
    described, rest = [], memoryview(tail)
    try:
        for tensor in document["inputs"]:
            name, kind = tensor["name"], tensor["datatype"]
            if name in columns or (kind == BYTES) != (name in texts):
                return None
            columns[name], rest = _values(tensor, kind, rest)
            described.append({**tensor, "data": None} if "data" in tensor else tensor)
    except (KeyError, TypeError, ValueError):
        return None
    rows = len(next(iter(columns.values()), ()))
    if rest or rows > row_reader.max_rows:
        return None
    if found := row_reader.columns.read(columns, rows):
        return found[0], found[1] + count_strings({**document, "inputs": described})
    return None


def _values(tensor: dict[str, Any], kind: str, rest: memoryview) -> tuple[Values, memoryview]:
    """One tensor's values, and what is left of the binary ones.

    Raises:
        KeyError, TypeError, ValueError: it is odd.
    """
    size, (rows, *ones) = _size(tensor), tensor["shape"]
    values: Values
    if size is None:
        values = tensor["data"]
        if not isinstance(values, list) or ("INT" in kind and not {*map(type, values)} <= WHOLE):
            raise ValueError("not plain JSON")
        if kind != BYTES and kind not in NUMPY_TYPES:
            raise ValueError("no such datatype")
    elif type(size) is not int or not 0 <= size <= len(rest) or "data" in tensor:
        raise ValueError("not plain binary")
    else:
        raw, rest = rest[:size], rest[size:]
        values = (
            np.array(strings(bytes(raw)), dtype=object)
            if kind == BYTES
            else np.frombuffer(raw, NUMPY_TYPES[kind])
        )
    # A boolean equals a number, and is refused as one.
    if [rows, *ones] not in ([len(values)], [len(values), 1]) or {type(rows), *map(type, ones)} != {int}:
        raise ValueError("another shape")
    return values, rest


def _size(tensor: dict[str, Any]) -> Any:
    parameters = tensor.get("parameters")
    return parameters.get("binary_data_size") if isinstance(parameters, dict) else None


def strings(raw: bytes) -> Sequence[str | None]:
    """The strings of a BYTES tensor; an empty one stands for a missing value, for binary has no null.

    Raises:
        ValueError: the bytes are cut off, or one of them is not UTF-8.
    """
    found: list[str | None] = []
    known: dict[bytes, str | None] = {}  # columns of categories repeat themselves
    position, end = 0, len(raw)
    while position < end:
        if end - position < LENGTH.size:
            raise ValueError("cut off within a length")
        start = position + LENGTH.size
        position = start + LENGTH.unpack_from(raw, start - LENGTH.size)[0]
        text = raw[start:position]
        if text not in known:
            known[text] = text.decode("utf-8") or None
        found.append(known[text])
    if position != end:
        raise ValueError("cut off within a string")
    return found
