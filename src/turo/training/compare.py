"""All models that were trained on the same table, beside the same baselines, in one artifact."""

from __future__ import annotations

import json
import logging
import math
import tempfile
from pathlib import Path
from typing import Any

from turo import registry
from turo.registry import Version
from turo.training import report
from turo.training.scores import MODEL

logger = logging.getLogger(__name__)

FOLDER = "all_models"
SAME = ("turo.data_digest", "turo.target", "turo.horizon_days")


def publish(version: Version) -> list[dict[str, Any]]:
    """Write all_models/comparison.{json,csv,md} to the run of every model of this table; returns its lines.

    Same digest, target and horizon mean the same hold-out rows, so the figures may stand side by side.
    """
    client = registry.client()
    peers = _peers(version)
    with tempfile.TemporaryDirectory() as temporary:
        own = Path(client.download_artifacts(version.run_id, f"{report.COMPARISON}.json", temporary))
        lines = [line for line in json.loads(own.read_text()) if line["key"] != MODEL]
        lines += [
            {"name": peer.name, "key": MODEL, "version": peer.version, **peer.metrics} for peer in peers
        ]
        metric = version.tags.get("turo.metric", "mae")
        lines.sort(key=lambda line: line.get(metric, math.inf))
        folder = Path(temporary) / FOLDER
        folder.mkdir()
        report.write_comparison(lines, folder)
        for peer in peers:
            client.log_artifacts(peer.run_id, str(folder), FOLDER)
    return lines


def _peers(version: Version) -> list[Version]:
    """The newest version of each name that learnt from the same table."""
    wanted = " and ".join(f"tags.`{tag}` = '{version.tags[tag]}'" for tag in SAME)
    newest: dict[str, Version] = {}
    for found in registry.search(wanted):
        known = newest.get(found.name)
        if known is None or int(found.version) > int(known.version):
            newest[found.name] = found
    return list(newest.values())
