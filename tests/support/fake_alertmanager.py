"""An Alertmanager that answers as the real one (0.33) does and tells nobody; each way has its own fate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from json_server import Answer, json_server

REASONS = ("clientError", "serverError", "contextDeadlineExceeded", "other")
COUNTERS = ("requests_total", "requests_failed_total")


@dataclass
class FakeAlertmanager:
    """State behind the web server.

    Args:
        fates: way → `takes`, `refuses` (given up at once), `unreachable` (each look finds one more
            failed try), `slow` (no try ends).
        silenced: whether a silence mutes everything.
        by_receiver: whether it counts each receiver by itself.
        receivers: names it knows.
        alerts: what was posted, in order.
    """

    fates: dict[str, str]
    silenced: bool = False
    by_receiver: bool = True
    receivers: tuple[str, ...] = ("operator", "alert-test")
    alerts: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    _looks: int = 0

    def answer(self, method: str, path: str, body: Any) -> Answer:
        path = path.partition("?")[0]
        if method == "POST" and path == "/api/v2/alerts":
            self.alerts += body
            return 200, "", {}
        if path == "/metrics":
            self._looks += bool(self.alerts)
            return 200, self._metrics(), {}
        known: dict[str, Any] = {
            "/api/v2/receivers": [{"name": name} for name in self.receivers],
            "/api/v2/alerts": [self._status(alert) for alert in self.alerts[-1:]],
            "/api/v2/silence/s1": {"createdBy": "ops", "comment": "moving", "endsAt": "2026-12-01T00:00:00Z"},
        }
        return (200, known[path], {}) if path in known else (404, "404 page not found", {})

    def _status(self, alert: dict[str, Any]) -> dict[str, Any]:
        muted = ["s1"] if self.silenced else []
        return {"labels": alert["labels"], "status": {"silencedBy": muted, "inhibitedBy": []}}

    def _metrics(self) -> str:
        lines = [
            "# HELP alertmanager_alerts How many alerts by state.",
            'alertmanager_alerts{state="active"} 1',
        ]
        for way, fate in self.fates.items():
            sent = bool(self.alerts) and not self.silenced
            receiver = ',receiver_name="alert-test"' if self.by_receiver else ""
            tried = {"takes": 1, "refuses": 1, "unreachable": self._looks, "slow": 0}[fate] if sent else 0
            failed = 0 if fate == "takes" else tried
            for counter, value in zip(COUNTERS, (tried, failed), strict=True):
                name = f"alertmanager_notification_{counter}"
                lines.append(f'{name}{{integration="{way}"{receiver}}} {value + 4}')
                if self.by_receiver:  # of another receiver: not counted
                    lines.append(f'{name}{{integration="{way}",receiver_name="operator"}} {self._looks * 7}')
            for reason in REASONS:
                given_up = int(sent and fate == "refuses" and reason == "clientError")
                labels = f'integration="{way}",reason="{reason}"{receiver}'
                lines.append(f"alertmanager_notifications_failed_total{{{labels}}} {given_up}")
        return "\n".join(lines) + "\n"


@contextmanager
def fake_alertmanager(**given: Any) -> Iterator[FakeAlertmanager]:
    """It answers at its `url` while the block runs."""
    fake = FakeAlertmanager(**given)
    with json_server(fake.answer) as fake.url:
        yield fake
