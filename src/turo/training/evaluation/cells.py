"""Means by vehicle class and season, small cells shrunk towards larger ones.

A mean of n windows counts n / (n + K), the mean of the larger cell K / (n + K): class and season lean on all
rows, a class in its season on both. Windows that overlap count as one: weekly origins of 28 days as a quarter
each. What a cell has no rows of, or a table no column for, is the mean of the larger cell.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from turo.models.encoding import Columns

K = 25.0  # windows that do not overlap
WEEKS = 52  # bins of the year
REACH = 1 / 6  # of a year: rows this far from a day of the year no longer count for it, nearer ones less
Pair = tuple[np.ndarray, np.ndarray]  # of the training rows, of the rows to forecast


@dataclass(frozen=True)
class Cells:
    """The cell of each row: number of its class (-1 unknown) and bin of the middle of its window in the year.

    Attributes:
        seasons: False where the table has no season.
        overlap: how many windows of the table cover one day.
    """

    classes: Pair
    bins: Pair
    count: int
    seasons: bool
    overlap: float

    @classmethod
    def of(cls, horizon_days: int, train: Columns, test: Columns) -> Cells:
        """The cells of training rows and of rows to forecast; the former say what classes there are."""
        both = (train, test)
        named = train["class"].tolist() if all("class" in columns for columns in both) else []
        number = {name: n for n, name in enumerate(dict.fromkeys(name for name in named if name is not None))}
        return cls(
            classes=_pair(_numbers(columns, number) for columns in both),
            bins=_pair(_bins(columns) for columns in both),
            count=len(number),
            seasons=all(_season(columns) for columns in both),
            overlap=max(horizon_days / 7, 1.0),
        )

    def mean(self, amount: np.ndarray, weight: np.ndarray | None = None, nothing: float = 0.0) -> Pair:
        """The shrunk mean of a row's cell: sum of `amount` / sum of `weight` of its training rows.

        Args:
            amount, weight: of the training rows; those whose amount is NaN do not count.
            nothing: the answer where no row counts.
        """
        counted = np.isfinite(amount)
        each = np.where(counted, 1.0 if weight is None else np.maximum(weight, 0.0), 0.0)
        shape = (self.count + 1, WEEKS)  # the last line is of rows without a class
        place = (self.classes[0] % shape[0]) * WEEKS + self.bins[0]
        total, size = (
            np.bincount(place, values, shape[0] * WEEKS).reshape(shape)
            for values in (np.where(counted, amount, 0.0), each)
        )
        everything = size.sum()
        overall = total.sum() / everything if everything > 0 else nothing
        k = K * self.overlap * (everything / counted.sum() if everything > 0 else 1.0)

        def shrunk(part: np.ndarray, of: np.ndarray, larger: np.ndarray | float) -> np.ndarray:
            return np.asarray((part + k * larger) / (of + k))

        by_class = shrunk(total.sum(axis=1), size.sum(axis=1), overall)[:, None]
        by_class[-1] = overall  # rows without a class are no class
        if not self.seasons:
            table = np.repeat(by_class, WEEKS, axis=1)
        else:
            near = _near()
            season = shrunk(total.sum(axis=0) @ near, size.sum(axis=0) @ near, overall)[None, :]
            table = shrunk(total @ near, size @ near, by_class + season - overall)
            table[-1] = season
        return table[self.classes[0], self.bins[0]], table[self.classes[1], self.bins[1]]


def slopes(levers: list[Pair], rest: np.ndarray, cells: Cells, usual: tuple[float, ...]) -> np.ndarray:
    """By how much each lever moves what is left unexplained, leaning on the `usual` as cells do.

    Args:
        levers: each a deviation from what is usual, (train rows, test rows), without NaN.
        rest: of the training rows, what they should explain.
    """
    A = np.stack([lever[0] for lever in levers], axis=1)
    held = np.diag(K * (A**2).mean(axis=0)) if len(A) else np.eye(len(levers))
    found, *_ = np.linalg.lstsq(
        A.T @ A / cells.overlap + held, A.T @ rest / cells.overlap + held @ np.array(usual), rcond=None
    )
    return found


def _pair(found: Iterable[np.ndarray]) -> Pair:
    before, now = found
    return before, now


def _rows(columns: Columns) -> int:
    return len(next(iter(columns.values())))


def _numbers(columns: Columns, number: dict[str | None, int]) -> np.ndarray:
    names: list[str | None] = columns["class"].tolist() if number else [None] * _rows(columns)
    return np.array([number.get(name, -1) for name in names], dtype=np.int64)


def _season(columns: Columns) -> str:
    """Prefix of the two columns that tell the middle of the window; empty where there are none."""
    return next((name for name in ("week", "month") if {f"{name}_sin", f"{name}_cos"} <= set(columns)), "")


def _bins(columns: Columns) -> np.ndarray:
    name = _season(columns)
    if not name:
        return np.zeros(_rows(columns), dtype=np.int64)
    turn = np.arctan2(columns[f"{name}_sin"], columns[f"{name}_cos"]) / (2 * np.pi) % 1.0
    return np.minimum((turn * WEEKS).astype(np.int64), WEEKS - 1)


def _near() -> np.ndarray:
    """(WEEKS, WEEKS): how much a row of one week counts for another; 1 for its own, 0 beyond REACH."""
    apart = np.abs(np.arange(WEEKS)[:, None] - np.arange(WEEKS)) / WEEKS
    return np.maximum(1 - np.minimum(apart, 1 - apart) / REACH, 0.0)
