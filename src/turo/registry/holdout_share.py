"""How good a version is, comparable across hold-outs: its error as a share of the best baseline's there."""

from __future__ import annotations

import math

from turo.registry.client import Version

# Earlier releases measured these only, and shares of more baselines do not compare with shares of fewer.
IN_EVERY_RELEASE = ("last_28_days", "last_year", "on_the_books", "books_and_pickup", "class_mean")


def share(version: Version) -> float:
    """Error of the version divided by that of a baseline on the same hold-out; infinite if unknown.

    That of the best of the baselines that each release has measured; without dates, of the best of all.

    Hold-outs of different seasons are not equally hard, so that the errors themselves cannot be compared.
    Where there are dates it is the error of medians, for means as well: one that answers means has both.
    """
    metric = version.tags.get("turo.metric", "mae")
    plain = [version.metrics.get(f"baseline_{name}_mae", math.nan) for name in IN_EVERY_RELEASE]
    known = [error for error in plain if math.isfinite(error)]
    value = version.metrics.get("median_mae", version.metrics.get("mae", math.nan))
    baseline = min(known, default=math.nan)
    if not known:
        value, baseline = (version.metrics.get(key, math.nan) for key in (metric, f"baseline_best_{metric}"))
    comparable = math.isfinite(value) and math.isfinite(baseline) and baseline > 0
    return value / baseline if comparable else math.inf
