"""Regression trees laid out flat: in which leaf of each tree a row ends, by a few dozen numpy calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

# To fit with: no comparison with a gap holds, so it goes left, as the least value does.
MISSING = np.float32(-1e30)


@dataclass(frozen=True)
class Forest:
    """All nodes of all trees in one numbering, in which siblings follow each other.

    Attributes:
        feature: the column a node compares; 0 in a leaf.
        condition: from this value on a row goes right; NaN in a leaf: no comparison holds, so the walk stays.
        first: a node's left child, its right one is the next; a leaf's is itself.
        leaf: number of a leaf among all leaves, -1 for any other node.
        roots: the first node of each tree.
        depth: steps of the longest walk.
    """

    feature: np.ndarray
    condition: np.ndarray
    first: np.ndarray
    leaf: np.ndarray
    roots: np.ndarray
    depth: int

    @classmethod
    def of(cls, trees: list[Any]) -> Self:
        """From fitted trees of scikit-learn (`tree_` of each)."""
        nodes: list[tuple[int, float, int, int]] = []
        roots, leaves = [], 0
        for tree in trees:
            roots.append(len(nodes))
            level, free = [0], len(nodes) + 1
            while level:
                children: list[int] = []
                for node in level:
                    left = int(tree.children_left[node])
                    if left == -1:
                        nodes.append((0, np.nan, len(nodes), leaves))
                        leaves += 1
                        continue
                    nodes.append((int(tree.feature[node]), _beyond(tree.threshold[node]), free, -1))
                    children += [left, int(tree.children_right[node])]
                    free += 2
                level = children
        feature, condition, first, leaf = zip(*nodes, strict=True)
        return cls(
            feature=np.array(feature, dtype=np.intp),
            condition=np.array(condition, dtype=np.float32),
            first=np.array(first, dtype=np.intp),
            leaf=np.array(leaf, dtype=np.intp),
            roots=np.array(roots, dtype=np.intp),
            depth=max(int(tree.max_depth) for tree in trees),
        )

    def leaves(self, X: np.ndarray) -> np.ndarray:
        """Numbers of the leaves (rows, trees) in which the rows of X (rows, columns) end; NaN = missing."""
        rows, columns = X.shape
        with np.errstate(over="ignore"):  # beyond single precision is beyond every split
            values = X.astype(np.float32).ravel()
        nodes, starts = self.roots, 0
        if rows != 1:
            nodes = np.broadcast_to(self.roots, (rows, len(self.roots)))
            starts = (np.arange(rows) * columns)[:, None]
        for _ in range(self.depth):
            right = values.take(self.feature.take(nodes) + starts) >= self.condition.take(nodes)
            nodes = self.first.take(nodes) + right
        return self.leaf.take(nodes).reshape(rows, len(self.roots))


def filled(X: np.ndarray) -> np.ndarray:
    """X as float32 with gaps filled, to grow trees on."""
    return np.where(np.isnan(X), MISSING, X).astype(np.float32)


def _beyond(threshold: float) -> float:
    """The least single-precision number above a threshold: scikit-learn goes left up to and with it."""
    near = np.float32(threshold)
    return float(near) if near > threshold else float(np.nextafter(near, np.float32(np.inf)))
