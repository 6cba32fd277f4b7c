"""What the environment says. Every variable has one home here and one line in `.env.example`.

A process calls `load` once, where it begins, and hands the Settings on: tests/test_settings_readers.py.
"""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, StringConstraints, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from turo.errors import ConfigError
from turo.settings_of_operation import OperationSettings

SECRET = ("SERVE_API_KEY", "RAY_AUTH_TOKEN", "AIRFLOW_ADMIN_PASSWORD", "MLFLOW_TRACKING_PASSWORD")  # hidden
CommaList = Annotated[tuple[str, ...], NoDecode]
# What browsers send as Origin, exactly: no path, no wildcard; answers are for those who were named.
Origin = Annotated[str, StringConstraints(pattern=r"^https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?$")]
Origins = Annotated[tuple[Origin, ...], NoDecode]
ServiceName = Literal["airflow", "mlflow", "jupyter", "grafana", "prometheus", "ray"]
ADDRESS = re.compile(r"(https?://)([^\s<>\"'\\/?#][^\s<>\"'\\]*)", re.IGNORECASE)
Target = Literal["auto", "y_booked_days", "y_reservations", "y_revenue"]
SERVICES: tuple[str, ...] = get_args(ServiceName)
TARGETS: tuple[str, ...] = get_args(Target)
BEST_MODEL = "auto"  # for FORECAST_MODEL: the champion with the best hold-out score of each horizon


class Settings(OperationSettings):
    """All settings, frozen. Field names in upper case are the environment's names."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    # The commit that the images were built from, else the version of the package.
    code_version: str = Field(default_factory=lambda: metadata.version("turo"))

    # Data
    data_dir: str = "datas"
    reservations_file: str = "reservations.csv"  # a name, several by comma, or a glob below data_dir
    vehicles_file: str = "vehicles.csv"
    blocks_file: str = "blocks.csv"
    as_of: str | None = None  # ISO date: the day the snapshot was taken, where the files cannot tell
    timezone: str = "America/Los_Angeles"
    date_order: Literal["", "MDY", "DMY"] = ""  # needed only for ambiguous or two-digit dates
    accept_older_snapshot: bool = False
    watch_files: bool = True  # the DAG new_files starts by itself when a file in the data folder changes
    horizon_days: int = Field(28, ge=1, le=366)
    target: Target = "auto"  # auto = the profile's default; `y_` may be left out
    prepare_chunk_vehicles: int = Field(500, ge=1)

    # Models
    model_names: CommaList = ("XGBoost", "SVR", "CatBoost", "KNN")
    model_paths: CommaList = ("xgboost", "svr", "catboost", "knn")
    projects_dir: Path = Path("mlflow/projects")

    # Fleet forecast
    forecast_model: str = BEST_MODEL  # or one of model_names, for all horizons
    forecast_horizons: Annotated[tuple[Annotated[int, Field(ge=1, le=366)], ...], NoDecode] = (7, 28, 90)
    forecasts_uri: str = ""  # postgresql://…; empty = no database table

    # MLflow
    mlflow_tracking_uri: str = "http://127.0.0.1:5000"
    backend_uri: str = "sqlite:///mlruns/mlflow.db"
    artifact_root: str = "mlflow_artifacts"
    tracking_port: int = 5000
    mlflow_run_id: str = ""  # by `mlflow run`, to the process of a project: the run to use

    # Ray and Ray Serve
    ray_address: str = "auto"
    ray_dashboard_port: int = 8265
    ray_dashboard_url: str = ""  # empty = derived from ray_address
    ray_auth_token: str = ""
    ray_auth_token_path: Path | None = None
    ray_job_config_json_env_var: str = ""  # by Ray, to a job: what it is, as JSON
    ray_http_host: str = "0.0.0.0"  # noqa: S104 - where Serve listens inside the container
    ray_http_port: int = 8000
    serve_url: str = "http://127.0.0.1:8000"
    serve_public_port: int = 0  # on the host, for the address that people open; 0: as in serve_url
    service_deadline_s: float = 180.0  # how long a task waits for MLflow or Ray before it gives up

    # Serving
    serve_max_rows: int = Field(10_000, ge=1)
    serve_max_bytes: int = Field(16 << 20, ge=1024)
    serve_max_ongoing: int = Field(64, ge=1)
    serve_max_queued: int = Field(200, ge=0)
    serve_timeout_s: float = 30.0
    serve_body_timeout_s: int = Field(10, ge=1)  # for a request's head, and for its body; then 408
    serve_max_waiting: int = Field(256, ge=1)  # bodies that one client may have under way to a replica
    serve_cors_origins: Origins = ()
    serve_replica_cpus: float = 0.01  # next to nothing: niceness puts answers first
    serve_min_replicas: int = Field(2, ge=1)  # one answers while another is started anew
    serve_max_replicas: int = Field(2, ge=1)
    serve_api_key: str = Field("", pattern=r"^[!-~]*$")  # what a header can carry
    serve_log_rows: int = Field(100_000, ge=0)  # predictions kept per model below data_dir; 0 keeps none
    reconcile_period_s: float = 2.0
    status_file: Path = Path("/tmp/turo-serve-status.json")  # noqa: S108 - a tmpfs in the container

    # Front door: ports of the other services on the host, for the links to them; 0 = it is not there
    airflow_public_port: int = 0
    tracking_public_port: int = 0
    jupyter_public_port: int = 0
    grafana_public_port: int = 0
    prometheus_public_port: int = 0
    dashboard_public_port: int = 0
    # Whole addresses, `airflow=https://…` by comma, of those that are elsewhere, as behind a proxy.
    service_urls: Annotated[tuple[tuple[ServiceName, str], ...], NoDecode] = ()

    # Operation: where the services are that nothing else asks, and the login of Airflow's administrator
    airflow_url: str = "http://127.0.0.1:8080"
    airflow_admin_user: str = "admin"
    airflow_admin_password: str = "admin"  # noqa: S105 - the stack's default, refused off loopback
    prometheus_url: str = "http://127.0.0.1:9090"

    # Monitoring
    statsd_host: str = ""  # empty = no metrics are sent
    statsd_port: int = 9125
    alertmanager_url: str = "http://127.0.0.1:9093"

    @field_validator("model_names", "model_paths", "forecast_horizons", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value

    @field_validator("serve_cors_origins", mode="before")
    @classmethod
    def _origins(cls, value: Any) -> Any:
        given = value.split(",") if isinstance(value, str) else value
        return tuple(origin.strip().lower().rstrip("/") for origin in given if origin.strip())

    @field_validator("service_urls", mode="before")
    @classmethod
    def _addresses(cls, value: Any) -> Any:
        parts = value.split(",") if isinstance(value, str) else [f"{name}={url}" for name, url in value]
        found = dict[str, str]()
        for part in filter(None, (part.strip() for part in parts)):
            name, _, url = (piece.strip() for piece in part.partition("="))
            name, address = name.lower(), ADDRESS.fullmatch(url)
            if name not in SERVICES or not address:
                raise ValueError(
                    f"{part!r} does not have the form airflow=https://airflow.example.com: one of "
                    f"{', '.join(SERVICES)}, then an address of http:// or https:// without a comma"
                )
            if name in found:
                raise ValueError(f"{name} is named twice")
            found[name] = address[1].lower() + address[2]
        return tuple(found.items())

    @field_validator("target", mode="before")
    @classmethod
    def _full_name(cls, value: Any) -> Any:
        named = f"y_{value}"
        return named if named in TARGETS else value

    @property
    def input_files(self) -> list[str]:
        """What is watched of the input: reservations, vehicles, blocks, as the settings name them."""
        return [self.reservations_file, self.vehicles_file, self.blocks_file]

    def asked_model(self, model: str = "") -> str:
        """What shall make the forecast, one of MODEL_NAMES or BEST_MODEL: `model`, or else FORECAST_MODEL.

        Raises:
            ConfigError: it is neither.
        """
        name = model or self.forecast_model or BEST_MODEL
        if name not in {BEST_MODEL, *self.model_names}:
            raise ConfigError(
                f"{'Model' if model else 'FORECAST_MODEL:'} {name!r} is not configured.",
                f"Name one of MODEL_NAMES ({', '.join(self.model_names)}), or {BEST_MODEL} for the best of "
                "each horizon.",
            )
        return name

    def token(self) -> str:
        """Ray's bearer token: the variable, else the file; empty where the cluster has none."""
        if self.ray_auth_token:
            return self.ray_auth_token
        if self.ray_auth_token_path and self.ray_auth_token_path.exists():
            return self.ray_auth_token_path.read_text().strip()
        return ""


def load(**overrides: Any) -> Settings:
    """Read the environment; an unusable value is a ConfigError naming the variable and what it takes."""
    from pydantic import ValidationError

    try:
        return Settings(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]).upper() if first["loc"] else "settings"
        value = "…" if name in SECRET else repr(first.get("input"))
        raise ConfigError(
            f"{name}={value} cannot be used: {first['msg'].removeprefix('Value error, ')}.",
            f"Set {name} to a fitting value; .env.example lists what each variable takes.",
        ) from (None if name in SECRET else error)  # the cause quotes the value
