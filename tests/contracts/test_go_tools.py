"""`.ci/go-tools.sh`, where no Debian mirror is at hand: from which image a program is taken."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from monitoring_queries import REPOSITORY

SCRIPT = REPOSITORY / ".ci" / "go-tools.sh"
IN_USE = {"prom/prometheus", "prom/alertmanager", "caddy"}


def image_of(name: str, script: Path) -> str:
    """As the script itself finds it, on a machine where it would ask the engine."""
    program = 'set -euo pipefail; eval "$(sed -n "/^image_of()/,/^}/p" "$0")"; image_of "$1"'
    command = ["bash", "-c", program, str(script), name]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


@pytest.mark.parametrize("name", sorted(IN_USE))
def test_a_program_is_taken_from_the_image_that_the_stack_runs(name: str) -> None:
    image = image_of(name, SCRIPT)
    assert image.startswith(f"{name}:")
    files = [*REPOSITORY.glob("docker-compose*.yml"), REPOSITORY / "caddy" / "Dockerfile"]
    written = [line.strip() for file in files for line in file.read_text().splitlines()]
    assert f"image: {image}" in written or f"FROM {image}" in written


@pytest.mark.parametrize("first", ["a", "z"])
def test_a_folder_or_port_of_the_same_name_is_no_image(tmp_path: Path, first: str) -> None:
    """Whatever the order in which the folder is read."""
    script = tmp_path / ".ci" / "go-tools.sh"
    script.parent.mkdir()
    shutil.copy(SCRIPT, script)
    (tmp_path / f"docker-compose.{first}.yml").write_text(
        "services:\n  caddy:\n    image: turo/caddy:local\n    environment: {TLS_PROXY: caddy:8443}\n"
        '    volumes: ["./caddy:/etc/caddy:ro"]\n'
    )
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "Dockerfile").write_text("# Not caddy:1.0.0.\nFROM caddy:2.11.4-alpine AS proxy\n")
    assert image_of("caddy", script) == "caddy:2.11.4-alpine"
