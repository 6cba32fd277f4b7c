"""A forecaster of any kind, fitted in well under a second on made-up rows: for tests of what uses one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from turo.models.distribution import Distribution, design
from turo.models.encoding import Columns, describe, encode
from turo.models.estimators.ensemble import Member
from turo.models.forecaster import Forecaster
from turo.models.interval import Interval
from turo.models.kinds import regressor

HORIZON = 28
SMALL: dict[str, dict[str, Any]] = {
    "xgboost": {"rounds": 12, "max_depth": 3},
    "catboost": {"iterations": 12, "depth": 3},
    "svr": {"components": 20},
    "knn": {"neighbours": 5, "dimensions": 4},
}


def equal_shares(params: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Parameters of an ensemble of these kinds, each with the same weight."""
    return {"members": {kind: Member(kind, 1 / len(params), own) for kind, own in params.items()}}


SMALL["ensemble"] = equal_shares(SMALL)


def tiny_columns(rows: int = 400, seed: int = 1) -> dict[str, np.ndarray]:
    """Features with gaps: six numbers and two categories; `otb_days` has none."""
    generator = np.random.default_rng(seed)
    columns: dict[str, np.ndarray] = {"otb_days": generator.uniform(0, 20, rows).round(3)}
    for name in ("hist_days_28", "lag_1", "lag_52w", "pickup_7", "fleet_util_28"):
        values = generator.uniform(0, 28, rows).round(3)
        values[generator.random(rows) < 0.1] = np.nan
        columns[name] = values
    for name, known in (("class", ["suv", "sedan", "truck", None]), ("make", ["Kia", "Jeep", None])):
        columns[name] = generator.choice(np.array(known, dtype=object), rows)
    return columns


def tiny_target(columns: Columns, seed: int = 2) -> np.ndarray:
    """Booked days that depend on the features, with noise, in 0..28."""
    noise = np.random.default_rng(seed).normal(0, 1.5, len(columns["otb_days"]))
    season = 0.2 * np.nan_to_num(columns["lag_52w"]) + 2.0 * (columns["class"] == "suv")
    return np.clip(columns["otb_days"] + season + noise, 0, HORIZON)


def tiny_forecaster(kind: str = "xgboost", rows: int = 400) -> Forecaster:
    """Fitted on the columns above; features: otb_days, five numbers with gaps, class, make."""
    columns = tiny_columns(rows)
    y = tiny_target(columns)
    fields = describe(columns, ("class", "make"))
    remainder = y - columns["otb_days"]
    model = regressor(kind)(seed=3, **SMALL[kind]).fit(encode(fields, columns), remainder)
    X, books = encode(fields, columns), columns["otb_days"]
    level = np.clip(books + model.predict(X), 0, HORIZON)
    return Forecaster(
        kind=kind,
        target="y_booked_days",
        horizon_days=HORIZON,
        profile="canonical",
        fields=fields,
        model=model,
        distribution=Distribution.fit(design(X, level, books), books, y),
        offset="otb_days",
        minimum=0.0,
        maximum=float(HORIZON),
        metadata={"name": f"Tiny {kind}"},
    )


def as_saved_earlier(model: Forecaster) -> Forecaster:
    """The same with offsets in place of a distribution, as releases before it saved models."""
    one_day = Interval(np.empty(0), np.array([-1.0]), np.array([1.0]))
    return replace(model, distribution=None, interval_offsets=one_day)
