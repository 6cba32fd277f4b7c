"""MLflow's command line, whose server is one process less: `python -m turo.mlflow_container.server server …`.

MLflow starts Gunicorn and waits for it, in a process that holds 200 MiB for nothing. This one becomes it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NoReturn
from unittest.mock import patch


def become(command: list[str], *, extra_env: Mapping[str, str], **_: Any) -> NoReturn:
    """Run the command in this process. Takes what MLflow's own way of starting it does."""
    os.execvpe(command[0], command, {**os.environ, **extra_env})  # noqa: S606 - MLflow's own command line


def main() -> None:
    """MLflow's command line.

    Raises:
        AttributeError: MLflow starts its server in another way than the one this was written for.
    """
    from mlflow import cli, server

    with patch.object(server, "_exec_cmd", become):
        cli.cli()


if __name__ == "__main__":
    main()
