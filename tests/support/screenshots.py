"""Pictures of pages for the README: with the option into `docs/images/`, else measured and thrown away."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page
from real_browser import WIDE
from tools import REPOSITORY

OPTION, FOLDER = "--screenshots", REPOSITORY / "docs" / "images"
MOST_BYTES = 250_000
SETTLED_MS = 1500  # for what others' pages still move when all of it is there

Taker = Callable[[Page, str], None]


def add_option(parser: pytest.Parser) -> None:
    """For a `conftest.py`; of two that are read together one is enough."""
    with contextlib.suppress(ValueError):
        parser.addoption(OPTION, action="store_true", help="draw docs/images/ anew")


def are_wanted(config: pytest.Config) -> bool:
    """Whether the option was given."""
    return bool(config.getoption(OPTION, False))


@pytest.fixture
def screenshot(pytestconfig: pytest.Config, tmp_path: Path) -> Taker:
    """Takes what a window shows, by the picture's name; it has the README's width and is not too large."""
    folder = FOLDER if are_wanted(pytestconfig) else tmp_path

    def take(page: Page, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        page.wait_for_timeout(SETTLED_MS if are_wanted(pytestconfig) else 0)
        picture = page.screenshot(path=folder / f"{name}.png", animations="disabled", caret="hide")
        assert int.from_bytes(picture[16:20]) == WIDE
        assert len(picture) <= MOST_BYTES, f"{name}: {len(picture)} bytes"

    return take
