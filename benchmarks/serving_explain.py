"""What the explanation of one row costs beside its prediction: over HTTP, one client, as the platform serves.

    python benchmarks/serving_explain.py    # two minutes

Each explanation is timed between two predictions of the same row on the same connection; told are the medians
of the ratios: they hold on a slow or a busy machine too. The models have as many trees as the projects in
mlflow/projects grow, and as many columns as a prepared table.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import statistics
import sys
import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import serving_models
from serving_bench import PORT, answers, put, ray_cluster
from serving_forms import records
from serving_peers import Peer

from turo import settings as settings_module
from turo.serving.api.explain import EXPLAIN
from turo.serving.ingress.node import serve_node_environment
from turo.serving.serve_config import Content, Limits, configuration

KINDS, ROUNDS, WARM_UP = {"XGBoost": "xgboost", "CatBoost": "catboost"}, 200, 20
GOAL = 5.0
SHIPPED = {"xgboost": {"rounds": 150, "max_depth": 6, "min_child_weight": 40.0}}
COLUMNS = 60
TOKEN = "token-of-the-benchmark-0123456789"


def deployed(folder: Path, dashboard: str) -> list[Peer]:
    """Both models behind HAProxy, deployed as the reconciler deploys; those that answer."""
    serve = PORT + 1000
    settings = settings_module.load(
        ray_dashboard_url=dashboard, ray_auth_token=TOKEN, ray_http_host="127.0.0.1", ray_http_port=serve,
        serve_max_replicas=1,
    )  # fmt: skip
    cache = folder / f"turo-models-{os.getuid()}"
    cache.mkdir(mode=0o700)
    trained_on = serving_models.prepared(folder)
    limits = Limits.of(settings)
    specs = [serving_models.place(kind, name, cache, trained_on) for name, kind in KINDS.items()]
    put(settings, configuration([Content(spec=spec, limits=limits) for spec in specs], settings))
    peers = [Peer(name, f"http://127.0.0.1:{serve}/{name}", records) for name in KINDS]
    return [peer for peer in peers if answers(peer)]


def milliseconds(connection: HTTPConnection, path: str, body: bytes) -> float:
    """How long one answer takes."""
    start = time.perf_counter()
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    told = answer.read()
    took = 1000 * (time.perf_counter() - start)
    if answer.status != 200:
        raise RuntimeError(f"POST {path} answers {answer.status}: {told[:500]!r}")
    return took


def compare(peer: Peer) -> float:
    """Print what was measured of one model; gives explanation / prediction."""
    address = urlsplit(peer.url)
    body = json.dumps({"inputs": serving_models.rows(1)}).encode()
    predictions, explanations, ratios = [], [], []
    with contextlib.closing(HTTPConnection(address.netloc, timeout=30)) as connection:
        first = milliseconds(connection, address.path + EXPLAIN, body)
        for number in range(WARM_UP + ROUNDS):
            before = milliseconds(connection, address.path, body)
            took = milliseconds(connection, address.path + EXPLAIN, body)
            after = milliseconds(connection, address.path, body)
            if number >= WARM_UP:
                predictions += [before, after]
                explanations.append(took)
                ratios.append(2 * took / (before + after))
    ratio = statistics.median(ratios)
    print(
        f"{'MISSED ' if ratio > GOAL else 'reached'} {peer.title}: {ratio:.2f} x a prediction "
        f"(goal {GOAL:g}), {statistics.median(explanations):.2f} ms after "
        f"{statistics.median(predictions):.2f} ms, the first one {first:.0f} ms"
    )
    return ratio


def main() -> int:
    """Print a line for each kind; 1 if a goal is missed."""
    logging.basicConfig(level=logging.WARNING)
    serving_models.PARAMETERS |= SHIPPED
    serving_models.FEATURES = COLUMNS
    with tempfile.TemporaryDirectory(prefix="explain-") as name:
        folder = Path(name)
        environment = {**serve_node_environment(folder, PORT), "TMPDIR": name, "DATA_DIR": name}
        with ray_cluster(folder, PORT, environment) as dashboard:
            ratios = [compare(peer) for peer in deployed(folder, dashboard)]
    return int(len(ratios) < len(KINDS) or max(ratios) > GOAL)


if __name__ == "__main__":
    sys.exit(main())
