"""What callers of other servers are used to: MLflow's paths, slashes at the end, marks, proxies in front."""

from __future__ import annotations

import json
import pickle
from typing import Any

import httpx
import mlflow
import pytest
from asgi_client import AsgiClient
from front import ask as ask_front
from front import tensors
from served import LIMITS, NAME, full_row, tiny_predictor

from turo.serving.api.directory import Directory, DirectoryApp
from turo.serving.api.mlflow_paths import mlflow_version
from turo.serving.http.asgi import App
from turo.serving.http.problems import Problem

BODY = {"inputs": [full_row()]}
MARK = b"\xef\xbb\xbf"


@pytest.fixture(scope="module")
def model() -> AsgiClient:
    return AsgiClient(App(tiny_predictor(), LIMITS), f"/{NAME}")


@pytest.fixture(scope="module")
def locked() -> AsgiClient:
    return AsgiClient(App(tiny_predictor(), LIMITS, api_key="s3cret"), f"/{NAME}")


@pytest.mark.parametrize("form", ["inputs", "instances", "dataframe_records"])
@pytest.mark.parametrize("path", ["/invocations", "/invocations/", "/"])
def test_invocations_answer_as_the_route_does(model: AsgiClient, path: str, form: str) -> None:
    wanted = model.post(json=BODY)
    answer = model.post(path, json={form: BODY["inputs"]})
    assert (answer.status_code, answer.json()) == (200, wanted.json())
    assert answer.headers["X-Model-Version"] == "7"


@pytest.mark.parametrize("path", ["/ping", "/health", "/ping/"])
def test_probes_are_told_what_mlflow_tells_them_with_and_without_a_key(
    model: AsgiClient, locked: AsgiClient, path: str
) -> None:
    for client in (model, locked):
        answer = client.get(path)
        assert (answer.status_code, answer.content) == (200, b"\n")
        assert answer.headers["Content-Type"] == "application/json"
        assert client.request("HEAD", path).status_code == 200
    for front in (ask_front("GET", path), ask_front("GET", path, api_key="s3cret")):
        assert (front.status_code, front.content) == (200, b"\n")
    other = ask_front("GET", f"/{NAME}{path}", api_key="s3cret")
    assert (other.status_code, other.content, other.headers["X-Model-Version"]) == (200, b"\n", "7")


def test_a_probe_of_a_front_without_models_is_404_as_with_mlflow() -> None:
    async def nobody(name: str, request: Any) -> Any:
        raise AssertionError(name)

    answer = AsgiClient(DirectoryApp(Directory(nobody), LIMITS)).get("/ping")
    assert (answer.status_code, answer.content) == (404, b"\n")


def test_the_version_is_mlflows(model: AsgiClient, locked: AsgiClient) -> None:
    for answer in (model.get("/version"), ask_front("GET", "/version")):
        assert (answer.status_code, answer.text) == (200, mlflow.__version__)
        assert answer.headers["Content-Type"] == "application/json"
    assert mlflow_version().decode() == mlflow.__version__
    assert locked.get("/version").status_code == 401


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/invocations", "POST"), ("/ping", "GET"), ("/health", "GET"), ("/version", "GET")],
)
def test_other_methods_are_405(model: AsgiClient, locked: AsgiClient, path: str, allowed: str) -> None:
    for method in {"GET", "POST", "PUT", "DELETE", "OPTIONS"} - {allowed}:
        answer = model.request(method, path)
        assert (answer.status_code, answer.headers["Allow"]) == (405, allowed), method
        assert locked.request(method, path).status_code == (
            405 if method == "GET" and allowed == "GET" else 401
        )


def test_a_slash_at_the_end_changes_nothing(model: AsgiClient) -> None:
    for path in ("", "/schema", "/v2/models/Tiny"):
        assert model.get(f"{path}/").json() == model.get(path).json()
    answers = [model.post(path, json={"vehicle_id": "1"}) for path in ("/forecast", "/forecast/")]
    assert [(a.status_code, a.json()["title"]) for a in answers] == [(404, "Not found")] * 2  # no table here


def test_a_byte_order_mark_is_no_part_of_json(model: AsgiClient) -> None:
    wanted = model.post(json=BODY).json()
    marked = model.post(
        content=MARK + json.dumps(BODY).encode(), headers={"Content-Type": "application/json"}
    )
    assert (marked.status_code, marked.json()) == (200, wanted)
    with_nan = {"inputs": [full_row() | {"otb_days": float("nan")}]}
    same = [model.post(content=start + json.dumps(with_nan).encode()) for start in (b"", MARK)]
    assert same[0].status_code == same[1].status_code
    assert same[0].json()["detail"] == same[1].json()["detail"]
    twice = model.post(content=MARK + b'{"inputs": [], "inputs": []}')
    assert twice.status_code == 422
    assert model.post(content=MARK + MARK + json.dumps(BODY).encode()).status_code == 400
    assert "is empty" in model.post(content=MARK).json()["detail"]


def test_a_byte_order_mark_in_front_of_v2(model: AsgiClient) -> None:
    head = MARK + json.dumps(tensors(1)).encode()
    for headers in ({}, {"Inference-Header-Content-Length": str(len(head))}):
        answer = model.post(f"/v2/models/{NAME}/infer", content=head, headers=headers)
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_encodings_are_named(model: AsgiClient, encoding: str) -> None:
    answer = model.post(content=json.dumps(BODY).encode(encoding))
    assert answer.status_code == 400
    assert "UTF-16 or UTF-32" in answer.json()["detail"]
    declared = model.post(content=b"{}", headers={"Content-Type": f"application/json; charset={encoding}"})
    assert declared.status_code == 415


@pytest.mark.parametrize(
    "path", ["/tiny", "/TINY/forecast", "/tiny/", "/v2/models/tiny", "/v2/models/tiny/infer"]
)
def test_a_name_in_another_case_is_told_the_right_one(path: str) -> None:
    answer = ask_front("GET", path)
    assert answer.status_code == 404
    detail = answer.json()["detail"]
    assert "served are Tiny, Away" in detail
    assert "names are case-sensitive: Tiny." in detail


def test_a_name_that_is_none_is_told_which_there_are() -> None:
    detail = ask_front("POST", "/Other", json=BODY).json()["detail"]
    assert "served are Tiny, Away." in detail
    assert "case" not in detail


@pytest.mark.parametrize(
    ("headers", "base"),
    [
        ({}, "http://served:8000"),
        ({"X-Forwarded-Proto": "https"}, "https://served:8000"),
        ({"X-Forwarded-Proto": "HTTPS, http"}, "https://served:8000"),
        ({"X-Forwarded-Proto": "https", "X-Forwarded-Host": "api.example.com"}, "https://api.example.com"),
        ({"X-Forwarded-Host": "a.example:8443, b.example"}, "http://a.example:8443"),
        ({"X-Forwarded-Prefix": "/turo/"}, "http://served:8000/turo"),
        ({"X-Forwarded-Proto": "javascript"}, "http://served:8000"),
        ({"X-Forwarded-Host": "evil.example/'onload"}, "http://served:8000"),
        ({"X-Forwarded-Prefix": "//evil.example"}, "http://served:8000"),
        ({"X-Forwarded-Prefix": '/"><script>'}, "http://served:8000"),
    ],
)
def test_links_are_what_the_caller_can_follow(model: AsgiClient, headers: dict[str, str], base: str) -> None:
    about = model.get(headers=headers).json()
    assert about["links"]["forecast"] == f"{base}/{NAME}/forecast"
    assert about["links"]["invocations"] == f"{base}/{NAME}/invocations"
    assert about["curl"].endswith(f" {base}/{NAME}")
    listed = ask_front("GET", "/", headers={"Host": "served:8000", **headers}).json()["models"][0]["links"]
    assert listed["predict"] == f"{base}/{NAME}"
    prefix = base.removeprefix("http://served:8000") if "Prefix" in str(headers) else ""
    pages = (
        model.get(headers={"Accept": "text/html", **headers}),
        ask_front("GET", "/docs", headers={"Accept": "text/html", **headers}),
    )
    assert f'action="{prefix}/{NAME}"' in pages[0].text
    assert f'href="{prefix}/{NAME}"' in pages[1].text
    assert all("evil" not in page.text and "<script>alert" not in page.text for page in pages)


def test_the_signature_has_its_name(model: AsgiClient) -> None:
    about = model.get().json()
    assert [column["name"] for column in about["signature"]["inputs"]] == list(full_row())
    assert about["signature"]["outputs"] == [{"name": "predictions", "type": "number"}]


def test_every_path_is_documented() -> None:
    document = ask_front("GET", "/openapi.json", api_key="s3cret", headers={"X-API-Key": "s3cret"}).json()
    page: httpx.Response = ask_front("GET", "/docs")
    for path in ("/ping", "/health", "/version"):
        for below in ("", f"/{NAME}"):
            assert document["paths"][below + path]["get"].get("security") == (
                None if path == "/version" else []
            )
            assert f"<code>{below}{path}</code>" in page.text
    assert "post" in document["paths"][f"/{NAME}/invocations"]
    assert all(f'id="{status}"' in page.text for status in (408, 502, 504))


def test_a_refusal_reaches_callers_in_other_processes_whole() -> None:
    refused = Problem(422, "Row 0: no.", [{"row": 0}], [(b"x-a", b"b")])
    back = pickle.loads(pickle.dumps(refused))
    assert (back.status, back.detail, back.errors, back.headers) == (
        422,
        "Row 0: no.",
        [{"row": 0}],
        [(b"x-a", b"b")],
    )
    assert str(back) == "Row 0: no."
