"""What docker-compose.tls.yml puts behind TLS: passwords, names, and whether it is started at all."""

from __future__ import annotations

import re
from collections.abc import Iterator

from turo.operate.doctor.checks.choices import is_loopback
from turo.operate.doctor.facts import Facts
from turo.operate.doctor.finding import Severity, Trouble

OVERLAY = "docker-compose.tls.yml"
PROXY, SHOWS = "caddy", "caddy:8443"  # the service, and where it shows certificates inside
SERVED = ("", "airflow.", "mlflow.", "grafana.")  # before the domain
ONLY_THERE = ("MLFLOW_ADMIN_PASSWORD", "TURO_ACME_EMAIL", "HTTP_PORT", "HTTPS_PORT", "TLS_BIND_ADDRESS")
SHORTEST = 12  # characters of MLflow's password, by its own rule
PUBLISHED = ("password1234",)  # MLflow's own default, which it refuses
SHORTEST_BEHIND_TLS = 8  # characters of every other password and key
# As bootstrap has them.
DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z]([a-z0-9-]*[a-z0-9])?")
LONGEST_DOMAIN = 200
ISSUER = re.compile(r"[\w.+-]+@[\w.-]+|internal|")
STARTED = f"Set COMPOSE_FILE=docker-compose.yml:{OVERLAY} in .env"


def hosts(domain: str) -> tuple[str, ...]:
    """The names that are served, as the overlay's TLS_HOSTS."""
    return tuple(f"{before}{domain}" for before in SERVED)


def exposed(facts: Facts) -> Iterator[Trouble]:
    """What is put behind TLS is behind passwords of one's own, and what is meant to be is."""
    chosen, started = facts.chosen, OVERLAY in facts.chosen("COMPOSE_FILE")
    runs = facts.stack is not None and bool(facts.stack.settings.tls_hosts)  # by -f, or by another shell
    if not (domain := chosen("TURO_DOMAIN")):
        if started:
            yield Trouble(
                f"COMPOSE_FILE names {OVERLAY}, but TURO_DOMAIN is not set.",
                "Compose refuses every command.",
                "Set TURO_DOMAIN to the host name, or take COMPOSE_FILE out.",
            )
        elif idle := [name for name in ONLY_THERE if facts.set_by_user(name)]:
            yield Trouble(
                f"{idle[0]} does nothing without TURO_DOMAIN.",
                f"It is of {OVERLAY} alone.",
                f"{STARTED} and TURO_DOMAIN to the host name, or take the line out.",
                Severity.NOTE,
            )
        return
    if not started and not runs:
        yield Trouble(
            f"TURO_DOMAIN={domain}, but COMPOSE_FILE does not name {OVERLAY}.",
            "`docker compose up` then takes the proxy's settings from all services again.",
            f"{STARTED}: then no command can leave it out.",
            Severity.WARNING,
        )
    for name, what, remedy in _refused(facts, domain):
        yield Trouble(f"{name}: {what}.", "bootstrap refuses to start the stack behind TLS.", remedy)


def _refused(facts: Facts, domain: str) -> Iterator[tuple[str, str, str]]:
    """(variable, what is wrong, what to do), as bootstrap/guard.py has them."""
    if not DOMAIN.fullmatch(domain) or len(domain) > LONGEST_DOMAIN:
        yield "TURO_DOMAIN", f"{domain} is no host name", "Write it as turo.example.com, in small letters."
    if not ISSUER.fullmatch(mail := facts.chosen("TURO_ACME_EMAIL")):
        yield "TURO_ACME_EMAIL", f"{mail} is no mail address", "Correct it, or take the line out."
    for name in ("AIRFLOW_ADMIN_PASSWORD", "GRAFANA_ADMIN_PASSWORD"):
        if facts.chosen(name) == facts.offered.get(name, "admin"):
            yield name, "it is the public default", "Set one of your own."
        elif len(facts.chosen(name)) < SHORTEST_BEHIND_TLS:
            yield name, f"it needs {SHORTEST_BEHIND_TLS} characters or more", "Set a longer one."
    if len(facts.chosen("MLFLOW_ADMIN_PASSWORD")) < SHORTEST:
        yield "MLFLOW_ADMIN_PASSWORD", f"it needs {SHORTEST} characters or more", "Set it; the user is admin."
    elif facts.chosen("MLFLOW_ADMIN_PASSWORD") in PUBLISHED:
        yield "MLFLOW_ADMIN_PASSWORD", "it is the public default", "Set one of your own."
    if len(key := facts.chosen("SERVE_API_KEY")) < SHORTEST_BEHIND_TLS:
        what = f"it needs {SHORTEST_BEHIND_TLS} characters or more" if key else "it is not set"
        yield "SERVE_API_KEY", what, "Set one: `openssl rand -hex 32` makes it."
    if not is_loopback(address := facts.chosen("BIND_ADDRESS")):
        yield "BIND_ADDRESS", f"{address} opens the ports without TLS as well", "Take the line out."
    if facts.chosen("HTTPS_PORT") == "443":
        yield "HTTPS_PORT", "443 is what it is anyway; links would name it", "Take the line out."
