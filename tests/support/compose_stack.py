"""A running compose stack, as its user sees it: commands from outside, published ports, files on the host."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

REPOSITORY = Path(__file__).resolve().parents[2]
MODELS = ("XGBoost", "SVR", "CatBoost", "KNN")
HOST_USER = 12345  # owner of the checkout under test where the tests themselves run as root
# Times what is aimed at. How fast this machine is is told, not judged; but by then it must be done.
LATEST = 5
T = TypeVar("T")

# What the stack tests measured; printed at the end of the run.
figures: dict[str, str] = {}


def checkout(target: Path) -> Path:
    """Copy what git would hand to a stranger (tracked and new files, nothing ignored) to `target`."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in listed:
        source = REPOSITORY / name
        if source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    return target


def wait_for(what: str, probe: Callable[[], T | None], timeout: float, period: float = 1.0) -> T:
    """Poll `probe` until it returns something true; its last error or value is named when time is up."""
    deadline, last = time.monotonic() + timeout, "nothing yet"
    while time.monotonic() < deadline:
        try:
            if (result := probe()) is not None and result is not False:
                return result
            last = repr(result)
        except (httpx.HTTPError, KeyError, ValueError, AssertionError) as error:
            last = repr(error)
        time.sleep(period)
    raise AssertionError(f"{what}: not within {timeout:.0f} s; last seen: {last}")


@dataclass
class Stack:
    """One compose project in a folder of its own.

    Args:
        folder: checkout that holds the compose file.
        project: compose project name.
        environment: variables as a user would set them in `.env`.
        file: the compose file.
        overlays: compose files that change it.
        absent: services whose image cannot be had on this machine; started zero times.
    """

    folder: Path
    project: str
    environment: dict[str, str] = field(default_factory=dict)
    file: str = "docker-compose.yml"
    overlays: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    def variables(self) -> dict[str, str]:
        """The environment of a command in the project's folder: this one's without what would change it."""
        others = ("COMPOSE_", "AIRFLOW", "MLFLOW", "RAY_")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(others)}
        return clean | self.environment

    def compose(
        self, *arguments: str, check: bool = True, timeout: float = 1800
    ) -> subprocess.CompletedProcess[str]:
        """Run `docker compose` on this project; on failure the output is in the error."""
        files = [word for file in (self.file, *self.overlays) for word in ("-f", file)]
        command = ["docker", "compose", *files, "-p", self.project, *arguments]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.variables(),
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if check and done.returncode:
            raise AssertionError(
                f"{' '.join(command)} exited {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-8000:]}"
            )
        return done

    def up(self, *more: str, wait: bool = True) -> float:
        """Start everything that can be had; returns the seconds it took until all were healthy."""
        began = time.monotonic()
        scale = [part for name in self.absent for part in ("--scale", f"{name}=0")]
        if self.absent:  # Compose would ask a registry even for what is scaled to zero
            scale += ["--pull", "never"]
        self.compose("up", "-d", *(["--wait", "--wait-timeout", "900"] if wait else []), *scale, *more)
        return time.monotonic() - began

    def down(self, *more: str) -> None:
        """Stop the project; `-v` as well to forget its volumes."""
        self.compose("down", "--remove-orphans", "--timeout", "60", *more)

    def containers(self) -> list[dict[str, Any]]:
        """`docker compose ps -a`, one dictionary a container."""
        lines = self.compose("ps", "-a", "--format", "json").stdout.splitlines()
        return [json.loads(line) for line in lines if line.strip()]

    def inspect(self, service: str) -> list[dict[str, Any]]:
        """`docker inspect` of every container of a service."""
        ids = self.compose("ps", "-aq", service).stdout.split()
        done = subprocess.run(["docker", "inspect", *ids], capture_output=True, text=True, check=True)
        return list(json.loads(done.stdout))

    def execute(self, service: str, *command: str, check: bool = True) -> str:
        """Run a command inside a service; returns its standard output."""
        return self.compose("exec", "-T", service, *command, check=check).stdout

    def timed(self, service: str, *command: str, check: bool = True) -> tuple[str, float]:
        """Run a command inside a service; what it wrote, and its seconds as a shell there measures them.

        What `docker compose exec` itself takes, a second on a busy machine, is not counted.
        """
        timing = ("bash", "-c", 'TIMEFORMAT=%3R; time "$@"', "timed", *command)
        done = self.compose("exec", "-T", service, *timing, check=check)
        return done.stdout, float(done.stderr.split()[-1])

    def logs(self, service: str, tail: int = 2000) -> str:
        """The last lines a service logged."""
        return self.compose("logs", "--no-color", "--tail", str(tail), service).stdout

    def url(self, service: str, port: int) -> str:
        """Where a container's port is published, for example `http://127.0.0.1:5000`."""
        return "http://" + self.compose("port", service, str(port)).stdout.strip()

    def diagnosis(self) -> str:
        """What a person would ask for first: states, then the last lines of whatever is not well."""
        states = self.containers()
        parts = [self.compose("ps", "-a").stdout]
        for one in states:
            healthy = one["State"] == "running" and one["Health"] in ("healthy", "")
            if not healthy and not (one["State"] == "exited" and one["ExitCode"] == 0):
                parts.append(f"--- {one['Service']} ---\n{self.logs(one['Service'], 60)}")
        parts.append(
            f"--- mlflow ---\n{self.logs('mlflow', 60)}" if self.file == "docker-compose.yml" else ""
        )
        return "\n".join(parts)


def served_versions(serve: str) -> dict[str, str]:
    """Which version answers on each route, read from a prediction's headers."""
    found = {}
    for name in MODELS:
        example = httpx.get(f"{serve}/{name}", timeout=30).json()["example"]
        answer = httpx.post(f"{serve}/{name}", json=example, timeout=30)
        answer.raise_for_status()
        found[name] = answer.headers["X-Model-Version"]
    return found
