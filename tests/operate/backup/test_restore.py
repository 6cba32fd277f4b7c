"""`turo restore`: everything back as it was, or refused before anything is touched, or taken back."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from json_server import json_server
from small_deployment import ROLES, Deployment, Refused

from turo.operate.backup import unpack
from turo.operate.backup.archive_reader import verify


def test_all_is_as_it_was(backed_up: Deployment) -> None:
    files, databases = backed_up.files(), backed_up.server.read()["databases"]
    backed_up.lose_everything()
    done = backed_up.turo("restore", backed_up.archive().name, "--yes")
    assert done.exit_code == 0, done.exception
    assert "docker compose up -d --wait" in done.output
    kept = {"datas/README.md", "datas/.prepare.lock"}  # of the checkout, and of nobody
    put_aside = {f"datas/before-restore/{name}": b"sample" for name in ("reservations.csv", "vehicles.csv")}
    assert backed_up.files() == {n: c for n, c in files.items() if n not in kept} | put_aside
    assert backed_up.rows() == [1, 2]
    server = backed_up.server.read()
    assert server["databases"] == databases
    assert server["owners"]["forecasts"] == "turo"


def test_the_second_disaster_is_as_the_first(backed_up: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the first restore put aside is in no archive, and takes nobody's place."""
    files = backed_up.files()
    backed_up.lose_everything()
    first = backed_up.archive()
    assert backed_up.turo("restore", first, "--yes").exit_code == 0
    first.rename(first.with_name("first"))
    assert backed_up.turo("backup").exit_code == 0
    kept = {"datas/README.md", "datas/.prepare.lock"}
    assert {name for name in verify(backed_up.archive()).members if name.startswith("datas/")} == {
        name for name in files if name.startswith("datas/") and name not in kept
    }
    backed_up.archive().unlink()
    # An archive of a version that took it along.
    with monkeypatch.context() as patched:
        patched.setattr("turo.operate.backup.folder_snapshot.LEFT_OUT", ("README.md",))
        assert backed_up.turo("backup").exit_code == 0
    assert "datas/before-restore/vehicles.csv" in verify(backed_up.archive()).members
    backed_up.lose_everything()
    done = backed_up.turo("restore", backed_up.archive(), "--yes")
    assert done.exit_code == 0, done.exception
    assert (backed_up.root / "datas/before-restore/vehicles.csv").read_text() == "sample"
    assert (backed_up.root / "datas/reservations.csv").read_text() == "mine"


def test_secrets_are_in_the_vault_and_the_roles_have_their_passwords(backed_up: Deployment) -> None:
    backed_up.lose_everything()
    backed_up.turo("restore", backed_up.archive(), "--yes")
    vault = {path.name: path for path in (backed_up.root / "vault").iterdir()}
    assert set(vault) == {f"postgres_{role}" for role in ROLES}  # pgpass is made of a secret
    assert {path.stat().st_mode & 0o777 for path in vault.values()} == {0o400}
    names = {"superuser": "postgres"}
    assert backed_up.server.read()["passwords"] == {names.get(role, role): f"old {role}" for role in ROLES}


def test_the_sample_of_the_checkout_stays_where_it_is_the_archive_s(backed_up: Deployment) -> None:
    backed_up.lose_everything()
    (backed_up.root / "datas/reservations.csv").write_text("mine")
    (backed_up.root / "datas/vehicles.csv").unlink()
    output = backed_up.turo("restore", backed_up.archive(), "--yes").output
    assert "before-restore" not in output
    assert (backed_up.root / "datas/reservations.csv").read_text() == "mine"


def test_another_configuration_is_laid_beside_and_the_command_is_told(backed_up: Deployment) -> None:
    backed_up.lose_everything()
    (backed_up.root / "project/.env").write_text("another")
    (backed_up.backups / ".lock").unlink()
    if os.geteuid() == 0:
        os.chown(backed_up.backups, 1234, 1234)
    output = backed_up.turo("restore", backed_up.archive(), "--yes").output
    kept = backed_up.backups / f"{backed_up.archive().name.removesuffix('.tar.gz')}-env"
    assert f"`cp backups/{kept.name} .env`" in output.replace("\n", "")
    assert kept.read_text() == "MODEL_NAMES=XGBoost\n"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.stat().st_uid == backed_up.backups.stat().st_uid  # who shall copy it
    assert (backed_up.backups / ".lock").stat().st_mode & 0o777 == 0o666  # the next backup is not root's
    assert (backed_up.root / "project/.env").read_text() == "another"


def test_the_configuration_comes_first_where_the_restore_needs_it(
    backed_up: Deployment, refused: Refused
) -> None:
    backed_up.lose_everything()
    (backed_up.root / "project/.env").unlink()
    uri = "postgresql+psycopg2://mlflow@postgres/mlflow"
    backed_up.settings = backed_up.settings.model_copy(update={"backend_uri": uri})
    files = backed_up.files()
    assert "BACKEND_URI" in refused(backed_up, "restore", backed_up.archive(), "--yes")
    done = backed_up.turo("restore", "--env-only", backed_up.archive().name)
    kept = backed_up.backups / f"{backed_up.archive().name.removesuffix('.tar.gz')}-env"
    assert f"`cp backups/{kept.name} .env`" in done.output
    assert kept.read_text() == "MODEL_NAMES=XGBoost\n"
    assert backed_up.files() == files
    kept.replace(backed_up.root / "project/.env")
    assert "those that are here" in backed_up.turo("restore", "--env-only", backed_up.archive()).output


def damage(deployment: Deployment) -> None:
    content = bytearray(deployment.archive().read_bytes())
    content[len(content) // 2] ^= 1
    deployment.archive().write_bytes(content)


def fill(name: str) -> object:
    def into(deployment: Deployment) -> None:
        (deployment.root / name).parent.mkdir(exist_ok=True)
        (deployment.root / name).write_text("mine")

    return into


def of(text: str) -> object:
    return lambda deployment: (deployment.root / "project/versions.toml").write_text(text)


REFUSED = {
    "damaged": (damage, "damaged"),
    "data": (fill("datas/datas.csv"), "datas is not empty: datas.csv"),
    "models": (fill("artifacts/1"), "artifacts is not empty: 1"),
    "registry": (fill("mlruns/mlflow.db"), "mlruns is not empty: mlflow.db"),
    "tables": (
        lambda it: it.server.write(databases=it.server.read()["databases"] | {"airflow": ["dag"]}),
        "database airflow is not empty",
    ),
    "in use": (lambda it: it.server.write(clients=["airflow", "turo"]), "in use by airflow, turo"),
    "older MLflow": (of('[mlflow]\nline = "3.9"\n'), "of mlflow 3.18, here is 3.9"),
    "no versions": (of("lines = ["), "versions.toml cannot be read"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_before_anything_is_touched(backed_up: Deployment, refused: Refused, name: str) -> None:
    spoil, told = REFUSED[name]
    backed_up.lose_everything()
    spoil(backed_up)  # type: ignore[operator]
    files, server = backed_up.files(), backed_up.server.read() | {"asked": []}
    assert told in refused(backed_up, "restore", backed_up.archive(), "--yes")
    assert backed_up.files() == files
    assert backed_up.server.read() | {"asked": []} == server
    assert not list(backed_up.root.rglob(".restoring-*"))


def test_refused_while_mlflow_answers(backed_up: Deployment, refused: Refused) -> None:
    backed_up.lose_everything()
    with json_server(lambda *_: (403, {}, {})) as url:
        backed_up.settings = backed_up.settings.model_copy(update={"mlflow_tracking_uri": url})
        assert f"MLflow answers at {url}" in refused(backed_up, "restore", backed_up.archive(), "--yes")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"backend_uri": "postgresql+psycopg2://mlflow@postgres/mlflow"}, "Set BACKEND_URI in .env"),
        ({"operator_postgres": ""}, "there is none here"),
        ({"vault_dir": None}, "only the service `restore`"),
    ],
)
def test_refused_where_it_would_come_to_another_place(
    backed_up: Deployment, refused: Refused, changed: dict[str, object], told: str
) -> None:
    backed_up.lose_everything()
    backed_up.settings = backed_up.settings.model_copy(update=changed)
    assert told in refused(backed_up, "restore", backed_up.archive(), "--yes")


def test_an_archive_of_a_newer_package_is_refused(
    backed_up: Deployment, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    backed_up.lose_everything()
    monkeypatch.setattr("turo.operate.backup.places.metadata.version", lambda name: "0.0.9")
    assert "of turo 0.1.0, here is 0.0.9" in refused(backed_up, "restore", backed_up.archive(), "--yes")


def test_nobody_to_ask_and_no_yes_changes_nothing(backed_up: Deployment, refused: Refused) -> None:
    backed_up.lose_everything()
    files = backed_up.files()
    assert "--yes" in refused(backed_up, "restore", backed_up.archive())
    assert backed_up.files() == files


def test_one_that_is_not_there_is_named(deployment: Deployment, refused: Refused) -> None:
    assert "There is no turo-nothing.tar.gz" in refused(deployment, "restore", "turo-nothing.tar.gz", "--yes")


def break_dump(deployment: Deployment, _: pytest.MonkeyPatch) -> None:
    deployment.server.write(problems={"pg_restore mlflow": "pg_restore: error: unsupported version"})


def break_files(_: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    rename, done = unpack._rename, list[Path]()

    def fails(path: Path, target: Path, undo: object) -> None:
        if len(done) == 4:
            raise OSError(28, "No space left on device")
        done.append(target)
        rename(path, target, undo)  # type: ignore[arg-type]

    monkeypatch.setattr(unpack, "_rename", fails)


def break_passwords(_: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    from turo.errors import ServiceError
    from turo.operate.backup.databases import PostgreSQL

    def fails(*_: object) -> None:
        raise ServiceError("PostgreSQL cannot be asked.", "Start it.")

    monkeypatch.setattr(PostgreSQL, "set_passwords", fails)


@pytest.mark.parametrize("spoil", [break_dump, break_files, break_passwords])
def test_a_step_that_fails_takes_back_those_before_it(
    backed_up: Deployment, refused: Refused, monkeypatch: pytest.MonkeyPatch, spoil: object
) -> None:
    backed_up.lose_everything()
    files, databases = backed_up.files(), backed_up.server.read()["databases"]
    spoil(backed_up, monkeypatch)  # type: ignore[operator]
    refused(backed_up, "restore", backed_up.archive(), "--yes")
    assert backed_up.files() == files
    assert backed_up.server.read()["databases"] == databases
    assert not (backed_up.root / "mlruns/mlflow.db").exists()
    assert not list(backed_up.root.rglob(".restoring-*"))
    # And again, with what was broken mended.
    monkeypatch.undo()
    backed_up.server.write(problems={})


def test_after_a_failed_one_the_next_succeeds(backed_up: Deployment, refused: Refused) -> None:
    backed_up.lose_everything()
    (backed_up.root / "datas/.restoring-dead").mkdir()  # of one that was killed
    backed_up.server.write(problems={"pg_restore mlflow": "broken"})
    assert "mlflow cannot be restored: broken" in refused(backed_up, "restore", backed_up.archive(), "--yes")
    backed_up.server.write(problems={})
    assert backed_up.turo("restore", backed_up.archive(), "--yes").exit_code == 0
    assert json.loads((backed_up.root / "datas/report/made.json").read_text()) == {}
    assert not list(backed_up.root.rglob(".restoring-*"))
