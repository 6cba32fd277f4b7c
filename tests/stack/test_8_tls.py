"""The same stack behind TLS: one door, a login behind each name, work goes on inside.

The last of this folder: it forgets the volumes; the drills start anew.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import pytest
from airflow_api import AirflowApi
from compose_stack import MODELS, Stack, figures, wait_for

pytestmark = pytest.mark.stack
DOMAIN, PORT = "turo.test", "18443"
HOSTS = (DOMAIN, *(f"{name}.{DOMAIN}" for name in ("airflow", "mlflow", "grafana")))
PASSWORDS = {
    "AIRFLOW_ADMIN_PASSWORD": "of-airflow",
    "GRAFANA_ADMIN_PASSWORD": "of-grafana",
    "MLFLOW_ADMIN_PASSWORD": "twelve-chars",
    "SERVE_API_KEY": "of-serve",
}
PUBLISHED = {("caddy", PORT), ("caddy", "18081")}
PLACE = {"TURO_DOMAIN": DOMAIN, "HTTPS_PORT": PORT, "HTTP_PORT": "18081", "TLS_BIND_ADDRESS": "127.0.0.1"}


class World:
    """A client elsewhere: it knows the authority, and resolves the names to this machine."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def ask(self, method: str, host: str, path: str, **more: object) -> httpx.Response:
        headers = {"Host": f"{host}:{PORT}", **dict(more.pop("headers", {}))}  # type: ignore[call-overload]
        return self.client.request(
            method, f"https://127.0.0.1:{PORT}{path}", headers=headers, timeout=30,
            extensions={"sni_hostname": host}, **more,  # type: ignore[arg-type]
        )  # fmt: skip


def assert_secure(cookies: list[str]) -> None:
    """There are some, and a browser sends none of them without TLS."""
    assert cookies
    assert [one for one in cookies if "secure" not in re.split(r"; *", one.lower())] == []


def test_default_passwords_are_refused(stack: Stack) -> None:
    behind = replace(stack, overlays=("docker-compose.tls.yml",), environment=stack.environment | PLACE)
    refused = behind.compose("run", "--rm", "--no-deps", "-T", "bootstrap", check=False)
    assert refused.returncode == 1
    for name in PASSWORDS:
        assert name in refused.stdout + refused.stderr


@pytest.fixture(scope="module")
def exposed(stack: Stack) -> Iterator[Stack]:
    """The running stack with the proxy in front; taken away afterwards, networks of the overlay included."""
    behind = replace(
        stack, overlays=("docker-compose.tls.yml",), environment=stack.environment | PLACE | PASSWORDS
    )
    behind.compose("build", "caddy")
    figures["up behind TLS"] = f"{behind.up():.0f} s"
    yield behind
    behind.down("-v")


@pytest.fixture(scope="module")
def world(exposed: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    root = tmp_path_factory.mktemp("tls") / "root.crt"
    exposed.compose("cp", "caddy:/data/caddy/pki/authorities/local/root.crt", str(root))
    with httpx.Client(verify=ssl.create_default_context(cafile=str(root)), trust_env=False) as client:
        yield World(client)


def test_only_the_proxy_listens_beyond_loopback(exposed: Stack) -> None:
    """Of every container; the proxy, too, listens on loopback here, for the test asks for that."""
    published = {
        (service, port["HostPort"], port["HostIp"])
        for service in {one["Service"] for one in exposed.containers()}
        for one in exposed.inspect(service)
        for ports in one["NetworkSettings"]["Ports"].values()
        for port in ports or []
    }
    assert {(service, port) for service, port, _ in published} > PUBLISHED
    assert {one for one in published if one[2] != "127.0.0.1"} == set()
    by_default = exposed.environment | {"TLS_BIND_ADDRESS": ""}
    configured = replace(exposed, environment=by_default).compose("config", "--format", "json").stdout
    wide = {
        (name, port["published"])
        for name, service in json.loads(configured)["services"].items()
        for port in service.get("ports", [])
        if port.get("host_ip") != "127.0.0.1"
    }
    assert wide == PUBLISHED


def test_routes_answer_to_the_key_and_links_follow(world: World) -> None:
    key = {"X-API-Key": PASSWORDS["SERVE_API_KEY"]}

    def route() -> httpx.Response | None:
        answer = world.ask("GET", DOMAIN, "/XGBoost", headers=key)
        return answer if answer.is_success else None

    about = wait_for("a route", route, 300)
    # Serve's own link: of the host and the protocol that the browser asked by, not of those behind the proxy.
    assert about.json()["links"]["predict"] == f"https://{DOMAIN}:{PORT}/XGBoost"
    body = {"inputs": about.json()["example"]["inputs"]}
    assert world.ask("POST", DOMAIN, "/XGBoost", json=body).status_code == 401
    assert world.ask("POST", DOMAIN, "/XGBoost", json=body, headers=key).status_code == 200
    home = world.ask("GET", DOMAIN, "/", headers=key | {"Accept": "text/html"})
    for name in ("airflow", "mlflow"):
        assert f"https://{name}.{DOMAIN}:{PORT}" in home.text
    assert world.ask("GET", DOMAIN, "/-/healthz").status_code == 404
    form = {"key": PASSWORDS["SERVE_API_KEY"], "next": "/"}
    signed_in = world.ask("POST", DOMAIN, "/sign-in", data=form)
    assert signed_in.status_code == 303, signed_in.text
    assert_secure(signed_in.headers.get_list("Set-Cookie"))
    world.client.cookies.clear()


def test_mlflow_asks_everybody_and_knows_who_belongs(world: World, exposed: Stack) -> None:
    path = "/api/2.0/mlflow/registered-models/search"
    login = ("admin", PASSWORDS["MLFLOW_ADMIN_PASSWORD"])
    host = f"mlflow.{DOMAIN}"
    assert world.ask("GET", host, path).status_code == 401
    found = world.ask("GET", host, path, auth=login).json()["registered_models"]
    assert {model["name"] for model in found} >= set(MODELS)
    # Its own page sends an origin with what changes something or searches.
    searched = world.ask(
        "POST", host, "/ajax-api/2.0/mlflow/experiments/search", auth=login, json={"max_results": 1},
        headers={"Origin": f"https://{host}:{PORT}"},
    )  # fmt: skip
    assert searched.status_code == 200, searched.text
    assert httpx.get(f"{exposed.url('mlflow', 5000)}{path}", trust_env=False).status_code == 401
    assert "XGBoost" in exposed.execute("mlflow", "turo", "ledger")


def test_airflow_lets_in_and_stays_with_tls(world: World) -> None:
    host = f"airflow.{DOMAIN}"
    login = {"username": "admin", "password": PASSWORDS["AIRFLOW_ADMIN_PASSWORD"]}
    assert world.ask("POST", host, "/auth/token", json=login).status_code == 201
    assert world.ask("GET", host, "/execution/health").status_code == 404


def test_airflow_knows_by_its_form_that_a_browser_came_by_tls(world: World) -> None:
    host, place = f"airflow.{DOMAIN}", "/auth/login/"
    page = world.ask("GET", host, place)
    token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', page.text)
    assert token, page.text[:2000]
    # By TLS, and only then, it wants the page that sent the form, by its address outside.
    form = {"csrf_token": token[1], "username": "admin", "password": PASSWORDS["AIRFLOW_ADMIN_PASSWORD"]}
    told = world.ask("POST", host, place, data=form, headers={"Referer": f"https://{host}:{PORT}{place}"})
    cookies = page.headers.get_list("Set-Cookie") + told.headers.get_list("Set-Cookie")
    for _ in range(3):  # to the page that gives out the token and leads to Airflow's own
        assert told.status_code == 302, told.text[:2000]
        assert not told.headers["Location"].startswith("http://"), told.headers
        if told.headers["Location"].startswith("https://"):
            break
        told = world.ask("GET", host, urlsplit(told.headers["Location"]).path)
        cookies += told.headers.get_list("Set-Cookie")
    world.client.cookies.clear()
    assert told.headers["Location"].startswith(f"https://{host}:{PORT}")
    assert {"session", "_token"} <= {one.partition("=")[0] for one in cookies}
    assert_secure(cookies)


def test_what_was_started_with_the_defaults_takes_them_no_more(world: World, exposed: Stack) -> None:
    """The volumes are of the stack before it was put behind TLS."""
    host = f"airflow.{DOMAIN}"
    login = {"username": "admin", "password": "admin"}
    assert world.ask("POST", host, "/auth/token", json=login).status_code == 401
    if "grafana" in exposed.absent:
        figures["Grafana behind TLS"] = "left out: no registry hands out its image"
        return
    asked = {
        password: world.ask("GET", f"grafana.{DOMAIN}", "/api/org", auth=("admin", password)).status_code
        for password in ("admin", PASSWORDS["GRAFANA_ADMIN_PASSWORD"])
    }
    assert list(asked.values()) == [401, 200]
    figures["Grafana behind TLS"] = "takes the password of .env, the default no more"


def test_work_goes_on_inside(exposed: Stack) -> None:
    """A Ray job that reads champions, started by Airflow: both have MLflow's login."""
    airflow = AirflowApi(
        exposed.url("airflow_api-server", 8080), "admin", PASSWORDS["AIRFLOW_ADMIN_PASSWORD"]
    )
    run = airflow.trigger("forecast_fleet", {})
    assert airflow.wait("forecast_fleet", run, 1200) == "success"


@pytest.mark.long
def test_the_ends_of_certificates_are_measured(exposed: Stack) -> None:
    url = f"{exposed.url('prometheus', 9090)}/api/v1/query"

    def measured(query: str) -> set[str]:
        told = httpx.get(url, params={"query": query}).json()
        return {one["metric"]["host"] for one in told["data"]["result"]}

    ends = "turo_certificate_end_timestamp_seconds - time() > 0"
    wait_for("all four", lambda: measured(ends) == set(HOSTS), 400, period=5)
    assert measured("turo_certificate_shown == 1") == set(HOSTS)
    up = httpx.get(url, params={"query": 'up{job="caddy"}'}).json()["data"]["result"]
    assert [one["value"][1] for one in up] == ["1"]


def test_without_tls_browsers_are_sent_to_it() -> None:
    answer = httpx.get("http://127.0.0.1:18081/x", headers={"Host": DOMAIN}, trust_env=False)
    assert answer.headers["Location"] == f"https://{DOMAIN}:{PORT}/x"


def test_the_program_has_no_capability(exposed: Stack) -> None:
    status = exposed.execute("caddy", "cat", "/proc/1/status")
    assert "CapEff:\t0000000000000000" in status
    assert "Uid:\t1000" in status
