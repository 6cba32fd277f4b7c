"""The DAG nightly_backup: when it runs, and what becomes of a backup that fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import airflow_home
import pytest
from airflow_home import DAGS
from json_server import Answer, json_server

DONE = {"state": "done", "archive": "turo-1.tar.gz", "size": 7, "seconds": 1.5, "notes": []}
FAILED = {"state": "failed", "problem": "mlflow.db is damaged.", "remedy": "Restore.", "kind": "InputError"}
SCHEDULE = """
import runpy, sys
schedule = runpy.run_path(sys.argv[1])["nightly_backup"]().schedule
print(schedule and (schedule.expression, str(schedule.timezone)))
"""


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ({}, ("30 3 * * *", "America/Los_Angeles")),
        ({"TIMEZONE": "Europe/Berlin"}, ("30 3 * * *", "Europe/Berlin")),
        # No zone at all: a backup by another clock is better than none.
        ({"TIMEZONE": "Mars/Olympus"}, ("30 3 * * *", "UTC")),
        ({"TIMEZONE": "America"}, ("30 3 * * *", "UTC")),
        ({"NIGHTLY_BACKUP": "0"}, ("None",)),
    ],
)
def test_it_runs_in_the_host_s_night_unless_it_is_turned_off(
    chosen: dict[str, str], told: tuple[str, ...]
) -> None:
    command = [sys.executable, "-c", SCHEDULE, str(DAGS / "nightly_backup.py")]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | chosen, check=True)
    assert all(word in done.stdout.splitlines()[-1] for word in told), done.stdout


@pytest.mark.parametrize(("job", "state"), [(DONE, "success"), (FAILED, "failed")])
def test_the_run_ends_as_the_backup_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, job: dict[str, Any], state: str
) -> None:
    asked = list[str]()

    def answer(method: str, path: str, _: Any) -> Answer:
        asked.append(method)
        return (202, {"id": "7"}, {}) if method == "POST" else (200, job, {})

    with json_server(answer) as url:
        monkeypatch.setenv("OPERATOR_URL", url)
        run = airflow_home.run(DAGS, "nightly_backup")
    assert run.state == state
    assert run.states("backup") == {"": state}
    # What another try cannot change is not tried again.
    assert asked == ["POST", "GET"]
    if state == "success":
        assert run.xcom("backup")["archive"] == "turo-1.tar.gz"
