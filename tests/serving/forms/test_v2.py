"""The Open Inference Protocol: metadata, JSON and binary tensors, its own kind of error."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import tritonclient.http as triton
from asgi_client import AsgiClient
from served import random_columns, rows_of

from turo.serving.api.predictor import Predictor

COLUMNS = random_columns(200)
ROWS = rows_of(COLUMNS)
URL = "/v2/models/Tiny"


def tensors(binary: bool) -> list[Any]:
    """The test rows as a Triton client builds them; a missing category is the empty string."""
    built = []
    for name, values in COLUMNS.items():
        numeric = values.dtype == np.float64
        tensor = triton.InferInput(name, [len(values)], "FP64" if numeric else "BYTES")
        texts = np.array([value or "" for value in values.tolist()] if not numeric else [], dtype=object)
        tensor.set_data_from_numpy(values if numeric else texts, binary_data=binary)
        built.append(tensor)
    return built


def test_metadata_has_one_tensor_a_column(ask: AsgiClient) -> None:
    about = ask.get(URL).json()
    assert (about["name"], about["versions"]) == ("Tiny", ["7"])
    assert {"name": "otb_days", "datatype": "FP64", "shape": [-1]} in about["inputs"]
    assert {"name": "make", "datatype": "BYTES", "shape": [-1]} in about["inputs"]
    assert [tensor["name"] for tensor in about["inputs"]] == list(COLUMNS)
    assert about["outputs"] == [{"name": "predictions", "datatype": "FP64", "shape": [-1]}]
    assert ask.get(f"{URL}/versions/7").json() == about
    assert ask.get(f"{URL}/ready").status_code == 200
    assert ask.get(f"{URL}/versions/8/ready").status_code == 404
    assert ask.get("/v2/models/Other").status_code == 404


@pytest.mark.parametrize("outputs", [None, True, False])
def test_binary_tensors_give_the_numbers_of_the_native_form(
    ask: AsgiClient, predictor: Predictor, outputs: bool | None
) -> None:
    wanted = predictor.model.predict(COLUMNS)
    requested = None if outputs is None else [triton.InferRequestedOutput("predictions", binary_data=outputs)]
    body, length = triton.InferenceServerClient.generate_request_body(tensors(True), outputs=requested)
    headers = {"Inference-Header-Content-Length": str(length)}
    answer = ask.post(f"{URL}/infer", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    header = answer.headers.get("Inference-Header-Content-Length")
    result = triton.InferenceServerClient.parse_response_body(
        answer.content, header_length=header and int(header)
    )
    assert (header is None) == (outputs is False)
    assert result.as_numpy("predictions").tolist() == wanted.tolist()
    assert answer.headers["X-Model-Version"] == result.get_response()["model_version"] == "7"


def test_json_tensors_in_any_order_type_and_shape(ask: AsgiClient, predictor: Predictor) -> None:
    wanted = predictor.model.predict(COLUMNS).tolist()
    inputs: list[dict[str, Any]] = [
        {"name": name, "datatype": "BYTES" if name in ("class", "make") else "FP64", "shape": [200]}
        for name in reversed(ROWS[0])
    ]
    for tensor in inputs:
        tensor["data"] = [row[tensor["name"]] for row in ROWS]
    answer = ask.post(f"{URL}/infer", json={"id": "42", "inputs": inputs})
    assert answer.json()["outputs"][0]["data"] == wanted
    assert (answer.json()["id"], answer.json()["model_name"]) == ("42", "Tiny")
    for tensor in inputs:
        tensor |= {"shape": [200, 1], "data": [[value] for value in tensor["data"]]}
    assert ask.post(f"{URL}/infer", json={"inputs": inputs}).json()["outputs"][0]["data"] == wanted


def one_row(row: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"name": n, "datatype": "BYTES" if isinstance(v, str) else "FP64", "shape": [1], "data": [v]}
        for n, v in row.items()
    ]


BAD: dict[str, tuple[dict[str, Any], int, str]] = {
    "value": ({"data": ["x"]}, 422, "Row 0, column otb_days"),
    "text as number": ({"datatype": "BYTES", "data": [1.5]}, 422, "expected BYTES or null, got 1.5"),
    "half a whole number": ({"datatype": "INT64", "data": [1.5]}, 422, "expected INT64 or null, got 1.5"),
    "boolean": ({"data": [True]}, 422, "column otb_days: expected FP64 or null, got true"),
    "shape": ({"shape": [2]}, 422, "shape says 2 rows, data has 1"),
    "rank": ({"shape": [1, 2]}, 422, "expected shape [rows] or [rows, 1]"),
    "negative shape": ({"shape": [-1]}, 422, "expected shape"),
    "datatype": ({"datatype": "BOOL"}, 422, '"BOOL" is not one of BYTES, FP64'),
    "no data": ({"data": None}, 422, "expected data as a list"),
    "unknown tensor": ({"name": "colour"}, 422, "Column"),
    "no name": ({"name": 3}, 422, "needs a name"),
    "longer than the body": ({"data": ..., "parameters": {"binary_data_size": 800}}, 400, "does not fit"),
    "binary and data": ({"parameters": {"binary_data_size": 0}}, 400, "does not fit"),
}


@pytest.mark.parametrize("case", BAD)
def test_refusals_also_carry_the_protocols_error(ask: AsgiClient, row: dict[str, Any], case: str) -> None:
    changes, status, words = BAD[case]
    inputs = one_row(row)
    inputs[0] |= changes
    inputs[0] = {key: value for key, value in inputs[0].items() if value is not ...}
    answer = ask.post(f"{URL}/infer", json={"inputs": inputs})
    assert (answer.status_code, words in answer.json()["error"]) == (status, True), answer.text
    assert answer.json()["error"] == answer.json()["detail"]


def test_whole_numbers_may_come_as_integers_of_any_width(ask: AsgiClient, row: dict[str, Any]) -> None:
    row |= {"otb_days": 3.0, "lag_1": 4.0}
    wanted = ask.post(json={"inputs": [row]}).json()["predictions"]
    inputs = one_row(row)
    for datatype, value in (("INT64", 3), ("INT8", 3.0), ("UINT16", 3), ("FP32", 3), ("FP64", 3.0)):
        inputs[0] |= {"datatype": datatype, "data": [value]}
        answer = ask.post(f"{URL}/infer", json={"inputs": inputs})
        assert answer.json()["outputs"][0]["data"] == wanted, answer.text


def test_a_document_nested_as_deep_as_json_goes_is_answered(ask: AsgiClient, row: dict[str, Any]) -> None:
    text = json.dumps({"inputs": one_row(row), "parameters": {"deep": 0}})
    for levels, status in ((900, 200), (2000, 400)):
        deep = text.replace('"deep": 0', f'"deep": {"[" * levels}{"]" * levels}')
        assert ask.post(f"{URL}/infer", content=deep).status_code == status
    twice = text.replace('"deep": 0', f'"deep": {"[" * 900}{"]" * 900}, "deep": 1')
    assert ask.post(f"{URL}/infer", content=twice).status_code in (400, 422)


def test_binary_bodies_that_do_not_add_up_are_refused(ask: AsgiClient, row: dict[str, Any]) -> None:
    body, length = triton.InferenceServerClient.generate_request_body(tensors(True))
    url, header = f"{URL}/infer", "Inference-Header-Content-Length"
    for content, announced in ((body[:-1], length), (body + b"x", length), (body, length - 1), (body, 10**9)):
        answer = ask.post(url, content=content, headers={header: str(announced)})
        assert answer.status_code in (400, 422), answer.text
    for announced in ("-3", "x", "9" * 5000):
        assert ask.post(url, content=body, headers={header: announced}).status_code == 400
    infinite = one_row({**row, "otb_days": 1.0})
    text = json.dumps({"inputs": infinite}).replace("[1.0]", "[Infinity]")
    assert ask.post(url, content=text).status_code == 422
    assert ask.post(url, json={"inputs": one_row(row), "outputs": [{"name": "other"}]}).status_code == 422
