"""Coverage and errors by class and by books, against a table worked out by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from training_table import frame, write

from turo import settings
from turo.training import training_rows
from turo.training.evaluation.backtest import backtest
from turo.training.evaluation.group_scores import THIRDS, by_group, figures, markdown
from turo.training.evaluation.scores import measure
from turo.training.recipe import Recipe

HOLDOUT = pl.DataFrame(
    {
        "vehicle_id": ["a", "a", "b", "c"],
        "class": ["suv", "suv", "van", None],
        "otb_days": [0.0, None, 8.0, 28.0],
        "y": [2.0, 4.0, 10.0, 28.0],
        "prediction": [3.0, 4.0, 8.0, 28.0],
        "mean": [3.0, 3.0, 9.0, 28.0],
        "low": [0.0, 5.0, 8.0, 28.0],
        "high": [3.0, 6.0, 12.0, 28.0],
        "crps": [0.5, 1.5, 1.0, 0.0],
    }
)


def test_groups_by_hand():
    found = by_group(HOLDOUT, 28)
    columns = ("group", "name", "rows", "vehicles", "coverage", "mae", "crps")
    assert found.select(columns).rows() == [
        ("all", "all", 4, 3, 0.75, 0.75, 0.75),
        ("class", "suv", 2, 1, 0.5, 0.5, 1.0),
        ("class", "unknown", 1, 1, 1.0, 0.0, 0.0),
        ("class", "van", 1, 1, 1.0, 2.0, 1.0),
        ("on_the_books", THIRDS[0], 2, 1, 0.5, 0.5, 1.0),
        ("on_the_books", THIRDS[1], 1, 1, 1.0, 2.0, 1.0),
        ("on_the_books", THIRDS[3], 1, 1, 1.0, 0.0, 0.0),
    ]
    assert found["total_bias"].to_list()[:3] == [pytest.approx(43 / 44 - 1), 0.0, 0.0]
    assert found["few"].all()
    assert figures(found) == {}  # coverage of one vehicle is chance
    assert "| class suv | 2 | 1 (few) | 50.0% | 0.500 | 1.000 | +0.0% |" in markdown(found)


def test_a_total_of_nothing_has_no_bias_and_absent_columns_no_groups():
    found = by_group(HOLDOUT.drop("class", "otb_days").with_columns(y=pl.lit(0.0)), 28)
    assert found["total_bias"].to_list() == [None]
    assert found["group"].to_list() == ["all"]


def test_groups_of_a_run_add_up_to_its_figures(tmp_path):
    write(tmp_path, frame(vehicles=36))
    data = training_rows.read(settings.load(data_dir=str(tmp_path)))
    result = backtest(data, Recipe.of(data, "knn", {"neighbours": 5, "dimensions": 4}, seed=1))
    scores = measure(data, result, "KNN")
    groups = scores.groups
    for group in ("class", "on_the_books"):
        part = groups.filter(pl.col("group") == group)
        assert part["rows"].sum() == len(result.holdout)
        for column, name in (("coverage", "interval_coverage"), ("crps", "crps"), ("mae", "mae")):
            mean = np.average(part[column].to_numpy(), weights=part["rows"].to_numpy())
            assert mean == pytest.approx(scores.figures[name])
    told = groups.filter(pl.col("group") != "all", ~pl.col("few"))["coverage"]
    assert (scores.figures["group_coverage_min"], scores.figures["group_coverage_max"]) == (
        told.min(), told.max()
    )  # fmt: skip
    assert set(groups.filter(pl.col("group") == "class")["name"]) == {"suv", "car", "unknown"}
