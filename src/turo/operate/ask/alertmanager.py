"""Alertmanager: whom it tells, what became of the messages, what mutes an alert; hands an alert to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from turo.errors import ServiceError
from turo.words import listed

MADE = "alertmanager_notification_requests_total"
FAILED = "alertmanager_notification_requests_failed_total"
GIVEN_UP = "alertmanager_notifications_failed_total"
SERIES = re.compile(r"^(\w+)\{(.*)\} ([0-9.e+]+)$", re.MULTILINE)
LABEL = re.compile(r'(\w+)="([^"]*)"')
TIMEOUT_S = 5.0
BY_RECEIVER = "--enable-feature=receiver-name-in-metrics"


@dataclass(frozen=True)
class Tries:
    """Messages of one receiver by one way, counted since Alertmanager started.

    Attributes:
        made: tries that are over, by whatever end.
        failed: those of them that failed; a failed one is mostly made again.
        given_up: messages that are tried no more, by Alertmanager's own word for the reason.
    """

    made: int = 0
    failed: int = 0
    given_up: Mapping[str, int] = field(default_factory=dict)

    @property
    def arrived(self) -> int:
        return self.made - self.failed

    def since(self, earlier: Tries) -> Tries:
        """What came since an earlier count; all of it where Alertmanager has started anew since then."""
        if self.made < earlier.made:
            return self
        more = {why: count - earlier.given_up.get(why, 0) for why, count in self.given_up.items()}
        return Tries(self.made - earlier.made, self.failed - earlier.failed, more)


class Alertmanager:
    """One Alertmanager.

    Args:
        url: for example http://alertmanager:9093.
        timeout_s: of each request.
    """

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S) -> None:
        self.url = url.rstrip("/")
        self._client = httpx.Client(timeout=timeout_s, trust_env=False)

    def tries(self, receiver: str) -> dict[str, Tries]:
        """Way (email, webhook, slack) → messages of this receiver; empty where it has no way to tell anybody.

        Raises:
            ServiceError: it does not answer, knows no such receiver, or counts for all receivers together.
        """
        if receiver not in (names := {each["name"] for each in self._json("GET", "/api/v2/receivers")}):
            raise ServiceError(
                f"Alertmanager at {self.url} knows no receiver {receiver!r}, only {listed(sorted(names))}.",
                "Keep the receivers and routes of alertmanager/alertmanager.yml, then restart it.",
            )
        series = [
            (name, dict(LABEL.findall(labels)), int(float(value)))
            for name, labels, value in SERIES.findall(self._ask("GET", "/metrics").text)
        ]
        counted = [each for each in series if each[0] in (MADE, FAILED, GIVEN_UP)]
        if any("receiver_name" not in labels for _, labels, _ in counted):
            raise ServiceError(
                f"Alertmanager at {self.url} counts the messages of all receivers together.",
                f"Start it with {BY_RECEIVER}, as docker-compose.yml does.",
            )
        of_it = [each for each in counted if each[1]["receiver_name"] == receiver]
        ways = sorted({labels["integration"] for _, labels, _ in of_it})
        return {way: _tries([each for each in of_it if each[1]["integration"] == way]) for way in ways}

    def post(self, labels: Mapping[str, str], annotations: Mapping[str, str], ends: datetime) -> None:
        """Hand an alert over that ends at `ends` (with its time zone); it replaces one of the same labels."""
        alert = {"labels": dict(labels), "annotations": dict(annotations), "endsAt": ends.isoformat()}
        self._ask("POST", "/api/v2/alerts", json=[alert])

    def muted_by(self, labels: Mapping[str, str]) -> list[str]:
        """What keeps the alert of these labels from being told: one line each; empty where nothing does."""
        matchers = [f'{name}="{value}"' for name, value in labels.items()]
        found = self._json("GET", "/api/v2/alerts", params={"filter": matchers})
        silences = {one for alert in found for one in alert["status"]["silencedBy"]}
        others = {one for alert in found for one in alert["status"]["inhibitedBy"]}
        told = [self._json("GET", f"/api/v2/silence/{one}") for one in sorted(silences)]
        by = [f"a silence of {one['createdBy']} until {one['endsAt']} ({one['comment']})" for one in told]
        return [*by, *(f"the alert {one}, which inhibits it" for one in sorted(others))]

    def _json(self, method: str, path: str, **more: Any) -> Any:
        answer = self._ask(method, path, **more)
        try:
            return answer.json()
        except ValueError as error:
            raise self._other(path, "something else than JSON") from error

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, f"{self.url}{path}", **more)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            why = str(error).rstrip(".") or type(error).__name__
            raise ServiceError(
                f"Alertmanager at {self.url} does not answer: {why}.",
                "See `docker compose ps alertmanager` and its log.",
            ) from error
        if answer.is_success:
            return answer
        raise self._other(path, f"{answer.status_code} {answer.text[:200].strip()}".strip())

    def _other(self, path: str, told: str) -> ServiceError:
        return ServiceError(
            f"{self.url} answers {told} to {path}.", "Is that Alertmanager? It is at ALERTMANAGER_URL."
        )


def _tries(series: list[tuple[str, dict[str, str], int]]) -> Tries:
    made = sum(value for name, _, value in series if name == MADE)
    failed = sum(value for name, _, value in series if name == FAILED)
    return Tries(
        made, failed, {labels["reason"]: value for name, labels, value in series if name == GIVEN_UP}
    )
