"""./upgrade.sh on the running stack: a migration that fails half-way, then a version that is good.

After those that count on what was trained: it takes the stack down twice. What is upgraded to differs in a
few lines, so that building takes a minute.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from airflow_api import AirflowApi
from compose_stack import Stack, figures, wait_for
from stack_runs import paused
from stack_state import history, kept

pytestmark = pytest.mark.stack

BY_THEMSELVES = ("forecast_fleet", "new_files", "nightly_backup", "retrain")
ENV = "# mine\nSERVE_MAX_ROWS=9000\n"
AFTER_MIGRATION = '    _airflow("db", "migrate")\n'
HALF_WAY = """
    from airflow.utils.session import create_session
    from sqlalchemy import text

    with create_session() as session:
        session.execute(text("DROP TABLE dag_run CASCADE"))
    raise SystemExit("this migration broke half-way")
"""


class Checkout:
    """The stack's folder, as a git repository in which versions are tagged."""

    def __init__(self, folder: Path, stack: Stack) -> None:
        self.folder, self._stack = folder, stack
        names = ("AUTHOR_NAME", "AUTHOR_EMAIL", "COMMITTER_NAME", "COMMITTER_EMAIL")
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("COMPOSE_", "AIRFLOW", "MLFLOW", "RAY_", "GIT_"))
        }
        # The folder may belong to another user than the one who tests.
        safe = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
        self._variables = (
            inherited
            | stack.environment
            | safe
            | {"COMPOSE_PROJECT_NAME": stack.project}
            | {f"GIT_{name}": "stack@test" for name in names}
        )

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.folder, env=self._variables, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def version(self, tag: str, name: str, old: str, new: str) -> str:
        """Commit and tag a version in which a text of a file is another; the checkout stays. Its commit."""
        self.git("checkout", "-q", "--detach", "main")
        path = self.folder / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new, 1))
        self.git("commit", "-qam", tag)
        self.git("tag", tag)
        self.git("checkout", "-q", "main")
        return self.git("rev-parse", tag)

    def upgrade(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["./upgrade.sh", *words],
            cwd=self.folder, env=self._variables, capture_output=True, text=True, timeout=2400,
        )  # fmt: skip


@pytest.fixture(scope="module")
def repository(stack: Stack, airflow: AirflowApi, folder: Path) -> Iterator[Checkout]:
    """As a user has it: a commit that runs, a .env and an override of his own; nothing is under way."""
    made = Checkout(folder, stack)
    made.git("init", "-q", "-b", "main")
    made.git("add", "-A")
    made.git("commit", "-qm", "what runs")
    (folder / ".env").write_text(ENV)
    without = "".join(f"  {name}: {{profiles: [absent]}}\n" for name in stack.absent)
    (folder / "docker-compose.override.yml").write_text(
        f"services:\n{without}" if without else "services: {}\n"
    )
    working = ("prepare_data", *BY_THEMSELVES)
    wait_for("an idle pipeline", lambda: all(map(airflow.is_idle, working)), 1200)
    with paused(airflow, *BY_THEMSELVES):  # a report that is made meanwhile would be another one
        yield made
    for name in (".env", "docker-compose.override.yml"):
        (folder / name).unlink()


@pytest.mark.long
def test_a_migration_that_fails_half_way_brings_the_old_version_back(
    repository: Checkout,
    stack: Stack,
    serve: str,
    airflow: AirflowApi,
    examples: dict[str, dict[str, object]],
    folder: Path,
) -> None:
    name = "src/turo/orchestration/initialise.py"
    repository.version("bad", name, AFTER_MIGRATION, AFTER_MIGRATION + HALF_WAY)
    before, runs = kept(stack, serve, examples, folder), history(airflow)
    began = time.monotonic()
    done = repository.upgrade("bad")
    figures["upgrade that fails in its migration, until the old version answers"] = (
        f"{time.monotonic() - began:.0f} s"
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "this migration broke half-way" in done.stdout + done.stderr
    assert "bad is not taken" in done.stderr, done.stdout + done.stderr
    assert kept(stack, serve, examples, folder) == before
    assert runs <= history(airflow)
    assert repository.git("branch", "--show-current") == "main"
    assert (folder / ".env").read_text() == ENV
    assert not (folder / "backups/upgrade.state").exists()


def test_a_good_version_serves_what_the_old_one_served(
    repository: Checkout,
    stack: Stack,
    serve: str,
    airflow: AirflowApi,
    examples: dict[str, dict[str, object]],
    folder: Path,
) -> None:
    commit = repository.version("good", "src/turo/__init__.py", '"""', '"""The next. ')
    before, runs = kept(stack, serve, examples, folder), history(airflow)
    began = time.monotonic()
    done = repository.upgrade("good")
    figures["upgrade, images built, until everything was asked"] = f"{time.monotonic() - began:.0f} s"
    assert done.returncode == 0, done.stdout + done.stderr
    assert kept(stack, serve, examples, folder) == before
    assert runs <= history(airflow)
    assert repository.git("rev-parse", "HEAD") == commit
    assert (folder / ".env").read_text() == ENV
    assert stack.execute("ray", "printenv", "CODE_VERSION").strip() == commit[:12]
    assert stack.execute("ray", "printenv", "SERVE_MAX_ROWS").strip() == "9000"
