"""The proxy's own configuration, run by the real program before servers that tell what they were asked."""

from __future__ import annotations

import os
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from local_ray import free_port
from serving_stack import until
from tools import REPOSITORY, program

from turo.operate.ask.certificate import life, shown

CADDYFILE = REPOSITORY / "caddy/Caddyfile"
UPSTREAMS = ("serve-behind-caddy:8000", "airflow-behind-caddy:8080", "mlflow:5000", "grafana:3000")
DOMAIN = "turo.example.com"
HOSTS = (DOMAIN, *(f"{name}.{DOMAIN}" for name in ("airflow", "mlflow", "grafana")))
OUTSIDE = {
    "X-Forwarded-For": "9.9.9.9",
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Host": "evil.example.com",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-Port": "1",
    "Forwarded": "for=9.9.9.9",
}


class Echo(BaseHTTPRequestHandler):
    """Answers with its own port, the path, and the headers that speak of the way here."""

    def do_GET(self) -> None:
        _, port, *_ = self.connection.getsockname()
        told = [f"{name}: {value}" for name, value in self.headers.items()]
        body = "\n".join([f"at {port}", f"path {self.path}", *told]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Frame-Options", "DENY")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *words: object) -> None:  # noqa: A002 - the library's name
        """Nothing."""


@dataclass
class Proxy:
    """Where it listens, and what it listens for: service → port."""

    tls: int
    plain: int
    behind: dict[str, int]
    folder: Path

    def get(self, host: str, path: str = "/", **headers: str) -> httpx.Response:
        """What a client gets that resolved the name; it trusts nobody, for the name is of no authority."""
        url = f"https://127.0.0.1:{self.tls}{path}"
        given = {"Host": f"{host}:8443", **headers}
        with httpx.Client(verify=False, trust_env=False) as client:
            return client.get(url, headers=given, extensions={"sni_hostname": host})


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("caddy")
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), Echo) for _ in UPSTREAMS[:-1]]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    ports = [*(server.server_address[1] for server in servers), free_port()]  # nobody is at the last
    tls, plain, inside = free_port(), free_port(), free_port()
    text = CADDYFILE.read_text()
    for name, port in zip(UPSTREAMS, ports, strict=True):
        assert text.count(name) == 1
        text = text.replace(name, f"127.0.0.1:{port}")
    text = text.replace("https_port 8443", f"https_port {tls}").replace(
        "http_port 8080", f"http_port {plain}"
    )
    (folder / "Caddyfile").write_text(text.replace(":9180", f":{inside}"))
    environment = {
        "PATH": os.environ["PATH"],
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "TURO_DOMAIN": DOMAIN,
        "HTTPS_SUFFIX": ":8443",
        "TLS_ISSUER": "internal",
    }
    command = [program("caddy"), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    with subprocess.Popen(command, env=environment, stderr=(folder / "log").open("w")) as process:
        try:
            until("the proxy is up", lambda: _is_up(inside, tls), 30)
            yield Proxy(tls, plain, dict(zip(UPSTREAMS, ports, strict=True)), folder)
        finally:
            process.terminate()
            for server in servers:
                server.shutdown()
                server.server_close()


def _is_up(inside: int, tls: int) -> bool:
    with httpx.Client(trust_env=False) as client:
        healthy = client.get(f"http://127.0.0.1:{inside}/health").status_code == 200
    try:
        return healthy and all(shown(host, f"127.0.0.1:{tls}") for host in HOSTS)
    except OSError:  # a name whose certificate is still being made
        return False


def test_it_is_written_as_the_program_writes_it() -> None:
    done = subprocess.run([program("caddy"), "fmt", "--diff", str(CADDYFILE)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("issuer", ["internal", "me@example.com"])
def test_it_is_valid_with_either_authority(issuer: str, tmp_path: Path) -> None:
    variables = {"TURO_DOMAIN": DOMAIN, "HTTPS_SUFFIX": "", "TLS_ISSUER": issuer, "HOME": str(tmp_path)}
    command = [program("caddy"), "validate", "--config", str(CADDYFILE), "--adapter", "caddyfile"]
    done = subprocess.run(
        command, env={"PATH": os.environ["PATH"], **variables}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("host", "upstream"), [*zip(HOSTS[:3], UPSTREAMS[:3], strict=True)])
def test_each_name_leads_to_its_service_which_is_told_how_it_was_called(
    proxy: Proxy, host: str, upstream: str
) -> None:
    answer = proxy.get(host, "/a/b?c=d", **OUTSIDE)
    assert answer.status_code == 200
    at, path, *told = answer.text.splitlines()
    assert (at, path) == (f"at {proxy.behind[upstream]}", "path /a/b?c=d")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in told)}
    assert headers["host"] == f"{host}:8443"
    assert headers["x-forwarded-proto"] == "https"
    assert headers["x-forwarded-host"] == f"{host}:8443"
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert not headers.keys() & {"x-forwarded-prefix", "x-forwarded-port", "forwarded"}


def test_browsers_are_told_to_come_by_tls_alone(proxy: Proxy) -> None:
    headers = proxy.get(DOMAIN).headers
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"  # a service's own stays
    assert "Server" not in headers


@pytest.mark.parametrize("host", HOSTS)
def test_without_tls_they_are_sent_to_it(proxy: Proxy, host: str) -> None:
    answer = httpx.get(f"http://127.0.0.1:{proxy.plain}/x?y=z", headers={"Host": host}, trust_env=False)
    assert (answer.status_code, answer.headers["Location"]) == (308, f"https://{host}:8443/x?y=z")


def test_other_names_are_refused(proxy: Proxy) -> None:
    plain = httpx.get(
        f"http://127.0.0.1:{proxy.plain}/", headers={"Host": "evil.example.com"}, trust_env=False
    )
    assert plain.status_code == 421
    with pytest.raises(ssl.SSLError):
        shown("evil.example.com", f"127.0.0.1:{proxy.tls}")


@pytest.mark.parametrize(
    ("host", "path"),
    [
        (DOMAIN, "/-/healthz"),
        (DOMAIN, "/-/routes"),
        (f"airflow.{DOMAIN}", "/execution/health"),
        (f"mlflow.{DOMAIN}", "/mlflow-metrics"),
        (f"mlflow.{DOMAIN}", "/metrics"),
        (f"mlflow.{DOMAIN}", "//mlflow-metrics"),
        (f"mlflow.{DOMAIN}", "/%6dlflow-metrics"),
        (f"mlflow.{DOMAIN}", "/x/../mlflow-metrics"),
        (f"mlflow.{DOMAIN}", "/MLFLOW-METRICS"),
        (f"airflow.{DOMAIN}", "/%65xecution/health"),
        (f"grafana.{DOMAIN}", "/metrics"),
    ],
)
def test_what_is_meant_for_inside_stays_there(proxy: Proxy, host: str, path: str) -> None:
    """Asked as written: clients would make one path of some of these."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", proxy.tls), 5) as connection,
        context.wrap_socket(connection, server_hostname=host) as secure,
    ):
        secure.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        assert re.match(rb"HTTP/1.1 404 ", secure.recv(100))


def test_a_service_that_is_away_is_told_as_a_problem(proxy: Proxy) -> None:
    answer = proxy.get(f"grafana.{DOMAIN}")
    assert answer.status_code == 502
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Retry-After"] == "5"
    assert answer.json()["status"] == 502


@pytest.mark.parametrize("host", HOSTS)
def test_the_end_of_a_certificate_is_read_from_what_is_shown(proxy: Proxy, host: str) -> None:
    """The authority's own certificates are good for twelve hours."""
    found = life(shown(host, f"127.0.0.1:{proxy.tls}"))
    assert timedelta(hours=11) < found.ends - found.begins < timedelta(hours=13)
    assert found.begins < datetime.now(UTC) < found.ends
