"""The Open Inference Protocol (V2) over HTTP: JSON and the binary tensor extension, one tensor a column."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from turo.serving.forms import v2_fast_path
from turo.serving.forms.rows import Columns, RowReader
from turo.serving.forms.v2_fast_path import NUMPY_TYPES
from turo.serving.http.json_body import check_duplicates, count_strings, length_of, parse
from turo.serving.http.problems import Header, Problem, cut, shown

OUTPUT = "predictions"
LENGTH_HEADER = b"inference-header-content-length"
SERVER = {"name": "turo", "version": "1", "extensions": ["binary_tensor_data"]}


@dataclass(frozen=True)
class Request:
    """One inference: the model's columns, and how the caller wants the answer."""

    columns: Columns
    identifier: str | None
    binary_output: bool


def metadata(name: str, version: str, row_reader: RowReader) -> dict[str, Any]:
    """Model metadata: what a V2 client needs to build its tensors."""
    kinds = {field.name: "FP64" if field.kind == "number" else "BYTES" for field in row_reader.fields}
    return {
        "name": name,
        "versions": [version],
        "platform": "turo",
        "inputs": [{"name": n, "datatype": kind, "shape": [-1]} for n, kind in kinds.items()],
        "outputs": [{"name": OUTPUT, "datatype": "FP64", "shape": [-1]}],
    }


def read(body: bytes, json_length: bytes | None, row_reader: RowReader) -> Request:
    """Parse an infer request; `json_length` is the header that announces binary tensors behind the JSON."""
    header, tail = body, b""
    if json_length is not None:
        length = length_of(json_length)
        if length is None or length > len(body):
            got = shown(json_length.decode("latin-1"))
            raise Problem(400, f"Inference-Header-Content-Length {got} does not fit.")
        header, tail = body[:length], body[length:]
    document = parse(header)
    inputs = document.get("inputs") if isinstance(document, dict) else None
    if not isinstance(inputs, list) or not all(isinstance(t, dict) for t in inputs):
        raise Problem(422, 'The body must be {"inputs": [{"name", "shape", "datatype", "data"}, …]}.')
    if found := v2_fast_path.read(document, tail, row_reader):
        columns, strings = found
        check_duplicates(header, strings)
        return Request(columns, *_options(document))
    check_duplicates(header, count_strings(document))
    names, lists = _lists(inputs, tail, row_reader)
    options = _options(document)
    columns, _ = row_reader.from_lists(names, list(zip(*lists, strict=True)))
    return Request(columns, *options)


def _lists(
    inputs: list[dict[str, Any]], tail: bytes, row_reader: RowReader
) -> tuple[list[str], list[list[Any]]]:
    """Names and values of the tensors, or the reason why they are not to be read."""
    columns = []
    for tensor in inputs:
        values, used = _values(tensor, tail)
        tail = tail[used:]
        columns.append(values)
    if tail:
        raise Problem(400, f"{len(tail)} bytes follow the last binary tensor.")
    names = [tensor["name"] for tensor in inputs]
    row_reader.check_names(names)
    lengths = {len(column) for column in columns}
    if len(lengths) != 1:
        raise Problem(422, f"All tensors must have one length; got {sorted(lengths)}.")
    row_reader.check_rows(lengths.pop())
    return names, columns


def _options(document: dict[str, Any]) -> tuple[str | None, bool]:
    """Options of a request: the caller's name for it, and whether the answer is to be binary."""
    identifier = document.get("id")
    if identifier is not None and not isinstance(identifier, str):
        raise Problem(422, f"id must be a string; got {shown(identifier)}.")
    return identifier, _wants_binary(document)


def write(request: Request, name: str, version: str, predictions: np.ndarray) -> tuple[bytes, list[Header]]:
    """The answer's body and headers, binary where asked for."""
    output: dict[str, Any] = {"name": OUTPUT, "datatype": "FP64", "shape": [len(predictions)]}
    answer: dict[str, Any] = {"model_name": name, "model_version": version, "outputs": [output]}
    if request.identifier is not None:
        answer["id"] = request.identifier
    if not request.binary_output:
        output["data"] = predictions
        body = orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
        return body, [(b"content-type", b"application/json")]
    raw = predictions.astype("<f8").tobytes()
    output["parameters"] = {"binary_data_size": len(raw)}
    head = orjson.dumps(answer)
    headers = [(b"content-type", b"application/octet-stream"), (LENGTH_HEADER, str(len(head)).encode())]
    return head + raw, headers


def _wants_binary(document: dict[str, Any]) -> bool:
    outputs = document.get("outputs")
    if outputs is None:
        parameters = document.get("parameters")
        return isinstance(parameters, dict) and parameters.get("binary_data_output") is True
    if not isinstance(outputs, list) or not all(isinstance(o, dict) for o in outputs):
        raise Problem(422, f"outputs must be a list of objects; got {shown(outputs)}.")
    for output in outputs:
        if output.get("name") != OUTPUT:
            got = shown(output.get("name"))
            raise Problem(422, f"Output {got} is unknown; the model gives {shown(OUTPUT)}.")
    return any(_parameter(output, "binary_data") is True for output in outputs)


def _parameter(tensor: dict[str, Any], name: str) -> Any:
    parameters = tensor.get("parameters")
    return parameters.get(name) if isinstance(parameters, dict) else None


def _values(tensor: dict[str, Any], tail: bytes) -> tuple[list[Any], int]:
    """Python values of one tensor, and how many bytes of the binary tail it used."""
    name, datatype, shape = tensor.get("name"), tensor.get("datatype"), tensor.get("shape")
    if not isinstance(name, str):
        raise Problem(422, f"Every tensor needs a name; got {shown(name)}.")
    called = cut(name)
    is_shape = isinstance(shape, list) and all(type(n) is int and n >= 0 for n in shape)
    if not is_shape or len(shape) not in (1, 2) or shape[1:] not in ([], [1]):  # type: ignore[arg-type,index]
        raise Problem(422, f"Tensor {called}: expected shape [rows] or [rows, 1], got {shown(shape)}.")
    rows = shape[0]  # type: ignore[index]
    if not isinstance(datatype, str) or datatype not in ("BYTES", *NUMPY_TYPES):
        known = ", ".join(["BYTES", *NUMPY_TYPES])
        raise Problem(422, f"Tensor {called}: datatype {shown(datatype)} is not one of {known}.")
    size = _parameter(tensor, "binary_data_size")
    if size is not None:
        if type(size) is not int or not 0 <= size <= len(tail) or "data" in tensor:
            raise Problem(400, f"Tensor {called}: binary_data_size {shown(size)} does not fit the body.")
        values = _unpack(called, datatype, rows, tail[:size])
        return values, size
    data = tensor.get("data")
    if not isinstance(data, list):
        raise Problem(422, f"Tensor {called}: expected data as a list, got {shown(data)}.")
    if data and all(isinstance(item, list) and len(item) == 1 for item in data):
        data = [item[0] for item in data]
    if len(data) != rows:
        raise Problem(422, f"Tensor {called}: shape says {rows} rows, data has {len(data)}.")
    _check_kind(called, datatype, data)
    return data, 0


def _check_kind(name: str, datatype: str, data: list[Any]) -> None:
    """Refuse JSON values that are not of the tensor's own datatype; null stands for a missing value."""
    kinds, whole = {str} if datatype == "BYTES" else {int, float}, "INT" in datatype
    if not whole and {*map(type, data)} <= kinds | {type(None)}:
        return
    for row, value in enumerate(data):
        fits = value is None or (type(value) in kinds and (not whole or value == value // 1))
        if not fits:
            error = {"row": row, "column": name, "expected": f"{datatype} or null", "got": shown(value)}
            detail = f"Row {row}, column {name}: expected {datatype} or null, got {shown(value)}."
            raise Problem(422, detail, [error])


def _unpack(name: str, datatype: str, rows: int, raw: bytes) -> list[Any]:
    """A binary tensor. NaN and the empty string stand for a missing value: binary has no null."""
    if datatype != "BYTES":
        kind = np.dtype(NUMPY_TYPES[datatype])
        wanted = rows * kind.itemsize
        if len(raw) != wanted:
            raise Problem(400, f"Tensor {name}: {rows} {datatype} are {wanted} bytes, got {len(raw)}.")
        values = np.frombuffer(raw, dtype=kind)
        return [None if missing else v for v, missing in zip(values.tolist(), np.isnan(values), strict=True)]
    texts: list[Any] = []
    position = 0
    while position + 4 <= len(raw):
        (length,) = struct.unpack_from("<I", raw, position)
        position += 4 + length
        try:
            texts.append(raw[position - length : position].decode("utf-8") or None)
        except UnicodeDecodeError:
            raise Problem(400, f"Tensor {name}: element {len(texts)} is not UTF-8.") from None
    if position != len(raw) or len(texts) != rows:
        raise Problem(400, f"Tensor {name}: the binary data does not hold {rows} strings.")
    return texts
