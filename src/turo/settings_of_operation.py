"""Settings of the operator's part of the platform; all others are in settings.py."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode

# Where those services answer inside the networks that no other setting names; the worker by its logs' server.
INSIDE = {
    "postgres": "postgresql://postgres:5432",
    "redis": "redis://redis:6379",
    "airflow_worker": "http://airflow_worker:8793/",
    "airflow_triggerer": "http://airflow-triggerer:8794/",
    "jupyter": "http://jupyter:8888/api",
    "grafana": "http://grafana:3000/api/health",
    "statsd-exporter": "http://statsd-exporter:9102/",
    "postgres-exporter": "http://postgres-exporter:9187/",
    "redis-exporter": "http://redis-exporter:9121/health",
}


class OperationSettings(BaseSettings):
    """What backups, the service `operator` and retrainings go by; a part of Settings."""

    nightly_backup: bool = True  # the DAG nightly_backup runs by itself
    backups_kept: int = Field(7, ge=1)  # older archives are removed after a good new one
    auto_retrain: bool = False  # the DAG retrain looks every hour whether the models must be trained again
    retrain_cooldown_days: int = Field(7, ge=1)  # between two retrainings that nobody asked for
    backups_dir: Path = Path("backups")
    project_dir: Path = Path()  # the checkout: .env, versions.toml
    operator_url: str = "http://127.0.0.1:8088"
    operator_token_path: Path | None = None  # what POST /backup must carry
    # A copy of the vault; None: the deployment has no secrets of its own (a laptop).
    operator_secrets: Path | None = None
    operator_postgres: str = ""  # connection words of libpq for the superuser; empty = no PostgreSQL here
    answer_within_s: float = Field(1.3, gt=0)  # how long `turo status` waits for a service
    # What else the doctor knocks at, by comma: names of INSIDE, or `name=address`. A laptop has none of them.
    operator_looks_at: Annotated[tuple[tuple[str, str], ...], NoDecode] = ()
    # Under which, at tracking_public_port, MLflow is called from outside.
    tracking_public_host: str = "localhost"
    vault_dir: Path | None = None  # the vault itself, for `turo restore` alone

    # Exposed on purpose (docker-compose.tls.yml): MLflow's login, which its own library reads by these names
    # (empty = it has none), and for which hosts the operator asks the proxy to show its certificate.
    mlflow_tracking_username: str = ""
    mlflow_tracking_password: str = ""
    tls_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    tls_proxy: str = ""  # host:port

    @field_validator("tls_hosts", mode="before")
    @classmethod
    def _hosts(cls, value: Any) -> Any:
        given = value.split(",") if isinstance(value, str) else value
        return tuple(host.strip() for host in given if host.strip())

    @field_validator("operator_looks_at", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        given = [part.strip().partition("=") for part in value.split(",") if part.strip()]
        found = [(name, address or INSIDE.get(name, "")) for name, _, address in given]
        if wrong := [name for name, address in found if not name or "://" not in address]:
            raise ValueError(
                f"{wrong[0]!r} has no address: write it as redis=redis://redis:6379, "
                f"or name some of {', '.join(INSIDE)}"
            )
        return tuple(found)
