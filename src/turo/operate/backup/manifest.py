"""The list of an archive: what is in it, who made it, when, and what went on meanwhile."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from turo.errors import InputError

MANIFEST = "manifest.json"
FORMAT = 1  # of archives; one of a later format is refused
SHA256 = re.compile(r"[0-9a-f]{64}")


class Digest(NamedTuple):
    """A member's size in bytes and hex SHA-256."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What stands in `manifest.json`, the last member of every archive.

    Attributes:
        made_at: UTC, ISO, when the backup began: nothing in it is older than what was there then.
        versions: of the package, the commit, and the line of every component in versions.toml.
        mlflow_store: where MLflow's runs and registry are: one of `MLFLOW_STORES`.
        running: DAG runs that were under way, as `prepare_data manual__…`.
        notes: sentences on what is not in the archive, or not as it should be.
        members: by name.
    """

    made_at: str
    versions: Mapping[str, str]
    mlflow_store: str
    running: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    members: Mapping[str, Digest] = field(default_factory=dict)
    format: int = FORMAT

    def to_json(self) -> bytes:
        """As it is written into the archive."""
        told = asdict(self)
        told["members"] = {name: member._asdict() for name, member in self.members.items()}
        return json.dumps(told, indent=1, sort_keys=True).encode()


SQLITE, POSTGRES, ELSEWHERE = MLFLOW_STORES = ("sqlite", "postgres", "elsewhere")


def read_manifest(text: bytes, archive: str) -> Manifest:
    """Take a manifest apart.

    Raises:
        InputError: it is none, or of a format that this version does not know.
    """
    try:
        told: dict[str, Any] = json.loads(text)
        found = int(told["format"])
        _known(found, archive)
        members = {str(name): _digest(**each) for name, each in told["members"].items()}
        return Manifest(
            made_at=str(told["made_at"]),
            versions={str(name): str(version) for name, version in told["versions"].items()},
            mlflow_store=str(told["mlflow_store"]),
            running=tuple(map(str, told["running"])),
            notes=tuple(map(str, told["notes"])),
            members=members,
            format=found,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{archive} is damaged, or no backup: its {MANIFEST} cannot be read ({error}).",
            "Take another archive of `turo backup --list`.",
        ) from error


def _known(found: int, archive: str) -> None:
    if found > FORMAT:
        raise InputError(
            f"{archive} is of format {found}, this version reads up to {FORMAT}.",
            "Restore it with the version of the platform that made it, or a newer one.",
        )


def _digest(size: int, sha256: str) -> Digest:
    if not SHA256.fullmatch(sha256):
        raise ValueError(f"{sha256!r} is no SHA-256")
    return Digest(int(size), sha256)
