"""Who waits for whom, who may talk to whom, who holds which secret."""

from __future__ import annotations

from typing import Any

import httpx
from compose_file import compose_config

from turo.settings_of_operation import INSIDE

Services = dict[str, dict[str, Any]]
AIRFLOW_ROLES = {
    "airflow_api-server",
    "airflow_scheduler",
    "airflow_worker",
    "airflow_triggerer",
    "airflow_dag-processor",
}


def mounts(services: Services, source: str) -> set[str]:
    """Services that mount a volume, or a host folder that ends so."""
    return {
        name
        for name, service in services.items()
        for volume in service.get("volumes", [])
        if volume["source"].endswith(source)
    }


def test_the_design_s_services_are_there(services: Services) -> None:
    assert set(services) == AIRFLOW_ROLES | {
        "bootstrap",
        "postgres",
        "redis",
        "airflow_init",
        "mlflow",
        "ray",
        "ray-worker",
        "jupyter",
        "operator",
        "restore",
        "prometheus",
        "alertmanager",
        "statsd-exporter",
        "postgres-exporter",
        "redis-exporter",
        "grafana",
    }


def test_waits_are_on_health_or_on_an_end(services: Services) -> None:
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            expected = (
                "service_completed_successfully"
                if needed in {"bootstrap", "airflow_init"}
                else "service_healthy"
            )
            assert how["condition"] == expected, f"{name} waits for {needed}"


def test_nothing_starts_before_bootstrap_ended_well(services: Services) -> None:
    def waits(name: str) -> bool:
        needed = services[name].get("depends_on", {})
        return "bootstrap" in needed or any(waits(other) for other in needed)

    assert {name for name in services if not waits(name)} == {"bootstrap"}


def test_databases_are_on_networks_without_a_way_out() -> None:
    config = compose_config("docker-compose.yml")
    for name in ("postgres", "redis"):
        for network in config["services"][name]["networks"]:
            assert config["networks"][network]["internal"] is True, (name, network)


def test_ray_s_name_means_one_address_to_each_client(services: Services) -> None:
    """Ray Client listens on one address: whoever shares two networks with Ray could be sent to the other."""
    ray = set(services["ray"]["networks"])
    for name, service in services.items():
        shared = ray & set(service.get("networks") or {})
        assert len(shared) <= 1 or name in {"ray", "ray-worker"}, name
    assert services["ray"]["networks"]["edge"]["aliases"] == ["ray-head"]


def test_the_worker_holds_neither_airflow_s_database_nor_its_signing_secret(services: Services) -> None:
    for name in AIRFLOW_ROLES:
        environment = " ".join(services[name]["environment"])
        has_database, has_jwt = "SQL_ALCHEMY_CONN" in environment, "JWT_SECRET" in environment
        assert has_database == (name != "airflow_worker"), name
        assert has_jwt == (name in {"airflow_api-server", "airflow_scheduler"}), name


def test_each_secret_volume_goes_to_its_consumers_only(services: Services) -> None:
    holders = {
        "secrets_vault": {"restore"},
        "secrets_postgres": {"postgres"},
        "secrets_redis": {"redis"},
        "secrets_airflow": {"airflow_api-server", "airflow_scheduler"},
        "secrets_airflow_dags": {"airflow_init", "airflow_triggerer", "airflow_dag-processor"},
        "secrets_airflow_worker": {"airflow_worker"},
        "secrets_ray": {"ray", "ray-worker", "mlflow", "jupyter", "airflow_worker"},
        "secrets_forecasts": {"ray", "ray-worker"},
        "secrets_mlflow": {"mlflow"},
        "secrets_jupyter": {"jupyter"},
        "secrets_prometheus": {"prometheus"},
        "secrets_operator": {"operator", "restore"},
        "secrets_alertmanager": {"alertmanager"},
        "secrets_postgres_exporter": {"postgres-exporter"},
        "secrets_redis_exporter": {"redis-exporter"},
    }
    for volume, expected in holders.items():
        assert mounts(services, volume) == expected | {"bootstrap"}, volume
    for name, service in services.items():
        for volume in service.get("volumes", []):
            if volume["source"].startswith("secrets_") and name != "bootstrap":
                brings_back = (name, volume["source"]) == ("restore", "secrets_vault")
                assert bool(volume.get("read_only")) is not brings_back, (name, volume["source"])


def test_no_secret_is_in_the_environment(services: Services) -> None:
    known = {
        "AIRFLOW_ADMIN_PASSWORD",
        "GRAFANA_ADMIN_PASSWORD",
        "GF_SECURITY_ADMIN_PASSWORD",
        "JUPYTER_TOKEN",
        "SERVE_API_KEY",
        "ALERT_SMTP_PASSWORD",  # to bootstrap only, which writes it into a file
    }
    for name, service in services.items():
        for key, value in service.get("environment", {}).items():
            if any(word in key for word in ("PASSWORD", "SECRET", "TOKEN", "_KEY")) and key not in known:
                assert value is None or "/run/secrets/" in value, f"{name}: {key}"


def test_dag_code_is_only_where_it_runs(services: Services) -> None:
    assert mounts(services, "/dags") == {
        "airflow_worker",
        "airflow_triggerer",
        "airflow_dag-processor",
        "jupyter",
    }


def test_host_folders_survive_and_only_their_writers_can_write(services: Services) -> None:
    writers = {
        "/datas": {"ray", "ray-worker", "jupyter"},
        "/mlruns": {"mlflow"},
        "/mlflow_artifacts": {"mlflow"},
        "/mlflow/projects": {"jupyter"},
        "/backups": {"operator"},
    }
    for folder, expected in writers.items():
        found = {
            name
            for name, service in services.items()
            for volume in service.get("volumes", [])
            if volume["source"].endswith(folder) and not volume.get("read_only")
        }
        by_hand = {"restore"} if folder != "/mlflow/projects" else set()
        assert found == expected | {"bootstrap"} | by_hand, folder


def test_the_operator_reads_everything_and_writes_backups(services: Services) -> None:
    written = {volume["target"] for volume in services["operator"]["volumes"] if not volume.get("read_only")}
    assert written == {"/opt/turo/backups"}
    for name in ("operator", "restore"):
        targets = {volume["target"] for volume in services[name]["volumes"]}
        environment = services[name]["environment"]
        assert {
            environment[key] for key in ("DATA_DIR", "BACKUPS_DIR", "PROJECT_DIR", "OPERATOR_SECRETS")
        } < targets
        assert environment["ARTIFACT_ROOT"] in targets
        assert environment["BACKEND_URI"] == services["mlflow"]["environment"]["BACKEND_URI"]
    assert services["restore"]["environment"]["VAULT_DIR"] in {
        volume["target"] for volume in services["restore"]["volumes"] if volume["source"] == "secrets_vault"
    }


def test_whom_the_doctor_looks_at_can_be_chosen_and_is_there(services: Services) -> None:
    looked_at = services["operator"]["environment"]["OPERATOR_LOOKS_AT"].split(",")
    assert looked_at == list(INSIDE)
    known = set(services) | {
        alias
        for one in services.values()
        for on in one.get("networks", {}).values()
        for alias in (on or {}).get("aliases", ())
    }
    assert {httpx.URL(address).host for address in INSIDE.values()} <= known
    fewer = compose_config("docker-compose.yml", OPERATOR_LOOKS_AT="postgres,redis")["services"]
    assert fewer["operator"]["environment"]["OPERATOR_LOOKS_AT"] == "postgres,redis"


def test_a_restore_starts_nothing_that_writes(services: Services) -> None:
    assert set(services["restore"]["depends_on"]) == {"bootstrap", "postgres"}


def test_alerting_restarts_with_whoever_writes_its_configuration(services: Services) -> None:
    """Another receiver in .env means a new bootstrap; Alertmanager reads its file once."""
    assert services["alertmanager"]["depends_on"]["bootstrap"].get("restart") is True
    told = {name for name in services["bootstrap"]["environment"] if name.startswith("ALERT_")}
    assert len(told) == 7
    for name, service in services.items():
        assert not told & set(service.get("environment", {})) or name == "bootstrap", name


def test_senders_restart_with_the_statsd_exporter(services: Services) -> None:
    """They resolve its address once: a new exporter would be lost to them."""
    for name in AIRFLOW_ROLES | {"mlflow"}:
        assert services[name]["depends_on"]["statsd-exporter"].get("restart") is True, name


def test_nodes_serve_as_the_embedded_demo_does(services: Services) -> None:
    from turo.serving.ingress.node import FAST_PATH, PACE

    for name in ("ray", "ray-worker"):
        assert (FAST_PATH | PACE).items() <= services[name]["environment"].items(), name


def test_added_ray_nodes_are_none_by_default_and_configurable() -> None:
    assert compose_config("docker-compose.yml")["services"]["ray-worker"]["deploy"]["replicas"] == 0
    config = compose_config("docker-compose.yml", RAY_WORKERS="2")
    assert config["services"]["ray-worker"]["deploy"]["replicas"] == 2


def test_ray_address_reaches_tasks_only_where_the_user_sets_it() -> None:
    """An empty value would win over the Variable in Airflow's UI."""
    name = "AIRFLOW_VAR_RAY_ADDRESS"
    unset = compose_config("docker-compose.yml")["services"]["airflow_worker"]["environment"]
    assert unset[name] is None
    chosen = compose_config("docker-compose.yml", **{name: "ray://elsewhere:10001"})
    assert chosen["services"]["airflow_worker"]["environment"][name] == "ray://elsewhere:10001"


def test_the_headless_file_has_the_same_services_and_no_more(services: Services) -> None:
    small = compose_config("docker-compose.test.yml")["services"]
    assert set(small) == {"bootstrap", "postgres", "redis", "airflow_init", "airflow_api-server"}
    for name, service in small.items():
        for key in ("image", "user", "read_only", "cap_drop", "mem_limit"):
            assert service[key] == services[name][key], (name, key)
