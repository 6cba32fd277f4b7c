"""The entrypoint of Grafana in docker-compose.yml: whose password it starts with, and when not at all."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from compose_file import compose_config

TLS = {"TURO_DOMAIN": "turo.test"}


class Grafana:
    """The entrypoint as a shell runs it, in a folder; its programs write down what they were given."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self.data.mkdir()
        self.said = ""
        for name in ("grafana", "run.sh"):
            (folder / name).touch(0o755)
        (folder / "run.sh").write_text(f'#!/bin/sh\necho started >>"{folder}/started"\n')

    def start(self, password: str, works: bool = True, **variables: str) -> bool:
        """Start once; whether the server started.

        Args:
            works: `grafana cli` ends well.
            variables: of Compose.
        """
        set_ = (
            f'echo "$*" >"{self.folder}/asked"; cat >"{self.folder}/set"'
            if works
            else "cat >/dev/null; exit 1"
        )
        (self.folder / "grafana").write_text(f"#!/bin/sh\n{set_}\n")
        overlays = ["docker-compose.tls.yml"] if "TURO_DOMAIN" in variables else []
        service = compose_config("docker-compose.yml", *overlays, **variables)["services"]["grafana"]
        *shell, script = service["entrypoint"]
        here = {"$$": "$", "/var/lib/grafana": str(self.data), "/run.sh": f"{self.folder}/run.sh"}
        for there, path in here.items():
            script = script.replace(there, path)
        url = service["environment"].get("GF_SERVER_ROOT_URL", "")
        told = {"GF_SECURITY_ADMIN_PASSWORD": password, "GF_SERVER_ROOT_URL": url}
        for name in ("set", "started"):
            (self.folder / name).unlink(missing_ok=True)
        done = subprocess.run(
            [*shell, script],
            env={"PATH": f"{self.folder}:{os.environ['PATH']}"} | told,
            capture_output=True, text=True,
        )  # fmt: skip
        self.said = done.stderr
        (self.data / "grafana.db").touch()
        started = (self.folder / "started").exists()
        assert started == (done.returncode == 0)
        return started

    def was_set(self) -> str | None:
        path = self.folder / "set"
        return path.read_text() if path.exists() else None


@pytest.fixture
def grafana(tmp_path: Path) -> Grafana:
    return Grafana(tmp_path)


def test_a_new_volume_needs_no_program(grafana: Grafana) -> None:
    assert grafana.start("of-mine", works=False, **TLS)
    assert grafana.was_set() is None


def test_another_password_is_set_the_default_never(grafana: Grafana) -> None:
    assert grafana.start("admin")
    assert grafana.start("a b'$x")
    assert grafana.was_set() == "a b'$x"
    asked = (grafana.folder / "asked").read_text()
    assert asked.endswith(" admin reset-admin-password --password-from-stdin\n")
    assert grafana.start("admin")
    assert grafana.was_set() is None


@pytest.mark.parametrize("reached", [TLS, {"BIND_ADDRESS": "0.0.0.0"}])
def test_behind_tls_it_does_not_start_with_the_default_of_before(
    grafana: Grafana, reached: dict[str, str]
) -> None:
    assert grafana.start("admin")
    assert not grafana.start("of-mine", works=False, **reached)
    assert "caddy/README.md" in grafana.said
    assert not grafana.start("of-mine", works=False, **reached)  # a try is not taken for done


@pytest.mark.parametrize("reached", [TLS, {}])
def test_a_failure_changes_nothing_where_the_password_was_taken(
    grafana: Grafana, reached: dict[str, str]
) -> None:
    assert grafana.start("admin")
    assert grafana.start("of-mine")
    assert grafana.start("of-mine", works=False, **reached)
    assert "it was set before" in grafana.said


def test_on_loopback_a_failure_is_told_only(grafana: Grafana) -> None:
    assert grafana.start("admin")
    assert grafana.start("of-mine", works=False)
    assert "that of before holds" in grafana.said


def test_nobody_else_may_read_what_is_noted(grafana: Grafana) -> None:
    grafana.start("of-mine")
    taken = grafana.data / "password-taken"
    assert taken.stat().st_mode & 0o077 == 0
    assert "of-mine" not in taken.read_text()
