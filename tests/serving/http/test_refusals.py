"""What is refused, with which status, and that the answer names row, column, expected and got."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asgi_client import AsgiClient
from served import LIMITS

ROW = "replaced by a valid row"
JSON = {"Content-Type": "application/json"}

# name of the case: changes to a valid row → status, column, expected, got
ROW_CASES: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "text for a number": ({"lag_1": "12"}, "lag_1", "a finite number or null", '"12"'),
    "boolean for a number": ({"lag_1": True}, "lag_1", "a finite number or null", "true"),
    "null where none is allowed": ({"otb_days": None}, "otb_days", "a finite number", "null"),
    "list for a number": ({"otb_days": [1]}, "otb_days", "a finite number", "[1]"),
    "object for a category": ({"make": {"a": 1}}, "make", "one of", '{"a":1}'),
    "number for a category": ({"make": 3}, "make", "one of", "3"),
    "category never seen": ({"make": "Lada"}, "make", 'one of "Jeep", "Kia" or null', '"Lada"'),
    "category in other case": ({"make": "KIA"}, "make", 'one of "Jeep", "Kia" or null', '"KIA"'),
    "unknown column": ({"colour": "red"}, "colour", "no such column", '"red"'),
    "integer beyond a double": ({"otb_days": 10**400}, "otb_days", "a finite number", "1000"),
    "NaN": ({"otb_days": float("nan")}, "otb_days", "a finite number", "NaN"),
    "NaN where null is allowed": ({"lag_1": float("nan")}, "lag_1", "a finite number or null", "NaN"),
    "Infinity": ({"otb_days": float("inf")}, "otb_days", "a finite number", "Infinity"),
    "minus Infinity": ({"lag_1": float("-inf")}, "lag_1", "a finite number or null", "-Infinity"),
}


@pytest.mark.parametrize("case", ROW_CASES)
def test_an_odd_value_is_named_with_row_and_column(ask: AsgiClient, row: dict[str, Any], case: str) -> None:
    changes, column, expected, got = ROW_CASES[case]
    answer = ask.post(content=json.dumps({"inputs": [row, {**row, **changes}]}), headers=JSON)
    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    (error,) = answer.json()["errors"]
    assert (error["row"], error["column"]) == (1, column)
    assert error["expected"].startswith(expected)
    assert error["got"].startswith(got)
    assert f"Row 1, column {column}" in answer.json()["detail"]


def test_a_missing_column_is_named_in_every_row_that_lacks_it(ask: AsgiClient, row: dict[str, Any]) -> None:
    short = {name: value for name, value in row.items() if name != "lag_52w"}
    errors = ask.post(json={"inputs": [short, row, short]}).json()["errors"]
    assert [(e["row"], e["column"], e["got"]) for e in errors] == [
        (0, "lag_52w", "nothing"),
        (2, "lag_52w", "nothing"),
    ]


def test_of_many_errors_the_first_twenty_are_named(ask: AsgiClient, row: dict[str, Any]) -> None:
    answer = ask.post(json={"inputs": [{**row, "make": "Lada"}] * 500})
    assert [error["row"] for error in answer.json()["errors"]] == list(range(20))
    assert len(answer.content) < 5000


BODIES: dict[str, tuple[bytes, int, str]] = {
    "nothing": (b"", 400, "empty"),
    "blanks": (b"  \n", 400, "empty"),
    "not JSON": (b"otb_days=3", 400, "not valid JSON"),
    "cut off": (b'{"inputs": [{"otb_days": 1', 400, "not valid JSON"),
    "two documents": (b"{} {}", 400, "not valid JSON"),
    "deeply nested": (b"[" * 100_000, 400, "not valid JSON"),
    "deeply nested with NaN": (b"[" * 100_000 + b"NaN", 400, "not valid JSON"),
    "deeply nested value": (b'{"inputs":' + b"[" * 900 + b"]" * 900 + b"}", 422, "Row 0"),
    "not UTF-8": ('{"inputs": [{"make": "Citroën"}]}'.encode("latin-1"), 400, "not UTF-8: byte 27 is 0xeb"),
    "UTF-16": ('{"inputs": []}'.encode("utf-16"), 400, "not UTF-8"),
    "lone surrogate": (b'{"inputs": [{"make": "\\ud800"}]}', 400, "not valid JSON"),
    "lone surrogate beside NaN": (b'{"inputs": [{"\\ud800": NaN}]}', 400, "not valid JSON"),
    "number too large": (b'{"inputs": [{"otb_days": 1e999}]}', 422, "Row 0"),
    "a list": (b"[1]", 422, "must be an object"),
    "a string": (b'"inputs"', 422, "must be an object"),
    "no form": (b"{}", 422, "exactly one of"),
    "two forms": (b'{"inputs": [], "instances": []}', 422, "exactly one of"),
    "unknown member": (b'{"inputs": [], "input": []}', 422, '"input" is unknown'),
    "params": (b'{"inputs": [], "params": {"a": 1}}', 422, '"params" is unknown'),
    "no rows": (b'{"inputs": []}', 422, "batch is empty"),
    "rows not a list": (b'{"instances": {"a": 1}}', 422, "must be a JSON list"),
    "rows without names": (b'{"inputs": [[1, 2, 3]]}', 422, "an object of column names"),
    "split without data": (b'{"dataframe_split": {"columns": []}}', 422, "dataframe_split takes"),
    "split with odd names": (
        b'{"dataframe_split": {"columns": [1], "data": [[1]]}}',
        422,
        "list of column names",
    ),
    "null": (b'{"inputs": null}', 422, "must be a JSON list"),
}


@pytest.mark.parametrize("case", BODIES)
def test_a_body_that_is_no_table_is_explained(ask: AsgiClient, case: str) -> None:
    body, status, words = BODIES[case]
    answer = ask.post(content=body, headers=JSON)
    assert answer.status_code == status, answer.text
    assert words in answer.json()["detail"]
    assert "Traceback" not in answer.text


def split(row: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"dataframe_split": {"columns": list(row), "data": [list(row.values())], **more}}


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    return value


def test_an_index_names_each_row_and_may_be_nested_as_deep_as_json_goes(
    ask: AsgiClient, row: dict[str, Any]
) -> None:
    for index in (["a"], nested(900)):
        assert ask.post(json=split(row, index=index)).status_code == 200
    odd: list[Any] = [[], ["a", "b"], "a", None, {}]
    for index in odd:
        answer = ask.post(json=split(row, index=index))
        assert (answer.status_code, "index must name each row" in answer.json()["detail"]) == (422, True)


def test_long_names_are_refused_in_a_short_answer(ask: AsgiClient, row: dict[str, Any]) -> None:
    name = "a" * 200_000
    many = {f"a{number}": 1 for number in range(20_000)}
    for body in (
        {"inputs": [{**row, name: 1}]}, split({**row, name: 1}), {"inputs": {name: [1]}}, {"inputs": many}
    ):  # fmt: skip
        answer = ask.post(json=body)
        assert answer.status_code == 422
        assert len(answer.content) < 5000


def test_an_unknown_column_is_named_alike_in_every_form(ask: AsgiClient, row: dict[str, Any]) -> None:
    odd = {**row, "colour": "red"}
    for body in ({"inputs": [odd]}, split(odd), {"inputs": {name: [value] for name, value in odd.items()}}):
        answer = ask.post(json=body)
        assert answer.json()["errors"][0]["column"] == "colour"
        assert "column colour" in answer.json()["detail"].lower()


def test_a_key_that_occurs_twice_is_found_with_its_row(ask: AsgiClient, row: dict[str, Any]) -> None:
    once = json.dumps(row)
    twice = once[:-1] + ', "make": "Kia"}'
    for body in (
        f'{{"inputs": [{once}, {twice}]}}',
        f'{{"inputs": [{once}, {once[:-1]}, "\\u006dake": null}}]}}',
    ):
        answer = ask.post(content=body, headers=JSON)
        assert answer.status_code == 422
        assert answer.json()["errors"] == [
            {"row": 1, "column": "make", "expected": "each key once", "got": "twice"}
        ]
    double_top = f'{{"inputs": [{once}], "inputs": [{once}]}}'
    assert 'Key "inputs" occurs twice' in ask.post(content=double_top, headers=JSON).json()["detail"]


def test_columns_named_twice_or_of_different_length_are_refused(ask: AsgiClient, row: dict[str, Any]) -> None:
    names, values = list(row), list(row.values())
    twice = {"columns": [*names, "make"], "data": [[*values, "Kia"]]}
    assert "Column make: expected exactly once, got 2 times" in ask.post(json={"dataframe_split": twice}).text
    ragged = {"columns": names, "data": [values, values[:-1]]}
    assert "Row 1 must be a list of 8 values" in ask.post(json={"dataframe_split": ragged}).json()["detail"]
    uneven = {name: [value] * (2 if name == "make" else 1) for name, value in row.items()}
    answer = ask.post(json={"inputs": uneven})
    assert answer.status_code == 422
    assert "of one length" in answer.json()["detail"]
    none = ask.post(json={"inputs": {name: [] for name in names}})
    assert (none.status_code, "empty" in none.json()["detail"]) == (422, True)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/csv"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
def test_other_media_types_are_refused_by_name(
    ask: AsgiClient, row: dict[str, Any], headers: dict[str, str]
) -> None:
    answer = ask.post(content=json.dumps({"inputs": [row]}), headers=headers)
    assert answer.status_code == 415
    assert "is not accepted" in answer.json()["detail"]


def test_too_many_rows_and_too_many_bytes_are_413(ask: AsgiClient, row: dict[str, Any]) -> None:
    rows = ask.post(json={"inputs": [{}] * (LIMITS.max_rows + 1)})
    assert (rows.status_code, "2001 rows; at most 2000" in rows.json()["detail"]) == (413, True)
    columns = ask.post(json={"inputs": {name: [value] * 2001 for name, value in row.items()}})
    assert columns.status_code == 413
    declared = ask.post(content=b" " * (LIMITS.max_bytes + 1), headers=JSON)
    assert (declared.status_code, str(LIMITS.max_bytes) in declared.json()["detail"]) == (413, True)

    async def one_piece() -> AsyncIterator[bytes]:
        yield b" " * (LIMITS.max_bytes + 1)

    assert ask.post(content=one_piece(), headers=JSON).status_code == 413


def test_other_methods_and_paths_are_problems_too(ask: AsgiClient) -> None:
    put = ask.request("PUT", json={})
    assert (put.status_code, put.headers["Allow"]) == (405, "GET, POST")
    assert ask.get("/forecasts").status_code == 404
    assert ask.post("/schema", json={}).status_code == 405
    for answer in (put, ask.get("/forecasts")):
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert {"type", "title", "status", "detail", "instance", "request_id"} <= answer.json().keys()
