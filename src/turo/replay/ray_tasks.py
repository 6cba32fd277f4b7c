"""The work on Ray: a task for each refit and each Monday. Only the rows of a Monday come back."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from turo.errors import ServiceError, TuroError
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


def rows(mondays: Iterator[PastMonday], plan: Plan) -> Iterator[pl.DataFrame | Fitted]:
    """The rows of each Monday in order; before them what their trainings came to.

    Tasks reserve no processors, which replicas of the models may hold for ever: only as many are sent at once
    as the cluster has processors. Models stay in the object store until their last Monday is done.
    """
    import ray

    atonce = max(2, int(ray.cluster_resources().get("CPU", 2)))
    running = deque[Any]()
    try:
        for ref in _started(mondays, plan):
            running.append(ref)
            if len(running) >= atonce:
                yield ray.get(running.popleft())
        while running:
            yield ray.get(running.popleft())
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, TuroError):
            raise error.cause from error
        raise
    except ray.exceptions.RayError as error:
        raise ServiceError(
            f"A Ray task of the replay was lost: {error}.", "See the log of Ray; then run again."
        ) from error


def _started(mondays: Iterator[PastMonday], plan: Plan) -> Iterator[Any]:
    """Start a task each time one is asked for.

    The next trainings come before the Mondays that the last ones serve, so that no processor waits for them.
    """
    import ray

    task: Any = ray.remote(num_cpus=0, scheduling_strategy="SPREAD")
    fit, one = task(_fitted).options(num_returns=2), task(_replayed)
    block, fits = list[PastMonday](), list[Any]()
    while True:
        following, next_fits = _block(mondays, plan.retrain_weeks), list[Any]()
        for horizon in reversed(plan.horizons) if following else ():
            told, model = fit.remote(following[0], horizon, plan.method)
            next_fits.append(model)
            yield told
        for monday in block:
            yield one.remote(monday, plan, *fits)
        block, fits = following, next_fits
        if not block:
            return


def _block(mondays: Iterator[PastMonday], size: int) -> list[PastMonday]:
    return [monday for _, monday in zip(range(size), mondays, strict=False)]


def _fitted(monday: PastMonday, horizon: int, method: Method) -> tuple[Fitted, Refit]:
    found = refit(monday, horizon, method)
    return Fitted(horizon, monday.day.isoformat(), found.refused), found


def _replayed(monday: PastMonday, plan: Plan, *fits: Refit) -> pl.DataFrame:
    return replayed(monday, fits, plan.main, plan.method.priced_books)
