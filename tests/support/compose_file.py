"""The compose files as Docker Compose itself reads them; no engine is needed, only the client."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def compose_config(*files: str, **variables: str) -> dict[str, Any]:
    """`docker compose config` of files, every profile, with these variables and none of this shell's own."""
    version = ["docker", "compose", "version"]
    if not shutil.which("docker") or subprocess.run(version, capture_output=True).returncode:
        pytest.skip("docker compose is not installed")
    done = subprocess.run(
        [
            "docker",
            "compose",
            "--env-file",
            "/dev/null",
            "--profile",
            "*",
            *(word for file in files for word in ("-f", file)),
            "config",
            "--format",
            "json",
        ],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")} | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))
