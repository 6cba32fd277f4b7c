"""`turo alert-test`: one message, followed to its end; why it reached nobody."""

from __future__ import annotations

import logging
from datetime import datetime

import pytest
from fake_alertmanager import FakeAlertmanager, fake_alertmanager
from json_server import json_server
from typer.testing import CliRunner, Result

from turo.cli import app
from turo.errors import ConfigError, ServiceError
from turo.settings import load


def run(url: str, within: str = "5") -> Result:
    settings = load(alertmanager_url=url)
    return CliRunner().invoke(app, ["alert-test", "--within", within], obj=settings)


def test_it_says_what_came_of_it_and_not_what_it_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.NOTSET, logger="httpx"),  # the command sets it, for good
        caplog.at_level(logging.INFO),
        fake_alertmanager(fates={"webhook": "takes"}) as fake,
    ):
        assert run(fake.url).exit_code == 0
    assert caplog.messages == []


def refused(fake: FakeAlertmanager, kind: type[Exception] = ServiceError, within: str = "5") -> str:
    result = run(fake.url, within)
    assert result.exit_code == 1
    assert isinstance(result.exception, kind)
    return str(result.exception)


def test_a_message_that_arrives_is_told_by_its_way_and_is_over_afterwards() -> None:
    with fake_alertmanager(fates={"email": "takes", "webhook": "takes"}) as fake:
        result = run(fake.url)
    assert result.exit_code == 0
    assert result.output.splitlines() == ["email: the mail server took it", "webhook: the webhook took it"]
    first, last = fake.alerts
    assert first["labels"] == last["labels"]
    assert (first["labels"]["alertname"], first["labels"]["part"]) == ("AlertTest", "test")
    begins, ends = (datetime.fromisoformat(alert["endsAt"]) for alert in (first, last))
    assert 290 < (begins - ends).total_seconds() <= 300
    assert "test" in first["annotations"]["summary"]


def test_two_tests_are_two_alerts() -> None:
    """Alertmanager does not tell the same alert twice within its repeat interval."""
    with fake_alertmanager(fates={"webhook": "takes"}) as fake:
        run(fake.url)
        fake.fates["webhook"] = "slow"
        run(fake.url, "1")
    assert len({alert["labels"]["test"] for alert in fake.alerts}) == 2


def test_without_a_receiver_nothing_is_sent_and_it_says_so() -> None:
    with fake_alertmanager(fates={}) as fake:
        told = refused(fake, ConfigError)
    assert told.startswith("No receiver is set")
    assert "ALERT_WEBHOOK_URL" in told
    assert not fake.alerts


def test_a_refusal_is_told_and_what_arrived_beside_it() -> None:
    with fake_alertmanager(fates={"slack": "refuses", "webhook": "takes"}) as fake:
        told = refused(fake)
    assert told.startswith(
        "The message did not arrive by slack (it was refused: the address or the login is not right); "
        "by webhook it did."
    )
    assert "docker compose logs alertmanager" in told
    assert len(fake.alerts) == 2  # it is over all the same


def test_who_does_not_answer_is_tried_some_times_and_told() -> None:
    with fake_alertmanager(fates={"email": "unreachable"}) as fake:
        told = refused(fake)
    assert "by email (" in told and "tries failed)" in told


def test_a_try_without_an_end_is_told_when_time_is_up() -> None:
    with fake_alertmanager(fates={"webhook": "slow"}) as fake:
        told = refused(fake, within="1")
    assert "by webhook (no try had ended after 1 second)" in told


def test_a_silence_that_mutes_it_is_named() -> None:
    with fake_alertmanager(fates={"webhook": "takes"}, silenced=True) as fake:
        told = refused(fake, within="1")
    assert "muted by a silence of ops until 2026-12-01T00:00:00Z (moving)" in told


def test_an_alertmanager_of_somebody_else_is_not_taken_for_ours() -> None:
    with fake_alertmanager(fates={"webhook": "takes"}, receivers=("pager",)) as fake:
        assert "knows no receiver 'alert-test', only pager" in refused(fake)
    with fake_alertmanager(fates={"webhook": "takes"}, by_receiver=False) as fake:
        assert "receiver-name-in-metrics" in refused(fake)


def test_where_none_answers_it_says_where_it_asked() -> None:
    with json_server(lambda *_: (200, "", {})) as url:
        pass
    result = run(url)
    assert str(result.exception).startswith(f"Alertmanager at {url} does not answer: ")


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (500, "out of memory", "answers 500 out of memory"),
        (200, "<html>", "answers something else than JSON"),
    ],
)
def test_what_is_no_alertmanager_is_told(status: int, body: str, told: str) -> None:
    with json_server(lambda *_: (status, body, {})) as url:
        result = run(url)
    assert told in str(result.exception)
    assert result.exit_code == 1
