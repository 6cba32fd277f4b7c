"""Images: pinned bases, one lock, nobody root, nothing fetched when a container starts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from compose_file import REPOSITORY

OWN = {"turo/bootstrap", "turo/ray", "turo/mlflow", "turo/jupyter", "turo/operator", "turo/airflow-base"}
ROLES = ("api-server", "scheduler", "worker", "triggerer", "dag-processor")
DOCKERFILES = sorted(path for path in REPOSITORY.glob("*/Dockerfile") if not path.parent.name.startswith("."))
NAMED_CONTEXTS = {"airflow-base", "ml-base"}
STARTERS = sorted(
    path
    for pattern in ("*/*.sh", "*/bootstrap.py")
    for path in REPOSITORY.glob(pattern)
    if ".ci" not in path.parts
)


def test_foreign_images_have_an_exact_version(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        if "build" not in service:
            assert re.search(r":v?\d+\.\d+(\.\d+)?(-[a-z]+)?$", service["image"]), (
                f"{name}: {service['image']}"
            )


def test_own_images_are_built_here(services: dict[str, dict[str, Any]]) -> None:
    built = {service["image"].split(":")[0] for service in services.values() if "build" in service}
    assert built == OWN | {f"turo/airflow-{role}" for role in ROLES}


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)
def test_bases_are_pinned_and_the_frontend_is_built_in(path: Path) -> None:
    text = path.read_text()
    stages = set(re.findall(r"^FROM .* AS (\S+)$", text, re.MULTILINE))
    for base in re.findall(r"^FROM (\S+)", text, re.MULTILINE):
        assert base in NAMED_CONTEXTS | stages or re.search(r":\d+\.\d+", base), base
    assert "# syntax=" not in text  # such a line pulls an image


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_a_command_on_the_base(role: str) -> None:
    lines = (REPOSITORY / f"airflow_{role}" / "Dockerfile").read_text().splitlines()
    instructions = [line.split()[0] for line in lines if line and not line.startswith("#")]
    assert instructions[0] == "FROM" and instructions[-1] == "CMD"
    assert set(instructions) <= {"FROM", "EXPOSE", "CMD"}


@pytest.mark.parametrize("path", STARTERS, ids=lambda path: "/".join(path.parts[-2:]))
def test_nothing_is_fetched_at_start(path: Path) -> None:
    words = set(re.findall(r"[\w-]+", path.read_text()))
    assert not words & {"curl", "wget", "pip", "apt-get", "npm", "git"}


def test_one_uv_version_builds_every_image() -> None:
    pins = {pin for path in DOCKERFILES for pin in re.findall(r"uv==([\d.]+)", path.read_text())}
    assert len(pins) == 1


def test_images_take_only_what_they_need_from_the_repository() -> None:
    lines = [
        line for line in (REPOSITORY / ".dockerignore").read_text().splitlines() if line and line[0] != "#"
    ]
    assert lines[0] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == {
        "pyproject.toml",
        "uv.lock",
        "README.md",
        "LICENSE",
        "src",
        "mlflow/projects",
    }
