"""The work on Ray: a task for each refit and each Monday. Only the rows of a Monday come back."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from turo.cluster import ray_errors
from turo.replay.one_monday import replayed
from turo.replay.past_mondays import PastMonday
from turo.replay.refit import Method, Refit, refit

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """What is made of the Mondays.

    Attributes:
        main: the horizon whose past stands for the others' in the draws.
        retrain_weeks: Mondays that one training serves.
    """

    horizons: Sequence[int]
    main: int
    retrain_weeks: int
    method: Method


@dataclass(frozen=True)
class Fitted:
    """What a training came to, without the model; `refused` is empty where there is one."""

    horizon_days: int
    day: str
    refused: str


@dataclass
class _Trainings:
    """The trainings of one horizon: `due` is the number of the Monday of the next one."""

    horizon: int
    due: int
    sent: tuple[Any, Any] | None = None  # what is told of the next one, and its model
    serving: Any = None  # the model of the last one that was not refused


def rows(
    at: Callable[[date], PastMonday], days: Sequence[date], firsts: Mapping[int, date], plan: Plan
) -> Iterator[pl.DataFrame | Fitted]:
    """The rows of each Monday in order; before them what their trainings came to.

    Tasks reserve no processors, which replicas of the models may hold for ever: only as many are sent at once
    as the cluster has processors, and the tables of a Monday are made when it is sent. Models stay in the
    object store until their last Monday is done.

    Args:
        at: a Monday with what was known then.
        firsts: by horizon the first Monday on which a model can be trained; those that have none are absent.
    """
    import ray

    atonce = max(2, int(ray.cluster_resources().get("CPU", 2)))
    running = deque[Any]()
    with ray_errors.named("the replay"):
        for ref in _started(at, days, firsts, plan):
            running.append(ref)
            if len(running) >= atonce:
                yield ray.get(running.popleft())
        while running:
            yield ray.get(running.popleft())


def _started(
    at: Callable[[date], PastMonday], days: Sequence[date], firsts: Mapping[int, date], plan: Plan
) -> Iterator[Any]:
    """Start a task each time one is asked for.

    The next trainings come before the Mondays that the last ones serve, so that no processor waits for them.
    Weeks are counted from each horizon's own first training. One that is refused is tried again on the next
    Monday: no Monday that a model can forecast is lost.
    """
    import ray

    task: Any = ray.remote(num_cpus=0, scheduling_strategy="SPREAD")
    fit, one = task(_fitted).options(num_returns=2), task(_replayed)
    longest_first = reversed([horizon for horizon in plan.horizons if horizon in firsts])
    trainings = [_Trainings(horizon, _place(days, firsts[horizon])) for horizon in longest_first]

    def following(number: int) -> Iterator[Any]:
        for each in trainings:
            if each.sent is None and each.due < min(number + plan.retrain_weeks + 1, len(days)):
                each.sent = tuple(fit.remote(at(days[each.due]), each.horizon, plan.method))
                yield each.sent[0]

    for number, day in enumerate(days):
        yield from following(number)
        for each in trainings:
            if each.sent is not None and each.due == number:
                (told, model), each.sent = each.sent, None
                refused = ray.get(told).refused
                each.serving = each.serving if refused else model
                each.due += 1 if refused else plan.retrain_weeks
        yield from following(number)
        models = [each.serving for each in trainings if each.serving is not None]
        yield one.remote(at(day), plan, *models)


def _place(days: Sequence[date], first: date) -> int:
    """The number of the first of these days that is not before another."""
    return sum(day < first for day in days)


def _fitted(monday: PastMonday, horizon: int, method: Method) -> tuple[Fitted, Refit]:
    found = refit(monday, horizon, method)
    return Fitted(horizon, monday.day.isoformat(), found.refused), found


def _replayed(monday: PastMonday, plan: Plan, *fits: Refit) -> pl.DataFrame:
    return replayed(monday, fits, plan.main, plan.method.priced_books)
