"""Do answers wait for jobs? A route at 50 requests a second: idle, then through a whole run of prepare_data.

Against the running stack (`docker compose up`), on a machine that does nothing else. `make bench-busy` runs
it in the container of the routes, as their load then waits for a processor no longer than they do: what a
client on the machine itself waits for, behind all containers, is not the platform's to set.
A latency counts from the moment the request was due, so that one late answer is not hidden by the requests
that waited for it. The load comes from plain connections of the standard library: a heavier client would wait
for itself.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import statistics
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx

RATE = 50.0
CONNECTIONS = 16
IDLE_S = 30.0
LIMIT = 3.0  # times the idle p99
DAG = "prepare_data"
DAGS = (DAG, "forecast_fleet")  # a new table starts the second
ENDED = ("success", "failed")


@dataclass
class Seen:
    """Latencies in milliseconds, and statuses."""

    latencies: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)

    def percentile(self, percent: int) -> float:
        """Of the latencies, in milliseconds."""
        return statistics.quantiles(self.latencies, n=100)[percent - 1]

    def line(self, what: str) -> str:
        """One line of the report."""
        p50, p99 = self.percentile(50), self.percentile(99)
        answers = ", ".join(f"{count} x {status}" for status, count in self.statuses.items())
        figures = f"p50 {p50:7.2f} ms   p99 {p99:7.2f} ms   longest {max(self.latencies):8.1f} ms"
        return f"{what:<22} {figures}   {answers}"


class Load:
    """Posts the body at the rate until the block ends; every request has its answer then."""

    def __init__(self, url: str, body: bytes) -> None:
        self.seen, self._body = Seen(), body
        parts = urlsplit(url)
        self._host, self._path = parts.netloc, parts.path
        self._numbers, self._lock = itertools.count(), threading.Lock()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(CONNECTIONS)]

    def __enter__(self) -> Load:
        self._began = time.perf_counter()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        connection = http.client.HTTPConnection(self._host, timeout=60)
        while not self._stop.is_set():
            with self._lock:
                due = self._began + next(self._numbers) / RATE
            if self._stop.wait(max(0.0, due - time.perf_counter())):
                break
            try:
                connection.request("POST", self._path, self._body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                status = str(answer.status)
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                status = type(error).__name__
            latency = 1000 * (time.perf_counter() - due)
            with self._lock:
                self.seen.statuses[status] += 1
                self.seen.latencies.append(latency)
        connection.close()


def logged_in(options: argparse.Namespace) -> httpx.Client:
    """Airflow's API."""
    client = httpx.Client(base_url=options.airflow, timeout=60, trust_env=False)
    login = {"username": options.user, "password": options.password}
    token = client.post("/auth/token", json=login).raise_for_status().json()["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def until_idle(airflow: httpx.Client) -> None:
    """Wait for what an earlier run has started."""
    for dag in DAGS:
        runs = f"/api/v2/dags/{dag}/dagRuns?limit=100&order_by=-id"
        while any(
            run["state"] not in ENDED for run in airflow.get(runs).raise_for_status().json()["dag_runs"]
        ):
            time.sleep(2)


def run_of_prepare_data(airflow: httpx.Client) -> str:
    """Trigger the DAG and wait; how the run ended."""
    runs = f"/api/v2/dags/{DAG}/dagRuns"
    started = airflow.post(runs, json={"logical_date": None}).raise_for_status().json()
    while True:
        time.sleep(2)
        state = airflow.get(f"{runs}/{started['dag_run_id']}").raise_for_status().json()["state"]
        if state in ENDED:
            return str(state)


def measure(options: argparse.Namespace) -> dict[str, float]:
    """Both parts, and what they are to each other."""
    url = f"{options.serve}/{options.model}"
    body = json.dumps(httpx.get(url, trust_env=False).raise_for_status().json()["example"]).encode()
    airflow = logged_in(options)
    until_idle(airflow)
    with Load(url, body) as load:
        time.sleep(IDLE_S)
    idle = load.seen
    print(idle.line("idle"), flush=True)
    with Load(url, body) as load:
        began = time.monotonic()
        state = run_of_prepare_data(airflow)
    busy = load.seen
    print(busy.line(f"during {DAG}"), f"  ({state} after {time.monotonic() - began:.0f} s)")
    ratio = busy.percentile(99) / idle.percentile(99)
    print(f"p99 is {ratio:.1f} x its idle value (limit {LIMIT:g})")
    return {"idle_p99_ms": idle.percentile(99), "busy_p99_ms": busy.percentile(99), "ratio": ratio}


def main() -> None:
    """Print the figures; exit code 1 where jobs make answers wait."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", default="http://127.0.0.1:8000")
    parser.add_argument("--airflow", default="http://airflow_api-server:8080")
    parser.add_argument("--user", default="admin")
    parser.add_argument("--password", default="admin")
    parser.add_argument("--model", default="XGBoost")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    options = parser.parse_args()
    figures = measure(options)
    if options.json:
        options.json.write_text(json.dumps(figures))
    raise SystemExit(figures["ratio"] > LIMIT)


if __name__ == "__main__":
    main()
