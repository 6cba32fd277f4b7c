"""What the operator tells of the certificates that a proxy shows."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from local_ray import free_port
from shown_certificate import BEGINS, certificate, listener

from turo.operate.ask.certificate import Life
from turo.operate.server.certificates import Certificates
from turo.operate.server.metrics import metrics
from turo.settings import load

ENDS = {
    "soon": datetime(2026, 11, 30, 23, 59, 58, tzinfo=UTC),
    "over": datetime(2026, 11, 2, tzinfo=UTC),
}


@pytest.mark.parametrize("which", ENDS)
def test_what_is_shown_is_measured_whether_it_is_good_or_not(which: str, tmp_path: Path) -> None:
    _, file = certificate(ENDS[which], tmp_path)
    with listener(file) as address:
        settings = load(tls_hosts="turo.example.com, airflow.turo.example.com", tls_proxy=address)
        found = Certificates(settings)
        assert found.newest() == {}  # nobody was asked yet
        found.refresh()
    told = metrics(settings, False, None, found.newest())
    for host in ("turo.example.com", "airflow.turo.example.com"):
        assert f'turo_certificate_shown{{host="{host}"}} 1' in told.splitlines()
        for kind, when in (("start", BEGINS), ("end", ENDS[which])):
            line = f'turo_certificate_{kind}_timestamp_seconds{{host="{host}"}} {int(when.timestamp())}'
            assert line in told.splitlines()


def test_a_proxy_that_is_away_leaves_no_old_answer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    _, file = certificate(ENDS["soon"], tmp_path)
    with listener(file) as address:
        found = Certificates(load(tls_hosts="turo.example.com", tls_proxy=address))
        found.refresh()
        assert found.newest() == {"turo.example.com": Life(BEGINS, ENDS["soon"])}
    found.refresh()
    assert found.newest() == {"turo.example.com": None}
    assert f"No certificate for turo.example.com: {address} says: " in caplog.text
    told = metrics(load(), False, None, found.newest()).splitlines()
    assert [line for line in told if line.startswith("turo_certificate")] == [
        'turo_certificate_shown{host="turo.example.com"} 0'
    ]


def test_of_two_names_the_one_without_a_certificate_is_told(tmp_path: Path) -> None:
    """As behind a proxy to which Let's Encrypt refused one of them."""
    _, file = certificate(ENDS["soon"], tmp_path)
    hosts = ("turo.example.com", "airflow.turo.example.com")
    with listener(file, refused=hosts[1]) as address:
        settings = load(tls_hosts=",".join(hosts), tls_proxy=address)
        found = Certificates(settings)
        assert "turo_certificate" not in metrics(settings, False, None, found.newest())
        found.refresh()
    told = metrics(settings, False, None, found.newest()).splitlines()
    assert [line for line in told if line.startswith("turo_certificate")] == [
        'turo_certificate_shown{host="turo.example.com"} 1',
        'turo_certificate_shown{host="airflow.turo.example.com"} 0',
        f'turo_certificate_start_timestamp_seconds{{host="turo.example.com"}} {int(BEGINS.timestamp())}',
        f'turo_certificate_end_timestamp_seconds{{host="turo.example.com"}} {int(ENDS["soon"].timestamp())}',
    ]


@pytest.mark.parametrize("address", ["", "caddy", "127.0.0.1:", "127.0.0.1:https", "no.such.host.invalid:1"])
def test_an_address_that_is_none_is_told_and_ends_nothing(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    found = Certificates(load(tls_hosts="turo.example.com", tls_proxy=address))
    found.refresh()
    assert found.newest() == {"turo.example.com": None}
    assert "No certificate for turo.example.com" in caplog.text


def test_nobody_is_asked_where_nothing_is_behind_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Certificates(load(tls_hosts="", tls_proxy=f"127.0.0.1:{free_port()}"))
    monkeypatch.setattr(threading.Thread, "start", lambda _: pytest.fail("a thread was started"))
    found.keep_fresh()
