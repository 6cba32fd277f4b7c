"""Workflows may only read, run what is pinned, and do nothing that a laptop cannot."""

from __future__ import annotations

import subprocess
from itertools import pairwise
from typing import Any

import pytest
import yaml
from compose_file import REPOSITORY
from tools import program


def workflow(name: str) -> dict[Any, Any]:
    return dict(yaml.safe_load((REPOSITORY / ".github/workflows" / name).read_text()))


WORKFLOWS = sorted(path.name for path in (REPOSITORY / ".github/workflows").glob("*.yml"))


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflows_only_read_and_run_what_is_pinned(name: str) -> None:
    told = workflow(name)
    assert told["permissions"] == {"contents": "read"}
    for job in told["jobs"].values():
        assert "permissions" not in job
        assert job["timeout-minutes"] <= 120
        for step in job["steps"]:
            if "uses" in step:
                assert len(step["uses"].partition("@")[2]) == 40, step["uses"]
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("name", WORKFLOWS)
def test_what_is_red_there_is_red_with_the_same_command_here(name: str) -> None:
    targets = set((REPOSITORY / "Makefile").read_text().split(".PHONY:")[1].split("\n")[0].split())
    readme = (REPOSITORY / ".github/workflows/README.md").read_text()
    for job in workflow(name)["jobs"].values():
        made = [word for step in job["steps"] for word in made_by(step.get("run", ""))]
        assert made
        assert set(made) <= targets
        assert all(f"make {target}" in readme for target in made)


def made_by(command: str) -> list[str]:
    """Targets of `make` in a command."""
    words = command.split()
    return [after for word, after in pairwise(words) if word == "make"]


def recipe(target: str) -> str:
    """What the Makefile does for a target."""
    return (REPOSITORY / "Makefile").read_text().split(f"\n{target}:")[1].split("\n\n")[0].partition("\n")[2]


def test_stack_and_drills_are_run_there_side_by_side_and_here_on_one_stack() -> None:
    made = [
        target
        for job in workflow("ci.yml")["jobs"].values()
        for step in job["steps"]
        for target in made_by(step.get("run", ""))
    ]
    assert {"stack", "drills"} <= set(made)
    assert recipe("stack").split() == ["pytest", "-m", "stack", "tests/stack", "$(ARGS)"]
    assert recipe("drills").split() == ["pytest", "-m", "stack", "tests/drills", "$(ARGS)"]
    assert recipe("stack-drills").split() == [
        "pytest",
        "-m",
        "stack",
        "tests/stack",
        "tests/drills",
        "$(ARGS)",
    ]
    assert """$(MAKE) stack-drills ARGS='-m "stack and not long"';""" in recipe("test")
    assert "\nmake test\n" in (REPOSITORY / ".ci/run").read_text()


def test_every_image_is_built_before_it_is_looked_into_and_its_list_kept() -> None:
    steps = workflow("supply-chain.yml")["jobs"]["images"]["steps"]
    order = [step.get("run", step.get("uses", "")) for step in steps]
    place = {
        word: next(i for i, text in enumerate(order) if word in text)
        for word in ("make images", "download-syft", "download-grype", "make scan", "upload-artifact")
    }
    assert place["make images"] < place["make scan"] < place["upload-artifact"]
    assert max(place["download-syft"], place["download-grype"]) < place["make scan"]
    assert steps[place["upload-artifact"]]["if"] == "always()"
    assert steps[place["upload-artifact"]]["with"]["path"] == "sbom/"


def test_a_change_of_any_pin_starts_the_workflow() -> None:
    told = workflow("supply-chain.yml")
    started = told[True]  # YAML 1.1 takes the key "on" for a truth value
    assert started["push"]["paths"] == started["pull_request"]["paths"]
    assert {"docker-compose*.yml", "*/Dockerfile", "uv.lock"} <= set(started["push"]["paths"])
    assert started["schedule"]


def test_workflows_are_well_formed() -> None:
    done = subprocess.run([program("actionlint")], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_dependabot_looks_at_every_dockerfile_with_a_base_of_others() -> None:
    told = yaml.safe_load((REPOSITORY / ".github/dependabot.yml").read_text())["updates"]
    (docker,) = [update for update in told if update["package-ecosystem"] == "docker"]
    based = {
        f"/{path.parent.name}"
        for path in REPOSITORY.glob("*/Dockerfile")
        if any(line.startswith("FROM ") and ":" in line for line in path.read_text().splitlines())
    }
    assert set(docker["directories"]) == based
