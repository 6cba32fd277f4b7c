"""Hold-out errors of a version beside its baselines, read from the metrics of its training run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from turo.training.evaluation.baselines import NAMES


def skill(metrics: Mapping[str, float]) -> dict[str, Any]:
    """`mae`, `baselines` (title → MAE, best first), `gain` over the best, `coverage` of the interval.

    And `bias`: the fleet's total against what came true, as a share of it.

    None, or empty, where the run did not measure it.
    """
    found = {title: metrics.get(f"baseline_{key}_mae") for key, title in NAMES.items()}
    known = {title: value for title, value in found.items() if value is not None}
    ranked = dict(sorted(known.items(), key=lambda pair: pair[1]))
    # Of the medians, which the report shows of single vehicles, whatever the model's route answers.
    mae, best = metrics.get("median_mae", metrics.get("mae")), min(ranked.values(), default=None)
    return {
        "mae": mae,
        "baselines": ranked,
        "gain": 1 - mae / best if mae is not None and best else None,
        "coverage": metrics.get("interval_coverage"),
        "bias": metrics.get("fleet_bias"),
    }
