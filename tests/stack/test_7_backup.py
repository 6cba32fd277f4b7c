"""Backup under load, all lost, restore: the same answers, versions, ledger, history, report.

One of the last files: it takes the stack down and brings it back.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import httpx
import pytest
from airflow_api import AirflowApi
from compose_stack import LATEST, MODELS, Stack, figures, served_versions, wait_for
from request_loop import RequestLoop
from stack_state import history, kept

pytestmark = pytest.mark.stack
RESTORE_AIM_S = 180.0  # from the command to four answering routes, `docker compose up` included
RATE = 50.0  # requests a second, all routes together
MORE = 100  # answers awaited before and after the backup: what comes late is seen as well


def hold(loop: RequestLoop) -> None:
    """Let the requests go on for a while."""
    goal = loop.answers() + MORE
    wait_for(f"{MORE} more answers", lambda: loop.answers() >= goal, timeout=120, period=0.2)


def empty(folder: Path) -> None:
    """All but what a checkout has."""
    for path in folder.iterdir():
        if path.name not in ("README.md", ".gitkeep"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_what_was_lost_comes_back(
    stack: Stack, serve: str, airflow: AirflowApi, examples: dict[str, dict[str, object]], folder: Path
) -> None:
    older = set((folder / "backups").glob("turo-*.tar.gz"))
    with RequestLoop(serve, examples, rate=RATE) as loop:
        hold(loop)
        before_it, began = loop.answers(), time.monotonic()
        told = stack.execute("operator", "turo", "backup")
        took, meanwhile = time.monotonic() - began, loop.answers() - before_it
        hold(loop)
    figures["backup of the sample stack"] = f"{took:.0f} s, {meanwhile} requests meanwhile"
    assert set(loop.statuses) == {"200"}, (loop.statuses, loop.refused)
    assert meanwhile > 0
    (archive,) = set((folder / "backups").glob("turo-*.tar.gz")) - older
    assert archive.name in told
    assert "is whole" in stack.execute("operator", "turo", "backup", "--verify", archive.name)
    before = kept(stack, serve, examples, folder)
    runs = history(airflow)

    stack.down("-v")
    for name in ("datas", "mlruns", "mlflow_artifacts"):
        empty(folder / name)
    began = time.monotonic()
    restored = stack.compose("run", "--rm", "-T", "restore", archive.name, "--yes")
    assert "Restored:" in restored.stdout
    stack.up()
    wait_for("four routes", lambda: set(served_versions(serve)) == set(MODELS), 180)
    took = time.monotonic() - began
    figures["restore to four answering routes"] = f"{took:.0f} s (aimed at {RESTORE_AIM_S:.0f})"
    after = kept(stack, serve, examples, folder)
    assert after == before
    assert runs <= history(airflow)
    assert took <= LATEST * RESTORE_AIM_S


def test_it_is_refused_into_a_stack_that_is_full(stack: Stack, folder: Path) -> None:
    archive = max((folder / "backups").glob("turo-*.tar.gz"))
    refused = stack.compose("run", "--rm", "-T", "restore", archive.name, "--yes", check=False)
    assert refused.returncode == 1
    assert "docker compose down" in refused.stderr + refused.stdout


def test_the_nightly_one_is_made_and_measured(stack: Stack, airflow: AirflowApi, folder: Path) -> None:
    before = set((folder / "backups").glob("turo-*.tar.gz"))
    run = airflow.trigger("nightly_backup", {})
    assert airflow.wait("nightly_backup", run, 300) == "success"
    (made,) = set((folder / "backups").glob("turo-*.tar.gz")) - before
    size = stack.url("prometheus", 9090) + "/api/v1/query?query=turo_backup_size_bytes"
    wait_for(
        "the size in Prometheus",
        lambda: float(httpx.get(size).json()["data"]["result"][0]["value"][1]) == made.stat().st_size,
        90,
    )
