"""Names that no model may have, whose name becomes a route, a Serve application, an experiment and a file."""

from __future__ import annotations

import re
from collections.abc import Iterable

from turo.registry.decision_log import EXPERIMENT as DECISION_LOG

CATALOG = "catalog"  # the Serve application at `/`
SHADOW = "shadow"  # the Serve application of all challengers
PATHS = {
    "v2",
    "docs",
    "openapi.json",
    "metrics",
    "ping",
    "health",
    "version",
    "invocations",
    "forecast",
    "schema",
    "report",
    "report.html",
    "track-record.html",
    "vehicles",
    "sign-in",
    "sign-out",
    "favicon.ico",
}
RESERVED = frozenset({*PATHS, CATALOG, SHADOW, DECISION_LOG, "Default"})
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
TAKEN = {name.lower() for name in RESERVED}  # paths that differ in case only would be mixed up


def unfit(names: Iterable[str]) -> list[str]:
    """Those of the names that no route can have."""
    return [name for name in names if not NAME.fullmatch(name) or name.lower() in TAKEN]
