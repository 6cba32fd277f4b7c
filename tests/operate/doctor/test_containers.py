"""What doctor.sh tells of containers and of published ports."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Doctor = Callable[..., dict[str, Any]]
ALL_WELL = "ray running healthy 7516192768 false 0|bootstrap exited - 134217728 false 0"


def found(doctor: Doctor, containers: str, **host: str) -> list[tuple[str, str, str]]:
    told = doctor(host={"containers": containers, **host})["findings"]
    return [(one["check"], one["what"], one["remedy"]) for one in told]


def test_all_is_well(doctor: Doctor) -> None:
    assert found(doctor, ALL_WELL, doors="SERVE_PORT 200|AIRFLOW_PORT 0") == []


@pytest.mark.parametrize(
    ("container", "said", "remedy"),
    [
        ("redis paused - 0 false 0", "redis is paused.", "docker compose unpause redis"),
        ("redis exited - 0 false 137", "redis has ended with code 137.", "docker compose up -d --wait redis"),
        ("redis exited - 0 true 137", "redis has ended with code 137, ended for lack of memory.",
         "Raise the memory limit of redis"),
        ("mlflow restarting - 0 false 1", "mlflow is restarting.", "docker compose logs mlflow"),
        ("mlflow running unhealthy 0 false 0", "mlflow runs, and its health check fails.", "restart mlflow"),
        ("airflow_init exited - 0 false 1", "airflow_init failed with code 1.", "logs airflow_init"),
    ],
)  # fmt: skip
def test_a_container_that_does_not_run(doctor: Doctor, container: str, said: str, remedy: str) -> None:
    ((check, what, do),) = found(doctor, f"{ALL_WELL}|{container}")
    assert (check, what) == ("container-state", said)
    assert remedy in do


def test_what_an_override_adds_may_end_well(doctor: Doctor) -> None:
    """A copy of files, a certificate renewed: once, and over."""
    assert found(doctor, f"{ALL_WELL}|sync-exports exited - 0 false 0") == []
    for ended in ("exited - 0 false 2", "restarting - 0 false 0"):
        ((check, _, _),) = found(doctor, f"{ALL_WELL}|sync-exports {ended}")
        assert check == "container-state"


def test_a_service_without_which_all_goes_on_is_a_warning(doctor: Doctor) -> None:
    for service, severity in (("jupyter", "warning"), ("redis", "error")):
        told = doctor(host={"containers": f"{ALL_WELL}|{service} exited - 0 false 0"})
        assert [one["severity"] for one in told["findings"]] == [severity]
        assert told["exit"] == (severity == "error")


def test_a_stack_that_is_stopped_is_no_fault(doctor: Doctor) -> None:
    assert found(doctor, "ray exited - 0 false 0|redis exited - 0 false 0") == []


def test_half_of_the_memory(doctor: Doctor, project: Path) -> None:
    ((check, what, _),) = found(doctor, "mlflow running healthy 1073741824 false 0")
    assert (check, what) == ("container-memory", "mlflow may use 1024 MiB; docker-compose.yml says 2048.")
    ((_, what, _),) = found(doctor, "ray running healthy 3758096384 false 0")
    assert what == "ray may use 3584 MiB; docker-compose.yml says 7168."
    (project / "docker-compose.override.yml").write_text("services: {mlflow: {mem_limit: 1g}}\n")
    assert found(doctor, "mlflow running healthy 1073741824 false 0") == []


def test_a_port_at_which_nothing_answers(doctor: Doctor) -> None:
    ((check, what, _),) = found(doctor, ALL_WELL, doors="SERVE_PORT 0|MLFLOW_PORT 0")
    assert check == "outside"
    assert what == "ray runs, and nothing answers on this machine at SERVE_PORT=8000."
    assert found(doctor, ALL_WELL.replace("healthy", "starting"), doors="SERVE_PORT 0") == []


def test_a_step_that_failed_is_named_though_nothing_runs(doctor: Doctor) -> None:
    for others in ("bootstrap", "airflow_init"):
        ((check, what, remedy),) = found(doctor, f"{others} exited - 0 false 1|ray created - 0 false 0")
        assert (check, what) == ("container-state", f"{others} failed with code 1.")
        assert remedy == f"docker compose logs {others} tells why; then docker compose up {others}"
