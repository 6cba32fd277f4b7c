"""Every page of our own, as people with different windows, eyes and hands meet it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser
from real_browser import NARROW, WIDE, beyond_the_edge, out_of_reach, serious, visit

pytestmark = pytest.mark.browser
PAGES = (
    "/",
    "/report",
    "/track-record.html",
    "/vehicles",
    "/vehicles/{vehicle}?model=XGBoost",
    "/docs",
    "/XGBoost",
)
IMPOSSIBLE = "/vehicles/%3Cimg%20src=x%20onerror=alert(1)%3E"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_sound(
    browser: Browser, address: str, vehicle: str, path: str, width: int, scheme: str
) -> None:
    with visit(browser, address, width, scheme) as here:
        assert here.open(path.format(vehicle=vehicle)).status == 200
        assert not here.problems
        assert not serious(here.page)
        assert not beyond_the_edge(here.page)


@pytest.mark.parametrize("path", PAGES)
def test_the_keyboard_reaches_everything(browser: Browser, address: str, vehicle: str, path: str) -> None:
    with visit(browser, address) as here:
        here.open(path.format(vehicle=vehicle))
        assert not out_of_reach(here.page)


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_a_page_that_is_not_there_says_so_and_runs_nothing(
    browser: Browser, address: str, width: int
) -> None:
    with visit(browser, address, width) as here:
        here.page.on("dialog", lambda dialog: here.problems.append(f"dialog: {dialog.message}"))
        assert here.open(IMPOSSIBLE).status == 404
        assert "onerror=alert(1)" in here.page.locator("main").inner_text()
        assert here.page.get_by_role("link", name="All vehicles").is_visible()
        assert here.page.locator("img").count() == 0
        assert not [problem for problem in here.problems if "404" not in problem]
        assert not serious(here.page)
        assert not beyond_the_edge(here.page)
