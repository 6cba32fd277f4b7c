"""CatBoost's symmetric trees laid out flat: one row is answered by a handful of numpy calls.

As in `flat_trees` the result has the same bits as CatBoost's own prediction, which takes a dozen times as
long for one row. That is checked when it is built; where it does not hold, CatBoost answers.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from turo.models.estimators.flat_trees import sample_rows

MISSING = {"AsIs": -np.inf, "AsFalse": -np.inf, "AsTrue": np.inf}  # what a missing value is compared as


@dataclass(frozen=True)
class FlatSymmetric:
    """All splits of all trees; those of one tree, one a level, answer with the bits of the leaf's number.

    Attributes:
        feature, border: of all questions, tree after tree, each padded to the same depth.
        places: worth of each bit; starts: where a tree's leaves begin in `leaves`.
        missing: what a missing value of each column is compared as, minus or plus infinity.
    """

    feature: np.ndarray
    border: np.ndarray
    places: np.ndarray
    starts: np.ndarray
    leaves: np.ndarray
    missing: np.ndarray
    scale: float
    bias: float

    @classmethod
    def of(cls, model: Any) -> FlatSymmetric | None:
        """From a fitted regressor; None where its trees are of an unknown kind, or the bits differ."""
        with tempfile.TemporaryDirectory() as folder:
            model.save_model(f"{folder}/model.json", format="json")
            document = json.loads((Path(folder) / "model.json").read_text())
        trees, info = document.get("oblivious_trees") or [], document["features_info"]
        for tree in trees:
            tree["splits"] = tree["splits"] or []  # null where no feature was worth a question
        questions = [split for tree in trees for split in tree["splits"]]
        if not questions or any(split["split_type"] != "FloatFeature" for split in questions):
            return None
        flat = _lay_out(trees, info["float_features"], document["scale_and_bias"])
        rows = sample_rows(len(flat.missing)).astype(np.float64)
        wanted = model.predict(rows, thread_count=1)
        same = all(flat.predict(row) == value for row, value in zip(rows, wanted, strict=True))
        return flat if same else None

    def predict(self, row: np.ndarray) -> float:
        """The prediction for one row (columns,), NaN = missing."""
        with np.errstate(over="ignore"):
            values = np.where(np.isnan(row), self.missing, row).astype(np.float32)
        answers = (values.take(self.feature) > self.border).reshape(len(self.starts), -1)
        leaves = self.leaves.take(answers @ self.places + self.starts)
        return float(np.add.accumulate(leaves)[-1] * self.scale + self.bias)


def _lay_out(
    trees: list[dict[str, Any]], features: list[dict[str, Any]], scale_and_bias: list[Any]
) -> FlatSymmetric:
    depth = max(len(tree["splits"]) for tree in trees)
    columns = {feature["feature_index"]: feature["flat_feature_index"] for feature in features}
    missing = np.empty(max(columns.values()) + 1)
    for feature in features:
        missing[feature["flat_feature_index"]] = MISSING[feature["nan_value_treatment"]]
    asked, border = np.zeros((len(trees), depth), dtype=np.intp), np.full((len(trees), depth), np.inf)
    leaves = np.zeros((len(trees), 2**depth))
    for number, tree in enumerate(trees):
        for level, split in enumerate(tree["splits"]):
            asked[number, level] = columns[split["float_feature_index"]]
            border[number, level] = split["border"]
        leaves[number, : len(tree["leaf_values"])] = tree["leaf_values"]
    scale, (bias,) = scale_and_bias
    return FlatSymmetric(
        feature=asked.ravel(),
        border=border.ravel().astype(np.float32),
        places=1 << np.arange(depth),
        starts=np.arange(len(trees)) * 2**depth,
        leaves=leaves.ravel(),
        missing=missing,
        scale=float(scale),
        bias=float(bias),
    )
