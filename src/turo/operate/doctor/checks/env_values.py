"""Values of `.env`: what each takes."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from turo.operate.doctor.facts import Facts
from turo.operate.doctor.finding import Trouble
from turo.operate.doctor.sizes import bytes_of
from turo.settings import SECRET, Settings

# In the settings under the same name for another purpose: what `.env` says of it is a port of the host.
PUBLISHED = {"RAY_DASHBOARD_PORT"}
SIZES = ("RAY_SHM_SIZE", "RAY_TMP_SIZE", "RAY_MEM_LIMIT", "RAY_WORKER_MEM_LIMIT", "JUPYTER_MEM_LIMIT")
NUMBERS = ("RAY_OBJECT_STORE_BYTES", "RAY_NUM_CPUS", "RAY_WORKERS", "AIRFLOW_WORKER_CONCURRENCY")
REMEDY = "Set {name} to a fitting value, or take the line out; .env.example lists what each takes."


HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\]")
# Up to the last @: a password may hold any of the signs that end one elsewhere.
LOGIN = re.compile(r"(?<=//).*@", re.DOTALL)
DURATION = re.compile(r"(\d+(ms|[smhdwy]))+")


class Written(Settings):
    """The settings as they would be of given values alone; reads no environment."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is handed over."""
        return (init_settings,)


def env_value(facts: Facts) -> Iterator[Trouble]:
    """No value is one that a service refuses at its start."""
    given = {name: value for name, value in facts.written.values.items() if value}
    for name, what in {**_by_settings(given), **_by_compose(given)}.items():
        shown = "…" if name in SECRET else repr(without_login(given[name]))
        yield Trouble(
            f"{name}={shown} cannot be used: {without_login(what)}.",
            "What reads it does not start, or Compose refuses the whole file.",
            REMEDY.format(name=name),
        )


def without_login(text: str) -> str:
    """The text without what may be a user and password in an address."""
    return LOGIN.sub("…@", text)


def _by_settings(given: dict[str, str]) -> dict[str, str]:
    """Name → why the platform's own code refuses the value."""
    fields = {name.upper() for name in Settings.model_fields} - PUBLISHED
    try:
        Written(**{name.lower(): value for name, value in given.items() if name in fields})  # type: ignore[arg-type]
    except ValidationError as error:
        told = [(str(each["loc"][0]).upper(), each["msg"]) for each in error.errors() if each["loc"]]
        return {name: what.removeprefix("Value error, ") for name, what in reversed(told)}
    return {}


def settings_of(values: Mapping[str, str]) -> dict[str, Any]:
    """Those of some values that are settings, read as the platform reads them; without what it refuses."""
    fields = set(Settings.model_fields) - {name.lower() for name in PUBLISHED}
    left = {name: value for name, value in values.items() if name in fields}
    while left:
        try:
            made = Written(**left)  # type: ignore[arg-type]
        except ValidationError as error:
            wrong = {str(each["loc"][0]) for each in error.errors() if each["loc"]} & left.keys()
            if not wrong:
                return {}
            left = {name: value for name, value in left.items() if name not in wrong}
        else:
            return {name: getattr(made, name) for name in left}
    return {}


def _by_compose(given: dict[str, str]) -> dict[str, str]:
    """Name → why Compose or Ray refuses it."""
    found = {}
    for name, value in given.items():
        if name == "BIND_ADDRESS" and not _is_address(value):
            found[name] = "Compose takes an IP address only, such as 127.0.0.1 or [::1] with its brackets"
        elif name == "TRACKING_PUBLIC_HOST" and not HOST.fullmatch(value):
            found[name] = "it is no bare host name: without protocol, port and path"
        elif name == "PROMETHEUS_RETENTION" and not DURATION.fullmatch(value):
            found[name] = "it is no duration such as 15d or 12h"
        elif name in SIZES and bytes_of(value) is None:
            found[name] = "it is no size such as 2g or 512m"
        elif name in NUMBERS and not value.isdecimal():
            found[name] = "it is no whole number"
        elif name == "TLS_BIND_ADDRESS" and not _is_address(value):
            found[name] = "Compose takes an IP address only, such as 0.0.0.0 or [::] with its brackets"
        elif name == "PROXY_NETWORK" and not _is_network(value):
            found[name] = "it is no three numbers of a network, such as 10.213.253"
        elif name.endswith("_PORT") and not (value.isdecimal() and 0 < int(value) < 65536):
            found[name] = "it is no port from 1 to 65535"
    return found


def _is_network(value: str) -> bool:
    """The first three numbers of an IPv4 address; the files write the fourth."""
    return value.count(".") == 2 and _is_address(f"{value}.0")


def _is_address(value: str) -> bool:
    try:
        address = ipaddress.ip_address(value.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return (address.version == 6) == value.startswith("[") == value.endswith("]")
