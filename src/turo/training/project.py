"""What an MLflow project says about its model, and the parameters every project takes besides."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

Value = int | float | str


@dataclass(frozen=True)
class Range:
    """Where the search may look for a number: whole if both ends are, on a logarithmic scale if wished."""

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
        search: where tuning may look, for some of these parameters.
    """

    kind: str
    summary: str
    params: Mapping[str, Value]
    search: Mapping[str, Range | Sequence[Value]] = field(default_factory=dict)


@dataclass(frozen=True)
class Options:
    """Parameters that every project takes.

    Attributes:
        target: y_booked_days, y_reservations, y_revenue, or auto for the profile's default.
        horizon_days: 0 takes the table's.
        seed: of everything random.
        tune_trials: 0 = no search.
        model_name: the name the run is for; empty = the kind.
        run_key: a repeated run with the same key and name reuses what the first one finished.
    """

    target: str = "auto"
    horizon_days: int = 0
    seed: int = 7
    tune_trials: int = 0
    model_name: str = ""
    run_key: str = ""


def parse(project: Project, arguments: Sequence[str] | None = None) -> tuple[dict[str, Value], Options]:
    """Parameters and options from the command line; types follow the defaults."""
    parser = argparse.ArgumentParser(description=project.summary)
    for name, default in project.params.items():
        parser.add_argument(f"--{name}", type=_parser_of(default), default=default)
    for option in fields(Options):
        parser.add_argument(f"--{option.name}", type=_parser_of(option.default), default=option.default)
    values = vars(parser.parse_args(arguments))
    options = Options(**{option.name: values.pop(option.name) for option in fields(Options)})
    return values, options


def main(project: Project, arguments: Sequence[str] | None = None) -> str:
    """What each `train.py` calls: train, and return the MLflow run id."""
    from turo import settings as settings_module
    from turo.registry.client import use_mlflow
    from turo.training.run import run

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    params, options = parse(project, arguments)
    settings = settings_module.load()
    use_mlflow(settings)
    return run(project, params, options, settings)


def _parser_of(default: Any) -> Any:
    # MLflow knows one type of number and passes 6 as "6" or "6.0".
    return _whole if isinstance(default, int) else type(default)


def _whole(text: str) -> int:
    number = float(text)
    if not number.is_integer():
        raise argparse.ArgumentTypeError(f"{text} is not a whole number")
    return int(number)
