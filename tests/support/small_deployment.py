"""A small deployment: folders, a registry in SQLite, a PostgreSQL server of files, secrets, their vault."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from fake_postgres import FakePostgreSQL
from typer.testing import CliRunner, Result

from turo.cli import app
from turo.settings import Settings, load

NOWHERE = "http://127.0.0.1:1"
ROLES = ("superuser", "airflow", "mlflow", "celery_results", "turo", "exporter")


@dataclass
class Deployment:
    """One stack's folders and settings."""

    root: Path
    server: FakePostgreSQL
    settings: Settings

    @property
    def backups(self) -> Path:
        return self.settings.backups_dir

    def turo(self, *words: str | Path) -> Result:
        """Run `turo WORDS…` here."""
        return CliRunner().invoke(app, [str(word) for word in words], obj=self.settings)

    def archives(self) -> list[str]:
        return sorted(path.name for path in self.backups.glob("turo-*.tar.gz"))

    def archive(self) -> Path:
        """The only one."""
        (name,) = self.archives()
        return self.backups / name

    def files(self) -> dict[str, bytes]:
        """What is in the folders that a restore fills."""
        folders = [self.root / name for name in ("datas", "artifacts", "vault")]
        found = (path for folder in folders for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in found}

    def rows(self) -> list[int]:
        """Of MLflow's database."""
        with closing(sqlite3.connect(self.root / "mlruns/mlflow.db")) as database:
            return [row[0] for row in database.execute("SELECT n FROM runs ORDER BY n")]

    def lose_everything(self) -> None:
        """As `docker compose down --volumes` and empty folders; the checkout's sample is there again."""
        for name in ("datas", "artifacts", "mlruns"):
            shutil.rmtree(self.root / name)
            (self.root / name).mkdir()
        for name in ("reservations.csv", "vehicles.csv"):
            (self.root / "datas" / name).write_text("sample")
        for role in ROLES:
            secret = self.root / "vault" / f"postgres_{role}"
            secret.unlink()  # a restored one is read-only
            secret.write_text(f"new {role}")
        databases: dict[str, list[str]] = {name: [] for name in self.server.read()["databases"]}
        self.server.write(databases=databases, passwords={}, owners={}, asked=[])


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePostgreSQL:
    made = FakePostgreSQL(tmp_path / "postgres")
    monkeypatch.setenv("PATH", str(made.bin), prepend=":")
    return made


@pytest.fixture
def deployment(tmp_path: Path, server: FakePostgreSQL) -> Deployment:
    """Full of data, at rest."""
    for name in (
        "datas/report",
        "datas/predictions/XGBoost",
        "artifacts/1/m-1",
        "mlruns",
        "backups",
        "vault",
    ):
        (tmp_path / name).mkdir(parents=True)
    for name in ("secrets", "project"):
        (tmp_path / name).mkdir()
    contents = {
        "datas/reservations.csv": "mine",
        "datas/datas.csv": "table",
        "datas/report/made.json": "{}",
        "datas/predictions/XGBoost/1.parquet": "rows",
        "datas/README.md": "of the checkout",
        "datas/.prepare.lock": "",
        "artifacts/1/m-1/model.skops": "model",
        "project/.env": "MODEL_NAMES=XGBoost\n",
        "project/versions.toml": '[mlflow]\nline = "3.18"\n',
    }
    for name, text in contents.items():
        (tmp_path / name).write_text(text)
    for role in ROLES:
        (tmp_path / "secrets" / f"postgres_{role}").write_text(f"old {role}")
        (tmp_path / "vault" / f"postgres_{role}").write_text(f"old {role}")
    (tmp_path / "secrets" / "pgpass").write_text("*:*:*:postgres:old superuser")
    with closing(sqlite3.connect(tmp_path / "mlruns/mlflow.db")) as database:
        database.execute("CREATE TABLE runs (n INTEGER)")
        database.execute("INSERT INTO runs VALUES (1), (2)")
        database.commit()
    databases = server.read()["databases"] | {"airflow": ["dag", "dag_run"], "forecasts": ["forecasts"]}
    server.write(databases=databases)
    settings = load(
        data_dir=str(tmp_path / "datas"),
        backend_uri=f"sqlite:///{tmp_path}/mlruns/mlflow.db",
        artifact_root=str(tmp_path / "artifacts"),
        backups_dir=tmp_path / "backups",
        project_dir=tmp_path / "project",
        operator_secrets=tmp_path / "secrets",
        operator_postgres="host=nowhere user=postgres",
        vault_dir=tmp_path / "vault",
        mlflow_tracking_uri=NOWHERE,
        serve_url=NOWHERE,
    )
    return Deployment(tmp_path, server, settings)


@pytest.fixture
def backed_up(deployment: Deployment) -> Deployment:
    """With one good archive."""
    assert deployment.turo("backup").exit_code == 0
    return deployment


Refused = Callable[..., str]


@pytest.fixture
def refused() -> Refused:
    """Run a command that must be refused; its sentence."""

    def run(deployment: Deployment, *words: str | Path) -> str:
        from turo.errors import TuroError

        done = deployment.turo(*words)
        assert isinstance(done.exception, TuroError), done.output
        assert done.exception.remedy
        return str(done.exception)

    return run
