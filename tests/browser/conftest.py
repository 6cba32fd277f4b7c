"""The site of a generated fleet, and a browser to look at it with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from real_browser import browser
from sample_site import Sample, make, site

__all__ = ["browser"]
SCREENSHOTS = "--screenshots"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        SCREENSHOTS, action="store_true", help="write docs/images/, from a sample of the usual size"
    )


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Sample:
    """Small, unless pictures of it are wanted."""
    size = (120, 3.0) if pytestconfig.getoption(SCREENSHOTS) else (20, 2.0)
    return make(tmp_path_factory.mktemp("sample"), *size)


@pytest.fixture(scope="session")
def address(sample: Sample) -> Iterator[str]:
    """Of the front door, which asks for no key."""
    with site(sample) as found:
        yield found
