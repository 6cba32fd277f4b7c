"""All models that were trained on the same table, beside the same baselines, in one artifact."""

from __future__ import annotations

import json
import logging
import math
import tempfile
from pathlib import Path
from typing import Any

from turo.data import fleet_sketch
from turo.registry import versions
from turo.registry.client import Version, client
from turo.table.targets import unit
from turo.training.evaluation.scores import MODEL, ORACLE_TITLE
from turo.training.reports import model_card, plots

logger = logging.getLogger(__name__)

FOLDER = "all_models"
SAME = ("turo.data_digest", "turo.target", "turo.horizon_days")
FAMILY = ("turo.snapshot", "turo.target", "turo.profile")  # the tables of all horizons of one input
BEST_BASELINE = "Best baseline"


def publish(version: Version) -> list[dict[str, Any]]:
    """Write all_models/comparison.{json,csv,md} to the run of every model of this table; returns its lines.

    Same digest, target and horizon mean the same hold-out rows, so the figures may stand side by side. The
    models of all horizons get a picture of the error by horizon.
    """
    mlflow_client = client()
    peers = newest(version, SAME)
    with tempfile.TemporaryDirectory() as temporary:
        own = Path(
            mlflow_client.download_artifacts(version.run_id, f"{model_card.COMPARISON}.json", temporary)
        )
        lines = [line for line in json.loads(own.read_text()) if line["key"] != MODEL]
        lines += [
            {"name": peer.name, "key": MODEL, "version": peer.version, **peer.metrics} for peer in peers
        ]
        metric = _metric(version)
        lines.sort(key=lambda line: _figure(line, metric))
        folder = Path(temporary) / FOLDER
        folder.mkdir()
        model_card.write_comparison(lines, folder)
        for peer in peers:
            mlflow_client.log_artifacts(peer.run_id, str(folder), FOLDER)
        family = newest(version, FAMILY)
        picture = Path(temporary) / "error_by_horizon.png"
        if errors := by_horizon(family, metric):
            plots.error_by_horizon(errors, metric, unit(version.tags["turo.target"]), picture)
            for peer in family:
                mlflow_client.log_artifact(peer.run_id, str(picture), FOLDER)
    return lines


def _metric(version: Version) -> str:
    return version.tags.get("turo.metric", "mae")


def _figure(line: dict[str, Any], metric: str) -> float:
    """To sort by; a baseline with too few values has none, and comes last."""
    value = float(line.get(metric, math.inf))
    return math.inf if math.isnan(value) else value


def by_horizon(family: list[Version], metric: str) -> dict[str, dict[int, float]]:
    """Hold-out error by days: of each model, the best baseline and the oracle; empty without dates."""
    found: dict[str, dict[int, float]] = {}
    for version in sorted(family, key=lambda version: (version.name, int(version.tags["turo.horizon_days"]))):
        days = int(version.tags["turo.horizon_days"])
        titles = {
            version.name.removesuffix(f"-{days}d"): metric,
            BEST_BASELINE: f"baseline_best_{metric}",
            ORACLE_TITLE: f"oracle_{metric}",
        }
        for title, key in titles.items() if days else ():
            if key in version.metrics:
                found.setdefault(title, {})[days] = version.metrics[key]
    return found


def newest(version: Version, tags: tuple[str, ...]) -> list[Version]:
    """The newest version of each name with the same values of these tags, of the same fleet and metric."""
    wanted = " and ".join(f"tags.`{tag}` = '{version.tags[tag]}'" for tag in tags)
    newest: dict[str, Version] = {}
    fleet, metric = fleet_sketch.of_tags(version.tags), _metric(version)
    for found in versions.search(wanted):
        other = fleet_sketch.of_tags(found.tags)
        if other != fleet and not fleet_sketch.same(other, fleet):
            continue
        if _metric(found) != metric:  # means beside medians, each judged by its own error
            continue
        known = newest.get(found.name)
        if known is None or int(found.version) > int(known.version):
            newest[found.name] = found
    return list(newest.values())
