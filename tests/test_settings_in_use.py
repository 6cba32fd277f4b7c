"""Every setting has a reader, everything the user may set reaches it, and what it says has an effect."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from types import FunctionType

import pytest

from turo.settings import TARGETS, Settings
from turo.table import targets

REPOSITORY = Path(__file__).resolve().parents[1]
READERS = ("src/turo", "dags", "mlflow")
SETTINGS = REPOSITORY / "src/turo/settings.py"

# Not in .env.example: the compose file sets them, each to the only value that fits the containers.
SET_BY_COMPOSE = {
    "data_dir": "where ./datas is mounted",
    "projects_dir": "where ./mlflow/projects is mounted",
    "mlflow_tracking_uri": "the name of the service",
    "ray_dashboard_url": "the name of the service",
    "serve_url": "the name of the service",
    "ray_auth_token_path": "a file in a volume of secrets",
    "ray_http_port": "published as SERVE_PORT",
    "serve_public_port": "SERVE_PORT itself",
    "tracking_port": "published as MLFLOW_PORT",
    "statsd_host": "the name of the service",
    "airflow_public_port": "published as AIRFLOW_PORT",
    "tracking_public_port": "published as MLFLOW_PORT",
    "jupyter_public_port": "published as JUPYTER_PORT",
    "grafana_public_port": "published as GRAFANA_PORT",
    "prometheus_public_port": "published as PROMETHEUS_PORT",
    "dashboard_public_port": "published as RAY_DASHBOARD_PORT",
    "backups_dir": "where ./backups is mounted",
    "project_dir": "where the checkout is mounted",
    "operator_url": "the name of the service",
    "operator_token_path": "a file in a volume of secrets",
    "operator_secrets": "a volume of secrets",
    "operator_postgres": "the name of the service, and a file in a volume of secrets",
    "vault_dir": "a volume of secrets",
    "airflow_url": "the name of the service",
    "prometheus_url": "the name of the service",
    "alertmanager_url": "the name of the service",
    "mlflow_tracking_username": "MLflow's administrator, where it has a login",
    "mlflow_tracking_password": "MLFLOW_ADMIN_PASSWORD",
    "tls_hosts": "TURO_DOMAIN and the names below it",
    "tls_proxy": "the name of the service",
}
# Nowhere in the stack: right as they are, or for a laptop without containers.
INTERNAL = {
    "answer_within_s": "right as it is; the doctor has more patience",
    "ray_auth_token": "a laptop's; containers have the file",
    "ray_job_config_json_env_var": "by Ray, to each job",
    "mlflow_run_id": "by MLflow, to the process of a project",
    "status_file": "the demo moves it",
    "statsd_port": "the exporter's own",
}
# In .env.example under the same name, for another purpose: the port published on the host.
PUBLISHED = {"ray_dashboard_port": "clients inside find the dashboard by its URL"}


def reads(path: Path) -> set[str]:
    """Attributes that a file reads of the settings, by whatever name it has them."""
    return {
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Load)
        and _is_settings(node.value, path)
    }


def _is_settings(owner: ast.expr, path: Path) -> bool:
    """`settings`, `self._settings`, `SETTINGS`, `settings_module.load()`; in its own class `self`."""
    written = ast.unparse(owner.func if isinstance(owner, ast.Call) else owner).lower()
    return written.endswith(("settings", "settings.load", "settings_module.load")) or (
        path == SETTINGS and written == "self"
    )


def in_example() -> set[str]:
    text = (REPOSITORY / ".env.example").read_text()
    return set(re.findall(r"^#?([A-Z][A-Z_0-9]+)=", text, re.MULTILINE))


def test_every_setting_has_a_reader() -> None:
    files = [path for folder in READERS for path in (REPOSITORY / folder).rglob("*.py")]
    found = set[str]().union(*(reads(path) for path in files))
    assert set(Settings.model_fields) - found == set()
    methods = {n for n, of in vars(Settings).items() if isinstance(of, FunctionType) and n[0] != "_"}
    assert methods - found == set(), "what only these read has no reader either"


def test_what_a_user_may_set_is_in_the_example_and_the_rest_has_a_reason() -> None:
    fields = set(Settings.model_fields)
    offered = {name for name in fields if name.upper() in in_example()}
    assert fields - offered == set(SET_BY_COMPOSE) | set(INTERNAL)
    assert offered >= set(PUBLISHED)


def test_the_reasons_hold() -> None:
    """A setting with a reason is set in a compose file, or is not there at all."""
    text = "".join((REPOSITORY / f"docker-compose{of}.yml").read_text() for of in ("", ".tls"))
    here = set(re.findall(r"^\s+([A-Z][A-Z_0-9]+):", text, re.MULTILINE))
    assert {name for name in SET_BY_COMPOSE if name.upper() not in here} == set()
    assert {name for name in INTERNAL if name.upper() in here} == set()


def test_the_targets_are_those_of_the_table() -> None:
    assert ("auto", *targets.TARGETS) == TARGETS


@pytest.mark.parametrize("service", ["airflow_worker", "airflow_dag-processor", "mlflow", "ray", "jupyter"])
def test_what_to_forecast_reaches_who_decides_and_who_trains(service: str) -> None:
    from compose_file import compose_config

    chosen = compose_config("docker-compose.yml", TARGET="y_revenue", HORIZON_DAYS="14")["services"]
    environment = chosen[service]["environment"]
    assert (environment["TARGET"], environment["HORIZON_DAYS"]) == ("y_revenue", "14")
