"""The routes at `/`: list, documentation, and V2 requests of any size handed on to the model they name."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from asgi_client import AsgiClient
from front import ask, tensors
from served import LIMITS, NAME, full_row, tiny_predictor

from turo.serving.http.asgi import INLINE_BYTES, App

INFER = f"/v2/models/{NAME}/infer"


@pytest.mark.parametrize("rows", [1, LIMITS.max_rows])
def test_an_inference_of_any_size_reaches_the_model(rows: int) -> None:
    answer = ask("POST", INFER, json=tensors(rows))
    assert answer.status_code == 200, answer.text
    assert (int(answer.request.headers["Content-Length"]) > INLINE_BYTES) == (rows > 1)
    (output,) = answer.json()["outputs"]
    assert (output["shape"], len(set(output["data"]))) == ([rows], 1)
    assert answer.headers["X-Model-Version"] == "7"


@pytest.mark.parametrize("path", ["/forecast", "/nowhere"])
def test_what_is_not_there_is_404_whatever_is_sent_to_it(path: str) -> None:
    for answer in (ask("GET", path), ask("POST", path, content=b"x" * (INLINE_BYTES + 1))):
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")
        assert path in answer.json()["detail"]


def test_a_request_that_lost_its_way_to_a_model_is_answered_by_it() -> None:
    direct = AsgiClient(App(tiny_predictor(), LIMITS), f"/{NAME}")
    answer = ask("POST", f"/{NAME}", json={"inputs": [full_row()]})
    assert (answer.status_code, answer.headers["X-Model-Version"]) == (200, "7")
    assert answer.json() == direct.post(json={"inputs": [full_row()]}).json()
    assert ask("GET", f"/{NAME}/schema").json() == direct.get("/schema").json()
    assert ask("GET", f"/{NAME}/").json()["name"] == NAME
    missing = ask("GET", f"/{NAME}/nowhere")
    assert (missing.status_code, missing.json()["instance"]) == (404, f"/{NAME}/nowhere")
    away = ask("POST", "/Away", json={})
    assert (away.status_code, away.headers["Retry-After"], away.headers["X-Model-Version"]) == (503, "1", "7")


@pytest.mark.parametrize("path", ["/Coming", "/Coming/schema", "/v2/models/Coming/ready"])
def test_a_configured_model_without_a_version_is_not_there_yet(path: str) -> None:
    answer = ask("GET", path)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert "Coming has no version to serve yet" in answer.json()["detail"]


def test_refusals_that_never_reach_the_model_name_its_version_too() -> None:
    for body, path, status in ((b" " * (LIMITS.max_bytes + 1), INFER, 413), (b"{}", INFER, 422)):
        answer = ask("POST", path, content=body)
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
        assert answer.headers.get_list("X-Model-Version") == ["7"]
        assert answer.headers.get_list("X-Run-Id") == ["run-7"]
    away = ask("POST", "/v2/models/Away/infer", json=tensors(1))
    assert (away.status_code, away.headers["Retry-After"], away.headers["X-Model-Version"]) == (503, "1", "7")
    assert "X-Model-Version" not in ask("GET", "/v2/models/Nobody").headers


def test_openapi_says_of_each_model_what_its_own_schema_says() -> None:
    document = ask("GET", "/openapi.json").json()
    schema = AsgiClient(App(tiny_predictor(), LIMITS), f"/{NAME}").get("/schema").json()
    told = document["paths"][f"/{NAME}"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert told == {"$ref": f"#/components/schemas/{NAME}"}
    assert document["components"]["schemas"][NAME] == {
        key: value for key, value in schema.items() if key not in ("$schema", "$id")
    }
    assert document["components"]["schemas"]["Away"]["required"] == ["inputs"]  # known again once it answers
    assert "security" not in document
    jsonschema.Draft202012Validator.check_schema(document["components"]["schemas"][NAME])


def test_openapi_says_what_an_inference_needs() -> None:
    document = ask("GET", "/openapi.json").json()
    body = document["paths"]["/v2/models/{model}/infer"]["post"]["requestBody"]["content"]
    told = jsonschema.Draft202012Validator(body["application/json"]["schema"])
    tensor = tensors(1)["inputs"][0]
    for good in (tensors(1), {**tensors(1), "id": "7", "outputs": [{"name": "predictions"}]}):
        assert told.is_valid(good)
        assert ask("POST", INFER, json=good).status_code == 200
    spoilt: list[dict[str, Any]] = [{"datatype": "BOOL"}, {"shape": [-1]}, {"name": 3}, {"data": "x"}]
    odd = [{}, {"inputs": []}, *({"inputs": [{**tensor, **change}]} for change in spoilt)]
    for bad in (*odd, {**tensors(1), "outputs": [{"name": "other"}]}, {**tensors(1), "id": 7}):
        assert not told.is_valid(bad)
        assert ask("POST", INFER, json=bad).status_code == 422


def test_openapi_asks_for_the_key_where_one_is_set() -> None:
    assert ask("GET", "/openapi.json", api_key="s3cret").status_code == 401
    document = ask("GET", "/openapi.json", api_key="s3cret", headers={"X-API-Key": "s3cret"}).json()
    assert "make" in json.dumps(document["components"]["schemas"][NAME])
    assert document["security"] == [{"ApiKey": []}, {"Bearer": []}]
    assert document["components"]["securitySchemes"]["ApiKey"]["name"] == "X-API-Key"
    assert ask("GET", "/v2/health/live", api_key="s3cret").status_code == 200
