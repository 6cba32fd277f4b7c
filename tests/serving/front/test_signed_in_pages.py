"""With an API key set: each page asks for it, leads back to itself, and lets one sign out."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from asgi_client import AsgiClient
from fleet_pages import BROWSER, Pages
from served import LIMITS, NAME, tiny_predictor

from turo.serving.http.asgi import App
from turo.serving.http.signed_in import cookie

KEY = "s3cret-key"
PAGES = (
    "/",
    "/report",
    "/track-record.html",
    "/vehicles",
    "/vehicles?q=kia&page=1",
    "/vehicles/A",
    "/vehicles/A?model=Tiny&origin=2026-11-23",
    "/vehicles/Z%C3%BC%2F%3Fb",
    "/docs",
    "/nowhere",
)
BUTTON = '<form method="post" action="/sign-out"><button>Sign out</button></form>'
HELD = {**BROWSER, "Cookie": cookie(KEY.encode(), secure=False).partition(b";")[0].decode()}


@pytest.fixture
def keyed(datas: Path) -> Pages:
    (datas / "track-record.html").write_text("<!DOCTYPE html><html><body><h1>Track record</h1></body></html>")
    return Pages(str(datas), api_key=KEY)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_asks_for_the_key_and_leads_back_to_itself(keyed: Pages, path: str) -> None:
    form = keyed.get(path)
    assert (form.status_code, BUTTON in form.text) == (401, False)
    onward = re.search(r'name="next" value="([^"]*)"', form.text)
    assert onward
    given = {"key": KEY, "next": html.unescape(onward[1])}
    answer = keyed.ask("POST", "/sign-in", {**BROWSER, "Sec-Fetch-Site": "same-origin"}, data=given)
    assert (answer.status_code, answer.headers["Location"].replace("%2F", "/")) == (
        303,
        path.replace("%2F", "/"),
    )
    assert keyed.get(answer.headers["Location"], HELD).status_code in (200, 404)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_lets_who_signed_in_sign_out_and_nobody_else(keyed: Pages, path: str, datas: Path) -> None:
    assert keyed.get(path, HELD).text.count(BUTTON) == 1
    assert "Sign out" not in keyed.get(path, {**BROWSER, "X-API-Key": KEY}).text
    assert "Sign out" not in Pages(str(datas)).get(path, HELD).text


def test_a_models_own_page_has_the_button_as_well() -> None:
    keyed = AsgiClient(App(tiny_predictor(), LIMITS, api_key=KEY), f"/{NAME}")
    assert keyed.get(headers=HELD).text.count(BUTTON) == 1
    assert "Sign out" not in keyed.get(headers={**BROWSER, "Authorization": f"Bearer {KEY}"}).text
    assert "Sign out" not in AsgiClient(App(tiny_predictor(), LIMITS), f"/{NAME}").get(headers=HELD).text


def test_after_signing_out_the_key_is_asked_for_again(keyed: Pages) -> None:
    answer = keyed.ask("POST", "/sign-out", {**HELD, "Sec-Fetch-Site": "same-origin"})
    emptied = {**BROWSER, "Cookie": answer.headers["Set-Cookie"].partition(";")[0]}
    assert [keyed.get(path, emptied).status_code for path in PAGES] == [401] * len(PAGES)


@pytest.mark.parametrize("path", [*PAGES, "/openapi.json", "/report/gaps.csv", "/v2/models/Tiny"])
def test_a_program_without_the_key_gets_a_problem_and_with_it_an_answer(keyed: Pages, path: str) -> None:
    asks = {"Accept": "*/*"}
    refused = keyed.get(path, asks)
    assert (refused.status_code, refused.headers["Content-Type"]) == (401, "application/problem+json")
    wrong = keyed.get(path, {**asks, "Authorization": "Bearer another"})
    assert (wrong.status_code, "Set-Cookie" in wrong.headers) == (401, False)
    assert keyed.get(path, {**asks, "Authorization": f"Bearer {KEY}"}).status_code != 401


@pytest.mark.parametrize("path", ["/sign-in", "/sign-out", f"/{NAME}/forecast", f"/{NAME}"])
@pytest.mark.parametrize("told", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_a_form_of_another_origin_is_refused_as_a_page_or_a_problem(
    keyed: Pages, path: str, told: dict[str, str]
) -> None:
    refused = keyed.ask("POST", path, {**HELD, **told}, data={"key": KEY})
    assert (refused.status_code, "Set-Cookie" in refused.headers) == (403, False)
    assert keyed.asked == []
