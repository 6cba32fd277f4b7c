"""Tables that a host reads every week fit where they are read: nothing cut off, no words a letter wide."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser
from real_browser import NARROW, WIDE, visit

pytestmark = pytest.mark.browser
CUT = """boxes => boxes.filter(one => one.scrollWidth > one.clientWidth + 1)
  .map(one => one.outerHTML.slice(0, 200))"""
LINE = 22  # pixels of a line of text in a table, and a little
WEEKLY = ("What to expect", "Open gaps", "Against")  # sections of a vehicle's page that open with a table


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_the_league_table_fits(browser: Browser, address: str, width: int) -> None:
    with visit(browser, address, width) as here:
        here.open("/report")
        boxes = here.page.locator("#league .wide")
        assert boxes.count()
        assert "Paid back" in (boxes.first.text_content() or "")
        assert boxes.evaluate_all(CUT) == []


def test_a_row_of_the_league_table_is_two_lines_high_and_its_numbers_stay_whole(
    browser: Browser, address: str
) -> None:
    with visit(browser, address) as here:
        here.open("/report")
        rows = here.page.locator("#league tbody tr")
        heights = rows.evaluate_all("rows => rows.map(one => one.getBoundingClientRect().height)")
        assert max(heights) < 3 * LINE


def test_a_telephone_shows_each_figure_beside_its_name(browser: Browser, address: str) -> None:
    with visit(browser, address, NARROW) as here:
        here.open("/report")
        row = here.page.locator("#league tbody tr").first
        told = row.locator("td").evaluate_all(
            "cells => cells.map(one => getComputedStyle(one, '::before').content).slice(1)"
        )
        assert told[-3:] == ['"Profit, a year"', '"Break-even use"', '"Paid back"']
        assert "none" not in told


def test_nothing_of_a_vehicles_week_is_cut_off_on_a_telephone(
    browser: Browser, address: str, vehicle: str
) -> None:
    with visit(browser, address, NARROW) as here:
        here.open(f"/vehicles/{vehicle}")
        shown = here.page.locator("section > .wide, figure")
        assert shown.count() >= len(WEEKLY) + 1
        assert shown.evaluate_all(CUT) == []
