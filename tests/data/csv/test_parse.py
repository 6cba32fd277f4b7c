"""Whatever is written in a known form is read back to the minute and to the cent."""

from datetime import datetime

import polars as pl
import pytest
from export_factory import clock, dollars
from hypothesis import given, settings
from hypothesis import strategies as st

from turo.data.csv import parse

ZONE = "America/Phoenix"  # no clock changes
MINUTES = st.datetimes(datetime(2009, 1, 1), datetime(2100, 12, 31)).map(
    lambda d: d.replace(second=0, microsecond=0)
)
NO_AMOUNT = [
    "",
    "$",
    "-",
    "1,2",
    "1,23.00",
    "1.234",
    "$1.2.3",
    "1 234,50",
    "1 234.50",
    "$" + "9" * 13,
    "€5",
    "--5",
    "-($5)",
    "$5-$6",
    "١٢",
]
NO_INSTANT = [
    "",
    "2025-03-01",
    "20250301T1000",
    "25-03-01 10:00",
    "13/1/2025 10:00 AM",
    "1/3/2025 10:00",
    "2025-03-01 13:00 PM",
    "Foo 1, 2025 10:00 AM",
    "Marx 1, 2025 10:00 AM",
    "2025-02-29 10:00 AM",
    "2025-03-01 10:00 AM extra",
]


@settings(deadline=None)
@given(st.integers(-10_000_000, 10_000_000))
def test_every_amount_survives(cents):
    written = [dollars(cents / 100), f"{cents / 100:.2f}", f"{cents / 100:,.2f}"]
    if cents < 0:
        written += [f"(${-cents / 100:,.2f})", f"${-cents / 100:,.2f}-", f"-${-cents / 100:,.2f}"]
    assert parse.money(pl.Series(written)).to_list() == [cents] * len(written)


@pytest.mark.parametrize("text", NO_AMOUNT)
def test_what_is_no_amount_is_null(text):
    assert parse.money(pl.Series([text])).to_list() == [None]


@settings(deadline=None)
@given(MINUTES)
def test_every_instant_survives_in_every_form(moment):
    written = [
        moment.strftime("%Y-%m-%dT%H:%M"),
        moment.strftime("%Y-%m-%d %H:%M:%S"),
        moment.strftime("%Y-%m-%dT%H:%M:%S.000"),
        clock(moment),
        clock(moment).replace(" 0", " "),
        moment.strftime("%m/%d/%Y %I:%M %p"),
        f"{moment.month}/{moment.day}/{moment.year} {moment.strftime('%I:%M %p').lstrip('0')}",
        moment.strftime("%b %d, %Y %I:%M %p"),
        moment.strftime("%B %d, %Y, %I:%M %p").upper(),
        moment.strftime("%Y-%m-%dT%H:%M-07:00"),
    ]
    assert parse.instants(pl.Series(written), ZONE).to_list() == [moment] * len(written)


@pytest.mark.parametrize("text", NO_INSTANT)
def test_what_is_no_known_instant_is_null(text):
    assert parse.instants(pl.Series([text]), ZONE).to_list() == [None]


def test_the_earlier_of_two_equal_times_in_autumn():
    text = pl.Series(["2025-11-02T01:30", "2025-11-02T08:30Z", "2025-11-02T09:30Z"])
    assert parse.instants(text, "America/Los_Angeles").to_list() == [datetime(2025, 11, 2, 1, 30)] * 3
