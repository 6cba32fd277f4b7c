"""The two reasons that move a vehicle's number most, from the contributions of the champion's features.

An effect is what a topic adds to, or takes from, what the model expects of an average row that it learnt
from. The books count with it: a model forecasts what comes on top of them, so a vehicle with less on the
books than usual is expected to end lower by as much, but for what the model's own term says comes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from turo.forecast.champions import Forecasts
from turo.forecast.draws.window import Window
from turo.forecast.horizon_tables import HorizonTable
from turo.forecast.report.reason_words import Topic, in_unit_of, sentence, topic_of
from turo.html.numbers import signed
from turo.models.explanation import Explanation, explain, explains
from turo.models.forecaster import Forecaster
from turo.table.names import IN_TRAINING
from turo.table.targets import REVENUE, TARGET

COLUMNS = ("reason_1", "reason_2")
Usual = Mapping[str, float]


def usual(table: HorizonTable, forecaster: Forecasts) -> dict[str, float]:
    """Mean of each number that the forecaster uses over the rows that models learn from; NaN without rows.

    Empty where the forecaster cannot tell its contributions.
    """
    if not explains(forecaster):
        return {}
    offset = getattr(forecaster, "offset", None)
    numbers = [field.name for field in forecaster.fields if field.kind == "number"]
    names = list(dict.fromkeys([*numbers, *([offset] if offset else [])]))
    past = table.prepared.frame([*names, IN_TRAINING], pl.col(IN_TRAINING) == 1)
    return {
        name: float("nan") if mean is None else float(mean)
        for name, mean in past.select(pl.col(names).cast(pl.Float64).fill_nan(None).mean())
        .row(0, named=True)
        .items()
    }


def reasons(window: Window) -> list[pl.Series]:
    """COLUMNS (rows,); null where the champion cannot say, or nothing moves a number enough to be seen."""
    model, empty = window.champion.forecaster, [None] * len(window.rows)
    if not explains(model) or not isinstance(model, Forecaster) or not len(window.rows):
        return [pl.Series(name, empty, dtype=pl.String) for name in COLUMNS]
    found = effects(model, explain(model, window.features), window)
    digits, unit = (0 if model.target == REVENUE else 1), TARGET[model.target].unit
    least = 0.5 * 10.0**-digits  # what is told as 0 is no reason
    told = []
    for row in range(len(window.rows)):
        order = sorted(found, key=lambda topic: -abs(found[topic][row]))[: len(COLUMNS)]
        seen = [
            f"{signed(effect, digits)} {unit}: {_said(topic, effect, row, window)}"
            for topic, effect in ((topic, float(found[topic][row])) for topic in order)
            if abs(effect) > least
        ]
        told.append([*seen, None, None][: len(COLUMNS)])
    return [
        pl.Series(name, texts, dtype=pl.String)
        for name, texts in zip(COLUMNS, zip(*told, strict=True), strict=True)
    ]


def effects(model: Forecaster, found: Explanation, window: Window) -> dict[Topic, np.ndarray]:
    """What each topic adds (rows,), in units of the target, to the level of an average row."""
    summed: dict[Topic, np.ndarray] = {}
    for field in model.fields:
        topic = topic_of(field.name)
        summed[topic] = summed.get(topic, 0.0) + found.contributions[field.name]
    if model.offset is not None:
        books, topic = model.books(window.features), topic_of(model.offset)
        average = window.usual.get(model.offset, float("nan"))
        apart = books - (average if np.isfinite(average) else float(books.mean()))
        summed[topic] = summed.get(topic, 0.0) + apart
    return summed


def _said(topic: Topic, effect: float, row: int, window: Window) -> str:
    model, offset = window.champion.forecaster, getattr(window.champion.forecaster, "offset", None)
    asked = {offset, *(field.name for field in model.fields)}
    name = offset if offset in topic.features else next(name for name in topic.features if name in asked)
    value: Any = window.features[name][row]
    known = "not known" if value is None else value
    return sentence(in_unit_of(topic, name), effect, known, window.usual.get(name, float("nan")))
