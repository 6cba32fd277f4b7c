"""The other services and their logins; addresses are on the host that the browser asked, or as configured."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from turo.serving.front.served import Service
from turo.settings import Settings


def services(settings: Settings) -> list[Service]:
    """Those that this installation publishes."""
    elsewhere = dict[str, str](settings.service_urls)
    known = [
        Service(
            "Airflow",
            "runs the pipeline: new data, training, forecast",
            "user and password: AIRFLOW_ADMIN_USER and AIRFLOW_ADMIN_PASSWORD in .env (admin unless set)",
            settings.airflow_public_port,
            elsewhere.get("airflow", ""),
        ),
        Service(
            "MLflow",
            "every training, and the model registry",
            "user admin, password MLFLOW_ADMIN_PASSWORD in .env"
            if settings.mlflow_tracking_password
            else "none",
            settings.tracking_public_port,
            elsewhere.get("mlflow", ""),
        ),
        Service(
            "JupyterLab",
            "notebooks",
            "token: make token, or docker compose logs jupyter",
            settings.jupyter_public_port,
            elsewhere.get("jupyter", ""),
        ),
        Service(
            "Grafana",
            "dashboards",
            "user admin, password GRAFANA_ADMIN_PASSWORD in .env (admin unless set)",
            settings.grafana_public_port,
            elsewhere.get("grafana", ""),
        ),
        Service(
            "Prometheus",
            "metrics and alerts",
            "none",
            settings.prometheus_public_port,
            elsewhere.get("prometheus", ""),
        ),
        Service(
            "Ray dashboard",
            "jobs and the routes' processes",
            "token: docker compose exec ray cat /run/secrets/ray/token",
            settings.dashboard_public_port,
            elsewhere.get("ray", ""),
        ),
    ]
    return [service for service in known if service.port or service.url]


def links(known: list[Service], base_url: str) -> list[dict[str, Any]]:
    """The same with addresses."""
    place = urlsplit(base_url)
    host, scheme = place.hostname or "localhost", place.scheme or "http"
    host = f"[{host}]" if ":" in host else host
    return [
        {**service._asdict(), "url": service.url or f"{scheme}://{host}:{service.port}"} for service in known
    ]
