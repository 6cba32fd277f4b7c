"""Who asks decides the form of the answer: pages for people, JSON and problems for programs."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from fleet_pages import BROWSER, Pages
from served import NAME

JAVA = {"Accept": "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"}  # HttpURLConnection's own
CLIENT = {"Accept": "*/*"}
HTML, PROBLEM = "text/html; charset=utf-8", "application/problem+json"


def seen(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.headers["Content-Type"]


@pytest.mark.parametrize("headers", [JAVA, CLIENT, {}, {"Accept": "text/html, */*;q=0.1"}])
def test_programs_get_json_and_problems(pages: Pages, headers: dict[str, str]) -> None:
    assert seen(pages.get("/", headers)) == (200, "application/json")
    for path in ("/nowhere", "/vehicles/Z", "/report/nothing.csv"):
        assert seen(pages.get(path, headers)) == (404, PROBLEM)


@pytest.mark.parametrize(
    "headers",
    [BROWSER, {"Accept": "text/html"}, {"Accept": "text/html, */*", "Sec-Fetch-Mode": "navigate"}],
)
def test_people_get_pages(pages: Pages, headers: dict[str, str]) -> None:
    assert seen(pages.get("/", headers)) == (200, HTML)
    assert seen(pages.get("/nowhere", headers)) == (404, HTML)


@pytest.mark.parametrize("headers", [JAVA, BROWSER, {"Accept": "text/html"}])
def test_a_refused_post_and_v2_are_problems_whatever_is_accepted(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    for pages, status in ((Pages(str(tmp_path)), 404), (Pages(str(tmp_path), api_key="key"), 401)):
        for method, path in (
            ("POST", "/nowhere"),
            ("GET", "/v2/models/None"),
            ("POST", "/v2/models/None/infer"),
        ):
            refused = pages.ask(method, path, headers)
            assert seen(refused) == (status, PROBLEM)
            assert ("error" in refused.json()) is path.startswith("/v2/")
    assert seen(Pages(str(tmp_path), api_key="key").ask("POST", f"/{NAME}", headers)) == (401, PROBLEM)


def test_the_form_that_is_posted_is_refused_as_a_page_to_a_browser_and_as_a_problem_to_others(
    tmp_path: Path,
) -> None:
    pages, foreign = Pages(str(tmp_path), api_key="key"), {"Origin": "https://evil.example"}
    assert seen(pages.ask("POST", "/sign-in", {**BROWSER, **foreign})) == (403, HTML)
    assert seen(pages.ask("POST", "/sign-in", {**JAVA, **foreign})) == (403, PROBLEM)
