"""`turo upgrade check`: is the way to a version open, and what is to be known of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_deployment import Deployment, Refused
from tools import REPOSITORY

from turo.operate.upgrade.notes import read_target

PASSED = """
[[step]]
version = "0.3.0"
what = "moves the decision log."
must_run = true

[[step]]
version = "0.2.0"
what = "renames a table."
by_hand = "close what reads it."

[[step]]
version = "0.1.0"
what = "is what everybody has."
"""


@pytest.fixture
def target(tmp_path: Path, deployment: Deployment) -> Path:
    """Version 0.3.0, and what the checkout in use offers."""
    folder = tmp_path / "target"
    (folder / "docs").mkdir(parents=True)
    (deployment.root / "project/.env.example").write_text("#OLD_NAME=1\n#SERVE_PORT=8000\n#OVERRIDDEN=1\n")
    (deployment.root / "project/versions.toml").write_text('[postgres]\nline = "17"\n')
    write(folder, "0.3.0")
    return folder


def write(folder: Path, version: str, notes: str = PASSED, postgres: str = "17") -> None:
    (folder / "pyproject.toml").write_text(f'[project]\nversion = "{version}"\n')
    (folder / "docs/upgrades.toml").write_text(notes)
    (folder / "versions.toml").write_text(f'[postgres]\nline = "{postgres}"\n')
    (folder / ".env.example").write_text("#SERVE_PORT=8000\n")


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("upgrade.check", "backup.places"):
        monkeypatch.setattr(f"turo.operate.{module}.metadata.version", lambda name: "0.1.0")


def test_what_is_passed_is_told_oldest_first(deployment: Deployment, target: Path) -> None:
    done = deployment.turo("upgrade", "check", target)
    assert done.exit_code == 0, done.exception
    assert done.output.splitlines() == [
        "  note: 0.2.0: renames a table. Before it, by hand: close what reads it.",
        "  note: 0.3.0: moves the decision log.",
    ]


def test_a_step_that_may_not_be_skipped(deployment: Deployment, refused: Refused, target: Path) -> None:
    write(target, "0.10.0")
    told = refused(deployment, "upgrade", "check", target)
    assert "From 0.1.0 to 0.10.0 a step would be skipped: 0.3.0 moves the decision log." in told
    assert "First `./upgrade.sh v0.3.0`" in told


def test_an_older_version(deployment: Deployment, refused: Refused, target: Path) -> None:
    write(target, "0.0.9")
    assert "0.0.9 is older than 0.1.0" in refused(deployment, "upgrade", "check", target)


def test_another_line_of_postgresql(deployment: Deployment, refused: Refused, target: Path) -> None:
    write(target, "0.3.0", postgres="18")
    assert "has PostgreSQL 18, here is 17" in refused(deployment, "upgrade", "check", target)


def test_a_registry_that_no_backup_reaches(deployment: Deployment, refused: Refused, target: Path) -> None:
    changed = {"backend_uri": "postgresql://me:secret@db.example/mlflow"}
    deployment.settings = deployment.settings.model_copy(update=changed)
    told = refused(deployment, "upgrade", "check", target)
    assert "BACKEND_URI is a server or database of your own" in told
    assert "mlflow db upgrade" in told
    assert "secret" not in told


def test_data_that_no_backup_reaches_are_told(deployment: Deployment, target: Path) -> None:
    deployment.settings = deployment.settings.model_copy(update={"artifact_root": "s3://models"})
    assert "ARTIFACT_ROOT is behind a URL" in deployment.turo("upgrade", "check", target).output


def test_names_that_the_version_no_longer_reads(deployment: Deployment, target: Path) -> None:
    (deployment.root / "project/docker-compose.override.yml").write_text("x: ${OVERRIDDEN}\n")
    names = "OLD_NAME\nSERVE_PORT\nOVERRIDDEN\nNOBODYS\n"
    from typer.testing import CliRunner

    from turo.cli import app

    words = ["upgrade", "check", str(target), "--names"]
    told = CliRunner().invoke(app, words, obj=deployment.settings, input=names).output
    assert ".env has 1 name that 0.3.0 no longer reads: OLD_NAME." in told


@pytest.mark.parametrize(
    ("notes", "words"),
    [
        (None, "has no upgrades.toml"),
        ("step = [", "upgrades.toml of the version cannot be read"),
        ('[[step]]\nversion = "0.2.0"\n', "cannot be read"),
        ('[[step]]\nversion = "soon"\nwhat = "x"\n', "'soon' is no version"),
        ('[[step]]\nversion = "0.2.0"\nwhat = "x"\nmay_skip = false\n', "'may_skip'"),
        ("step = 3", "cannot be read"),
    ],
)
def test_notes_that_cannot_be_read(
    deployment: Deployment, refused: Refused, target: Path, notes: str | None, words: str
) -> None:
    if notes is None:
        (target / "docs/upgrades.toml").unlink()
    else:
        (target / "docs/upgrades.toml").write_text(notes)
    told = refused(deployment, "upgrade", "check", target)
    assert words in told
    assert "git tag --list" in told


def test_the_project_s_own_notes_can_be_read() -> None:
    assert read_target(REPOSITORY).postgres


def test_digests_of_other_images_than_the_version_names(
    deployment: Deployment, refused: Refused, target: Path
) -> None:
    redis, python = "redis:8.2.10", "python:3.13-slim-trixie"
    (target / "docker-compose.yml").write_text(f"services:\n  redis: {{image: {redis}}}\n")
    (target / "ray").mkdir()
    (target / "ray/Dockerfile").write_text(f"FROM --platform=linux/amd64 {python} AS uv\n")
    digests = target / "docker-compose.digests.yml"
    written = (
        f"services:\n  redis:\n    image: {redis}@sha256:{'a' * 64}\n"
        f"  ray: {{build: {{additional_contexts: {{'{python}':\n"
        f"      docker-image://{python}@sha256:{'b' * 64}}}}}}}\n"
    )
    digests.write_text(written)
    assert deployment.turo("upgrade", "check", target).exit_code == 0
    for image, older in ((redis, "redis:8.2.1"), (python, "python:3.13-slim")):
        digests.write_text(written.replace(f"{image}@", f"{older}@"))
        told = refused(deployment, "upgrade", "check", target)
        assert f"docker-compose.digests.yml has the digest of {older}, which 0.3.0 does not name" in told
        assert "COMPOSE_FILE" in told
