"""The StatsD mapping in the real exporter: sample lines in, Prometheus metrics out."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
import yaml
from compose_stack import wait_for
from monitoring_queries import REPOSITORY

from turo.monitoring import statsd
from turo.monitoring.drift_measures import Drift

MAPPING = REPOSITORY / "statsd-exporter" / "mapping.yml"
SENT = """
mlflow.gunicorn.requests:1|c|@1.0
mlflow.gunicorn.requests:1|c|@1.0
mlflow.gunicorn.request.status.200:1|c|@1.0
mlflow.gunicorn.request.status.404:1|c|@1.0
mlflow.gunicorn.request.duration:12.5|ms
mlflow.gunicorn.workers:2|g
airflow.scheduler_heartbeat:1|c
airflow.dagrun.duration.success,dag_id=prepare_data,run_type=manual:65000|ms
airflow.task.duration,dag_id=prepare_data,task_id=train:65000|ms
airflow.scheduler.scheduler_loop_duration:120|ms
airflow.ti.finish,dag_id=prepare_data,task_id=train,state=success:1|c
airflow.pool.open_slots,pool_name=default_pool:128|g
airflow.executor.running_tasks,executor_class_name=CeleryExecutor:3|g
airflow.dag_processing.import_errors:0|g
""".strip()

BIASES = (("KNN", -0.25), ("KNN", 3.0), ("KNN", -0.5), ("KNN", -0.5), ("SVR", 2.5), ("SVR", -0.0))


@dataclass
class Exporter:
    """A running exporter: where it takes UDP, where it shows metrics."""

    udp: tuple[str, int]
    page: str

    def metrics(self) -> dict[str, float]:
        lines = httpx.get(self.page).text.splitlines()
        pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        return {name: float(value) for name, value in pairs}


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise OSError(done.stderr)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def exporter() -> Iterator[Exporter]:
    """The image that the compose file names; skipped where there is no Docker engine or no such image."""
    services = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]
    mount = f"type=bind,readonly,source={MAPPING},target=/mapping.yml"
    options = ["--rm", "--detach", "-p", "127.0.0.1::9102", "-p", "127.0.0.1::9125/udp", "--mount", mount]
    image = services["statsd-exporter"]["image"]
    try:
        container = docker("run", *options, image, "--statsd.mapping-config=/mapping.yml")
    except OSError as error:
        pytest.skip(f"no container of {image}: {error}")
    try:
        page, udp = (int(docker("port", container, port).rsplit(":", 1)[1]) for port in ("9102", "9125/udp"))
        found = Exporter(("127.0.0.1", udp), f"http://127.0.0.1:{page}/metrics")
        wait_for("the exporter's page", found.metrics, timeout=30, period=0.1)
        yield found
    finally:
        docker("rm", "--force", container)


@pytest.fixture(scope="module")
def received(exporter: Exporter) -> dict[str, float]:
    """The exporter's page after all samples were sent and counted."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        for line in SENT.splitlines():
            udp.sendto(line.encode(), exporter.udp)
    biases = [statsd.Sample("forecast_bias", bias, {"model": model}) for model, bias in BIASES]
    samples = statsd.registry_metrics({"KNN": {"champion": 3}}, {"KNN": 3}, {"KNN": 1.0})
    samples += statsd.drift_metrics("KNN", [Drift("otb_days", 5000, 0.25, 0.1, 0.3)])
    statsd.send([*biases, *samples], *exporter.udp)
    last = 'turo_feature_ks{feature="otb_days",model="KNN"}'
    wait_for("the last sample", lambda: last in exporter.metrics(), timeout=20, period=0.1)
    return exporter.metrics()


def test_no_sample_is_refused(received: dict[str, float]) -> None:
    counters = ("sample_errors", "tag_errors", "events_conflict", "events_error", "observer_errors")
    refused = {
        name: value
        for name, value in received.items()
        if name.startswith("statsd_exporter_") and any(part in name for part in counters)
    }
    assert refused
    assert not any(refused.values())


def test_gunicorn_status_is_a_label_and_durations_are_seconds(received: dict[str, float]) -> None:
    assert received["mlflow_gunicorn_requests"] == 2
    assert received['mlflow_gunicorn_request_status{status="200"}'] == 1
    assert received['mlflow_gunicorn_request_status{status="404"}'] == 1
    assert received['mlflow_gunicorn_request_duration_bucket{le="0.01"}'] == 0
    assert received['mlflow_gunicorn_request_duration_bucket{le="0.025"}'] == 1
    assert received["mlflow_gunicorn_workers"] == 2


def test_airflow_tags_are_labels_and_runs_have_buckets_up_to_hours(received: dict[str, float]) -> None:
    assert received['airflow_ti_finish{dag_id="prepare_data",state="success",task_id="train"}'] == 1
    assert received['airflow_pool_open_slots{pool_name="default_pool"}'] == 128
    assert received['airflow_executor_running_tasks{executor_class_name="CeleryExecutor"}'] == 3
    run = 'airflow_dagrun_duration_success_bucket{dag_id="prepare_data",run_type="manual",le="%s"}'
    assert (received[run % 60], received[run % 120], received[run % 7200]) == (0, 1, 1)
    task = 'airflow_task_duration_bucket{dag_id="prepare_data",task_id="train",le="%s"}'
    assert (received[task % 60], received[task % 120]) == (0, 1)
    assert received['airflow_scheduler_scheduler_loop_duration_bucket{le="0.25"}'] == 1
    assert received["airflow_scheduler_heartbeat"] == 1
    assert received["airflow_dag_processing_import_errors"] == 0


def test_the_platforms_own_gauges_arrive(received: dict[str, float]) -> None:
    assert received['turo_registry_alias_version{alias="champion",model="KNN"}'] == 3
    assert received['turo_served_version{model="KNN"}'] == 3
    assert received['turo_last_training_timestamp_seconds{model="KNN"}'] == 1
    assert received['turo_feature_psi{feature="otb_days",model="KNN"}'] == 0.25
    assert received['turo_feature_psi_limit{feature="otb_days",model="KNN"}'] == 0.1


def test_a_gauge_below_0_is_what_was_sent_last(received: dict[str, float]) -> None:
    assert received['turo_forecast_bias{model="KNN"}'] == -0.5
    assert received['turo_forecast_bias{model="SVR"}'] == 0
