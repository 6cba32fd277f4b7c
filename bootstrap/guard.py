"""Refuse to open ports to other machines while the documented default passwords are in force."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

DEFAULT_PASSWORDS = {"AIRFLOW_ADMIN_PASSWORD": "admin", "GRAFANA_ADMIN_PASSWORD": "admin"}
NEEDED = ("SERVE_API_KEY",)
SHORTEST = 12  # characters of MLflow's password, by its own rule
PUBLISHED = ("password1234",)  # MLflow's own default, which it refuses
SHORTEST_BEHIND_TLS = 8  # characters of every other password and key that the world may try
# No address: the last part has a letter. Certificates are made for names, and sub-domains need one.
DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z]([a-z0-9-]*[a-z0-9])?")
LONGEST_DOMAIN = 200
# One word of the Caddyfile, in which nothing stands for something else; or what it has where none is given.
ISSUER = re.compile(r"[\w.+-]+@[\w.-]+|internal|")


def is_loopback(address: str) -> bool:
    """True for addresses that only this machine reaches; a name that is not `localhost` counts as open."""
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return address in ("", "localhost")


def open_doors(environment: Mapping[str, str]) -> str:
    """One line naming what is unsafe about this configuration; empty where nothing is."""
    address = environment.get("BIND_ADDRESS") or "127.0.0.1"
    if is_loopback(address):
        return ""
    defaults = [
        name for name, default in DEFAULT_PASSWORDS.items() if (environment.get(name) or default) == default
    ]
    missing = [name for name in NEEDED if not environment.get(name)]
    if not defaults and not missing:
        return ""
    parts = [
        *(f"{name} is the public default" for name in defaults),
        *(f"{name} is not set" for name in missing),
    ]
    return f"BIND_ADDRESS={address} opens the ports to other machines, but {', '.join(parts)}."


def exposed_badly(environment: Mapping[str, str]) -> list[str]:
    """What keeps this configuration from being put behind TLS, in sentences; no TURO_DOMAIN, nothing."""
    if not (domain := environment.get("TURO_DOMAIN", "")):
        return []
    told = []
    if not DOMAIN.fullmatch(domain) or len(domain) > LONGEST_DOMAIN:
        told.append(f"TURO_DOMAIN={domain} is no host name: write it as turo.example.com, in small letters.")
    if not ISSUER.fullmatch(mail := environment.get("TURO_ACME_EMAIL", "")):
        told.append(f"TURO_ACME_EMAIL={mail} is no mail address: the proxy would not start.")
    told += _weak(environment)
    if not is_loopback(address := environment.get("BIND_ADDRESS", "")):
        told.append(f"BIND_ADDRESS={address} opens the ports without TLS as well: take it out.")
    if environment.get("HTTPS_PORT") == "443":
        told.append(
            "HTTPS_PORT=443 is what it is anyway: take it out, or links name a port that browsers do not."
        )
    return told


def _weak(environment: Mapping[str, str]) -> list[str]:
    """Passwords and keys that the world would find."""
    told = []
    for name, default in DEFAULT_PASSWORDS.items():
        if (environment.get(name) or default) == default:
            told.append(f"{name} is the public default.")
        elif len(environment[name]) < SHORTEST_BEHIND_TLS:
            told.append(f"{name} needs {SHORTEST_BEHIND_TLS} characters or more.")
    password = environment.get("MLFLOW_ADMIN_PASSWORD", "")
    if len(password) < SHORTEST:
        told.append(f"MLFLOW_ADMIN_PASSWORD needs {SHORTEST} characters or more.")
    elif password in PUBLISHED:
        told.append("MLFLOW_ADMIN_PASSWORD is the public default.")
    for name in NEEDED:
        if not (key := environment.get(name, "")):
            told.append(f"{name} is not set.")
        elif len(key) < SHORTEST_BEHIND_TLS:
            told.append(f"{name} needs {SHORTEST_BEHIND_TLS} characters or more.")
    return told
