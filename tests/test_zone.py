"""Whose clock is taken for TIMEZONE."""

from __future__ import annotations

import logging

import pytest

from turo.zone import zone_of


@pytest.mark.parametrize("name", ["Mars/Olympus", "../etc", "", "America", "/etc/passwd"])
def test_an_unknown_zone_is_said_and_the_clock_is_that_of_utc(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert zone_of(name).key == "UTC"
    assert f"TIMEZONE={name!r} does not exist" in caplog.text
