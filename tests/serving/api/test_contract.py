"""The pydantic models that the documentation is made of, held to what the routes take and give."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from asgi_client import AsgiClient, RawClient
from front import ask as ask_front
from front import tensors
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prepared_table import HERE, route, write_table
from pydantic import BaseModel, ValidationError
from served import LIMITS, NAME, full_row, tiny_predictor

from turo.serving.api import schemas
from turo.serving.forms.json_schema import schema_of
from turo.serving.forms.request_models import ForecastRequest, Inference, native_request
from turo.serving.http.asgi import App

ROW = full_row()
TENSOR = tensors(1)["inputs"][0]
PLAIN = {"Content-Type": "application/json"}
ODD: tuple[Any, ...] = (None, True, "", "1", "Kia", [], {}, 10**400, float("nan"), float("inf"))


def takes(model: type[BaseModel], body: bytes) -> bool:
    try:
        model.model_validate_json(body)
    except ValidationError:
        return False
    return True


class Native:
    """The native route, and the model that describes it."""

    def __init__(self) -> None:
        predictor = tiny_predictor()
        self.model = native_request(predictor.row_reader, ROW)
        self.client = RawClient(App(predictor, LIMITS), f"/{NAME}")

    def agree(self, document: Any) -> None:
        body = json.dumps(document).encode()
        answer = self.client.send("POST", "", PLAIN, body)
        assert takes(self.model, body) == (answer.status_code == 200), (document, answer.text)


@pytest.fixture(scope="module")
def native() -> Iterator[Native]:
    one = Native()
    yield one
    one.client.close()


def test_rows_are_taken_and_refused_as_documented(native: Native) -> None:
    short = {name: value for name, value in ROW.items() if name != "lag_1"}
    good: list[Any] = [{"inputs": [ROW] * rows} for rows in (1, 9, LIMITS.max_rows)]
    bad: list[Any] = [
        {},
        [],
        1,
        {"inputs": []},
        {"inputs": [ROW] * (LIMITS.max_rows + 1)},
        {"inputs": [short]},
        {"inputs": [ROW, {**ROW, "colour": 1}]},
        {"inputs": [ROW], "input": []},
        {"inputs": [[1]]},
    ]
    for document in good + bad:
        native.agree(document)
        assert takes(native.model, json.dumps(document).encode()) == (document in good)
    for name in ROW:
        for value in (*ODD, -3, 0.5, 1e300):
            for others in (0, 9):  # a few rows and many are read in two ways
                native.agree({"inputs": [ROW] * others + [{**ROW, name: value}]})


cells = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9) | st.sampled_from(ODD)
texts = st.sampled_from(["Kia", "Jeep", "suv", "sedan", "truck", "Lada"])
columns = st.sampled_from([*ROW, "colour"])


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.dictionaries(columns, cells | texts, max_size=2), min_size=1, max_size=10))
def test_any_rows_are_taken_and_refused_as_documented(native: Native, changes: list[dict[str, Any]]) -> None:
    native.agree({"inputs": [{**ROW, **change} for change in changes]})


def test_columns_may_have_any_name() -> None:
    """Among them names that Python or pydantic have other uses for."""
    names = ("class", "model_config", "schema", "_private", "$ref", "a b", "ä", "__init__", "column_1")
    predictor = tiny_predictor()
    number = predictor.row_reader.fields[0]
    predictor.row_reader.fields = [type(number)(name, "number", nullable=False) for name in names]  # type: ignore
    model = native_request(predictor.row_reader, {"$ref": 2.0})
    rows = schema_of(model)["properties"]["inputs"]["items"]
    assert (list(rows["properties"]), rows["required"]) == (list(names), list(names))
    assert rows["properties"]["$ref"]["examples"] == [2.0]
    assert takes(model, json.dumps({"inputs": [dict.fromkeys(names, 1)]}).encode())


ORIGINS = (
    None,
    "2026-11-23",
    "2026-02-30",
    "2026-W48-1",
    20261123,
    True,
    "",
    "2026-11-23\n",
    "2026-11-23T00:00",
)
VEHICLES = ("V1", "V77", 12, 12.0, 12.5, -1, True, None, "", ["V1"], float("nan"), 1e300)


def test_forecasts_are_taken_and_refused_as_documented(tmp_path: Path) -> None:
    write_table(tmp_path)
    ask = route(tmp_path)
    documents: list[Any] = [{"vehicle_id": vehicle} for vehicle in VEHICLES]
    documents += [{"vehicle_id": "V1", "origin": origin} for origin in ORIGINS]
    documents += [{}, [], "V1", {"origin": "2026-11-23"}, {"vehicle_id": "V1", "horizon": 7}]
    told = jsonschema.Draft202012Validator(schema_of(ForecastRequest))
    taken = 0
    for document in documents:
        body = json.dumps(document).encode()
        answer = ask.post("/forecast", content=body, headers=PLAIN)
        assert answer.status_code in (200, 404, 422)
        expected = answer.status_code != 422
        assert takes(ForecastRequest, body) == expected, (document, answer.text)
        # A validator that does not look at formats takes a day that is none.
        assert told.is_valid(document) or not expected
        taken += expected
    assert taken == 8


def test_inferences_are_taken_and_refused_as_documented() -> None:
    good: list[dict[str, Any]] = [{}, {"id": "7"}, {"id": None}, {"outputs": [{"name": "predictions"}]}]
    spoilt: list[dict[str, Any]] = [
        {"id": 7},
        {"inputs": []},
        {"inputs": {}},
        {"inputs": None},
        {"outputs": {}},
        {"outputs": [{}]},
        {"outputs": [{"name": "other"}]},
    ]
    changes: list[dict[str, Any]] = [
        {"datatype": "BOOL"},
        {"datatype": 1},
        {"shape": [-1]},
        {"shape": []},
        {"shape": [1, 1, 1]},
        {"shape": [True]},
        {"shape": 1},
        {"name": 3},
        {"data": "x"},
        {"data": None},
    ]
    spoilt += [{"inputs": [{**TENSOR, **change}, *tensors(1)["inputs"][1:]]} for change in changes]
    for change in good + spoilt:
        body = json.dumps({**tensors(1), **change}).encode()
        answer = ask_front("POST", f"/v2/models/{NAME}/infer", content=body, headers=PLAIN)
        assert answer.status_code == (200 if change in good else 422)
        assert takes(Inference, body) == (change in good), change


def test_answers_hold_what_is_documented_and_nothing_else(tmp_path: Path) -> None:
    write_table(tmp_path)
    ask = route(tmp_path, fleet=HERE)
    about = ask.get()
    refused = ask_front("POST", f"/v2/models/{NAME}/infer", json={})
    rows = AsgiClient(App(tiny_predictor(), LIMITS), f"/{NAME}").post(json={"inputs": [{}]})
    answers = (
        (schemas.AboutAnswer, about),
        (schemas.ForecastAnswer, ask.post("/forecast", json={"vehicle_id": "V1"})),
        (schemas.Predictions, ask.post(json={"inputs": [ROW]})),
        (schemas.Explanations, ask.post("/explain", json={"inputs": [ROW]})),
        (schemas.Models, ask_front("GET", "/")),
        (schemas.ProblemAnswer, refused),
        (schemas.ProblemAnswer, rows),
    )
    for model, answer in answers:
        model.model_validate_json(answer.content)
        described = set(schema_of(model)["properties"]) - {"errors", "error"}
        assert set(answer.json()) - {"errors", "error"} == described
    assert "error" in refused.json()
    assert "errors" in rows.json()
    (entry,) = [one for one in ask_front("GET", "/").json()["models"] if one["name"] == NAME]
    assert set(entry) == set(schema_of(schemas.Entry)["properties"])
