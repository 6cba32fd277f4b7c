"""What a route says of itself is true: examples work, the schema accepts what the route accepts."""

from __future__ import annotations

import json
import shlex
from typing import Any

import jsonschema
import pytest
from asgi_client import AsgiClient
from served import LIMITS, NAME, tiny_predictor

from turo.serving.http.asgi import App

HTML = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def test_the_example_and_the_curl_command_work_as_printed(ask: AsgiClient) -> None:
    about = ask.get().json()
    assert (about["name"], about["version"], about["run_id"]) == (NAME, "7", "run-7")
    assert ask.post(json=about["example"]).status_code == 200
    words = shlex.split(about["curl"])
    assert words[0] == "curl"
    assert words[-1] == about["links"]["predict"] == "http://served:8000/Tiny"
    assert json.loads(words[words.index("-d") + 1]) == about["example"]
    assert [column["name"] for column in about["inputs"]] == list(about["example"]["inputs"][0])


def test_the_schema_agrees_with_the_route(ask: AsgiClient, row: dict[str, Any]) -> None:
    schema = ask.get("/schema").json()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert schema["properties"]["inputs"]["maxItems"] == LIMITS.max_rows
    columns = schema["properties"]["inputs"]["items"]["properties"]
    assert columns["make"]["enum"] == ["Jeep", "Kia", None]
    assert "training saw" in columns["otb_days"]["description"]
    assert columns["otb_days"]["examples"] == [row["otb_days"]]
    changes: list[dict[str, Any]] = [
        {}, {"lag_1": None}, {"otb_days": None}, {"make": None}, {"make": "Lada"}, {"lag_1": "1"},
        {"lag_1": True}, {"colour": 1}, {"otb_days": -3}, {"class": 2},
    ]  # fmt: skip
    for change in changes:
        body = {"inputs": [{**row, **change}]}
        assert validator.is_valid(body) == (ask.post(json=body).status_code == 200), change
    del row["make"]
    assert not validator.is_valid({"inputs": [row]})


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        (HTML, True),
        ({}, False),
        ({"Accept": "application/json"}, False),
        ({"Accept": "*/*"}, False),
        ({"Accept": "application/json, text/html"}, False),
        ({"Accept": "application/json;q=0.5, text/html"}, True),
        ({"Accept": "text/html;q=0.1, application/json"}, False),
        ({"Accept": "text/html;q=0"}, False),
    ],
)
def test_a_browser_gets_a_page_and_a_program_gets_json(
    ask: AsgiClient, accept: dict[str, str], html: bool
) -> None:
    answer = ask.get(headers=accept)
    assert answer.headers["Content-Type"].startswith("text/html" if html else "application/json")
    head = ask.request("HEAD", headers=accept)
    assert (head.content, head.headers["Content-Length"]) == (b"", answer.headers["Content-Length"])


def test_what_is_told_beside_the_version_shows_on_both_and_cannot_inject() -> None:
    predictor = tiny_predictor()
    predictor.tell({"tags": {"turo.below_baseline": "true"}, "metrics": {"mae": 3.25}, "challenger": "9"})
    predictor.about.refused = {"version": "8", "reason": "<script>alert(1)</script>"}
    ask = AsgiClient(App(predictor, LIMITS), f"/{NAME}")
    about, page = ask.get().json(), ask.get(headers=HTML).text
    assert about["below_baseline"] is True
    assert about["warning"] in page
    assert (about["metrics"], about["challenger"]) == ({"mae": 3.25}, "9")
    assert about["refused"]["version"] == "8"
    assert "Version 8 was refused: &lt;script&gt;" in page
    hostile = ask.get(headers={**HTML, "Host": 'x"><script>'}).text
    assert '"><script>' not in hostile
