"""`turo upgrade check`: whether the way from here to a version is open, and what is to be known of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from turo.errors import ConfigError, InputError
from turo.operate.backup.manifest import ELSEWHERE
from turo.operate.backup.places import own_versions, places
from turo.operate.doctor.project_files import elsewhere, offered
from turo.operate.upgrade.notes import Step, Target, numbers, read_target
from turo.words import counted

if TYPE_CHECKING:
    from turo.settings import Settings


DIGESTS = re.compile(r"\.digests\.ya?ml$")
OF_DIGEST = re.compile(r"(?<![\w.:/-])(?:docker-image://)?([\w.:/-]+:[\w.-]+)@sha256:")
WORD = re.compile(r"[\w.:/-]+:[\w.-]+")


def check(target: Path, settings: Settings, written: Iterable[str] = ()) -> list[str]:
    """Sentences on what the operator should know; changes nothing.

    Args:
        target: checkout of the version.
        written: names of the variables in the user's `.env`.

    Raises:
        InputError: it is older, or a step in between may not be skipped.
        ConfigError: what a backup does not reach would be changed.
    """
    to = read_target(target)
    own = metadata.version("turo")
    if numbers(to.version) < numbers(own):
        raise InputError(
            f"Version {to.version} is older than {own}, which is here: it cannot read a newer one's data.",
            "The way back is a backup made by it: `turo restore` into an empty stack of that version.",
        )
    passed = [step for step in to.steps if numbers(own) < numbers(step.version) <= numbers(to.version)]
    _stops(own, to, passed)
    _postgres(to, settings)
    _digests(to)
    _reached(settings)
    return [*map(_told, passed), *places(settings).unreached(), *_unread(to, settings, written)]


def _stops(own: str, to: Target, passed: list[Step]) -> None:
    for step in passed:
        if step.must_run and numbers(step.version) < numbers(to.version):
            raise InputError(
                f"From {own} to {to.version} a step would be skipped: {step.version} {step.what}",
                f"First `./upgrade.sh v{step.version}`, then this one again.",
            )


def _postgres(to: Target, settings: Settings) -> None:
    here = own_versions(settings.project_dir).get("postgres", to.postgres)
    if here != to.postgres:
        raise InputError(
            f"Version {to.version} has PostgreSQL {to.postgres}, here is {here}: it does not read "
            "the volume of another line.",
            "Take this way: `docker compose exec operator turo backup`, `docker compose down --volumes`, "
            "`git checkout` of the version, then restore (operator/README.md, Restore).",
        )


def _digests(to: Target) -> None:
    """Compose takes the image with the digest in place of the newer one that the version names."""
    named = [*to.folder.glob("*compose*.y*ml"), *to.folder.glob("*/Dockerfile")]
    pinned = {
        word for path in named if not DIGESTS.search(path.name) for word in WORD.findall(path.read_text())
    }
    for path in sorted(path for path in named if DIGESTS.search(path.name)):
        for image in OF_DIGEST.findall(path.read_text()):
            if image not in pinned:
                raise InputError(
                    f"{path.name} has the digest of {image}, which {to.version} does not name: it would "
                    "run in place of the version's.",
                    f"Take {path.name} as the version has it, or remove it and take it out of COMPOSE_FILE; "
                    "`make digests` writes it anew.",
                )


def _reached(settings: Settings) -> None:
    if places(settings).mlflow_store == ELSEWHERE:
        raise ConfigError(
            "BACKEND_URI is a server or database of your own: a migration of it could not be taken "
            "back from here.",
            "Back it up where it runs, then upgrade by hand: `docker compose down`, `git checkout` of the "
            "version, `docker compose build`, "
            "`docker compose run --rm mlflow sh -c 'mlflow db upgrade \"$BACKEND_URI\"'`, "
            "`docker compose up -d --wait`.",
        )


def _told(step: Step) -> str:
    return f"{step.version}: {step.what}" + (f" Before it, by hand: {step.by_hand}" if step.by_hand else "")


def _unread(to: Target, settings: Settings, written: Iterable[str]) -> list[str]:
    """Names of `.env` that this version reads and the other does not."""
    now, then = offered(settings.project_dir), offered(to.folder)
    gone = sorted((set(written) & set(now)) - set(then) - elsewhere(settings.project_dir))
    if not gone:
        return []
    return [
        f".env has {counted(len(gone), 'name')} that {to.version} no longer reads: {', '.join(gone)}. "
        "The file stays as it is; CHANGELOG.md says what took their place."
    ]
