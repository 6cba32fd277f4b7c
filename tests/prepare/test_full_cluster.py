"""Ray whose processors are all held by others, such as replicas of the models: prepare runs beside them."""

from __future__ import annotations

from typing import Any

import pytest

from turo.prepare.run import run
from turo.settings import load

pytestmark = pytest.mark.ray


def test_a_table_is_prepared_where_not_one_processor_is_free(local_ray, data):
    import ray

    class Holder:
        def ready(self) -> bool:
            return True

    holder: Any = ray.remote(num_cpus=ray.cluster_resources()["CPU"])(Holder).remote()
    assert ray.get(holder.ready.remote())
    try:
        made = run(load(data_dir=str(data), prepare_chunk_vehicles=2))
    finally:
        ray.kill(holder)
    assert made["rows"]["prepared"] > 0
