"""Names that no model may have, whose name becomes a route, a Serve application, an experiment and a file."""

from __future__ import annotations

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
