"""From a short description to Grafana's JSON: one board of rows of panels, laid out from left to right."""

from __future__ import annotations

from typing import Any

DATASOURCE = {"type": "prometheus", "uid": "prometheus"}
SCHEMA = 41
GRID = 24
TYPES = {"time": "timeseries", "stat": "stat", "table": "table", "bars": "bargauge"}
WIDTHS = {"stat": 4}
HEIGHTS = {"stat": 4}
REFRESH = "30s"


def board(described: dict[str, Any]) -> dict[str, Any]:
    """A dashboard with a fixed uid and no id, so that Grafana takes it from a file as it is."""
    panels: list[dict[str, Any]] = []
    y = 0
    for row in described["rows"]:
        panels.append(_row(row["title"], y, len(panels) + 1))
        y = _lay_out(row["panels"], y + 1, panels)
    return {
        "id": None,
        "uid": described["uid"],
        "title": described["title"],
        "tags": ["turo"],
        "schemaVersion": SCHEMA,
        "editable": False,
        "graphTooltip": 1,
        "refresh": REFRESH,
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [_variable(*item) for item in described.get("variables", {}).items()]},
        "annotations": {"list": []},
        "panels": panels,
    }


def _lay_out(described: list[dict[str, Any]], y: int, panels: list[dict[str, Any]]) -> int:
    """Append the panels of a row; returns the first free line below them."""
    x = height = 0
    for each in described:
        kind = each.get("type", "time")
        width = each.get("width", WIDTHS.get(kind, GRID // 2))
        if x + width > GRID:
            x, y = 0, y + height
        height = HEIGHTS.get(kind, 8)
        position = {"x": x, "y": y, "w": width, "h": height}
        panels.append(_panel(each, kind, position, len(panels) + 1))
        x += width
    return y + height


def _panel(described: dict[str, Any], kind: str, position: dict[str, int], number: int) -> dict[str, Any]:
    instant = kind != "time"
    return {
        "id": number,
        "type": TYPES[kind],
        "title": described["title"],
        "description": described["what"],
        "datasource": DATASOURCE,
        "gridPos": position,
        "fieldConfig": {"defaults": _defaults(described, kind), "overrides": []},
        "options": _options(kind),
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": DATASOURCE,
                "expr": expression,
                "legendFormat": legend,
                "instant": instant,
                "range": not instant,
                **({"format": "table"} if kind == "table" else {}),
            }
            for index, (legend, expression) in enumerate(described["queries"].items())
        ],
        **({"transformations": [_without_noise()]} if kind == "table" else {}),
    }


def _defaults(described: dict[str, Any], kind: str) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    limit = described.get("red", {})
    if "above" in limit:
        # Grafana colours from the value on; what is meant is beyond it.
        steps.append({"color": "red", "value": limit["above"] + 1e-9})
    if "below" in limit:
        steps = [{"color": "red", "value": None}, {"color": "green", "value": limit["below"]}]
    defaults: dict[str, Any] = {
        "unit": described.get("unit", "short"),
        "thresholds": {"mode": "absolute", "steps": steps},
        "color": {"mode": "palette-classic" if kind == "time" else "thresholds"},
    }
    if kind == "time":
        least = {} if described.get("below_zero") else {"min": 0}
        defaults |= least | {"custom": {"fillOpacity": 10, "showPoints": "auto", "spanNulls": False}}
    return defaults


def _options(kind: str) -> dict[str, Any]:
    if kind == "time":
        return {
            "legend": {"displayMode": "list", "placement": "bottom"},
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    if kind in ("stat", "bars"):
        reduce = {"reduceOptions": {"calcs": ["lastNotNull"]}}
        return {
            **reduce,
            **({"orientation": "horizontal"} if kind == "bars" else {"colorMode": "background"}),
        }
    return {"showHeader": True}


def _without_noise() -> dict[str, Any]:
    """A table shows labels and value, not the sample's time and the metric's name."""
    return {"id": "organize", "options": {"excludeByName": {"Time": True, "__name__": True}}}


def _row(title: str, y: int, number: int) -> dict[str, Any]:
    position = {"x": 0, "y": y, "w": GRID, "h": 1}
    return {
        "id": number,
        "type": "row",
        "title": title,
        "gridPos": position,
        "collapsed": False,
        "panels": [],
    }


def _variable(name: str, query: str) -> dict[str, Any]:
    """A choice at the top of the board; all by default."""
    return {
        "name": name,
        "type": "query",
        "datasource": DATASOURCE,
        "definition": query,
        "query": {"query": query, "refId": "variable"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
        "current": {"text": ["All"], "value": ["$__all"]},
    }
