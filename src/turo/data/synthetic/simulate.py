"""Many simulations of one vehicle's booking process, run in step: which requests find it free."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from turo.data.synthetic.demand import Requests
from turo.data.synthetic.vehicles import Floats, Ints

WORD = 64  # slots a word of the calendar holds
FAR = 1024.0  # days; more than any time in a simulation


@dataclass
class Run:
    """Requests of many simulations, flat: `sim` says which one each is of. Times count from the origin."""

    sim: Ints
    requests: Requests
    base: Floats  # base revenue of the trip
    standing: NDArray[np.bool_]  # on the books at the origin: accepted without asking

    def join(self, other: Run) -> Run:
        """Both sets of requests."""
        mine, theirs = vars(self.requests), vars(other.requests)
        return Run(
            np.concatenate([self.sim, other.sim]),
            Requests(**{name: np.concatenate([mine[name], theirs[name]]) for name in mine}),
            np.concatenate([self.base, other.base]),
            np.concatenate([self.standing, other.standing]),
        )


def play(run: Run, sims: int, slots: int) -> NDArray[np.bool_]:
    """Walk through requests and cancellations in order of time; True where a request is accepted.

    The k-th events of all simulations are handled at once, on calendars of one bit a slot.
    """
    masks = _masks(run.requests, -(-slots // WORD))
    standing = np.flatnonzero(run.standing)
    calendar = [np.zeros(sims, np.uint64) for _ in masks]
    for word, mask in zip(calendar, masks, strict=True):
        np.bitwise_or.at(word, run.sim[standing], mask[standing])
    accepted = run.standing.copy()
    item, frees, bounds = _steps(run)
    sim, mine = run.sim[item], [mask[item] for mask in masks]
    for begin, end in pairwise(bounds):
        who, what, free = sim[begin:end], item[begin:end], frees[begin:end]
        now = [word[who] for word in calendar]
        step = [mask[begin:end] for mask in mine]
        taken = np.bitwise_or.reduce([a & b for a, b in zip(now, step, strict=True)])
        fits = (taken == 0) & ~free
        clears = free & accepted[what]
        accepted[what[fits]] = True
        for word, old, mask in zip(calendar, now, step, strict=True):
            word[who] = np.where(fits, old | mask, np.where(clears, old & ~mask, old))
    return accepted


def _steps(run: Run) -> tuple[Ints, NDArray[np.bool_], Ints]:
    """Events in the order of play: the request each is about, whether it frees slots, where steps begin.

    The k-th events of all simulations are one step.
    """
    new = np.flatnonzero(~run.standing)
    cancels = np.flatnonzero(run.requests.cancelled < np.inf)
    item = np.concatenate([new, cancels])
    time = np.concatenate([run.requests.booked[new], run.requests.cancelled[cancels]])
    order = np.argsort(run.sim[item] * FAR + time)
    sim = run.sim[item[order]]
    rank = np.arange(len(sim)) - np.searchsorted(sim, sim)
    order = order[np.argsort(rank.astype(np.int16), kind="stable")]
    bounds = np.concatenate([[0], np.cumsum(np.bincount(rank))]) if len(rank) else np.zeros(1, np.int64)
    return item[order], order >= len(new), bounds


def _masks(asked: Requests, words: int) -> list[NDArray[np.uint64]]:
    """Bits of the slots a request covers, in `words` arrays of 64 each; what lies beyond is cut off."""
    masks = []
    for word in range(words):
        low = np.clip(asked.first_slot - word * WORD, 0, WORD)
        high = np.clip(asked.last_slot + 1 - word * WORD, 0, WORD)
        masks.append(_below(high) & ~_below(low))
    return masks


def _below(slot: Ints) -> NDArray[np.uint64]:
    """A word with the bits under `slot` set."""
    ones = np.uint64(0xFFFFFFFFFFFFFFFF)
    shift = (slot % WORD).astype(np.uint64)
    return np.where(slot == WORD, ones, (np.uint64(1) << shift) - np.uint64(1))
