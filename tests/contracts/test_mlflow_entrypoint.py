"""mlflow/entrypoint.sh up to the command line of the server: who may call it, and whether with a login."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from compose_file import REPOSITORY
from local_ray import free_port

LOGIN = {
    "MLFLOW_TRACKING_USERNAME": "admin",
    "MLFLOW_TRACKING_PASSWORD": "twelve-chars",
    "MLFLOW_FLASK_SERVER_SECRET_KEY": "a key",
}


def started(folder: Path, variables: dict[str, str], accounts: int = 0) -> tuple[str, dict[str, str]]:
    """Options and environment with which the server is started; then it ends."""
    tools = folder / "tools"
    tools.mkdir()
    (tools / "python").write_text(
        f"""#!/bin/sh
case "$*" in
  "-m turo.mlflow_container.server "*) echo "$*" >{folder}/options; env >{folder}/environment ;;
  *) echo "$*" >>{folder}/python; exit {accounts} ;;
esac
"""
    )
    (tools / "python").chmod(0o755)
    environment = {
        "PATH": f"{tools}:{os.environ['PATH']}",
        "TMPDIR": str(folder),
        "TRACKING_PORT": str(free_port()),
    }
    done = subprocess.run(
        [REPOSITORY / "mlflow/entrypoint.sh"],
        env=environment | variables, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    if not (folder / "options").exists():
        return "", {}
    lines = (folder / "environment").read_text().splitlines()
    return (folder / "options").read_text(), dict(line.split("=", 1) for line in lines if "=" in line)


def test_without_a_password_nobody_is_asked(tmp_path: Path) -> None:
    options, environment = started(tmp_path, {})
    assert "--app-name" not in options
    assert "--preload" in options
    assert "MLFLOW_AUTH_CONFIG_PATH" not in environment
    assert not (tmp_path / "python").exists()


def test_with_a_password_everybody_is(tmp_path: Path) -> None:
    options, environment = started(tmp_path, LOGIN)
    assert "--app-name basic-auth" in options
    assert "--preload" not in options  # workers would share one connection to the accounts
    assert environment["MLFLOW_AUTH_ADMIN_USERNAME"] == "admin"
    assert environment["MLFLOW_AUTH_ADMIN_PASSWORD"] == "twelve-chars"
    assert environment["MLFLOW_FLASK_SERVER_SECRET_KEY"] == "a key"
    asked = (tmp_path / "python").read_text()
    assert asked == f"-m turo.mlflow_container.accounts {environment['MLFLOW_AUTH_CONFIG_PATH']}\n"


def test_accounts_that_cannot_be_made_end_the_start(tmp_path: Path) -> None:
    assert started(tmp_path, LOGIN, accounts=1)[0] == ""


@pytest.mark.parametrize("suffix", ["", ":8443"])
def test_browsers_may_call_it_by_its_address_behind_a_proxy(tmp_path: Path, suffix: str) -> None:
    url = f"https://mlflow.turo.example.com{suffix}"
    _, environment = started(tmp_path, {"TRACKING_PUBLIC_URL": url, "TRACKING_PUBLIC_PORT": "15000"})
    hosts = environment["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")
    assert {f"mlflow.turo.example.com{suffix}", "localhost:15000"} < set(hosts)
    assert url in environment["MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"].split(",")


def test_its_page_works_under_a_name_of_the_user_s_own(tmp_path: Path) -> None:
    own = {"TRACKING_PUBLIC_HOST": "lab.example.com", "TRACKING_PUBLIC_PORT": "15000"}
    _, environment = started(tmp_path, own)
    assert "lab.example.com:15000" in environment["MLFLOW_SERVER_ALLOWED_HOSTS"].split(",")
    assert "http://lab.example.com:15000" in environment["MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"].split(",")
    assert "*" not in environment["MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"]
