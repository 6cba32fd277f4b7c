"""Secrets: made once at random, handed to each consumer in a volume of its own.

The vault keeps every value; a consumer's volume holds copies of what that consumer needs and nothing else.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROLES = ("superuser", "airflow", "mlflow", "celery_results", "turo", "exporter")
POSTGRES, REDIS, AIRFLOW, ML, MONITORING = 999, 999, 50000, 1000, 65534


def token() -> str:
    return secrets.token_hex(32)


def fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


MAKERS: dict[str, Callable[[], str]] = {
    **{f"postgres_{role}": token for role in ROLES},
    "redis": token,
    "airflow_fernet": fernet_key,
    "airflow_secret_key": token,
    "airflow_jwt": lambda: secrets.token_hex(64),
    "ray": token,
    "jupyter": token,
    "operator": token,
    "mlflow_flask": token,
}


@dataclass(frozen=True)
class Consumer:
    """A volume, who reads it, and its files. No file ends with a newline: readers take it literally."""

    volume: str
    uid: int
    gid: int
    files: Mapping[str, str]
    mode: int = 0o400


def unlock(vault: Path, chosen: Mapping[str, str]) -> dict[str, str]:
    """Read every secret from the vault, making those that are missing; `chosen` values win over both."""
    found = {}
    for name, make in MAKERS.items():
        path = vault / name
        value = chosen.get(name) or (path.read_text() if path.exists() else make())
        write(path, value, 0o400)
        found[name] = value
    return found


def consumers(secret: Mapping[str, str]) -> list[Consumer]:
    """Who may hold what. The Airflow worker gets no metadata database and no signing secret."""
    database = f"postgresql+psycopg2://airflow:{secret['postgres_airflow']}@postgres/airflow"
    queue = {
        "broker_url": f"redis://:{secret['redis']}@redis:6379/0",
        "result_backend": "db+postgresql+psycopg2://celery_results:"
        f"{secret['postgres_celery_results']}@postgres/celery_results",
    }
    shared = {"secret_key": secret["airflow_secret_key"]}
    dags = {"sql_alchemy_conn": database, "fernet_key": secret["airflow_fernet"], **shared}
    core = {**dags, **queue, "jwt_secret": secret["airflow_jwt"]}
    passwords = {role: secret[f"postgres_{role}"] for role in ROLES}
    return [
        Consumer("postgres", POSTGRES, POSTGRES, passwords),
        Consumer(
            "redis",
            REDIS,
            REDIS,
            {"redis.conf": f"requirepass {secret['redis']}", "password": secret["redis"]},
        ),
        Consumer("airflow", AIRFLOW, 0, core),
        Consumer("airflow_dags", AIRFLOW, 0, dags),
        Consumer("airflow_worker", AIRFLOW, 0, {**shared, **queue, "operator_token": secret["operator"]}),
        # Group 0 as well: the Airflow worker talks to Ray with the same token.
        Consumer("ray", ML, 0, {"token": secret["ray"]}, mode=0o440),
        Consumer(
            "mlflow",
            ML,
            0,
            {
                "pgpass": f"postgres:5432:mlflow:mlflow:{secret['postgres_mlflow']}",
                "flask_secret_key": secret["mlflow_flask"],
            },
        ),
        Consumer("forecasts", ML, 0, {"pgpass": f"postgres:5432:forecasts:turo:{secret['postgres_turo']}"}),
        Consumer("jupyter", ML, 0, {"token": secret["jupyter"]}),
        # Who backs everything up holds everything, the vault included.
        Consumer("operator", ML, 0, {**secret, "pgpass": f"*:*:*:postgres:{secret['postgres_superuser']}"}),
        Consumer("prometheus", MONITORING, MONITORING, {"ray_token": secret["ray"]}),
        Consumer("postgres_exporter", MONITORING, MONITORING, {"password": secret["postgres_exporter"]}),
        Consumer(
            "redis_exporter",
            MONITORING,
            MONITORING,
            {"passwords.json": json.dumps({"redis://redis:6379": secret["redis"]})},
        ),
    ]


def hand_out(folder: Path, consumer: Consumer) -> None:
    """Fill a consumer's volume with exactly its files; what it no longer needs is removed."""
    for stale in folder.iterdir():
        if stale.name not in consumer.files:
            stale.unlink()
    for name, value in consumer.files.items():
        write(folder / name, value, consumer.mode)
        os.chown(folder / name, consumer.uid, consumer.gid)
    os.chown(folder, consumer.uid, consumer.gid)
    folder.chmod(0o550)


def write(path: Path, value: str, mode: int) -> None:
    """Replace a file whole; unchanged files keep their time and inode."""
    if path.exists() and path.read_text() == value:
        return
    temporary = path.with_name(f".{path.name}")
    temporary.write_text(value)
    temporary.chmod(mode)
    temporary.replace(path)
