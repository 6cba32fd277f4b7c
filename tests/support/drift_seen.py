"""What a measurement of drift says by its own limits, as Prometheus's rule reads them."""

from __future__ import annotations

from collections.abc import Iterable

from turo.monitoring.drift_measures import Drift


def has_moved(drift: Drift) -> bool:
    """Whether there is enough evidence that the feature has moved."""
    return drift.psi is not None and drift.limit is not None and drift.psi > drift.limit


def drifted(found: Iterable[Drift]) -> list[str]:
    """Features that have moved, in the order in which they were measured."""
    return [drift.feature for drift in found if has_moved(drift)]
