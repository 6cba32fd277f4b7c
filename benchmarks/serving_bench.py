"""The routes against other model servers: one machine, one model, interleaved rounds, medians.

    python benchmarks/serving_bench.py           # five rounds, a quarter of an hour with installing
    python benchmarks/serving_bench.py --quick   # one short round, to see that it runs

Peers are installed here into throw-away environments, and run as shipped and tuned as their documentation
says. A peer that cannot be installed or started is named and left out.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import math
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import serving_load
import serving_models
import serving_peers
from serving_forms import BATCHES, forecast, records
from serving_peers import Peer

from turo import settings as settings_module
from turo.errors import TuroError
from turo.patience import Patience
from turo.serving.control.serve_client import Serve
from turo.serving.ingress.node import serve_node_environment
from turo.serving.serve_config import Content, Limits, configuration

HERE = Path(__file__).parent
OURS, CEILING, PLAIN = "this platform", "empty deployment, same proxy", "Ray Serve, pyfunc, default proxy"
FORECAST = "this platform, /forecast"
PORT = 25_000
START_S = 240.0
SCENARIOS = {"1 row, 16 clients": (1, 16), "1 row, 1 client": (1, 1), "1,000 rows, 4 clients": (1000, 4)}

logger = logging.getLogger("serving_bench")


@dataclass
class Result:
    """Runs of one server in one scenario."""

    runs: list[serving_load.Figures]

    @property
    def rate(self) -> float:
        return statistics.median(run.per_second for run in self.runs)

    @property
    def p50(self) -> float:
        return statistics.median(run.p50_ms for run in self.runs)


@contextlib.contextmanager
def ray_cluster(folder: Path, first_port: int, environment: dict[str, str]) -> Iterator[str]:
    """A Ray head; gives its dashboard's address. The ports of a cluster are a thousand apart."""
    dashboard = first_port + 1001
    options = {
        "port": first_port + 1003, "ray-client-server-port": first_port + 1004, "dashboard-port": dashboard,
        "dashboard-agent-listen-port": first_port + 1005, "metrics-export-port": first_port + 1006,
        "num-cpus": 4, "object-store-memory": 100_000_000,
        "temp-dir": tempfile.mkdtemp(prefix="ray-", dir="/tmp"),
    }  # fmt: skip
    command = [
        str(Path(sys.executable).parent / "ray"),
        "start",
        "--head",
        "--block",
        "--disable-usage-stats",
    ]
    command += [f"--{name}={value}" for name, value in options.items()]
    process = serving_peers.start(
        command, folder, f"ray-{first_port}.log", **environment, PYTHONPATH=str(HERE), RAY_AUTH_MODE="token",
        RAY_AUTH_TOKEN="token-of-the-benchmark-0123456789", BENCH_PYFUNC=str(folder / "mlflow"),
    )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{dashboard}"
    finally:
        end(process)


def end(process: subprocess.Popen[bytes] | None) -> None:
    """End a server and all it started; a HAProxy is in no group of ours and would answer the next round."""
    if process is None:
        return
    started: list[psutil.Process] = []
    with contextlib.suppress(psutil.NoSuchProcess):
        started = psutil.Process(process.pid).children(recursive=True)
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(15)
    for left in started:
        with contextlib.suppress(psutil.NoSuchProcess):
            left.kill()


def ours(folder: Path, dashboard: str) -> list[Peer]:
    """Three models and the empty deployment behind one HAProxy, deployed as the reconciler deploys."""
    serve = PORT + 1000
    settings = settings_module.load(
        ray_dashboard_url=dashboard, ray_auth_token="token-of-the-benchmark-0123456789",
        ray_http_host="127.0.0.1", ray_http_port=serve, serve_max_replicas=1,
    )  # fmt: skip
    cache = folder / f"turo-models-{os.getuid()}"
    cache.mkdir(mode=0o700)
    trained_on = serving_models.prepared(folder)
    specs = {
        name: serving_models.place(kind, name, cache, trained_on)
        for name, kind in (("XGBoost", "xgboost"), ("SVR", "svr"), ("KNN", "knn"))
    }
    limits = Limits.of(settings)
    wanted = configuration([Content(spec=spec, limits=limits) for spec in specs.values()], settings)
    wanted["applications"].append(
        {"name": "empty", "route_prefix": "/empty", "import_path": "serving_ray_apps:empty", "args": {}}
    )
    put(settings, wanted)
    url = f"http://127.0.0.1:{serve}"
    titles = {"XGBoost": OURS, "SVR": "this platform, SVR", "KNN": "this platform, KNN"}
    routes = [Peer(titles[name], f"{url}/{name}", records) for name in specs]
    batches = [
        Peer(title, f"{url}/XGBoost{path}", write, rows=(1000,)) for title, (path, write) in BATCHES.items()
    ]
    looked_up = Peer(FORECAST, f"{url}/XGBoost/forecast", forecast, rows=(1,))
    return [*routes, looked_up, *batches, Peer(CEILING, f"{url}/empty", records)]


def plain(dashboard: str) -> list[Peer]:
    """Ray Serve as one would first write it, on a cluster without HAProxy."""
    serve = PORT + 3000
    settings = settings_module.load(
        ray_dashboard_url=dashboard, ray_auth_token="token-of-the-benchmark-0123456789"
    )
    application = {"name": "plain", "route_prefix": "/", "import_path": "serving_ray_apps:pyfunc", "args": {}}
    http = {"host": "127.0.0.1", "port": serve}
    put(settings, {"proxy_location": "HeadOnly", "http_options": http, "applications": [application]})
    return [Peer(PLAIN, f"http://127.0.0.1:{serve}/", records)]


def put(settings: Any, wanted: dict[str, Any]) -> None:
    """Apply a configuration as soon as the cluster takes it."""
    Patience(1.0, START_S).retry(lambda: Serve(settings).apply(wanted), TuroError)


def answers(peer: Peer) -> bool:
    """Whether a server gives a prediction for one row; waits for its start."""
    body, headers = peer.body(serving_models.rows(1))
    request = urllib.request.Request(peer.url, body, {"Content-Type": "application/json", **headers})
    deadline, problem = time.monotonic() + START_S, "no answer"
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                logger.info("%s answers: %s", peer.title, answer.read(120).decode(errors="replace"))
                return True
        except OSError as error:
            problem = str(error)
        time.sleep(0.5)
    told = peer.log.read_text(errors="replace")[-2000:] if peer.log else ""
    logger.warning("%s is left out: %s\n%s", peer.title, problem, told)
    return False


def installed(make: Callable[[Path, int], list[Peer]], folder: Path, port: int) -> list[Peer]:
    """The servers of one product, or none if it cannot be installed here."""
    try:
        return make(folder, port)
    except (subprocess.CalledProcessError, OSError) as error:
        logger.warning("%s is left out: %s", make.__name__, error)
        return []


def measure(peers: list[Peer], rounds: int, seconds: float) -> dict[str, dict[str, Result]]:
    """Every server in turn, round after round, so that a busy moment meets all of them."""
    asked = {name: [peer for peer in peers if rows in peer.rows] for name, (rows, _) in SCENARIOS.items()}
    results = {name: {peer.title: Result([]) for peer in asked[name]} for name in SCENARIOS}
    for number in range(rounds + 1):  # the first is for warming up
        for name, (rows, clients) in SCENARIOS.items():
            for peer in asked[name]:
                run = serving_load.run(peer.url, *peer.body(serving_models.rows(rows)), clients, seconds)
                if number:
                    results[name][peer.title].runs.append(run)
        logger.info("round %d of %d", number, rounds)
    return results


def table(results: dict[str, dict[str, Result]]) -> str:
    """Markdown, medians."""
    lines = ["| server | " + " | ".join(f"{name}: req/s, p50" for name in SCENARIOS) + " |"]
    lines.append("|---" * (len(SCENARIOS) + 1) + "|")
    for title in dict.fromkeys(title for found in results.values() for title in found):
        cells = [
            f"{found[title].rate:,.0f}, {found[title].p50:.2f} ms" if title in found else ""
            for found in results.values()
        ]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def verdicts(results: dict[str, dict[str, Result]], peers: list[Peer]) -> list[str]:
    """The figures to reach, each with what was reached."""
    many, one, batch = (results[name] for name in SCENARIOS)
    mine, mlflow = many[OURS].rate, "mlflow models serve"
    found = [
        ("of the plain route's requests by /forecast, 16 clients", many[FORECAST].rate / mine, 0.6),
        ("of the plain route's requests by /forecast, 1 client", one[FORECAST].rate / one[OURS].rate, 0.6),
    ]
    others = [p for p in peers if p.process is not None or p.title == PLAIN]
    shipped = max((many[p.title].rate for p in others if not p.tuned), default=float("nan"))
    tuned = max((many[p.title].rate for p in others if p.tuned), default=float("nan"))
    batches = max((batch[p.title].rate for p in others), default=float("nan"))
    best = max(batch[title].rate for title in (OURS, *BATCHES))
    found.append(("x the best peer, 1,000 rows, each in its best form", best / batches, 1.0))
    if mlflow in many:
        found.append(("x mlflow models serve, 16 clients", mine / many[mlflow].rate, 15.0))
        found.append(("x mlflow models serve, 1,000 rows", batch[OURS].rate / batch[mlflow].rate, 3.0))
    found.append(("x the best peer as shipped", mine / shipped, 2.5))
    found.append(("x the best peer tuned", mine / tuned, 1.5))
    found.append(("x the empty deployment", mine / many[CEILING].rate, 0.6))
    fastest = min((one[p.title].p50 for p in others), default=float("nan"))
    found.append(("of a peer's best p50 saved, 1 client", 1 - one[OURS].p50 / fastest, 0.0))
    for kind in ("SVR", "KNN"):
        found.append(
            (f"x 5 room for {kind}'s p50", 5 * one[OURS].p50 / one[f"this platform, {kind}"].p50, 1.0)
        )
    return [
        f"{'reached' if value >= goal else 'MISSED '}  {value:6.2f} {what} (goal {goal:g})"
        for what, value, goal in found
        if not math.isnan(value)  # without peers
    ]


def main() -> None:
    """Install, start, measure, print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=3.0)
    options.add_argument("--quick", action="store_true")
    options.add_argument("--only-ours", action="store_true", help="no peers")
    options.add_argument("--json", type=Path, help="write every run here")
    chosen = options.parse_args()
    rounds, seconds = (1, 1.0) if chosen.quick else (chosen.rounds, chosen.seconds)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    if (load := os.getloadavg()[0]) > 1:
        logger.warning("the machine is busy (load %.1f): figures shrink, unequally", load)
    with tempfile.TemporaryDirectory(prefix="serving-bench-") as name, contextlib.ExitStack() as running:
        folder = Path(name)
        fast = {
            **serve_node_environment(folder, PORT),
            "TMPDIR": name,
            "DATA_DIR": name,
        }
        # Asked before the next cluster starts: two that start at once starve each other.
        mine = ours(folder, running.enter_context(ray_cluster(folder, PORT, fast)))
        mine = [peer for peer in mine if answers(peer)]
        others: list[Peer] = []
        if not chosen.only_ours:
            serving_models.peers(folder)
            others += plain(running.enter_context(ray_cluster(folder, PORT + 2000, {"TMPDIR": name})))
            for offset, make in enumerate(
                (serving_peers.mlflow_serve, serving_peers.mlserver, serving_peers.bentoml)
            ):
                others += installed(make, folder, PORT + 4000 + 10 * offset)
        for peer in others:
            running.callback(end, peer.process)
        peers = [*mine, *(peer for peer in others if answers(peer))]
        results = measure(peers, rounds, seconds)
    print(f"\nMedians of {rounds} interleaved runs of {seconds:g} s, load by {serving_load.tool()}.\n")
    print(table(results) + "\n")
    print("\n".join(verdicts(results, peers)))
    if chosen.json:
        plain_results = {
            s: {t: [vars(run) for run in r.runs] for t, r in found.items()} for s, found in results.items()
        }
        chosen.json.write_text(json.dumps(plain_results, indent=1))


if __name__ == "__main__":
    main()
