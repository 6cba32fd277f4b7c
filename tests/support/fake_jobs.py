"""Ray's job interface, as small as the operator needs it, with jobs that do what the test says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from json_server import json_server


@dataclass
class FakeJobs:
    """Jobs by id, each as Ray describes it, with its log under `log`.

    Attributes:
        unreadable: so many requests for a log get 500 first.
        processors: used and all, where Ray says so.
        actors: as Ray lists them.
        submitted: ids in the order in which they were sent.
        asked: called whenever somebody asks after a job.
    """

    url: str = ""
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    submitted: list[str] = field(default_factory=list)
    unreadable: int = 0
    processors: tuple[float, float] | None = None
    actors: list[dict[str, Any]] = field(default_factory=list)
    asked: Callable[[str], object] = lambda _: None

    def add(self, name: str, status: str, log: str = "", **more: Any) -> None:
        """A job that was there before."""
        found = {"submission_id": name, "status": status, "driver_node_id": "n", "metadata": {}, "log": log}
        self.jobs[name] = found | more

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Status and body; text for a log."""
        parts = urlsplit(path)
        if parts.path == "/api/v0/logs/file":
            if self.unreadable > 0:
                self.unreadable -= 1
                return 500, {}
            name = parse_qs(parts.query)["filename"][0].removeprefix("job-driver-").removesuffix(".log")
            return 200, self.jobs[name]["log"]
        if parts.path == "/api/cluster_status":
            usage = {"CPU": self.processors} if self.processors else {}
            return 200, {"data": {"clusterStatus": {"loadMetricsReport": {"usage": usage}}}}
        if parts.path == "/api/v0/actors":
            return 200, {"data": {"result": {"result": self.actors}}}
        if parts.path == "/api/jobs/" and method == "GET":
            return 200, list(self.jobs.values())
        if parts.path == "/api/jobs/":
            self.submitted.append(body["submission_id"])
            cpus = body["entrypoint_num_cpus"]
            told = {name: body[name] for name in ("metadata", "entrypoint")}
            self.add(body["submission_id"], "RUNNING", entrypoint_num_cpus=cpus, **told)
            return 200, {}
        found = re.fullmatch(r"/api/jobs/([^/]+)(/stop)?", parts.path)
        assert found, path
        name = unquote(found[1])
        if found[2]:
            self.jobs[name]["status"] = "STOPPED"
            return 200, {}
        self.asked(name)
        return (200, self.jobs[name]) if name in self.jobs else (404, {})


@contextmanager
def fake_jobs() -> Iterator[FakeJobs]:
    """The interface on a port of its own."""
    state = FakeJobs()
    with json_server(lambda *asked: (*state.answer(*asked), {})) as state.url:
        yield state
