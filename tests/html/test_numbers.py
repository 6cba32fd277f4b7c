"""Numbers as pages write them."""

from __future__ import annotations

import pytest

from turo.html.render import environment


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ("-0.2|num(0)", "0"),
        ("-1234.5|num", "\N{MINUS SIGN}1,234.5"),
        ("-0.04|signed", "0.0"),
        ("0.3|signed(0)", "0"),
        ("-3.2|signed(0)", "\N{MINUS SIGN}3"),
        ("1234|signed(0)", "+1,234"),
        ("none|num", "\N{EN DASH}"),
    ],
)
def test_a_minus_is_a_minus_and_nothing_has_no_sign(told: str, text: str) -> None:
    assert environment().from_string("{{ (" + told.replace("|", ")|", 1) + " }}").render() == text
