"""`docs/upgrades.toml` of a release: what happens on the way to it, and which steps may not be skipped."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from turo.errors import InputError

NOTES = "docs/upgrades.toml"
VERSION = re.compile(r"\d+(\.\d+)*")
MEMBERS = {"version", "what", "by_hand", "must_run"}


@dataclass(frozen=True)
class Step:
    """What a release changes in what a deployment keeps.

    Attributes:
        version: the release that does it.
        what: what happens to the data of an older one, a sentence.
        by_hand: what the operator does himself beforehand; empty where there is nothing.
        must_run: an upgrade from an older version to a newer one has to stop at this release.
    """

    version: str
    what: str
    by_hand: str = ""
    must_run: bool = False


@dataclass(frozen=True)
class Target:
    """The release to which an upgrade leads.

    Attributes:
        folder: its checkout.
        steps: oldest first.
        postgres: the line of its server.
    """

    folder: Path
    version: str
    steps: tuple[Step, ...]
    postgres: str


def numbers(version: str) -> tuple[int, ...]:
    """For comparing: 0.10.2 → (0, 10, 2)."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def read_target(folder: Path) -> Target:
    """What a checkout says of itself.

    Raises:
        InputError: it is no release of this platform that can be upgraded to, or its notes cannot be read.
    """
    project, notes, lines = (_read(folder / name) for name in ("pyproject.toml", NOTES, "versions.toml"))
    try:
        version = str(project["project"]["version"])
        steps = [_step(told) for told in notes.get("step", [])]
        return Target(
            folder=folder,
            version=version,
            steps=tuple(sorted(steps, key=lambda step: numbers(step.version))),
            postgres=str(lines["postgres"]["line"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"What the version says of itself cannot be read: {error!r} "
            f"(pyproject.toml, {NOTES}, versions.toml).",
            "Take another commit: `git log origin/main` and `git tag --list` name them.",
        ) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(
            f"The version has no {path.name}: it is from before `./upgrade.sh`, or of another project.",
            "Take a newer one: `git fetch --tags`, then `git log origin/main` or `git tag --list`.",
        ) from error
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path.name} of the version cannot be read: {error}.",
            "Take another one: `git log origin/main` and `git tag --list` name them.",
        ) from error


def _step(told: dict[str, Any]) -> Step:
    if unknown := set(told) - MEMBERS:
        raise ValueError(f"a step has {sorted(unknown)[0]!r}, which is nothing that steps have")
    step = Step(**told)
    if not VERSION.fullmatch(step.version):
        raise ValueError(f"{step.version!r} is no version")
    return step
