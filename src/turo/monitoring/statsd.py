"""Metrics about models: versions registered and served, age of the training, drift of the inputs.

The reconciler sends them as StatsD gauges to the exporter that Airflow and Gunicorn use already: no further
port, and a process that stops goes quiet (`statsd-exporter/mapping.yml` forgets what is not repeated).
MLflow exports nothing about its registry.
"""

from __future__ import annotations

import logging
import math
import re
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from turo.monitoring.drift_measures import Drift

logger = logging.getLogger(__name__)

PREFIX = "turo"
PORT = 9125
DATAGRAM_BYTES = 1400  # below any usual link's packet size
UNSAFE = re.compile(r"[^A-Za-z0-9_./-]")  # would end the tag or the sample


@dataclass(frozen=True)
class Sample:
    """One value. In Prometheus it is the gauge `turo_<name>` with these labels."""

    name: str
    value: float
    labels: Mapping[str, str]


def registry_metrics(
    aliases: Mapping[str, Mapping[str, int]], served: Mapping[str, int], trained_at: Mapping[str, float]
) -> list[Sample]:
    """What the registry wants against what answers.

    Args:
        aliases: model → alias → version.
        served: model → version that its route answers with; a route that is down is absent (exported as 0).
        trained_at: model → end of the champion's training, seconds since 1970.
    """
    wanted = [
        Sample("registry_alias_version", version, {"model": model, "alias": alias})
        for model, versions in aliases.items()
        for alias, version in versions.items()
    ]
    answering = [
        Sample("served_version", served.get(model, 0), {"model": model})
        for model in sorted({*aliases, *served})
    ]
    trained = [
        Sample("last_training_timestamp_seconds", when, {"model": model})
        for model, when in trained_at.items()
    ]
    return wanted + answering + trained


def drift_metrics(model: str, drifts: Iterable[Drift], horizon_days: int | None = None) -> list[Sample]:
    """Drift of one model's inputs; features that were not judged give their row count only.

    Args:
        horizon_days: of the fleet forecast that they were the inputs of; None: of requests.
    """
    batch = {} if horizon_days is None else {"horizon_days": str(horizon_days)}
    name_of = f"{'forecast_' if batch else ''}feature_{{}}".format
    samples = []
    for drift in drifts:
        labels = {"model": model, **batch, "feature": drift.feature}
        values = {"samples": float(drift.samples), "psi": drift.psi, "psi_limit": drift.limit, "ks": drift.ks}
        samples += [
            Sample(name_of(name), value, labels) for name, value in values.items() if value is not None
        ]
    return samples


def lines(samples: Iterable[Sample]) -> list[str]:
    """StatsD lines with tags in InfluxDB's form, as Airflow sends them; values not finite are left out."""
    return [
        f"{PREFIX}.{sample.name}{_tags(sample.labels)}:{_gauge(sample.value)}"
        for sample in samples
        if math.isfinite(sample.value)
    ]


def _gauge(value: float) -> str:
    """A value as a gauge is set to it.

    A sign makes StatsD add to the gauge, so below 0 it is set to 0 first. Both are samples of one line: the
    exporter queues a line as a whole, while of two lines it may take one a while before the other.
    """
    told = f"{value:.15g}|g"
    return f"0|g:{told}" if told.startswith("-") else told


def _tags(labels: Mapping[str, str]) -> str:
    return "".join(f",{name}={UNSAFE.sub('_', value) or '_'}" for name, value in labels.items())


def send(samples: Iterable[Sample], host: str, port: int = PORT) -> None:
    """Send gauges over UDP. Metrics never stop the work they tell of: an error is a warning.

    Without a host nothing is sent. The name is looked up at every call: a recreated exporter is found again.
    """
    if not host:
        return
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            for packet in _packets(lines(samples)):
                udp.sendto(packet, (host, port))
    except OSError as error:
        logger.warning("Metrics not sent to %s:%s: %s", host, port, error)


def _packets(parts: list[str]) -> list[bytes]:
    """Join lines into as few datagrams as fit."""
    packets: list[bytes] = []
    for line in (part.encode() for part in parts):
        if packets and len(packets[-1]) + 1 + len(line) <= DATAGRAM_BYTES:
            packets[-1] += b"\n" + line
        else:
            packets.append(line)
    return packets
