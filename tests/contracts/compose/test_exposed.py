"""docker-compose.tls.yml: one door to the outside, a login behind each name, only the proxy believed."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from compose_file import REPOSITORY, compose_config

FILES = ("docker-compose.yml", "docker-compose.tls.yml")
DOMAIN = "turo.example.com"
Services = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    return compose_config(*FILES, TURO_DOMAIN=DOMAIN, MLFLOW_ADMIN_PASSWORD="twelve-chars")


@pytest.fixture(scope="module")
def exposed(config: dict[str, Any]) -> Services:
    return dict(config["services"])


def test_without_a_name_nothing_starts() -> None:
    with pytest.raises(Exception, match="returned non-zero") as refusal:
        compose_config(*FILES)
    assert "set it in .env to the host name" in str(getattr(refusal.value, "stderr", ""))


def test_the_proxy_is_all_that_is_added(exposed: Services, services: Services) -> None:
    assert set(exposed) == {*services, "caddy"}
    for name, service in services.items():
        for key in ("image", "user", "read_only", "cap_drop", "cap_add", "mem_limit", "ports", "depends_on"):
            assert exposed[name].get(key) == service.get(key), (name, key)


def test_only_the_proxy_is_reached_from_outside(exposed: Services) -> None:
    open_to_all = {
        (name, port["published"], port["target"])
        for name, service in exposed.items()
        for port in service.get("ports", [])
        if port["host_ip"] != "127.0.0.1"
    }
    assert open_to_all == {("caddy", "80", 8080), ("caddy", "443", 8443)}


def test_the_proxy_is_confined_as_everything_is(exposed: Services, services: Services) -> None:
    caddy, other = exposed["caddy"], services["statsd-exporter"]
    for key in ("cap_drop", "security_opt", "read_only", "init", "restart", "logging", "pids_limit"):
        assert caddy[key] == other[key], key
    assert caddy["user"] == "1000:0"
    assert not caddy.get("cap_add")
    assert caddy["depends_on"]["bootstrap"]["condition"] == "service_completed_successfully"
    assert not [volume for volume in caddy["volumes"] if volume["source"].startswith("secrets_")]
    healthy, usual = caddy["healthcheck"], other["healthcheck"]
    assert {key: healthy[key] for key in usual if key != "test"} == {
        key: usual[key] for key in usual if key != "test"
    }


def test_whoever_asks_mlflow_has_its_login(exposed: Services) -> None:
    """Who is told where it is by the environment, and MLflow's own container, which is told by its script."""
    asking = {
        name for name, service in exposed.items() if "MLFLOW_TRACKING_URI" in service.get("environment", {})
    } - {"restore"}  # looks whether it is there, no more
    assert asking >= {"airflow_worker", "ray", "ray-worker", "jupyter", "operator"}
    for name in asking | {"mlflow"}:
        environment = exposed[name]["environment"]
        assert environment["MLFLOW_TRACKING_USERNAME"] == "admin", name
        assert environment["MLFLOW_TRACKING_PASSWORD"] == "twelve-chars", name


def test_the_address_that_is_believed_is_the_proxy_s(config: dict[str, Any]) -> None:
    services = config["services"]
    proxy = services["caddy"]["networks"]["proxied"]["ipv4_address"]
    assert services["airflow_api-server"]["environment"]["FORWARDED_ALLOW_IPS"] == proxy
    assert services["ray"]["environment"]["TRUSTED_PROXY"] == proxy
    assert "--proxy-headers" in services["airflow_api-server"]["command"]
    on_it = {
        name: of["networks"]["proxied"]
        for name, of in services.items()
        if "proxied" in (of.get("networks") or {})
    }
    assert set(on_it) == {"caddy", "airflow_api-server", "ray"}
    assert len({network["ipv4_address"] for network in on_it.values()}) == len(on_it)
    assert config["networks"]["proxied"]["internal"] is True


def test_the_names_that_the_proxy_calls_are_on_that_network_only(exposed: Services) -> None:
    text = (REPOSITORY / "caddy/Caddyfile").read_text()
    for service, alias in (("airflow_api-server", "airflow-behind-caddy"), ("ray", "serve-behind-caddy")):
        assert f"reverse_proxy {alias}:" in text
        named = {
            name
            for name, of in exposed[service]["networks"].items()
            if alias in ((of or {}).get("aliases") or [])
        }
        assert named == {"proxied"}


def test_no_client_of_ray_is_on_two_networks_with_it(exposed: Services) -> None:
    """It could be sent to the one that Ray Client does not listen on."""
    ray = set(exposed["ray"]["networks"])
    for name, service in exposed.items():
        if len(ray & set(service.get("networks") or {})) > 1 and name not in {"ray", "ray-worker"}:
            assert "RAY_ADDRESS" not in (service.get("environment") or {}), name


@pytest.mark.parametrize(("port", "suffix"), [("", ""), ("8443", ":8443")])
def test_links_lead_to_the_names_that_browsers_use(port: str, suffix: str) -> None:
    services = compose_config(*FILES, TURO_DOMAIN=DOMAIN, HTTPS_PORT=port)["services"]
    mlflow = f"https://mlflow.{DOMAIN}{suffix}"
    airflow, grafana = f"https://airflow.{DOMAIN}{suffix}", f"https://grafana.{DOMAIN}{suffix}"
    assert services["airflow_api-server"]["environment"]["AIRFLOW__API__BASE_URL"] == airflow
    assert services["mlflow"]["environment"]["TRACKING_PUBLIC_URL"] == mlflow
    assert services["grafana"]["environment"]["GF_SERVER_ROOT_URL"] == f"{grafana}/"
    assert services["caddy"]["environment"]["HTTPS_SUFFIX"] == suffix
    assert (
        services["ray"]["environment"]["SERVICE_URLS"]
        == f"airflow={airflow},mlflow={mlflow},grafana={grafana}"
    )


def test_the_front_door_links_to_nothing_that_is_not_exposed(exposed: Services) -> None:
    from turo.serving.front.services import links, services
    from turo.settings import load

    environment = exposed["ray"]["environment"]
    fields = {
        name: environment[name.upper()]
        for name in ("service_urls", "jupyter_public_port", "prometheus_public_port", "dashboard_public_port",
                     "airflow_public_port", "tracking_public_port", "grafana_public_port")
    }  # fmt: skip
    settings = load(**fields, mlflow_tracking_password="twelve-chars")
    linked = {link["name"]: link for link in links(services(settings), f"https://{DOMAIN}")}
    assert set(linked) == {"Airflow", "MLflow", "Grafana"}
    assert linked["MLflow"]["url"] == f"https://mlflow.{DOMAIN}"
    assert "MLFLOW_ADMIN_PASSWORD" in linked["MLflow"]["login"]


def test_links_of_the_user_s_own_stay() -> None:
    own = "jupyter=https://lab.example.com"
    services = compose_config(*FILES, TURO_DOMAIN=DOMAIN, SERVICE_URLS=own)["services"]
    assert services["ray"]["environment"]["SERVICE_URLS"].endswith(f"grafana=https://grafana.{DOMAIN},{own}")


def test_the_operator_asks_for_every_name_and_prometheus_for_the_proxy(exposed: Services) -> None:
    hosts = exposed["operator"]["environment"]["TLS_HOSTS"].split(",")
    assert hosts == [DOMAIN, *(f"{name}.{DOMAIN}" for name in ("airflow", "mlflow", "grafana"))]
    assert exposed["operator"]["environment"]["TLS_PROXY"] == "caddy:8443"
    mounted = {volume["target"]: volume["source"] for volume in exposed["prometheus"]["volumes"]}
    assert mounted["/etc/prometheus/targets"].endswith("/caddy/targets")
    (targets,) = yaml.safe_load((REPOSITORY / "caddy/targets/caddy.yml").read_text())
    assert targets["targets"] == ["caddy:9180"]
