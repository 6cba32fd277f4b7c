"""Ray without room for prepare: it waits, and says so."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest

from turo.prepare import cluster

pytestmark = pytest.mark.ray


def test_a_cluster_that_is_full_is_said_once_and_waited_for(local_ray, monkeypatch, caplog):
    import ray

    class Holder:
        def ready(self) -> bool:
            return True

    everything = ray.cluster_resources()["CPU"]
    holder: Any = ray.remote(num_cpus=everything)(Holder).remote()
    assert ray.get(holder.ready.remote())
    said = threading.Event()

    class Watcher(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.set()

    watcher = Watcher(level=logging.WARNING)
    monkeypatch.setattr(cluster, "NOTE_S", 0.2)
    monkeypatch.setattr(cluster.logger, "handlers", [watcher])
    release = threading.Thread(target=lambda: said.wait(60) and ray.kill(holder))
    release.start()
    double: Any = ray.remote(num_cpus=cluster.TASK_CPUS)(lambda value: 2 * value)
    with caplog.at_level(logging.WARNING):
        assert list(cluster._in_order(double, [1, 2, 3], 2)) == [2, 4, 6]
    release.join()
    told = [record.getMessage() for record in caplog.records if record.name == cluster.logger.name]
    assert len(told) == 1
    assert f"each asks for 0.5 processors, Ray has 0.00 of {everything:g} free" in told[0]
    assert "RAY_NUM_CPUS" in told[0] and "SERVE_MIN_REPLICAS" in told[0]
