"""How good a version is, comparable across hold-outs: its error as a share of the best baseline's there."""

from __future__ import annotations

import math

from turo.registry.client import Version


def share(version: Version) -> float:
    """Error of the version divided by that of the best baseline on the same hold-out; infinite if unknown.

    Hold-outs of different seasons are not equally hard, so that the errors themselves cannot be compared.
    Where there are dates it is the error of medians, for means as well: one that answers means has both.
    """
    metric = version.tags.get("turo.metric", "mae")
    keys = ("median_mae", "baseline_best_mae")
    if not all(key in version.metrics for key in keys):
        keys = (metric, f"baseline_best_{metric}")
    value, baseline = (version.metrics.get(key, math.nan) for key in keys)
    known = math.isfinite(value) and math.isfinite(baseline) and baseline > 0
    return value / baseline if known else math.inf
