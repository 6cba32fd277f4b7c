"""The services that `turo status` asks, as small as it needs them: each says what a test tells it to say."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from turo.settings import Settings

NOW = datetime.now(UTC).replace(microsecond=0)
TRAINED = NOW - timedelta(days=3)


@dataclass(frozen=True)
class Asked:
    """One request: `query` has the first value of each parameter; names of headers are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any


Said = tuple[int, Any]  # status; bytes go as they are, anything else as JSON
Service = Callable[[Asked], Said]


@contextmanager
def service(answer: Service) -> Iterator[str]:
    """Its address on the loopback while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, parts.path, query, headers, json.loads(text) if text else None)
            status, body = answer(asked)
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            kind = "text/html" if content.startswith(b"<") else "application/json"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.block_on_close = False
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@dataclass
class Services:
    """A platform of two models; a test changes the answers by their path.

    Attributes:
        airflow, mlflow, serve, prometheus: path → what is said; Prometheus's queries by their text.
        ray: of its dashboard.
        logins: how often Airflow was asked for a token.
        password, api_key, token: what Airflow, Serve and Ray accept.
    """

    airflow: dict[str, Said] = field(default_factory=dict)
    mlflow: dict[str, Said] = field(default_factory=dict)
    serve: dict[str, Said] = field(default_factory=dict)
    prometheus: dict[str, Said] = field(default_factory=dict)
    ray: dict[str, Said] = field(default_factory=dict)
    password: str = "admin"
    token: str = ""
    logins: int = 0
    api_key: str = ""
    urls: dict[str, str] = field(default_factory=dict)

    def settings(self, data_dir: Path, **more: Any) -> Settings:
        """Settings that lead to these services."""
        chosen = {"model_names": ("XGBoost", "KNN"), "data_dir": str(data_dir), **self.urls, **more}
        return Settings(**chosen)

    def of_airflow(self, asked: Asked) -> Said:
        if asked.path == "/auth/token":
            self.logins += 1
            login = {"username": "admin", "password": self.password}
            return (
                (201, {"access_token": "tkn"})
                if asked.body == login
                else (401, {"detail": "Invalid credentials"})
            )
        if (
            asked.path.startswith(("/api/v2/dags", "/api/v2/importErrors"))
            and asked.headers.get("authorization") != "Bearer tkn"
        ):
            return 401, {"detail": "Not authenticated"}
        none = asked.path.endswith("/dagRuns")  # a DAG that never ran
        absent = (200, {"dag_runs": [], "total_entries": 0}) if none else (404, {"detail": "Not Found"})
        return self.airflow.get(asked.path, absent)

    def of_mlflow(self, asked: Asked) -> Said:
        name = asked.query.get("name") or asked.query.get("run_id") or asked.query.get("experiment_name", "")
        found = self.mlflow.get(asked.path) or self.mlflow.get(f"{asked.path} {name}")
        absent = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": f"{name} not found"}
        return found or (404, absent)

    def of_serve(self, asked: Asked) -> Said:
        if self.api_key and asked.headers.get("x-api-key") != self.api_key:
            return 401, {
                "title": "Unauthorized",
                "detail": "Send the API key as X-API-Key or as a bearer token.",
            }
        return self.serve.get(asked.path, (404, {"detail": f"{asked.path} does not exist"}))

    def of_ray(self, asked: Asked) -> Said:
        if self.token and asked.headers.get("authorization") != f"Bearer {self.token}":
            return 403, b"Forbidden: Invalid authentication token"
        return self.ray.get(asked.path, (404, b"404: Not Found"))

    def of_prometheus(self, asked: Asked) -> Said:
        return self.prometheus.get(
            asked.query.get("query", asked.path), (404, {"status": "error", "error": "none"})
        )


@contextmanager
def services() -> Iterator[Services]:
    """A healthy platform while the block runs."""
    found = healthy()
    asked = {
        "airflow_url": found.of_airflow,
        "mlflow_tracking_uri": found.of_mlflow,
        "serve_url": found.of_serve,
        "prometheus_url": found.of_prometheus,
        "ray_dashboard_url": found.of_ray,
        "alertmanager_url": lambda _: (200, b"OK"),
    }
    with ExitStack() as kept:
        found.urls |= {name: kept.enter_context(service(answer)) for name, answer in asked.items()}
        yield found


def healthy() -> Services:
    """Everything answers; two routes serve their champions."""
    from turo.operate.ask.prometheus import FIGURES, LAST_ANSWERS, TARGETS

    heard = (NOW - timedelta(seconds=5)).isoformat()
    api = "/api/2.0/mlflow"
    champions = {
        f"{api}/registered-models/alias {name}": (200, {"model_version": version(name)})
        for name in ("XGBoost", "KNN")
    }
    runs = {f"{api}/runs/get run-{name}": (200, {"run": run(TRAINED)}) for name in ("XGBoost", "KNN")}
    return Services(
        airflow={
            "/api/v2/monitor/health": (
                200,
                {
                    "metadatabase": {"status": "healthy"},
                    "scheduler": {"status": "healthy", "latest_scheduler_heartbeat": heard},
                    "triggerer": {"status": "healthy", "latest_triggerer_heartbeat": heard},
                    "dag_processor": {"status": "healthy", "latest_dag_processor_heartbeat": heard},
                },
            ),
            "/api/v2/version": (200, {"version": "3.3.2"}),
            "/api/v2/importErrors": (200, {"import_errors": [], "total_entries": 0}),
            "/api/v2/dags/~/dagRuns": (200, {"dag_runs": [dag_run("prepare_data")], "total_entries": 1}),
            "/api/v2/dags": (
                200,
                {"dags": [dag("prepare_data"), dag("forecast_fleet", hours=5)], "total_entries": 2},
            ),
        },
        mlflow={
            **champions,
            **runs,
            "/health": (200, b"OK"),
            "/version": (200, b"3.18.0"),
        },
        serve={
            "/": (200, {"models": [route("XGBoost"), route("KNN")]}),
            "/-/healthz": (200, b"success"),
            "/XGBoost": (200, route("XGBoost")),
            "/KNN": (200, route("KNN")),
        },
        prometheus={
            TARGETS: vector(({"__name__": "up", "job": "ray", "instance": "ray:8080"}, 1)),
            LAST_ANSWERS: vector(
                ({"model": "KNN", "outcome": "ok"}, (NOW - timedelta(minutes=2)).timestamp())
            ),
            FIGURES: vector(
                ({"__name__": "ray_resources", "Name": "CPU", "State": "AVAILABLE"}, 3),
                ({"__name__": "ray_resources", "Name": "CPU", "State": "USED"}, 1),
                ({"__name__": "ray_node_mem_used"}, 2 << 30),
                ({"__name__": "ray_node_mem_total"}, 7 << 30),
                ({"__name__": "python_info", "job": "mlflow", "major": "3", "minor": "11"}, 1),
            ),
            "/-/healthy": (200, b"Prometheus Server is Healthy."),
            "/api/v1/alerts": (200, {"status": "success", "data": {"alerts": []}}),
        },
        ray={
            "/api/version": (200, {"version": "4", "ray_version": "2.60.0"}),
            "/nodes": (200, {"result": True, "data": {"summary": [node()]}}),
        },
    )


def node(free: int = 1 << 30, total: int = 2 << 30) -> dict[str, Any]:
    """A node of Ray, as its dashboard tells it, with so much of its /tmp free."""
    disks = {"/": {"total": 1 << 40, "free": 1 << 39}, "/tmp/ray": {"total": total, "free": free}}
    return {"hostname": "ray", "disk": disks, "raylet": {"state": "ALIVE"}}


def dag_run(dag_id: str, state: str = "success", run_id: str = "scheduled__1") -> dict[str, Any]:
    """A run of a DAG as Airflow tells it."""
    return {"dag_id": dag_id, "dag_run_id": run_id, "state": state}


def vector(*series: tuple[dict[str, str], float]) -> Said:
    """What Prometheus answers to a query."""
    result = [{"metric": labels, "value": [NOW.timestamp(), str(value)]} for labels, value in series]
    return 200, {"status": "success", "data": {"resultType": "vector", "result": result}}


def version(name: str, number: str = "3") -> dict[str, Any]:
    """A registered version, as MLflow tells it."""
    return {"name": name, "version": number, "run_id": f"run-{name}", "aliases": ["champion"]}


def run(ended: datetime, **tags: str) -> dict[str, Any]:
    """A run, as MLflow tells it."""
    told = [{"key": key, "value": value} for key, value in tags.items()]
    return {"info": {"end_time": int(ended.timestamp() * 1000), "status": "FINISHED"}, "data": {"tags": told}}


def route(name: str, number: str = "3", **more: Any) -> dict[str, Any]:
    """What a route says of itself, as far as it is read here."""
    fleet = {"label": "120 vehicles", "snapshot": "2026-11-24T00:00:00"}
    return {"name": name, "version": number, "run_id": f"run-{name}", "fleet": fleet, "warning": None, **more}


def dag(dag_id: str, hours: float | None = None, paused: bool = False) -> dict[str, Any]:
    """A DAG as Airflow tells it; it runs next in so many hours."""
    following = None if hours is None else (NOW + timedelta(hours=hours)).isoformat()
    schedule = "At 06:00, only on Monday" if hours else "Never, external triggers only"
    return {
        "dag_id": dag_id,
        "is_paused": paused,
        "timetable_description": schedule,
        "next_dagrun_run_after": following,
    }
