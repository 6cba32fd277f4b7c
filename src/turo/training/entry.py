"""What each `train.py` of an MLflow project calls: its command line, and the training that follows."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from turo.training.artifacts import LIBRARIES
from turo.training.project import Options, Project, Value
from turo.training.run import run


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

    if "skops" in LIBRARIES.get(project.kind, ()):
        # It looks each function of NumPy and SciPy up in every module loaded so far: after MLflow that takes
        # three seconds.
        import skops.io  # noqa: F401
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
