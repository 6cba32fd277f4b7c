"""Who is told of alerts: `.env` becomes Alertmanager's configuration, or stops the start with a reason."""

from __future__ import annotations

import importlib
import re
from types import ModuleType
from typing import Any

import pytest
import yaml
from compose_file import REPOSITORY

MAIL = {
    "ALERT_EMAIL_TO": "me@example.com",
    "ALERT_EMAIL_FROM": "turo@example.com",
    "ALERT_SMTP_HOST": "mail.lan:25",
}
ROUTES = (REPOSITORY / "alertmanager" / "alertmanager.yml").read_text()


@pytest.fixture
def alerting(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(REPOSITORY / "bootstrap"))
    return importlib.import_module("alerting")


def receivers(alerting: ModuleType, environment: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Name → receiver, read back from the file that Alertmanager gets."""
    read = yaml.safe_load(alerting.render(ROUTES, alerting.integrations(environment)))
    return {receiver.pop("name"): receiver for receiver in read["receivers"]}


def test_without_a_receiver_nobody_is_told(alerting: ModuleType) -> None:
    empty = dict.fromkeys(alerting.NAMES, "")
    silent: dict[str, Any] = {"operator": {}, "alert-test": {}, "nobody": {}}
    assert receivers(alerting, {}) == receivers(alerting, empty) == silent


def test_the_test_goes_where_alerts_go(alerting: ModuleType) -> None:
    told = receivers(alerting, MAIL | {"ALERT_WEBHOOK_URL": "http://pager:8080/a?b=c"})
    assert told["operator"] == told["alert-test"]
    assert set(told["operator"]) == {"email_configs", "webhook_configs"}
    assert told["operator"]["webhook_configs"] == [{"url": "http://pager:8080/a?b=c", "send_resolved": True}]


def test_mail_through_a_relay_of_one_s_own_network(alerting: ModuleType) -> None:
    (mail,) = receivers(alerting, MAIL)["operator"]["email_configs"]
    assert mail == {
        "to": "me@example.com",
        "from": "turo@example.com",
        "smarthost": "mail.lan:25",
        "require_tls": False,
        "send_resolved": True,
    }


def test_a_password_goes_out_encrypted_only_and_the_user_is_the_sender(alerting: ModuleType) -> None:
    login = {"ALERT_SMTP_USER": "ops@example.com", "ALERT_SMTP_PASSWORD": 'quote " colon: {{ # ü\\n'}
    both = {"ALERT_EMAIL_TO": "a@example.com, b@example.com", "ALERT_SMTP_HOST": "mail.lan", **login}
    (mail,) = receivers(alerting, both)["operator"]["email_configs"]
    assert mail["require_tls"] is True
    assert mail["smarthost"] == "mail.lan:587"
    assert mail["to"] == "a@example.com, b@example.com"
    assert mail["from"] == mail["auth_username"] == "ops@example.com"
    assert mail["auth_password"] == login["ALERT_SMTP_PASSWORD"]
    (mail,) = receivers(alerting, both | {"ALERT_SMTP_HOST": "[::1]:25"})["operator"]["email_configs"]
    assert (mail["smarthost"], mail["require_tls"]) == ("[::1]:25", True)


def test_slack_or_what_is_like_it(alerting: ModuleType) -> None:
    url = "https://mattermost.example.com/hooks/x1"
    (slack,) = receivers(alerting, {"ALERT_SLACK_WEBHOOK_URL": url})["operator"]["slack_configs"]
    assert (slack["api_url"], slack["send_resolved"]) == (url, True)
    # All that a rule says, so that the remedy is found from a telephone.
    assert {"summary", "description", "runbook_url"} <= set(re.findall(r"Annotations\.(\w+)", slack["text"]))


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"ALERT_EMAIL_TO": "me@example.com"}, "ALERT_SMTP_HOST is not"),
        (MAIL | {"ALERT_EMAIL_FROM": ""}, "ALERT_EMAIL_FROM is not"),
        (MAIL | {"ALERT_EMAIL_TO": "me"}, "ALERT_EMAIL_TO: 'me' is no mail address"),
        (MAIL | {"ALERT_EMAIL_TO": "a@b.c; d@e.f"}, "ALERT_EMAIL_TO"),
        (MAIL | {"ALERT_EMAIL_FROM": "Turo <turo@example.com>"}, "ALERT_EMAIL_FROM"),
        (MAIL | {"ALERT_SMTP_HOST": "smtp://mail.lan"}, "ALERT_SMTP_HOST=smtp://mail.lan is no server"),
        (MAIL | {"ALERT_SMTP_HOST": "mail.lan:0"}, "ALERT_SMTP_HOST"),
        (MAIL | {"ALERT_SMTP_HOST": "mail.lan:70000"}, "ALERT_SMTP_HOST"),
        (MAIL | {"ALERT_SMTP_USER": "u"}, "ALERT_SMTP_PASSWORD is not"),
        (MAIL | {"ALERT_SMTP_PASSWORD": "p"}, "ALERT_SMTP_USER is not"),
        (MAIL | {"ALERT_EMAIL_TO": "{{ .X }}@example.com"}, "ALERT_EMAIL_TO has curly brackets"),
        (MAIL | {"ALERT_EMAIL_TO": ""}, "without ALERT_EMAIL_TO nobody gets mail"),
        ({"ALERT_SMTP_PASSWORD": "s3cret"}, "ALERT_SMTP_PASSWORD is set, but without ALERT_EMAIL_TO"),
        ({"ALERT_WEBHOOK_URL": "pager:8080/s3cret"}, "ALERT_WEBHOOK_URL is no address"),
        ({"ALERT_WEBHOOK_URL": "https:///s3cret"}, "ALERT_WEBHOOK_URL is no address"),
        ({"ALERT_WEBHOOK_URL": "https://pager:99999/s3cret"}, "ALERT_WEBHOOK_URL is no address"),
        ({"ALERT_WEBHOOK_URL": "https://[::1/s3cret"}, "ALERT_WEBHOOK_URL is no address"),
        ({"ALERT_WEBHOOK_URL": "https://pager/s3cret x"}, "ALERT_WEBHOOK_URL is no address"),
        ({"ALERT_WEBHOOK_URL": "https://pager/{{s3cret}}"}, "ALERT_WEBHOOK_URL has curly brackets"),
        ({"ALERT_SLACK_WEBHOOK_URL": "#alerts"}, "ALERT_SLACK_WEBHOOK_URL is no address"),
        (
            {"ALERT_SLACK_WEBHOOK_URL": "https://hooks\n.slack/s3cret"},
            "ALERT_SLACK_WEBHOOK_URL has a line break",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_value_that_cannot_work_is_named_and_no_secret_is(
    alerting: ModuleType, environment: dict[str, str], told: str
) -> None:
    with pytest.raises(ValueError, match="ALERT_") as refused:
        alerting.integrations(environment)
    assert told in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_the_start_is_refused(monkeypatch: pytest.MonkeyPatch, alerting: ModuleType) -> None:
    bootstrap = importlib.import_module("bootstrap")
    for name in alerting.NAMES:
        monkeypatch.delenv(name, raising=False)
    assert bootstrap.check_receivers() == {}
    monkeypatch.setenv("ALERT_EMAIL_TO", "me@example.com")
    with pytest.raises(
        SystemExit, match=r"^REFUSED: ALERT_EMAIL_TO is set, but ALERT_SMTP_HOST is not.*\.env"
    ):
        bootstrap.check_receivers()
