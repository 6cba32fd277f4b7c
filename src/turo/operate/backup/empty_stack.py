"""Whether a restore may begin: nothing runs, and there is nothing here that it would bury."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from turo.errors import ConfigError, InputError, ServiceError
from turo.operate.backup.databases import PostgreSQL
from turo.operate.backup.folder_snapshot import LEFT_OUT
from turo.operate.backup.manifest import POSTGRES, Manifest
from turo.operate.backup.places import DATABASES, Places, own_versions

if TYPE_CHECKING:
    from turo.settings import Settings

STAGE = ".restoring-"  # how folders of an unfinished restore begin
SAMPLE = ("reservations.csv", "vehicles.csv", "blocks.csv")  # of every fresh checkout; put aside by a restore
DOWN = (
    "Stop everything first: `docker compose down`. What a restore needs is started by "
    "`docker compose run --rm restore ARCHIVE`."
)
EMPTY = (
    "A restore goes into an empty stack: `docker compose down --volumes` forgets its databases and "
    "secrets; then move away what is in datas/ (but README.md), mlruns/ and mlflow_artifacts/, and try again."
)
# Components whose data an older one may not be able to read.
STATEFUL = ("airflow", "mlflow", "postgres", "turo")


def check_versions(manifest: Manifest, project: Path) -> None:
    """Refuse what a newer version has made.

    Raises:
        InputError: names the component and both versions.
    """
    own = own_versions(project)
    for name in STATEFUL:
        theirs, ours = manifest.versions.get(name, "0"), own.get(name)
        if ours is not None and _numbers(theirs) > _numbers(ours):
            raise InputError(
                f"The archive is of {name} {theirs}, here is {ours}, which cannot read a newer one's data.",
                f"Take the release of the platform that has {name} {theirs} or newer, then restore.",
            )


def check_store(manifest: Manifest, here: Places) -> None:
    """Refuse where MLflow would look for its registry in another place than the archive has it.

    Raises:
        ConfigError: names the setting.
    """
    if manifest.mlflow_store == here.mlflow_store:
        return
    uri = "postgresql+psycopg2://mlflow@postgres/mlflow"
    theirs = uri if manifest.mlflow_store == POSTGRES else manifest.mlflow_store
    raise ConfigError(
        f"In the archive MLflow's registry is in another place ({manifest.mlflow_store}) than "
        f"BACKEND_URI names here ({here.mlflow_store}).",
        f"Set BACKEND_URI in .env as it was when the backup was made ({theirs}), then restore; "
        "`docker compose run --rm restore --env-only ARCHIVE` brings the .env of then.",
    )


def check_quiet(settings: Settings, server: PostgreSQL | None) -> None:
    """Refuse while anything runs that would write meanwhile.

    Raises:
        ServiceError: names what runs.
    """
    import httpx

    for name, url in (("MLflow", settings.mlflow_tracking_uri), ("Ray Serve", settings.serve_url)):
        try:
            httpx.get(url, timeout=1.5, trust_env=False)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            continue
        except httpx.HTTPError:
            pass  # something is there
        raise ServiceError(f"{name} answers at {url}.", DOWN)
    if server is not None and (busy := server.clients([*DATABASES.values()])):
        raise ServiceError(f"PostgreSQL is in use by {', '.join(busy)}.", DOWN)


def check_empty(here: Places, server: PostgreSQL | None) -> None:
    """Refuse where a folder or a database has something.

    Raises:
        ConfigError: names what is there.
    """
    folders = [(here.datas, SAMPLE), (here.artifacts, ()), (_parent(here.mlflow_database), ())]
    for folder, besides in folders:
        if folder is not None and (found := contents(folder, besides)):
            more = f" and {len(found) - 3} more" if len(found) > 3 else ""
            raise ConfigError(f"{folder} is not empty: {', '.join(found[:3])}{more}.", EMPTY)
    for database in DATABASES if server is not None else ():
        if server is not None and server.tables(database):
            raise ConfigError(f"PostgreSQL's database {database} is not empty.", EMPTY)


def contents(folder: Path, besides: tuple[str, ...] = ()) -> list[str]:
    """Names in a folder that are neither of the checkout nor locks; none where it is not there."""
    if not folder.is_dir():
        return []
    names = (path.name for path in folder.iterdir())
    unfinished = (
        name for name in names if name.startswith(STAGE) or (name[0] == "." and name.endswith(".lock"))
    )
    return sorted({path.name for path in folder.iterdir()} - {*unfinished, *LEFT_OUT, *besides})


def aside(here: Places, members: Mapping[str, str]) -> list[Path]:
    """Files of the sample's names in datas/ that are not the very ones of the archive.

    Args:
        members: SHA-256 of the archive's members by name.
    """
    from turo.files import sha256

    if here.datas is None:
        return []
    there = [here.datas / name for name in SAMPLE]
    return [path for path in there if path.is_file() and sha256(path) != members.get(f"datas/{path.name}")]


def _parent(path: Path | None) -> Path | None:
    return None if path is None else path.parent


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
