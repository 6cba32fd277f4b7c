"""Columns to matrix: places, gaps, unknown categories."""

from __future__ import annotations

import numpy as np
import pytest

from turo.errors import InputError
from turo.models.encoding import Field, describe, encode, names

COLUMNS = {
    "otb_days": np.array([1.0, np.nan, 3.0]),
    "class": np.array(["suv", None, "sedan"], dtype=object),
    "lag_1": np.array([4.0, 5.0, 6.0]),
}


def test_fields_say_kind_gaps_range_and_values():
    assert describe(COLUMNS, ("class",)) == (
        Field("otb_days", "number", True, (), 1.0, 3.0),
        Field("class", "category", True, ("sedan", "suv"), None, None),
        Field("lag_1", "number", False, (), 4.0, 6.0),
    )


def test_numbers_come_first_and_categories_one_hot():
    fields = describe(COLUMNS, ("class",))
    assert names(fields) == ["otb_days", "lag_1", "class=sedan", "class=suv"]
    expected = [[1.0, 4.0, 0.0, 1.0], [np.nan, 5.0, 0.0, 0.0], [3.0, 6.0, 1.0, 0.0]]
    np.testing.assert_array_equal(encode(fields, COLUMNS), expected)


def test_order_of_columns_does_not_matter_and_unknown_categories_are_like_missing():
    fields = describe(COLUMNS, ("class",))
    shuffled = dict(reversed(COLUMNS.items())) | {"class": np.array(["boat", None, "sedan"], dtype=object)}
    np.testing.assert_array_equal(encode(fields, shuffled)[0], [1.0, 4.0, 0.0, 0.0])


def test_an_empty_column_stays_a_field():
    (field,) = describe({"gone": np.full(3, np.nan)}, ())
    assert field == Field("gone", "number", True, (), None, None)


def test_a_missing_column_is_named():
    with pytest.raises(InputError, match="'lag_1' is missing"):
        encode(describe(COLUMNS, ("class",)), {"otb_days": np.zeros(1), "class": np.array([None])})


def test_fields_survive_json():
    for field in describe(COLUMNS, ("class",)):
        assert Field.from_json(field.to_json()) == field
