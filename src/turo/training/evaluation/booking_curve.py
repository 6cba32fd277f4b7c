"""Pickup as hotels forecast it: what is on the books for a window, and what usually comes to it by then.

How early a window is looked at is its horizon, so a table has one lead; what is usual is learnt by class and
season (`cells`), and for each vehicle from how far its own windows of the past were above those of its like.

| baseline | says |
|---|---|
| additive | books + usual pickup of the cell for each free day of the window |
| multiplicative | books / share usually booked by now, and the usual total, each as far as it held so far |
| survival | books, each reservation by the chance that it is kept, + what the cell usually has beyond that |
"""

from __future__ import annotations

import numpy as np

from turo.models.encoding import Columns
from turo.table.targets import BOOKED_DAYS, KEPT, TARGET, on_the_books
from turo.training.evaluation.cells import Cells, Pair, slopes

LEAST_SHARE = 0.05  # of a window usually booked by now: less says nothing of the rest
MOST = 2.0  # times the fullest window ever: books / share beyond it are an accident of a small share
HALF = 0.5  # what books / share counts for until the past tells
OWN_PICKUP = "past_pickup"


def booking_curves(
    target: str, horizon_days: int, train: Columns, y: np.ndarray, test: Columns
) -> dict[str, np.ndarray]:
    """Forecasts (test rows,) by name, not yet bounded; NaN where the books are unknown."""
    name = on_the_books(target, test)
    if name not in test or name not in train:
        unknown = np.full(len(next(iter(test.values()))), np.nan)
        return dict.fromkeys(("curve_additive", "curve_multiplicative", "curve_survival"), unknown)
    known = np.isfinite(train[name]) & np.isfinite(y)
    train, y = {column: values[known] for column, values in train.items()}, y[known]
    books = train[name], test[name]
    cells = Cells.of(horizon_days, train, test)
    kept = TARGET[target].on_books + KEPT
    stay = (train[kept], test[kept]) if kept in train and kept in test else books
    own = _above_its_like(OWN_PICKUP, train, test, cells)
    full = np.ones(len(y)), np.ones(len(books[1]))
    return {
        "curve_additive": _additive(books, _room(horizon_days, train, test), own, y, cells),
        "curve_multiplicative": _multiplicative(books, _own_totals(target, train, test, cells), y, cells),
        "curve_survival": _additive(stay, full, own, y, cells),
    }


def _additive(books: Pair, room: Pair, own: Pair, y: np.ndarray, cells: Cells) -> np.ndarray:
    """A vehicle that is nearly full can pick little up, so pickup goes with the room that is left."""
    most = float(y.max(initial=0.0))  # no window ever picked up more, even where hardly any had room
    before, now = (np.clip(rate, -most, most) for rate in cells.mean(y - books[0], room[0]))
    lever = own[0] * room[0], own[1] * room[1]
    (slope,) = slopes([lever], y - books[0] - before * room[0], cells, (0.0,))
    return np.asarray(books[1] + now * room[1] + slope * lever[1])


def _multiplicative(books: Pair, own: list[Pair], y: np.ndarray, cells: Cells) -> np.ndarray:
    """Nothing on the books would forecast nothing, a few days a multiple: the usual total holds both back."""
    shares, usual = cells.mean(books[0], y, nothing=1.0), cells.mean(y)
    most = MOST * float(y.max(initial=0.0))
    grown = [
        np.minimum(book / np.maximum(share, LEAST_SHARE), np.maximum(most, book)) - level
        for book, share, level in zip(books, shares, usual, strict=True)
    ]
    trust, *others = slopes([(grown[0], grown[1]), *own], y - usual[0], cells, (HALF, *(0.0 for _ in own)))
    above = sum(slope * lever[1] for slope, lever in zip(others, own, strict=True))
    return np.asarray(usual[1] + np.clip(trust, 0.0, 1.0) * grown[1] + above)


def _room(horizon_days: int, train: Columns, test: Columns) -> Pair:
    """The share of the window without a booking, 1 where that is not known."""

    def free(columns: Columns) -> np.ndarray:
        name = on_the_books(BOOKED_DAYS, columns)
        if name not in columns:
            return np.ones(len(next(iter(columns.values()))))
        return np.asarray(1 - np.clip(np.nan_to_num(columns[name]) / horizon_days, 0.0, 1.0))

    return free(train), free(test)


def _own_totals(target: str, train: Columns, test: Columns, cells: Cells) -> list[Pair]:
    """What the vehicle's own windows came to, above its like: the last four, 28 days, last year's."""
    names = ("lag_mean", TARGET[target].recent, TARGET[target].last_year)
    return [_above_its_like(name, train, test, cells) for name in names]


def _above_its_like(name: str, train: Columns, test: Columns, cells: Cells) -> Pair:
    """How far a column is above the mean of its cell; 0 where it is not known."""
    if name not in train or name not in test:
        return np.zeros(len(cells.bins[0])), np.zeros(len(cells.bins[1]))
    usual = cells.mean(train[name])
    before, now = (np.nan_to_num(a[name] - b) for a, b in zip((train, test), usual, strict=True))
    return before, now
