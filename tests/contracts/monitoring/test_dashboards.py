"""Dashboards as files: what Grafana's provisioning takes, and nothing it would silently show empty."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from monitoring_queries import DASHBOARDS, REPOSITORY, all_queries, metrics_of, panels

from turo.monitoring.forecast_watch import FIGURES, LAST
from turo.monitoring.report_watch import TOLD, WANTED

FILES = sorted(DASHBOARDS.glob("*.json"))
OWN = [path for path in FILES if path.name.startswith("turo-")]
RAY_UIDS = {
    "rayDefaultDashboard",
    "rayServeDashboard",
    "rayServeDeploymentDashboard",
    "rayDataDashboard",
    "rayTrainDashboard",
}


def load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text())
    return loaded


def test_rays_boards_and_ours_are_there_under_fixed_uids() -> None:
    uids = [load(path)["uid"] for path in FILES]
    assert len(uids) == len(set(uids))
    assert set(uids) == RAY_UIDS | {
        "turo-platform",
        "turo-pipeline",
        "turo-serving",
        "turo-models",
        "turo-forecasts",
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_provisioning_takes_the_file_as_it_is(path: Path) -> None:
    text, board = path.read_text(), load(path)
    assert board["id"] is None
    assert "__inputs" not in board
    assert "${DS_" not in text  # is resolved on import by hand, never from a file
    numbers = [panel["id"] for panel in panels(board)]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_panel_asks_the_provisioned_data_source(path: Path) -> None:
    """By uid in our boards; through a variable of type prometheus in Ray's."""
    board = load(path)
    variables = {v["name"]: v for v in board["templating"]["list"] if v["type"] == "datasource"}
    for panel in panels(board):
        if panel["type"] == "row":
            continue
        source = panel["datasource"]
        if isinstance(source, dict):
            assert source == {"type": "prometheus", "uid": "prometheus"}
        else:
            assert variables[source.strip("${}")]["query"] == "prometheus"


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_our_panels_say_what_they_show_and_do_not_overlap(path: Path) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels(load(path)):
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
        if panel["type"] != "row":
            assert panel["description"].endswith("."), panel["title"]
            assert panel["fieldConfig"]["defaults"]["unit"]


def test_the_files_are_what_the_generator_makes() -> None:
    """Fails after a change of `boards.yml` or of Ray's version until the generator is run."""
    pytest.importorskip("ray")
    command = [sys.executable, str(REPOSITORY / "grafana" / "generate_dashboards.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_every_gauge_of_the_forecasts_is_on_their_board() -> None:
    """A gauge that no board shows is looked at by nobody; the last one tells that the others stand still."""
    asked = [expr for source, expr in all_queries() if source.startswith("turo-forecasts.json")]
    shown = {metric for expr in asked for metric in metrics_of(expr)}
    assert {f"turo_forecast_{name}" for name in (*FIGURES, LAST)} <= shown
    assert {f"turo_{name}" for name in (WANTED, *TOLD.values())} <= shown
    ages = [expr for expr in asked if f"turo_forecast_{LAST}" in metrics_of(expr)]
    assert ages == [f'time() - turo_forecast_{LAST}{{model="all"}}']


def test_data_source_and_provider_match_what_dashboards_and_ray_name() -> None:
    provisioning = REPOSITORY / "grafana" / "provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert (source["uid"], source["type"]) == ("prometheus", "prometheus")
    compose = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]
    assert compose["ray"]["environment"]["RAY_PROMETHEUS_NAME"] == source["name"]
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "dashboards.yml").read_text())["providers"]
    mounted = "./grafana/provisioning:/etc/grafana/provisioning:ro"
    assert mounted in compose["grafana"]["volumes"]
    inside = "/etc/grafana/provisioning/"
    assert (provisioning / provider["options"]["path"].removeprefix(inside)).resolve() == DASHBOARDS
