"""Ages as people say them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from turo.operate.status.ages import age, moment

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(), "now"),
        (timedelta(seconds=1), "1 second ago"),
        (timedelta(seconds=59), "59 seconds ago"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=23, minutes=59), "23 hours ago"),
        (timedelta(days=400), "400 days ago"),
        (timedelta(minutes=-90), "in 1 hour"),
    ],
)
def test_the_biggest_unit_that_fits(ago: timedelta, said: str) -> None:
    assert age(NOW - ago, NOW) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-11-28 11:00:00", "1 hour ago"),  # as made.json has it
        ("2026-11-28T13:00:00+02:00", "1 hour ago"),
        ("2026-11-28T11:00:00Z", "1 hour ago"),
        ("", "-"),
        ("yesterday", "-"),
    ],
)
def test_texts_as_moments(text: str, said: str) -> None:
    assert age(moment(text), NOW) == said
