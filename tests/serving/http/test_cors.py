"""A page of a named origin may call the routes from a browser; any other may not, and by default none."""

from __future__ import annotations

import httpx
import pytest
from asgi_client import AsgiClient
from served import LIMITS, full_row, tiny_predictor

from turo.errors import ConfigError
from turo.serving.http.asgi import App
from turo.serving.http.before_queue import BeforeQueue
from turo.serving.http.body_limits import Waiting
from turo.serving.http.cors import Cors
from turo.settings import load

PAGE = "https://app.example.com"
ASKS = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-api-key"}


def client(*origins: str, api_key: str = "") -> AsgiClient:
    app = App(tiny_predictor(), LIMITS, api_key=api_key, adds_request_id=False)
    waiting = Waiting(5, 10, 1 << 20, LIMITS.max_bytes)
    return AsgiClient(BeforeQueue(app, waiting, Cors(origins)), "/Tiny")


def allowed(answer: httpx.Response) -> str | None:
    return answer.headers.get("Access-Control-Allow-Origin")


def test_a_browser_that_asks_beforehand_is_told_what_the_page_may() -> None:
    answer = client(PAGE, api_key="s3cret").request("OPTIONS", headers={"Origin": PAGE, **ASKS})
    assert (answer.status_code, answer.content, allowed(answer)) == (204, b"", PAGE)
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    asked = answer.headers["Access-Control-Allow-Headers"].lower()
    assert all(name in asked for name in ("content-type", "x-api-key", "authorization", "x-request-id"))
    assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize(
    ("headers", "status"), [({"X-API-Key": "s3cret"}, 200), ({}, 401), ({"Content-Type": "text/x"}, 401)]
)
def test_answers_and_refusals_may_be_read_by_the_page(headers: dict[str, str], status: int) -> None:
    one = client(PAGE, "http://localhost:3000", api_key="s3cret")
    answer = one.post(json={"inputs": [full_row()]}, headers={"Origin": PAGE, **headers})
    assert (answer.status_code, allowed(answer), answer.headers["Vary"]) == (status, PAGE, "Origin")
    assert "X-Model-Version" in answer.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize(
    "origin",
    ["https://app.example.com.evil.org", "http://app.example.com", "https://app.example.com:444", "null"],
)
def test_another_origin_is_not_allowed(origin: str) -> None:
    one = client(PAGE)
    for answer in (
        one.get(headers={"Origin": origin}),
        one.request("OPTIONS", headers={"Origin": origin, **ASKS}),
    ):
        assert allowed(answer) is None
        assert answer.headers["Vary"] == "Origin"


def test_without_the_setting_nothing_is_said_of_origins() -> None:
    one = client()
    answer = one.get(headers={"Origin": PAGE})
    assert (answer.status_code, allowed(answer), answer.headers.get("Vary")) == (200, None, None)
    assert one.request("OPTIONS", headers={"Origin": PAGE, **ASKS}).status_code == 405


def test_the_setting_takes_origins_as_browsers_send_them() -> None:
    assert load(serve_cors_origins="https://App.example.com/, http://localhost:3000,").serve_cors_origins == (
        PAGE,
        "http://localhost:3000",
    )
    for wrong in ("*", "app.example.com", "https://app.example.com/page", "null"):
        with pytest.raises(ConfigError, match="SERVE_CORS_ORIGINS"):
            load(serve_cors_origins=wrong)
