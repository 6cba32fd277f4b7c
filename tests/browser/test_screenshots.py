"""The pictures of the README, of pages of our own: always the same size, never too large."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser
from real_browser import visit
from screenshots import Taker

pytestmark = pytest.mark.browser
PICTURES = {
    "report": "/report",
    "home": "/",
    "vehicle": "/vehicles/{vehicle}?model=XGBoost",
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_taken(
    browser: Browser, address: str, vehicle: str, name: str, screenshot: Taker
) -> None:
    with visit(browser, address) as here:
        here.open(PICTURES[name].format(vehicle=vehicle))
        screenshot(here.page, name)
