"""Reads the five request forms that mean "predict these rows": the native one and MLflow's four."""

from __future__ import annotations

from typing import Any

from turo.serving.forms.rows import Columns, RowReader
from turo.serving.http.json_body import check_duplicates, count_strings, parse
from turo.serving.http.problems import Problem, shown

FORMS = ("inputs", "instances", "dataframe_records", "dataframe_split")


def read(body: bytes, row_reader: RowReader) -> Columns:
    """The columns of a request body.

    Raises:
        Problem: 400 not JSON, 413 too many rows, 422 anything that does not fit the model's columns.
    """
    document = parse(body)
    if not isinstance(document, dict):
        raise Problem(422, f'The body must be an object: {{"inputs": [{{…}}]}}; got {shown(document)}.')
    form = _form(document)
    rows = document[form]
    if form == "dataframe_split":
        columns, strings = _split(rows, row_reader)
    elif isinstance(rows, dict) and form == "inputs":
        columns, strings = _by_column(rows, row_reader)
    else:
        columns, strings = row_reader.from_records(rows)
    others = sum(1 + count_strings(value) for key, value in document.items() if key != form)
    check_duplicates(body, 1 + strings + others)
    return columns


def _form(document: dict[str, Any]) -> str:
    present = [key for key in FORMS if key in document]
    if len(present) != 1:
        got = ", ".join(shown(key) for key in list(document)[:5]) or "nothing"
        raise Problem(422, f"The body must have exactly one of the members {', '.join(FORMS)}; got {got}.")
    for key, value in document.items():
        # MLflow's clients may send "params"; these models take none.
        if key != present[0] and not (key == "params" and not value):
            raise Problem(422, f"Member {shown(key)} is unknown; send {shown(present[0])} alone.")
    return present[0]


def _split(frame: Any, row_reader: RowReader) -> tuple[Columns, int]:
    """pandas' orient="split": {"columns": […], "data": [[…]], "index": […]}."""
    if not isinstance(frame, dict) or not {"columns", "data"} <= frame.keys() <= {"columns", "data", "index"}:
        raise Problem(422, 'dataframe_split takes {"columns": [names], "data": [[values]]}.')
    names = frame["columns"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Problem(422, f"dataframe_split.columns must be a list of column names; got {shown(names)}.")
    columns, strings = row_reader.from_lists(names, frame["data"])
    index = frame.get("index", frame["data"])
    if not isinstance(index, list) or len(index) != len(frame["data"]):
        raise Problem(422, f"dataframe_split.index must name each row of data; got {shown(index)}.")
    return columns, strings + len(frame) + len(names) + count_strings(frame.get("index"))


def _by_column(columns: dict[str, Any], row_reader: RowReader) -> tuple[Columns, int]:
    """MLflow's column-wise inputs: {name: [values]}, or {name: value} for one row."""
    row_reader.check_names(list(columns))
    if not any(isinstance(value, list) for value in columns.values()):
        read, strings = row_reader.from_records([columns])
        return read, strings
    lengths = {name: len(value) if isinstance(value, list) else None for name, value in columns.items()}
    if len(set(lengths.values())) != 1:
        errors = [
            {"column": name, "expected": "a list as long as the others", "got": shown(columns[name])}
            for name, length in lengths.items()
            if length != max(length for length in lengths.values() if length is not None)
        ]
        raise Problem(422, "The columns of inputs must be lists of one length.", errors)
    row_reader.check_rows(max(length or 0 for length in lengths.values()))
    found = row_reader.columns.read(columns, max(length or 0 for length in lengths.values()))
    read, strings = found or row_reader.from_lists(list(columns), list(zip(*columns.values(), strict=True)))
    return read, strings + len(columns)
