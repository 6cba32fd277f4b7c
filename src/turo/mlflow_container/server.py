"""MLflow's command line, whose server is one process less: `python -m turo.mlflow_container.server server …`.

MLflow starts Gunicorn and waits for it, in a process that holds 200 MiB for nothing. This one becomes it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from unittest.mock import patch


def become(
    command: list[str], *, extra_env: Mapping[str, str], capture_output: bool, synchronous: bool
) -> None:
    """Run the command in this process. Takes what MLflow's own way of starting its server does.

    Raises:
        ValueError: it is another command than Gunicorn's, or one whose end MLflow waits for.
    """
    if synchronous or capture_output or "gunicorn" not in command:
        raise ValueError(
            f"MLflow starts {command} by what this module takes for its server's start: amend it."
        )
    os.environ.update(extra_env)
    os.execvp(command[0], command)  # noqa: S606 - MLflow's own command line


def main() -> None:
    """MLflow's command line.

    Raises:
        AttributeError: MLflow has nothing of that name to start its server by any more.
    """
    from mlflow import cli, server

    with patch.object(server, "_exec_cmd", become):
        cli.cli()


if __name__ == "__main__":
    main()
