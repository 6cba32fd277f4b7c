"""The two reasons that move a vehicle's number most, from what the champion's features add to it.

XGBoost and CatBoost tell that themselves; of the other models it is sampled (`sampled_effects`).

An effect is what a topic adds to, or takes from, what the model expects of an average row that it learnt
from. The books count with it: a model forecasts what comes on top of them, so a vehicle with less on the
books than usual is expected to end lower by as much, but for what the model's own term says comes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from turo.forecast.champions import Forecasts
from turo.forecast.draws.window import Window
from turo.forecast.horizon_tables import HorizonTable
from turo.forecast.report import sampled_effects
from turo.forecast.report.reason_words import (
    MONEY,
    Topic,
    in_unit_of,
    sentence,
    topic_of,
    without_classes,
)
from turo.html.numbers import signed
from turo.models.encoding import Columns, encode
from turo.models.explanation import explain, explains, owners
from turo.models.forecaster import Forecaster
from turo.table.model_columns import arrays
from turo.table.names import IN_TRAINING
from turo.table.targets import REVENUE, TARGET

COLUMNS = ("reason_1", "reason_2")
PAST_ROWS, SEED = 2000, 0  # enough of the past for an average


class Comparison(NamedTuple):
    """What a vehicle's row is compared with: the rows that models learn from.

    Attributes:
        usual: mean of each number that the forecaster uses; NaN without rows.
        background: some of the rows, where effects are sampled.
    """

    usual: Mapping[str, float]
    background: Columns


def compared_with(table: HorizonTable, forecaster: Forecasts) -> Comparison:
    """Read it once; empty for a baseline, which has no reasons."""
    if not isinstance(forecaster, Forecaster):
        return Comparison({}, {})
    sampled = not explains(forecaster)
    features = [field.name for field in forecaster.fields]
    numbers = [field.name for field in forecaster.fields if field.kind == "number"]
    numbers += [forecaster.offset] if forecaster.offset and forecaster.offset not in numbers else []
    names = list(dict.fromkeys([*(features if sampled else ()), *numbers]))
    past = table.prepared.frame([*names, IN_TRAINING], pl.col(IN_TRAINING) == 1)
    means = past.select(pl.col(numbers).cast(pl.Float64).fill_nan(None).mean()).row(0, named=True)
    usual = {name: float("nan") if mean is None else float(mean) for name, mean in means.items()}
    if not sampled:
        return Comparison(usual, {})
    return Comparison(usual, arrays(past.sample(min(PAST_ROWS, len(past)), seed=SEED), features))


def reasons(window: Window) -> list[pl.Series]:
    """COLUMNS (rows,); null of a baseline, or where nothing moves a number enough to be seen."""
    model = window.champion.forecaster
    found = effects(model, window) if isinstance(model, Forecaster) and len(window.rows) else {}
    digits, unit = (0, MONEY) if model.target == REVENUE else (1, TARGET[model.target].unit)
    least = 0.5 * 10.0**-digits  # what is told as 0 is no reason
    told: list[list[str | None]] = []
    for row in range(len(window.rows)):
        order = sorted(found, key=lambda topic: -abs(found[topic][row]))[: len(COLUMNS)]
        seen = [
            f"{signed(effect, digits)} {unit}: {_said(topic, effect, row, window)}"
            for topic, effect in ((topic, float(found[topic][row])) for topic in order)
            if abs(effect) > least
        ]
        told.append([*seen, None, None][: len(COLUMNS)])
    return [
        pl.Series(name, [texts[place] for texts in told], dtype=pl.String)
        for place, name in enumerate(COLUMNS)
    ]


def effects(model: Forecaster, window: Window) -> dict[Topic, np.ndarray]:
    """What each topic adds (rows,), in units of the target, to the level of an average row.

    Empty where the model cannot tell and no rows of the past are known to sample from.
    """
    summed: dict[Topic, np.ndarray] = {}
    if explains(model):
        found = explain(model, window.features)
        for field in model.fields:
            topic = topic_of(field.name)
            summed[topic] = summed.get(topic, 0.0) + found.contributions[field.name]
    elif len(next(iter(window.background.values()), ())):
        summed = _sampled(model, window)
    else:
        return {}
    if model.offset is not None:
        books, topic = model.books(window.features), topic_of(model.offset)
        average = window.usual.get(model.offset, float("nan"))
        apart = books - (average if np.isfinite(average) else float(books.mean()))
        summed[topic] = summed.get(topic, 0.0) + apart
    return summed


def _sampled(model: Forecaster, window: Window) -> dict[Topic, np.ndarray]:
    columns: dict[Topic, list[int]] = {}
    for column, owner in enumerate(owners(model.fields)):
        columns.setdefault(topic_of(model.fields[owner].name), []).append(column)
    X, past = (encode(model.fields, known) for known in (window.features, window.background))
    start, topics = sampled_effects.average(past), [np.array(own) for own in columns.values()]
    added = sampled_effects.effects(model.model.predict, X, start, topics)
    return dict(zip(columns, added, strict=True))


def _said(topic: Topic, effect: float, row: int, window: Window) -> str:
    model, offset = window.champion.forecaster, getattr(window.champion.forecaster, "offset", None)
    asked = {offset, *(field.name for field in model.fields)}
    name = offset if offset in topic.features else next(name for name in topic.features if name in asked)
    value: Any = window.features[name][row]
    known = "not known" if value is None else value
    told = in_unit_of(topic if window.classes else without_classes(topic), name)
    return sentence(told, effect, known, window.usual.get(name, float("nan")))
