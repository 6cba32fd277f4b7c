"""Values of `.env` that contradict each other: models, replicas, memory, doors."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from turo.operate.doctor.facts import GIB, Facts
from turo.operate.doctor.finding import Severity, Trouble
from turo.operate.doctor.sizes import bytes_of
from turo.registry.route_names import unfit
from turo.settings import BEST_MODEL
from turo.words import counted, listed

REPLICA_GIB = 0.2
RAY_GIB = 2  # the head's own processes and one job
MODELS = "NAMES lists the routes, PATHS their projects below mlflow/projects: one for one, in the same order."


def names_of(facts: Facts, variable: str) -> list[str]:
    """The parts of a list by comma."""
    return [part.strip() for part in facts.chosen(variable).split(",") if part.strip()]


def models(facts: Facts) -> Iterator[Trouble]:
    """Names and projects of the models fit together, and the forecast's model is one of them."""
    names, paths = names_of(facts, "MODEL_NAMES"), names_of(facts, "MODEL_PATHS")
    why = "The mlflow container does not start, and prepare_data is refused."
    if len(names) != len(paths):
        yield Trouble(
            f"MODEL_NAMES has {counted(len(names), 'name')} ({', '.join(names)}), "
            f"MODEL_PATHS {counted(len(paths), 'path')} ({', '.join(paths)}).",
            why,
            f"Give both the same number of parts. {MODELS}",
        )
    if wrong := unfit(names):
        yield Trouble(
            f"MODEL_NAMES: {listed(wrong)} cannot be a route.",
            why,
            "Use letters, digits, dot, dash and underscore, and no path that the front door has itself.",
        )
    lower = [name.lower() for name in names]
    if twice := sorted({name for name in names if lower.count(name.lower()) > 1}):
        yield Trouble(f"MODEL_NAMES: {listed(twice)} stand for one route.", why, "Name every model once.")
    relative = [path for path in paths if not path.startswith("/")]
    if facts.whole and (missing := [path for path in relative if path not in facts.projects]):
        yield Trouble(
            f"MODEL_PATHS: there is no mlflow/projects/{missing[0]}/MLproject.",
            why,
            f"Name one of {', '.join(sorted(facts.projects))}, or make the project.",
        )
    if (model := facts.chosen("FORECAST_MODEL")) and model not in {BEST_MODEL, *names}:
        yield Trouble(
            f"FORECAST_MODEL={model} is none of MODEL_NAMES ({', '.join(names)}).",
            "forecast_fleet is refused: no report, no forecasts.",
            f"Name one of them, or {BEST_MODEL}; letters count as they are written.",
        )


def replicas(facts: Facts) -> Iterator[Trouble]:
    """The smallest number of replicas is not above the largest."""
    least, most = _number(facts, "SERVE_MIN_REPLICAS"), _number(facts, "SERVE_MAX_REPLICAS")
    if least > most:
        yield Trouble(
            f"SERVE_MIN_REPLICAS={least} is more than SERVE_MAX_REPLICAS={most}.",
            f"There are always {least}; the larger number does nothing, and load adds no replica.",
            f"Set SERVE_MAX_REPLICAS to {least} or more.",
        )


def replicas_memory(facts: Facts) -> Iterator[Trouble]:
    """All replicas there may be fit below Ray's memory limit, beside its shared memory and one job."""
    most = max(_number(facts, "SERVE_MIN_REPLICAS"), _number(facts, "SERVE_MAX_REPLICAS"))
    routes = len(names_of(facts, "MODEL_NAMES"))
    limit, shared = (bytes_of(facts.chosen(name)) or 0 for name in ("RAY_MEM_LIMIT", "RAY_SHM_SIZE"))
    need = most * routes * REPLICA_GIB + shared / GIB + RAY_GIB
    if limit and need > limit / GIB:
        yield Trouble(
            f"{counted(routes, 'model')} at {counted(most, 'replica')} may take {need:.1f} GiB with Ray, "
            f"and RAY_MEM_LIMIT is {facts.chosen('RAY_MEM_LIMIT')}.",
            "Under load Ray ends tasks and replicas for lack of memory, just when they are needed.",
            f"Set RAY_MEM_LIMIT to {int(need) + 1}g, or SERVE_MAX_REPLICAS lower.",
        )


def ray_memory(facts: Facts) -> Iterator[Trouble]:
    """Object store below shared memory below the memory limit."""
    store, shared, limit = (
        bytes_of(facts.chosen(name)) or 0
        for name in ("RAY_OBJECT_STORE_BYTES", "RAY_SHM_SIZE", "RAY_MEM_LIMIT")
    )
    if store and shared and store >= shared:
        yield Trouble(
            f"RAY_OBJECT_STORE_BYTES={store} does not fit into RAY_SHM_SIZE={facts.chosen('RAY_SHM_SIZE')}.",
            "Ray keeps its objects on disk in /tmp then, slowly, or does not start.",
            f"Set RAY_SHM_SIZE to {store // GIB + 1}g or more, or the store lower.",
        )
    if shared and limit and shared >= limit:  # a limit of 0 is none
        yield Trouble(
            f"RAY_SHM_SIZE={facts.chosen('RAY_SHM_SIZE')} is no less than "
            f"RAY_MEM_LIMIT={facts.chosen('RAY_MEM_LIMIT')}.",
            "Shared memory counts towards the limit: the kernel kills Ray when objects fill it.",
            f"Set RAY_MEM_LIMIT to {shared // GIB + 3}g or more, or RAY_SHM_SIZE lower.",
        )


def _number(facts: Facts, name: str) -> int:
    text = facts.chosen(name)
    return int(text) if text.isdecimal() else 0


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches it; names but `localhost` count as open, as for bootstrap."""
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return address in ("", "localhost")


def open_ports(facts: Facts) -> Iterator[Trouble]:
    """Ports that other machines reach are behind passwords of one's own."""
    address = facts.chosen("BIND_ADDRESS")
    if is_loopback(address):
        return
    weak = [
        f"{name} is the public default"
        for name in ("AIRFLOW_ADMIN_PASSWORD", "GRAFANA_ADMIN_PASSWORD")
        if facts.chosen(name) == facts.offered.get(name, "admin")
    ]
    weak += ["SERVE_API_KEY is not set"] if not facts.chosen("SERVE_API_KEY") else []
    meant = facts.chosen("ALLOW_INSECURE")
    allowed = meant == "1"  # and nothing else, as for bootstrap
    not_so = f": ALLOW_INSECURE={meant} does not allow it, only 1 does" if meant else ""
    if weak:
        yield Trouble(
            f"BIND_ADDRESS={address} opens the ports to other machines, but {listed(weak)}.",
            "Whoever reaches the machine may use them."
            if allowed
            else f"bootstrap refuses to start the stack{not_so}.",
            "Set these in .env, or BIND_ADDRESS=127.0.0.1.",
            Severity.WARNING if allowed else Severity.ERROR,
        )
    if facts.chosen("TRACKING_PUBLIC_HOST") in ("localhost", "127.0.0.1"):
        yield Trouble(
            f"BIND_ADDRESS={address}, but TRACKING_PUBLIC_HOST is still "
            f"{facts.chosen('TRACKING_PUBLIC_HOST')}.",
            "MLflow answers browsers on other machines with 403: it knows that host name only.",
            "Set TRACKING_PUBLIC_HOST to the name under which they reach this machine.",
            Severity.WARNING,
        )


def grafana_password(facts: Facts) -> Iterator[Trouble]:
    """The password of `.env` is the one that Grafana knows."""
    if facts.grafana in (401, 403):
        yield Trouble(
            "Grafana refuses the GRAFANA_ADMIN_USER and GRAFANA_ADMIN_PASSWORD that .env says.",
            "The password counts at its start, the user while its volume is new, the default never again.",
            "docker compose exec grafana grafana cli admin reset-admin-password 'the new one' "
            "(after five wrong tries "
            "wait five minutes)",
        )
