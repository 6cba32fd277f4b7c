"""Refuse to open ports to other machines while the documented default passwords are in force."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

DEFAULT_PASSWORDS = {"AIRFLOW_ADMIN_PASSWORD": "admin", "GRAFANA_ADMIN_PASSWORD": "admin"}
NEEDED = ("SERVE_API_KEY",)


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
