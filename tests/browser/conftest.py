"""The site of a generated fleet, and a browser to look at it with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import screenshots
from real_browser import browser
from sample_site import Sample, make, site
from screenshots import screenshot

__all__ = ["browser", "screenshot"]


def pytest_addoption(parser: pytest.Parser) -> None:
    screenshots.add_option(parser)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Sample:
    """Small, unless pictures of it are wanted."""
    size = (120, 3.0) if screenshots.are_wanted(pytestconfig) else (20, 2.0)
    return make(tmp_path_factory.mktemp("sample"), *size)


@pytest.fixture(scope="session")
def address(sample: Sample) -> Iterator[str]:
    """Of the front door, which asks for no key."""
    with site(sample) as found:
        yield found


@pytest.fixture(scope="session")
def vehicle(sample: Sample) -> str:
    """The id of one that has a forecast."""
    return str(sample.vehicles[0])
