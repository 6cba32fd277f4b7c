"""Every variable of `.env.example` reaches something that reads it, and is there what the example says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import yaml
from compose_file import REPOSITORY

from turo.orchestration.initialise import DEFAULT_LOGIN
from turo.serving.ingress import haproxy_limits
from turo.settings import Settings

VARIABLE = re.compile(r"\$\{([A-Z][A-Z_0-9]+)")
# A program of ours takes a variable: `$NAME`, `${NAME…}`, in a Dockerfile `ARG NAME` as well.
IN_SHELL = re.compile(r"\$\{?([A-Z][A-Z_0-9]+)|^ARG ([A-Z][A-Z_0-9]+)", re.MULTILINE)
SHELL_DEFAULT = re.compile(r"\$\{([A-Z][A-Z_0-9]+):[-=]([^}$]*)\}")
IN_CADDYFILE = re.compile(r"\{\$([A-Z][A-Z_0-9]+)")
SCRIPTS = ("*.sh", "Dockerfile")

# What programs that are not ours read, by how the names begin.
OTHERS = {
    "AIRFLOW__": "Airflow's options",
    "AIRFLOW_VAR_": "Airflow's Variables",
    "GF_": "Grafana's options",
    "RAY_GRAFANA_": "Ray's dashboard",
    "FORWARDED_ALLOW_IPS": "Uvicorn, which runs Airflow's API server",
}
# Where the package's own default fits a laptop, and the example tells that of the containers.
OF_CONTAINERS = {
    "BACKEND_URI": "a folder of the image",
    "ARTIFACT_ROOT": "a folder of the image",
    "RAY_ADDRESS": "the name of the service",
    "FORECASTS_URI": "the stack's own database",
    "OPERATOR_LOOKS_AT": "services that a laptop has not",
}
MADE = {"CODE_VERSION": "of an image that was built without one: the version of the package"}


class Use(NamedTuple):
    """Where the compose file takes a variable: it acts on it itself, or passes it on as `key`."""

    name: str
    key: str = ""


def stated() -> dict[str, str]:
    """The example's variables and what it says of each."""
    text = (REPOSITORY / ".env.example").read_text()
    return dict(re.findall(r"^#?([A-Z][A-Z_0-9]+)=(.*)$", text, re.MULTILINE))


def uses() -> set[Use]:
    """Every place in the compose files where a variable of the user's is taken."""
    files = (REPOSITORY / name for name in ("docker-compose.yml", "docker-compose.tls.yml"))
    services = [yaml.safe_load(path.read_text())["services"] for path in files]
    return {use for each in services for service in each.values() for use in _uses(service, ())}


def _uses(node: Any, place: tuple[str, ...]) -> Iterator[Use]:
    passed_on = place[-2:-1] in {("environment",), ("args",)}
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _uses(value, (*place, str(key)))
    elif isinstance(node, list):
        for value in node:
            yield from _uses(value, (*place, "[]"))
    elif node is None and passed_on:
        yield Use(place[-1], place[-1])
    elif isinstance(node, str):
        yield from (Use(name, place[-1] if passed_on else "") for name in VARIABLE.findall(node))


def scripts() -> list[str]:
    """Texts of what containers start that is neither Python nor somebody else's."""
    folders = {path.parent for path in REPOSITORY.glob("*/Dockerfile")} | {REPOSITORY / "postgres"}
    return [path.read_text() for folder in folders for kind in SCRIPTS for path in folder.glob(kind)]


def read() -> set[str]:
    """Variables that our own programs read."""
    found = {name.upper() for name in Settings.model_fields}
    found |= set(IN_CADDYFILE.findall((REPOSITORY / "caddy/Caddyfile").read_text()))
    found |= {name for text in scripts() for pair in IN_SHELL.findall(text) for name in pair if name}
    for folder in ("src/turo", "bootstrap", "jupyter"):
        for path in (REPOSITORY / folder).rglob("*.py"):
            nodes = ast.walk(ast.parse(path.read_text()))
            # As a whole text, which a mention in a docstring or a message is not.
            found |= {str(node.value) for node in nodes if isinstance(node, ast.Constant)}
    return found


def test_every_variable_of_the_example_changes_something() -> None:
    known = read()
    others = tuple(OTHERS)
    effective = {use.name for use in uses() if not use.key or use.key in known or use.key.startswith(others)}
    assert set(stated()) - effective == set()


def test_nothing_is_passed_on_that_nobody_reads() -> None:
    keys = {use.key for use in uses() if use.key and not use.key.startswith(tuple(OTHERS))}
    assert keys - read() == set()


@pytest.mark.parametrize("name", sorted({name.upper() for name in Settings.model_fields} & set(stated())))
def test_the_example_s_defaults_are_the_package_s(name: str) -> None:
    field = Settings.model_fields[name.lower()]
    default = "" if name in MADE else field.default
    as_text = ",".join(map(str, default)) if isinstance(default, tuple) else str(default or "")
    agree = stated()[name].lower() in {as_text.lower(), as_text.lower().removesuffix(".0")}
    agree |= (stated()[name] == "0" and default == 0) or (stated()[name] == "false" and default is False)
    assert agree != (name in OF_CONTAINERS), (stated()[name], default)


def test_the_example_s_defaults_are_the_scripts() -> None:
    inside = {name: value for text in scripts() for name, value in SHELL_DEFAULT.findall(text)}
    told = {name: value for name, value in stated().items() if name in inside}
    assert set(told) >= {"RAY_OBJECT_STORE_BYTES", "RAY_HTTP_HOST", "TRACKING_BIND_HOST"}
    different = {name for name, value in told.items() if value != inside[name]}
    assert different <= set(OF_CONTAINERS), {name: (told[name], inside[name]) for name in different}


def test_the_example_s_defaults_are_those_of_programs_that_load_no_settings() -> None:
    told = stated()
    assert (told["SERVE_BODY_TIMEOUT_S"], told["SERVE_TIMEOUT_S"]) == (
        haproxy_limits.BODY_S, haproxy_limits.ANSWER_S
    )  # fmt: skip
    assert {told["AIRFLOW_ADMIN_USER"], told["AIRFLOW_ADMIN_PASSWORD"]} == {DEFAULT_LOGIN}
