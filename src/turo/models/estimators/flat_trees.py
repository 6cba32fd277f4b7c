"""XGBoost's trees laid out flat, so that one row is answered by a few dozen numpy calls.

XGBoost's own prediction is the fastest for many rows; for one row it takes several times as long as this. All
trees are walked at once, level by level, and the leaves added in the same order and precision, so that the
result has the same bits. That is checked when it is built; where it does not hold, XGBoost answers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

FEW_ROWS = 4  # up to here row by row is faster than the libraries' own prediction
CHECKED_ROWS = 64


@dataclass(frozen=True)
class FlatTrees:
    """All nodes of all trees in one numbering, in which siblings follow each other.

    Attributes:
        feature: which of the doubled values a node compares: column, or column + columns where a missing
            value goes right.
        condition: NaN in a leaf: no comparison with it holds, so the walk stays.
        first: a node's left child, its right one is the next; a leaf's is itself.
        value: of a leaf.
    """

    feature: np.ndarray
    condition: np.ndarray
    first: np.ndarray
    value: np.ndarray
    roots: np.ndarray
    depth: int
    base: np.float32

    @classmethod
    def of(cls, booster: Any) -> FlatTrees | None:
        """From a fitted booster; None where its trees are of an unknown kind, or the bits differ."""
        model = json.loads(booster.save_raw("json"))["learner"]
        trees = model["gradient_booster"].get("model", {}).get("trees", [])
        parameters = model["learner_model_param"]
        columns, bases = int(parameters["num_feature"]), json.loads(parameters["base_score"])
        base = bases[0] if isinstance(bases, list) else bases
        if not trees or any(any(tree.get("split_type", ())) for tree in trees):
            return None
        flat = _lay_out(trees, columns, np.float32(base))
        rows = sample_rows(columns)
        wanted = booster.inplace_predict(rows)
        same = all(flat.predict(row) == value for row, value in zip(rows, wanted, strict=True))
        return flat if same else None

    def predict(self, row: np.ndarray) -> np.float32:
        """The prediction for one row (columns,) of float32, NaN = missing."""
        doubled = np.concatenate([row, row])
        missing = np.isnan(row)
        if missing.any():
            doubled[: len(row)][missing] = -np.inf
            doubled[len(row) :][missing] = np.inf
        nodes = self.roots
        for _ in range(self.depth):
            right = doubled.take(self.feature.take(nodes)) >= self.condition.take(nodes)
            nodes = self.first.take(nodes) + right
        leaves = self.value.take(nodes)
        leaves[0] += self.base
        return np.add.accumulate(leaves)[-1]


def sample_rows(columns: int) -> np.ndarray:
    """Rows (CHECKED_ROWS, columns) of float32 to compare two ways of predicting on; a third have gaps."""
    generator = np.random.default_rng(0)
    rows = generator.normal(0, 3, (CHECKED_ROWS, columns)) * 10.0 ** generator.integers(-2, 3, columns)
    rows[::3][generator.random(rows[::3].shape) < 0.2] = np.nan
    return rows.astype(np.float32)


def _lay_out(trees: list[dict[str, Any]], columns: int, base: np.float32) -> FlatTrees:
    """Number the nodes tree by tree, level by level."""
    nodes: list[tuple[int, float, int, float]] = []
    roots, deepest = [], 0
    for tree in trees:
        roots.append(len(nodes))
        level, depth = [0], 0
        free = len(nodes) + 1  # where the next pair of children goes
        while level:
            children: list[int] = []
            for node in level:
                left, number = tree["left_children"][node], tree["split_conditions"][node]
                if left == -1:
                    nodes.append((0, np.nan, len(nodes), number))
                    continue
                column = tree["split_indices"][node] + (0 if tree["default_left"][node] else columns)
                nodes.append((column, number, free, 0.0))
                children += [left, tree["right_children"][node]]
                free += 2
            depth += bool(children)
            level = children
        deepest = max(deepest, depth)
    feature, condition, first, value = zip(*nodes, strict=True)
    return FlatTrees(
        feature=np.array(feature, dtype=np.intp),
        condition=np.array(condition, dtype=np.float32),
        first=np.array(first, dtype=np.intp),
        value=np.array(value, dtype=np.float32),
        roots=np.array(roots, dtype=np.intp),
        depth=deepest,
        base=base,
    )
