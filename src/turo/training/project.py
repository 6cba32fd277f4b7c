"""What an MLflow project says about its model, and the parameters every project takes besides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Value = int | float | str
MEMBERS_PARAM = "members"  # of an ensemble: the folders of its members' projects, by comma
AT_ONCE = 2  # projects that train at a time: more would only share the same two cores


@dataclass(frozen=True)
class Range:
    """Where the search may look for a number: whole if both ends are, on a logarithmic scale if `log`."""

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True)
class Project:
    """What is particular to one model.

    Attributes:
        kind: an estimator of `turo.models.kinds`.
        summary: one sentence for the model card.
        params: the estimator's parameters and their defaults; MLproject repeats them.
        search: where tuning may look, for some of these parameters; empty = there is nothing to tune.
        members_in: of an ensemble, the folder of its members' projects (see `turo.training.ensemble`).
    """

    kind: str
    summary: str
    params: Mapping[str, Value]
    search: Mapping[str, Range | Sequence[Value]] = field(default_factory=dict)
    members_in: Path | None = None


@dataclass(frozen=True)
class Options:
    """Parameters that every project takes.

    Attributes:
        target: y_booked_days, y_reservations, y_revenue, or auto for the profile's default.
        horizon_days: 0 takes the table's.
        functional: what predictions are, median or mean; auto: median where the table has dates.
        seed: of everything random.
        tune_trials: 0 = no search.
        model_name: the name the run is for; empty = the kind.
        run_key: a repeated run with the same key and name reuses what the first one finished.
    """

    target: str = "auto"
    horizon_days: int = 0
    functional: str = "auto"
    seed: int = 7
    tune_trials: int = 0
    model_name: str = ""
    run_key: str = ""
