"""The running stack, and a browser for its pages."""

from __future__ import annotations

import pytest
import screenshots
import whole_stack
from real_browser import browser
from screenshots import screenshot

__all__ = ["browser", "screenshot"]


def pytest_addoption(parser: pytest.Parser) -> None:
    screenshots.add_option(parser)


def pytest_configure(config: pytest.Config) -> None:
    whole_stack.register(config)
