"""Every page of our own, as people with different windows, eyes and hands meet it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser
from real_browser import WIDE, beyond_the_edge, out_of_reach, serious, visit

pytestmark = pytest.mark.browser
PAGES = ("/docs",)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_sound(browser: Browser, address: str, path: str, width: int, scheme: str) -> None:
    with visit(browser, address, width, scheme) as here:
        assert here.open(path).status == 200
        assert not here.problems
        assert not serious(here.page)
        assert not beyond_the_edge(here.page)


@pytest.mark.parametrize("path", PAGES)
def test_the_keyboard_reaches_everything(browser: Browser, address: str, path: str) -> None:
    with visit(browser, address) as here:
        here.open(path)
        assert not out_of_reach(here.page)
