"""Addresses and places: stores, hosts as containers see them, proxies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from turo.operate.doctor.facts import Facts
from turo.operate.doctor.finding import Severity, Trouble

HERE = ("localhost", "127.0.0.1", "::1", "0.0.0.0")  # noqa: S104 - what a user may have written
STACK = {
    "RAY_ADDRESS": "ray",
    "AIRFLOW_VAR_RAY_ADDRESS": "ray",
    "FORECASTS_URI": "postgres",
    "BACKEND_URI": "postgres",
}
KEPT = {"BACKEND_URI": "/opt/turo/mlruns/", "ARTIFACT_ROOT": "/opt/turo/mlflow_artifacts"}
LISTENING = ("TRACKING_BIND_HOST", "RAY_HTTP_HOST")


def store_place(facts: Facts) -> Iterator[Trouble]:
    """MLflow's store and artifacts outlive the container, and are named in a form that libraries take."""
    lost = "All models and runs are gone with the container, or it may not write there at all."
    uri = facts.chosen("BACKEND_URI")
    scheme, _, path = uri.partition("://")
    if scheme == "sqlite" and not path.removeprefix("/").startswith(KEPT["BACKEND_URI"]):
        yield Trouble(
            f"BACKEND_URI={_hidden(uri)} is no file in {KEPT['BACKEND_URI']} (with four slashes: the path is "
            f"absolute).",
            lost,
            f"Write sqlite:///{KEPT['BACKEND_URI']}mlflow.db.",
        )
    if scheme in ("postgres", "postgresql"):
        yield Trouble(
            f"BACKEND_URI begins with {scheme}://.",
            "SQLAlchemy takes it for a driver that is not in the image; MLflow does not start.",
            f"Write postgresql+psycopg2://{_without_password(path)}.",
        )
    root = facts.chosen("ARTIFACT_ROOT")
    if root and "://" not in root and f"{root.rstrip('/')}/".find(f"{KEPT['ARTIFACT_ROOT']}/") != 0:
        yield Trouble(
            f"ARTIFACT_ROOT={root} is not below {KEPT['ARTIFACT_ROOT']}.",
            lost,
            f"Set it to {KEPT['ARTIFACT_ROOT']} or below it, or to a store such as s3://….",
        )


def _without_password(path: str) -> str:
    before, _, query = path.partition("?")
    if "@" in query:  # where the password ends is not sure
        return f"{re.split('[:/?#@]', path)[0]}@…"
    login, at, rest = before.rpartition("@")
    return f"{login.split(':')[0]}{at}{rest}"


def container_address(facts: Facts) -> Iterator[Trouble]:
    """Addresses that containers call are not their own loopback; what is published is no loopback either."""
    for name, service in STACK.items():
        uri = facts.chosen(name)
        host = urlsplit(uri).hostname if "://" in uri else None
        if host in HERE:
            yield Trouble(
                f"{name}={_hidden(uri)}: in a container {host} is the container itself.",
                "Nothing answers there.",
                f"Write {service} for the stack's own, host.docker.internal or the machine's "
                f"address for another.",
            )
        elif host and host != service and facts.set_by_user(name):
            yield Trouble(
                f"{name} leads to {host}, which is no service of this stack.",
                "Backup and restart of the stack leave it out, and it must be reachable from the containers.",
                "Nothing, if that is meant; else take the line out.",
                Severity.NOTE,
            )
    for name in LISTENING:
        if facts.chosen(name) in ("127.0.0.1", "localhost", "::1"):
            yield Trouble(
                f"{name}={facts.chosen(name)}: the service then listens inside its container only.",
                "The published port answers nobody, nor do other services reach it.",
                f"Take {name} out; where ports are published on the host BIND_ADDRESS says.",
            )
    own, variable = facts.chosen("RAY_ADDRESS"), facts.chosen("AIRFLOW_VAR_RAY_ADDRESS")
    if variable and variable != own:
        yield Trouble(
            f"AIRFLOW_VAR_RAY_ADDRESS={variable}, but RAY_ADDRESS={own}.",
            "Airflow's tasks prepare and train on one cluster, MLflow's container and JupyterLab "
            "use another.",
            "Give both the same address, or set RAY_ADDRESS only.",
            Severity.WARNING,
        )


def _hidden(uri: str) -> str:
    scheme, _, path = uri.partition("://")
    return f"{scheme}://{_without_password(path)}"


def proxy(facts: Facts) -> Iterator[Trouble]:
    """A proxy of the shell is not asked for what runs on this machine."""
    used = sorted(name for name in facts.host.shell if name.upper() in ("HTTP_PROXY", "ALL_PROXY"))
    passed = {part.strip() for part in facts.host.no_proxy.split(",")}
    if used and not passed & {"localhost", "127.0.0.1", "*"}:
        yield Trouble(
            f"{used[0]} is set, and NO_PROXY does not name localhost.",
            "curl and Python ask the proxy for http://localhost:8000, which answers with an error "
            "page of its own.",
            "export NO_PROXY=localhost,127.0.0.1 no_proxy=localhost,127.0.0.1",
        )
