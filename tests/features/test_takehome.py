"""The take-home profile: attributes in, number of reservations out."""

from __future__ import annotations

import polars as pl
import pytest

from turo.errors import InputError
from turo.features.takehome import takehome

FLEET = pl.DataFrame(
    {
        "vehicle_id": ["3", "1", "2"],
        "actual_price": [60.0, 75.0, 80.0],
        "recommended_price": [50.0, 60.0, 0.0],
    }
)


def test_counts_and_prices_per_vehicle():
    table = takehome(pl.DataFrame({"vehicle_id": ["1", "3", "1"]}), FLEET)
    assert table["vehicle_id"].to_list() == ["1", "2", "3"]
    assert table["y_reservations"].to_list() == [2, 0, 1]
    assert table["price_ratio"].to_list() == [1.25, None, 1.2]
    assert table["price_difference"].to_list() == [15, 80, 10]
    assert table["in_training"].to_list() == [1, 1, 1]


def test_without_attributes_there_is_nothing_to_learn_from():
    with pytest.raises(InputError, match="none of the attributes"):
        takehome(pl.DataFrame({"vehicle_id": ["1"]}), FLEET.select("vehicle_id"))
