"""What a command tells whoever follows it."""

from __future__ import annotations

import json
from typing import Any

import typer

from turo.cluster.job_log import RESULT_MARK


def report(result: Any) -> None:
    """Print the result as the last line."""
    typer.echo(f"{RESULT_MARK}{json.dumps(result, default=str)}")
