"""What the reconciler reports of its routes, as the exporter receives it."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from turo.monitoring.route_gauges import PERIOD_S, RouteGauges
from turo.monitoring.statsd import lines
from turo.serving.control.desired import DesiredState
from turo.serving.control.version_choice import Route
from turo.serving.serve_config import ModelSpec, Notes


def spec(name: str, version: str) -> ModelSpec:
    return ModelSpec(
        name=name, version=version, run_id=f"{name}-{version}", model_uri=f"models:/{name}/{version}"
    )


@pytest.fixture
def routes() -> dict[str, Route]:
    """XGBoost serves its champion; KNN's champion 3 was refused, 2 serves on; SVR has no champion yet."""
    state = DesiredState(spec("XGBoost", "4"), Notes())
    refused = DesiredState(spec("KNN", "3"), Notes(), previous=spec("KNN", "2"))
    return {
        "XGBoost": Route(desired=state, serving=spec("XGBoost", "4")),
        "KNN": Route(desired=refused, serving=spec("KNN", "2"), refused={spec("KNN", "3"): "NaN"}),
        "SVR": Route(),
    }


@pytest.fixture
def exporter() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(0.2)
        yield udp


def ended(run_id: str) -> float:
    return {"XGBoost-4": 1000.0, "KNN-3": 2000.0}[run_id]


def test_wanted_served_and_age_are_told_for_every_route(routes: dict[str, Route]) -> None:
    assert set(lines(RouteGauges("exporter", ended=ended).samples(routes, ray_answers=True))) == {
        "turo.registry_alias_version,model=XGBoost,alias=champion:4|g",
        "turo.registry_alias_version,model=KNN,alias=champion:3|g",
        "turo.registry_alias_version,model=KNN,alias=previous:2|g",
        "turo.served_version,model=XGBoost:4|g",
        "turo.served_version,model=KNN:2|g",
        "turo.served_version,model=SVR:0|g",
        "turo.last_training_timestamp_seconds,model=XGBoost:1000|g",
        "turo.last_training_timestamp_seconds,model=KNN:2000|g",
    }


def test_nothing_is_served_while_ray_does_not_answer(routes: dict[str, Route]) -> None:
    samples = RouteGauges("exporter", ended=ended).samples(routes, ray_answers=False)
    assert {sample.value for sample in samples if sample.name == "served_version"} == {0}


def test_age_is_left_out_while_mlflow_is_away_and_asked_once_when_it_is_back(
    routes: dict[str, Route],
) -> None:
    asked: list[str] = []

    def flaky(run_id: str) -> float:
        asked.append(run_id)
        if len(asked) <= 2:
            raise ConnectionError("MLflow is away")
        return ended(run_id)

    report = RouteGauges("exporter", ended=flaky)
    ages = [
        sum(sample.name == "last_training_timestamp_seconds" for sample in report.samples(routes, True))
        for _ in range(3)
    ]
    assert ages == [0, 2, 2]
    assert len(asked) == 4


def test_it_is_sent_once_a_period(routes: dict[str, Route], exporter: socket.socket) -> None:
    report = RouteGauges("127.0.0.1", exporter.getsockname()[1], ended=ended)
    for now in (0.0, PERIOD_S / 2, PERIOD_S - 0.1):
        report(routes, {}, now)
    assert b"turo.served_version,model=XGBoost:4|g" in exporter.recv(65535)
    with pytest.raises(TimeoutError):
        exporter.recv(65535)
    report(routes, {"ray": "away"}, PERIOD_S)
    assert b"turo.served_version,model=XGBoost:0|g" in exporter.recv(65535)
