"""A message to whoever is told of alerts, followed until it has arrived or it is clear that it does not."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from turo.errors import ConfigError, ServiceError
from turo.operate.ask.alertmanager import Alertmanager, Tries
from turo.patience import Patience
from turo.words import by_number, counted, listed

RECEIVER = "alert-test"  # its route in alertmanager/alertmanager.yml tells each test by itself, and at once
LOOK_S = 0.5
LASTS = timedelta(minutes=5)
ENOUGH_TRIES = 3
TOOK = {"email": "the mail server took it", "slack": "Slack's webhook took it"}
REASONS = {
    "clientError": "it was refused: the address or the login is not right",
    "serverError": "the other side failed",
    "contextDeadlineExceeded": "nobody answered in time",
}
WHY = "`docker compose logs alertmanager` says why; the receivers are the ALERT_ variables in .env."


def send(alertmanager: Alertmanager, within_s: float) -> list[str]:
    """Send the message, wait for its end, let the alert be over; one line a way by which it arrived.

    Args:
        within_s: seconds to wait for it.

    Raises:
        ConfigError: no receiver is set.
        ServiceError: Alertmanager does not answer, mutes the alert, or does not get it through.
    """
    before = alertmanager.tries(RECEIVER)
    if not before:
        raise ConfigError(
            "No receiver is set: alerts show on the pages of Prometheus and Grafana, and reach nobody.",
            "Set ALERT_EMAIL_TO with ALERT_SMTP_HOST, ALERT_WEBHOOK_URL or ALERT_SLACK_WEBHOOK_URL in .env, "
            "then `docker compose up -d`.",
        )
    labels = {"alertname": "AlertTest", "severity": "info", "part": "test", "test": uuid.uuid4().hex[:8]}
    annotations = {
        "summary": "This is a test: alerts of the Turo Analytics Platform reach you.",
        "description": "Sent by `turo alert-test`. Nothing is wrong; a second message says that it is over.",
    }

    def look() -> dict[str, Tries]:
        return {way: now.since(before.get(way, Tries())) for way, now in alertmanager.tries(RECEIVER).items()}

    alertmanager.post(labels, annotations, datetime.now(UTC) + LASTS)
    Patience(LOOK_S, within_s).poll(look, done=lambda ways: all(map(_is_over, ways.values())))
    muted = alertmanager.muted_by(labels)
    alertmanager.post(labels, annotations, datetime.now(UTC))
    # Once more: Alertmanager counts a try a moment before it counts that the try has failed.
    ways = look()
    if muted and not any(tries.made for tries in ways.values()):
        raise ServiceError(
            f"The message was not sent: it is muted by {listed(muted)}.",
            "End the silence on Alertmanager's page, or wait until it is over.",
        )
    _say_what_failed(ways, within_s)
    return [f"{way}: {TOOK.get(way, f'the {way} took it')}" for way in ways]


def _is_over(tries: Tries) -> bool:
    return tries.arrived > 0 or any(tries.given_up.values()) or tries.failed >= ENOUGH_TRIES


def _say_what_failed(ways: dict[str, Tries], within_s: float) -> None:
    lost = {way: tries for way, tries in ways.items() if tries.arrived <= 0}
    if not lost:
        return
    told = [f"by {way} ({_why(tries, within_s)})" for way, tries in lost.items()]
    rest = [way for way in ways if way not in lost]
    beside = f"; by {listed(rest)} it did" if rest else ""
    raise ServiceError(f"The message did not arrive {listed(told)}{beside}.", WHY)


def _why(tries: Tries, within_s: float) -> str:
    if reasons := [reason for reason, count in tries.given_up.items() if count]:
        return REASONS.get(reasons[0], f"Alertmanager's word for the reason is {reasons[0]!r}")
    if tries.failed:
        return f"{tries.failed} {by_number(tries.failed, 'try', 'tries')} failed"
    return f"no try had ended after {counted(f'{within_s:g}', 'second')}"
