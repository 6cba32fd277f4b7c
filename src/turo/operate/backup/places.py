"""Where on this machine lies what a backup takes and a restore brings back."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from turo.errors import ConfigError
from turo.operate.backup.manifest import ELSEWHERE, POSTGRES, SQLITE

if TYPE_CHECKING:
    from turo.settings import Settings

# Database → the role that owns it, as postgres/init.sh makes them.
DATABASES = {
    "airflow": "airflow",
    "celery_results": "celery_results",
    "forecasts": "turo",
    "mlflow": "mlflow",
}
# Of which Compose takes the first by itself.
OVERRIDES = tuple(
    f"{name}.override.{end}" for name in ("compose", "docker-compose") for end in ("yml", "yaml")
)
PROJECT_FILES = (".env", *OVERRIDES, "versions.toml")
SQLITE_URI = re.compile(r"sqlite:///(?P<path>[^?]+)(\?.*)?")


@dataclass(frozen=True)
class Places:
    """Folders and databases of one deployment.

    Attributes:
        datas, artifacts: None where they are behind a URL, which no backup reaches.
        mlflow_store: one of `manifest.MLFLOW_STORES`.
        mlflow_database: the SQLite file, where it is one.
        secrets: a copy of the vault; None where there are no secrets.
        postgres: connection words of libpq without a database; empty where there is no PostgreSQL.
        forecasts_elsewhere: fleet forecasts go to another database than the stack's own.
    """

    project: Path
    backups: Path
    datas: Path | None
    artifacts: Path | None
    mlflow_store: str
    mlflow_database: Path | None
    secrets: Path | None
    postgres: str
    forecasts_elsewhere: bool = False

    def unreached(self) -> list[str]:
        """What lies where a backup cannot take it, in sentences."""
        told = [
            f"{name} is behind a URL and not in the archive: back it up where it lies."
            for name, folder in (("DATA_DIR", self.datas), ("ARTIFACT_ROOT", self.artifacts))
            if folder is None
        ]
        if self.mlflow_store == ELSEWHERE:
            told.append(
                "BACKEND_URI is another server or database than the stack's own, mlflow, and not in the "
                "archive: back it up where it runs."
            )
        if self.forecasts_elsewhere:
            told.append(
                "FORECASTS_URI is another server or database than the stack's own, forecasts, and not in the "
                "archive: back it up where it runs."
            )
        return told


def places(settings: Settings) -> Places:
    """Where things are by the settings."""
    forecasts = settings.forecasts_uri
    sqlite = SQLITE_URI.fullmatch(settings.backend_uri)
    return Places(
        project=settings.project_dir,
        backups=settings.backups_dir,
        datas=_local(settings.data_dir),
        artifacts=_local(settings.artifact_root),
        mlflow_store=SQLITE
        if sqlite
        else POSTGRES
        if _of_stack(settings.backend_uri, "mlflow")
        else ELSEWHERE,
        mlflow_database=Path(sqlite["path"]) if sqlite else None,
        secrets=settings.operator_secrets,
        postgres=settings.operator_postgres,
        forecasts_elsewhere=bool(forecasts) and not _of_stack(forecasts, "forecasts"),
    )


def _of_stack(uri: str, database: str) -> bool:
    """Whether an address leads to that database of the stack's PostgreSQL."""
    try:
        parts = urlsplit(uri)
        port = parts.port or 5432
    except ValueError:
        return False
    told = parse_qs(parts.query)
    host = parts.hostname or told.get("host", [""])[0]
    return (
        parts.scheme.partition("+")[0] in ("postgresql", "postgres")
        and (host, port) == ("postgres", 5432)
        and unquote(parts.path).strip("/") == database
    )


def _local(location: str) -> Path | None:
    plain = location.removeprefix("file://")
    return None if "://" in plain else Path(plain)


def own_versions(project: Path, code: str = "") -> dict[str, str]:
    """Version of the package, commit, and the line of each component in versions.toml.

    Raises:
        ConfigError: versions.toml is there and cannot be read.
    """
    own = {"turo": metadata.version("turo")} | ({"code": code} if code else {})
    path = project / "versions.toml"
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        return own | {name: str(entry["line"]) for name, entry in told.items()}
    except FileNotFoundError:
        return own
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{path} cannot be read: {error}.", "Take the file of the release: `git checkout versions.toml`."
        ) from error
