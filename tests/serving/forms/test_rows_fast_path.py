"""Batches read column by column get the answers, and the refusals, of batches read row by row."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from asgi_client import RawClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from served import LIMITS, NAME, random_columns, rows_of, tiny_predictor

from turo.serving.forms.rows_fast_path import ColumnReader, Columns
from turo.serving.forms.v2_fast_path import NUMPY_TYPES
from turo.serving.http.asgi import App

ROWS = rows_of(random_columns(12))
NAMES = list(ROWS[0])
TEXTS = ("class", "make")
INFER = f"/v2/models/{NAME}/infer"
many = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))

ODD_NUMBERS = [True, False, 0, -0.0, 7, 2**53 + 1, 10**25, 10**400, 1e300, 1e-320, float("nan"), float("inf")]
odd = st.sampled_from(ODD_NUMBERS) | st.sampled_from(
    [None, "", "1.5", "suv", "Kia", "Lada", 'a"b', "é", [], [1.0], {}, {"otb_days": 1}]
)
batches = st.builds(
    lambda count, changes, gone: changed(ROWS[:count], changes, gone),
    st.integers(0, len(ROWS)),
    st.lists(st.tuples(st.integers(0, 11), st.sampled_from([*NAMES, "colour"]), odd), max_size=3),
    st.lists(st.tuples(st.integers(0, 11), st.sampled_from(NAMES)), max_size=1),
)
orders = st.permutations(NAMES) | st.just(NAMES)
kinds = st.sampled_from([*NUMPY_TYPES, "BYTES", "BOOL", None])


class RowByRow(ColumnReader):
    """Takes no batch, as if each were odd."""

    def read(self, values: Any, rows: int) -> tuple[Columns, int] | None:
        return None


class Both:
    """The same model twice, once without the quick way."""

    def __init__(self) -> None:
        quick, slow = tiny_predictor(), tiny_predictor()
        slow.row_reader.columns = RowByRow(slow.row_reader.fields)
        self.clients = [RawClient(App(one, LIMITS), f"/{NAME}") for one in (quick, slow)]
        self.statuses: set[int] = set()

    def agree(self, path: str, body: bytes, length: int | None = None) -> None:
        header = {"X-Request-Id": "one"} | (
            {"Inference-Header-Content-Length": str(length)} if length is not None else {}
        )
        quick, slow = (client.send("POST", path, header, body) for client in self.clients)
        assert (quick.status_code, quick.content) == (slow.status_code, slow.content)
        self.statuses.add(quick.status_code)


@pytest.fixture(scope="module")
def both() -> Iterator[Both]:
    pair = Both()
    yield pair
    for client in pair.clients:
        client.close()
    assert {200, 422} <= pair.statuses


def changed(
    rows: list[dict[str, Any]], changes: list[tuple[int, str, Any]], gone: list[tuple[int, str]]
) -> list[dict[str, Any]]:
    """Copies of the rows with some values replaced and some left out."""
    copies = [dict(row) for row in rows]
    for place, name, value in changes:
        if place < len(copies):
            copies[place][name] = value
    for place, name in gone:
        if place < len(copies):
            copies[place].pop(name, None)
    return copies


def encoded(document: Any) -> bytes:
    return json.dumps(document).encode()


def binary(values: list[Any], kind: str) -> bytes:
    """A binary tensor; what does not fit its kind becomes its missing value or 0."""
    if kind == "BYTES":
        texts = [value.encode() if isinstance(value, str) else b"" for value in values]
        return b"".join(struct.pack("<I", len(text)) + text for text in texts)
    numbers = [value if isinstance(value, int | float) and abs(value) < 1e301 else np.nan for value in values]
    with np.errstate(all="ignore"):
        return np.array(numbers, np.float64).astype(NUMPY_TYPES[kind]).tobytes()


@many
@given(batches, st.sampled_from(["inputs", "instances", "dataframe_records"]), orders)
def test_records(both: Both, rows: list[dict[str, Any]], form: str, order: list[str]) -> None:
    both.agree("", encoded({form: rows}))
    both.agree("", encoded({form: [{name: row[name] for name in order if name in row} for row in rows]}))


@many
@given(batches, orders, st.booleans())
def test_lists(both: Both, rows: list[dict[str, Any]], order: list[str], ragged: bool) -> None:
    data = [[row[name] for name in order if ragged is False or name in row] for row in filled(rows)]
    both.agree("", encoded({"dataframe_split": {"columns": order, "data": data}}))
    both.agree("", encoded({"inputs": {name: [row[name] for row in filled(rows)] for name in order}}))
    uneven = {name: [row[name] for row in rows if name in row] for name in order}
    both.agree("", encoded({"inputs": uneven}))


@many
@given(batches, orders, st.dictionaries(st.sampled_from(NAMES), kinds, max_size=2), st.booleans())
def test_tensors(
    both: Both, rows: list[dict[str, Any]], order: list[str], other: dict[str, Any], as_binary: bool
) -> None:
    tensors, tail = [], b""
    for name in order:
        values = [row.get(name) for row in rows]
        kind = other.get(name, "BYTES" if name in TEXTS else "FP64")
        tensor: dict[str, Any] = {"name": name, "shape": [len(rows)], "datatype": kind}
        if as_binary and (kind == "BYTES" or kind in NUMPY_TYPES):
            raw = binary(values, kind)
            tensor |= {"parameters": {"binary_data_size": len(raw)}}
            tail += raw
        else:
            tensor |= {"data": values}
        tensors.append(tensor)
    header = encoded({"id": "a", "inputs": tensors, "parameters": {"binary_data_output": as_binary}})
    both.agree(INFER, header + tail, len(header) if as_binary else None)


@many
@given(st.data())
def test_broken_tensors(both: Both, data: st.DataObject) -> None:
    rows = ROWS[: data.draw(st.integers(1, 12))]
    tensors: list[dict[str, Any]] = []
    tail = b""
    for name in NAMES:
        kind = "BYTES" if name in TEXTS else "FP64"
        raw = binary([row[name] for row in rows], kind)
        size = {"parameters": {"binary_data_size": len(raw)}}
        tensors.append({"name": name, "shape": [len(rows), 1], "datatype": kind} | size)
        tail += raw
    spoilt = data.draw(st.sampled_from(tensors))
    member = data.draw(st.sampled_from(["name", "shape", "datatype", "data", "parameters", "size"]))
    value = data.draw(odd | st.sampled_from([[1], [12, 1], [12, True], "lag_1", -1, 8, 96, 97]))
    if member == "size":
        spoilt["parameters"]["binary_data_size"] = value
    else:
        spoilt[member] = value
    place = data.draw(st.integers(0, len(tail)))
    tail = tail[:place] + data.draw(st.binary(max_size=2)) + tail[place + data.draw(st.integers(0, 2)) :]
    header = encoded({"inputs": tensors})
    both.agree(INFER, header + tail, len(header))


@pytest.mark.parametrize(
    "body",
    [
        b'{"inputs": %s, "inputs": %s}',
        b'{"inputs": %s, "params": null, "id": %s}',
        b'{"dataframe_records": %s, "params": {}} %.0s',
        b'{"instances": %s, "params": "\\u00e9"} %.0s',
    ],
)
def test_keys_given_twice_and_members_beside_the_rows(both: Both, body: bytes) -> None:
    both.agree("", body % (encoded(ROWS), encoded(ROWS)))
    twice = encoded(ROWS).replace(b'"otb_days"', b'"otb_days": 1, "otb_days"', 1)
    both.agree("", body % (twice, twice))
    escaped = encoded(ROWS).replace(b'"otb_days"', b'"otb\\u005fdays"')
    both.agree("", body % (escaped, escaped))


def filled(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows in which no column is absent."""
    return [dict.fromkeys(NAMES) | row for row in rows]


def test_a_whole_batch_is_read_the_quick_way(monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = tiny_predictor()
    wanted, _ = predictor.row_reader.from_records(ROWS)
    monkeypatch.setattr(type(predictor.row_reader), "_convert", None)  # the way row by row would call it
    client = RawClient(App(predictor, LIMITS), f"/{NAME}")
    columns = {name: [row[name] for row in ROWS] for name in NAMES}
    tensors = [
        {"name": name, "shape": [12], "datatype": "BYTES" if name in TEXTS else "FP64", "data": values}
        for name, values in columns.items()
    ]
    data = [list(row.values()) for row in ROWS]
    for body in (
        {"inputs": ROWS},
        {"inputs": columns},
        {"dataframe_split": {"columns": NAMES, "data": data}},
    ):
        answer = client.send("POST", "", {}, encoded(body))
        assert answer.json()["predictions"] == predictor.model.predict(wanted).tolist()
    answer = client.send("POST", INFER, {}, encoded({"inputs": tensors}))
    assert answer.json()["outputs"][0]["data"] == predictor.model.predict(wanted).tolist()
    client.close()


@pytest.mark.parametrize("otb_days", [0.5, 1.0], ids=["few ones", "ones everywhere"])
@pytest.mark.parametrize("truth", [True, False])
def test_true_and_false_are_no_numbers(otb_days: float, truth: bool) -> None:
    rows = [ROWS[0] | {"otb_days": otb_days} for _ in range(100)]
    rows[70]["otb_days"] = truth
    client = RawClient(App(tiny_predictor(), LIMITS), f"/{NAME}")
    answer = client.send("POST", "", {}, encoded({"inputs": rows}))
    client.close()
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert (error["row"], error["column"], error["got"]) == (70, "otb_days", str(truth).lower())
