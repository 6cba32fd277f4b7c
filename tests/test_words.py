"""What is counted is in the singular where the number, as it is told, is 1."""

from __future__ import annotations

import pytest

from turo.words import by_number, counted, listed


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (0, "0 days are"),
        (1, "1 day is"),
        (2, "2 days are"),
        (21, "21 days are"),
        ("1", "1 day is"),
        ("1.0", "1.0 days are"),
    ],
)
def test_noun_and_verb_follow_the_number_as_it_is_told(number: int | str, told: str) -> None:
    assert f"{counted(number, 'day')} {by_number(number, 'is', 'are')}" == told


def test_names_are_listed_with_one_and() -> None:
    assert [listed(names) for names in ([], ["A"], ["A", "B"], ["A", "B", "C"])] == [
        "",
        "A",
        "A and B",
        "A, B and C",
    ]
