"""A browser is asked for the API key once; the cookie it gets authorises it, and no page of another site."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from fleet_pages import BROWSER, Pages
from served import NAME

from turo.serving.http.messages import Request
from turo.serving.http.signed_in import LASTS_S, cookie, is_signed_in

KEY = "s3cret key".replace(" ", "-")
HERE = "http://served:8000"


@pytest.fixture
def pages(tmp_path: Path) -> Pages:
    return Pages(str(tmp_path), api_key=KEY)


def signed_in(pages: Pages, **form: str) -> httpx.Response:
    return pages.ask("POST", "/sign-in", {**BROWSER, "Origin": HERE}, data={"key": KEY, **form})


def cookie_of(answer: httpx.Response) -> dict[str, str]:
    return {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}


def test_a_browser_without_the_key_gets_a_form_and_a_client_a_problem(pages: Pages) -> None:
    for path in ("/", "/vehicles/A?model=Tiny", "/docs", f"/{NAME}"):
        page = pages.get(path)
        assert (page.status_code, page.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert 'action="/sign-in"' in page.text
        onward = re.search(r'name="next" value="([^"]*)"', page.text)
        assert onward
        assert onward[1] == path
        assert "script-src 'none'" in page.headers["Content-Security-Policy"]
        client = pages.get(path, {"Accept": "application/json"})
        assert (client.status_code, client.headers["Content-Type"]) == (401, "application/problem+json")


def test_after_the_form_the_browser_is_let_in_everywhere_and_sent_on(pages: Pages) -> None:
    answer = signed_in(pages, next="/vehicles?q=kia")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/vehicles?q=kia")
    told = answer.headers["Set-Cookie"]
    assert all(part in told for part in ("HttpOnly", "SameSite=Strict", "Path=/", "Max-Age="))
    assert "Secure" not in told
    assert KEY not in told
    assert pages.get("/", {**BROWSER, **cookie_of(answer)}).status_code == 200
    assert pages.get("/", {"Accept": "*/*", **cookie_of(answer)}).status_code == 200


def test_over_https_the_cookie_is_for_https_only(pages: Pages) -> None:
    headers = {
        **BROWSER,
        "Origin": "https://turo.example",
        "Host": "turo.example",
        "X-Forwarded-Proto": "https",
    }
    assert "Secure" in pages.ask("POST", "/sign-in", headers, data={"key": KEY}).headers["Set-Cookie"]


@pytest.mark.parametrize("wrong", ["", "S3CRET-KEY", "é", "x" * 5000])
def test_a_wrong_key_gets_the_form_again(pages: Pages, wrong: str) -> None:
    answer = signed_in(pages, key=wrong, next="/vehicles")
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (401, False)
    assert "This is not the API key" in answer.text
    assert 'value="/vehicles"' in answer.text


@pytest.mark.parametrize(
    "onward",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:1", "/a\r\nX: 1", ""],
)
def test_the_browser_is_never_sent_to_another_server(pages: Pages, onward: str) -> None:
    assert signed_in(pages, next=onward).headers["Location"] == "/"


@pytest.mark.parametrize(
    "foreign",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://served:3000"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": HERE},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_page_of_another_origin_cannot_use_the_cookie_nor_the_form(
    pages: Pages, foreign: dict[str, str]
) -> None:
    held = cookie_of(signed_in(pages))
    for path in (f"/{NAME}/forecast", "/sign-in"):
        refused = pages.ask("POST", path, {"Accept": "*/*", **held, **foreign}, json={"vehicle_id": "A"})
        assert refused.status_code == 403
        assert "another site's page" in refused.json()["detail"]
    assert pages.asked == []


def test_a_page_of_this_server_may_and_who_does_not_say_where_it_comes_from_may_not(pages: Pages) -> None:
    held = cookie_of(signed_in(pages))
    for own in ({"Origin": HERE}, {"Sec-Fetch-Site": "same-origin"}):
        answer = pages.ask("POST", f"/{NAME}/forecast", {**held, **own}, json={"vehicle_id": "A"})
        assert answer.status_code == 200
    assert pages.ask("POST", f"/{NAME}/forecast", held, json={"vehicle_id": "A"}).status_code == 403
    with_key = {"X-API-Key": KEY, "Origin": "https://app.example"}  # a page that has the key itself
    assert pages.ask("POST", f"/{NAME}/forecast", with_key, json={"vehicle_id": "A"}).status_code == 200


def test_a_cookie_is_of_one_key_and_ends() -> None:
    def request(value: bytes) -> Request:
        return Request("GET", "", {b"cookie": b"other=1; " + value.partition(b";")[0] + b"; last=2"})

    value = cookie(b"one", secure=False, now=1000.0)
    assert is_signed_in(request(value), b"one", now=1000.0 + LASTS_S - 1)
    assert not is_signed_in(request(value), b"one", now=1000.0 + LASTS_S)
    assert not is_signed_in(request(value), b"two", now=1000.0)
    later = re.sub(rb"=\d+\.", b"=99999999999.", value)
    assert not is_signed_in(request(later), b"one", now=1000.0)
    assert not is_signed_in(Request("GET", "", {b"cookie": b"turo-signed-in-00000000="}), b"one", now=0.0)


def test_what_is_no_such_form_is_refused_before_it_is_read(pages: Pages) -> None:
    answer = pages.ask("POST", "/sign-in", {"Accept": "*/*"}, content=b"a=1&" * 10_000)
    assert answer.status_code == 413


def test_without_a_key_there_is_nothing_to_sign_in_to(tmp_path: Path) -> None:
    answer = Pages(str(tmp_path)).get("/sign-in")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("ray:8000", {"Origin": "https://turo.example", "Sec-Fetch-Site": "same-origin"}),
        ("turo.example:443", {"Origin": "https://turo.example"}),
        ("turo.example", {"Origin": "https://turo.example:443"}),
        ("turo.example:80", {"Origin": "http://turo.example"}),
        ("Turo.Example", {"Origin": "http://turo.example"}),
        ("ray:8000", {"Origin": "https://turo.example", "X-Forwarded-Host": "turo.example:443"}),
    ],
)
def test_behind_a_proxy_the_browser_signs_in_and_asks(pages: Pages, host: str, own: dict[str, str]) -> None:
    answer = pages.ask("POST", "/sign-in", {**BROWSER, "Host": host, **own}, data={"key": KEY})
    assert answer.status_code == 303
    headers = {**cookie_of(answer), "Host": host, **own}
    assert pages.ask("POST", f"/{NAME}/forecast", headers, json={"vehicle_id": "A"}).status_code == 200


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("ray:8000", "https://turo.example"),
        ("a.example:80", "https://a.example"),
        ("a.example", "http://a.example:443"),
    ],
)
def test_another_host_or_port_is_refused_and_the_text_says_what_a_proxy_must_tell(
    pages: Pages, host: str, origin: str
) -> None:
    headers = {"Accept": "*/*", "Host": host, "Origin": origin}
    refused = pages.ask("POST", "/sign-in", headers, data={"key": KEY})
    assert refused.status_code == 403
    assert "X-Forwarded-Host" in refused.json()["detail"]


def test_the_cookie_is_of_this_server_alone(pages: Pages, tmp_path: Path) -> None:
    below = pages.ask("POST", "/sign-in", {**BROWSER, "X-Forwarded-Prefix": "/turo"}, data={"key": KEY})
    assert "; Path=/turo; " in below.headers["Set-Cookie"]
    other = Pages(str(tmp_path), api_key="another").ask("POST", "/sign-in", BROWSER, data={"key": "another"})
    names = {answer.headers["Set-Cookie"].partition("=")[0] for answer in (signed_in(pages), below, other)}
    assert len(names) == 2
    both = "; ".join(cookie_of(answer)["Cookie"] for answer in (other, below))
    assert pages.get("/", {**BROWSER, "Cookie": both}).status_code == 200


def test_who_signed_in_can_sign_out(pages: Pages) -> None:
    held = {**BROWSER, **cookie_of(signed_in(pages)), "Sec-Fetch-Site": "same-origin"}
    assert 'action="/sign-out"' in pages.get("/", held).text
    assert 'action="/sign-out"' not in pages.get("/", {**BROWSER, "X-API-Key": KEY}).text
    foreign = pages.ask("POST", "/sign-out", {**held, "Sec-Fetch-Site": "cross-site"})
    assert (foreign.status_code, "Set-Cookie" in foreign.headers) == (403, False)
    answer = pages.ask("POST", "/sign-out", held)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    told = answer.headers["Set-Cookie"]
    assert told.startswith(held["Cookie"].partition("=")[0] + "=; Path=/; ")
    assert "Max-Age=0" in told
    assert pages.get("/sign-out", held).headers["Location"] == "/"
