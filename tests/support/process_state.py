"""What a test may have changed for every later test of its process, and what puts it back."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Pytest's own, and what libraries note there for good when they are first imported or used.
NOTED = (
    "PYTEST_",
    "KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK",  # scikit-learn
    "_RJEM_MALLOC_CONF",  # polars
    "RAY_CLIENT_MODE",
    "_AIRFLOW_PROCESS_CONTEXT",  # initialised once for all tests that run DAGs
    "MPLCONFIGDIR",  # matplotlib, where there is no home
    "PYARROW_IGNORE_TIMEZONE", "SPARK_LOCAL_IP",  # pandera
    "_MLFLOW_TELEMETRY_SESSION_ID",
)  # fmt: skip
# Where MLflow's library keeps its place for the whole process; None until it is loaded and told.
MLFLOW = (
    ("mlflow.tracking._tracking_service.utils", "_tracking_uri"),
    ("mlflow.tracking._model_registry.utils", "_registry_uri"),
    ("mlflow.tracking.fluent", "_active_experiment_id"),
)


@dataclass(frozen=True)
class ProcessState:
    """The state of one moment: variables of the environment, and the rest by the name a change is told by."""

    environment: dict[str, str]
    rest: dict[str, Any]

    @classmethod
    def now(cls) -> ProcessState:
        try:
            folder = str(Path.cwd())
        except FileNotFoundError:
            folder = "a folder that is gone"
        rest: dict[str, Any] = {
            "the working folder": folder,
            "tempfile.tempdir": tempfile.tempdir,
            "logging.root.manager.disable": logging.root.manager.disable,
        }
        rest |= {f"{module}.{name}": getattr(sys.modules.get(module), name, None) for module, name in MLFLOW}
        return cls({name: v for name, v in os.environ.items() if not name.startswith(NOTED)}, rest)

    def changes(self, later: ProcessState) -> list[str]:
        """What is other later, a line each. What a variable holds may be a secret, and is not told."""
        names = sorted(self.environment | later.environment)
        changed = [name for name in names if self.environment.get(name) != later.environment.get(name)]
        return [f"the variable {name}" for name in changed] + [
            f"{name}: {later.rest[name]!r}, before {before!r}"
            for name, before in self.rest.items()
            if before != later.rest[name]
        ]

    def put_back(self) -> None:
        """Make it as it was, so that no later test fails by the same change."""
        noted = {name: value for name, value in os.environ.items() if name.startswith(NOTED)}
        os.environ.clear()
        os.environ.update(self.environment | noted)
        os.chdir(self.rest["the working folder"])
        tempfile.tempdir = self.rest["tempfile.tempdir"]
        logging.disable(self.rest["logging.root.manager.disable"])
        for module, name in MLFLOW:
            if module in sys.modules:
                setattr(sys.modules[module], name, self.rest[f"{module}.{name}"])
