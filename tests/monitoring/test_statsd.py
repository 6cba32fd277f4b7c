"""Metrics as the StatsD exporter receives them: over a real socket, in its line format."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator

import pytest

from turo.monitoring.drift_measures import Drift
from turo.monitoring.statsd import DATAGRAM_BYTES, Sample, drift_metrics, lines, registry_metrics, send


@pytest.fixture
def exporter() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(5)
        yield udp


def test_a_route_that_is_down_is_served_version_zero() -> None:
    samples = registry_metrics(
        aliases={"XGBoost": {"champion": 3, "previous": 2}, "SVR": {"champion": 1}},
        served={"XGBoost": 3},
        trained_at={"XGBoost": 1_795_446_141.871986},
    )
    assert lines(samples) == [
        "turo.registry_alias_version,model=XGBoost,alias=champion:3|g",
        "turo.registry_alias_version,model=XGBoost,alias=previous:2|g",
        "turo.registry_alias_version,model=SVR,alias=champion:1|g",
        "turo.served_version,model=SVR:0|g",
        "turo.served_version,model=XGBoost:3|g",
        "turo.last_training_timestamp_seconds,model=XGBoost:1795446141.87199|g",
    ]


def test_unjudged_features_give_their_count_only() -> None:
    drifts = [Drift("otb_days", 5000, 0.25, 0.1, 0.3), Drift("class", 5000, 0.01, 0.1), Drift("make", 12)]
    assert lines(drift_metrics("KNN", drifts)) == [
        "turo.feature_samples,model=KNN,feature=otb_days:5000|g",
        "turo.feature_psi,model=KNN,feature=otb_days:0.25|g",
        "turo.feature_psi_limit,model=KNN,feature=otb_days:0.1|g",
        "turo.feature_ks,model=KNN,feature=otb_days:0.3|g",
        "turo.feature_samples,model=KNN,feature=class:5000|g",
        "turo.feature_psi,model=KNN,feature=class:0.01|g",
        "turo.feature_psi_limit,model=KNN,feature=class:0.1|g",
        "turo.feature_samples,model=KNN,feature=make:12|g",
    ]


def test_characters_that_end_a_tag_or_a_sample_are_replaced() -> None:
    (line,) = lines([Sample("x", 1, {"model": "a b,c=d:e|f#g", "empty": ""})])
    assert line == "turo.x,model=a_b_c_d_e_f_g,empty=_:1|g"


def test_values_that_are_not_numbers_are_left_out() -> None:
    assert lines([Sample("x", float("nan"), {}), Sample("y", float("inf"), {}), Sample("z", 0, {})]) == [
        "turo.z:0|g"
    ]


def test_samples_arrive_whole_in_packets_that_fit(exporter: socket.socket) -> None:
    samples = [Sample("feature_psi", i, {"model": "XGBoost", "feature": f"lag_{i}"}) for i in range(100)]
    send(samples, "127.0.0.1", exporter.getsockname()[1])
    received: list[str] = []
    while len(received) < len(samples):
        packet = exporter.recv(65535)
        assert len(packet) <= DATAGRAM_BYTES
        received += packet.decode().split("\n")
    assert received == lines(samples)


def test_an_unknown_host_is_a_warning_and_no_host_is_silence(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        send([Sample("x", 1, {})], "")
        assert not caplog.records
        send([Sample("x", 1, {})], "exporter.invalid")
    assert "exporter.invalid" in caplog.text
