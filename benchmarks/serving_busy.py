"""Do answers wait for jobs? A route at 50 requests a second: idle, then through a whole run of prepare_data.

Against the running stack (`docker compose up`), on a machine that does nothing else. A latency counts from
the moment the request was due, so that one late answer is not hidden by the requests that waited for it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx

RATE = 50.0
IDLE_S = 30.0
LIMIT = 3.0  # times the idle p99
DAG = "prepare_data"
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


async def steady(url: str, body: bytes, stop: asyncio.Event) -> Seen:
    """Post the body at the rate until told to stop; every request has its answer then."""
    seen, tasks = Seen(), set[asyncio.Task[None]]()
    limits = httpx.Limits(max_connections=1000)
    async with httpx.AsyncClient(timeout=60, limits=limits, trust_env=False) as client:
        began, number = time.perf_counter(), 0
        while not stop.is_set():
            due = began + number / RATE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.add(task := asyncio.create_task(_one(client, url, body, due, seen)))
            task.add_done_callback(tasks.discard)
            number += 1
        await asyncio.gather(*tasks)
    return seen


async def _one(client: httpx.AsyncClient, url: str, body: bytes, due: float, seen: Seen) -> None:
    try:
        answer = await client.post(url, content=body, headers={"Content-Type": "application/json"})
        status = str(answer.status_code)
    except httpx.HTTPError as error:
        status = type(error).__name__
    seen.statuses[status] += 1
    seen.latencies.append(1000 * (time.perf_counter() - due))


async def run_of_prepare_data(airflow: str, user: str, password: str) -> str:
    """Trigger the DAG and wait; how the run ended."""
    async with httpx.AsyncClient(base_url=airflow, timeout=60, trust_env=False) as client:
        login = {"username": user, "password": password}
        token = (await client.post("/auth/token", json=login)).raise_for_status().json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        runs = f"/api/v2/dags/{DAG}/dagRuns"
        started = (await client.post(runs, json={"logical_date": None})).raise_for_status().json()
        while True:
            await asyncio.sleep(2)
            state = (await client.get(f"{runs}/{started['dag_run_id']}")).raise_for_status().json()["state"]
            if state in ENDED:
                return str(state)


async def measure(options: argparse.Namespace) -> dict[str, float]:
    """Both parts, and what they are to each other."""
    async with httpx.AsyncClient(base_url=options.serve, trust_env=False) as client:
        about = (await client.get(f"/{options.model}")).raise_for_status().json()
    url, body = f"{options.serve}/{options.model}", json.dumps(about["example"]).encode()

    stop = asyncio.Event()
    load = asyncio.create_task(steady(url, body, stop))
    await asyncio.sleep(IDLE_S)
    stop.set()
    idle = await load
    print(idle.line("idle"), flush=True)

    stop = asyncio.Event()
    load, began = asyncio.create_task(steady(url, body, stop)), time.monotonic()
    state = await run_of_prepare_data(options.airflow, options.user, options.password)
    stop.set()
    busy = await load
    print(busy.line(f"during {DAG}"), f"  ({state} after {time.monotonic() - began:.0f} s)")
    ratio = busy.percentile(99) / idle.percentile(99)
    print(f"p99 is {ratio:.1f} x its idle value (limit {LIMIT:g})")
    return {"idle_p99_ms": idle.percentile(99), "busy_p99_ms": busy.percentile(99), "ratio": ratio}


def main() -> None:
    """Print the figures; exit code 1 where jobs make answers wait."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", default="http://127.0.0.1:8000")
    parser.add_argument("--airflow", default="http://127.0.0.1:8080")
    parser.add_argument("--user", default="admin")
    parser.add_argument("--password", default="admin")
    parser.add_argument("--model", default="XGBoost")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    options = parser.parse_args()
    figures = asyncio.run(measure(options))
    if options.json:
        options.json.write_text(json.dumps(figures))
    raise SystemExit(figures["ratio"] > LIMIT)


if __name__ == "__main__":
    main()
