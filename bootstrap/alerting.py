"""Who is told of alerts, from `.env`; what is told together is in alertmanager/alertmanager.yml.

Where nothing is set, the receivers are empty: Alertmanager shows alerts on its page and tells nobody.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

RECEIVERS = ("operator", "alert-test")  # as the routes name them; `turo alert-test` watches its own
SILENT = "nobody"  # for what only shows on pages
MAIL_ONLY = ("ALERT_EMAIL_FROM", "ALERT_SMTP_HOST", "ALERT_SMTP_USER", "ALERT_SMTP_PASSWORD")
NAMES = ("ALERT_EMAIL_TO", *MAIL_ONLY, "ALERT_WEBHOOK_URL", "ALERT_SLACK_WEBHOOK_URL")
ADDRESS = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+")
HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\])(?::([0-9]{1,5}))?")
SUBMISSION, RELAY = 587, 25
# One line an alert; a relay of messages shows no more than a title by itself.
TEXT = (
    "{{ range .Alerts }}*{{ .Annotations.summary }}*\n{{ .Annotations.description }}\n"
    "{{ with .Annotations.runbook_url }}What to do: {{ . }}\n{{ end }}{{ end }}"
)


def integrations(environment: Mapping[str, str]) -> dict[str, Any]:
    """What each receiver consists of, in Alertmanager's words; nothing where nobody is to be told.

    Raises:
        ValueError: a value that cannot be used, by the name of its variable. Values are not quoted where they
            may hold a secret.
    """
    given = {name: environment.get(name, "").strip() for name in NAMES}
    for name, value in given.items():
        if not value.isprintable():
            raise ValueError(
                f"{name} has a line break or another character that cannot be shown: write it anew."
            )
        if name != "ALERT_SMTP_PASSWORD" and ("{{" in value or "}}" in value):
            raise ValueError(
                f"{name} has curly brackets, which Alertmanager takes for a template: leave them out."
            )
    made: dict[str, Any] = {}
    if mail := _mail(given):
        made["email_configs"] = [mail]
    if url := _url("ALERT_WEBHOOK_URL", given):
        made["webhook_configs"] = [{"url": url, "send_resolved": True}]
    if url := _url("ALERT_SLACK_WEBHOOK_URL", given):
        made["slack_configs"] = [{"api_url": url, "send_resolved": True, "text": TEXT}]
    return made


def render(routes: str, told: Mapping[str, Any]) -> str:
    """The whole configuration: the routes as they are written, and below them the receivers, as JSON."""
    receivers = [{"name": name, **told} for name in RECEIVERS] + [{"name": SILENT}]
    as_text = json.dumps(receivers, indent=2, ensure_ascii=False)
    return f"{routes.rstrip()}\n\n# From .env, by bootstrap.\nreceivers: {as_text}\n"


def _mail(given: Mapping[str, str]) -> dict[str, Any]:
    to = [address.strip() for address in given["ALERT_EMAIL_TO"].split(",") if address.strip()]
    if not to:
        if idle := [name for name in MAIL_ONLY if given[name]]:
            raise ValueError(
                f"{idle[0]} is set, but without ALERT_EMAIL_TO nobody gets mail: set both, or neither."
            )
        return {}
    user, password = given["ALERT_SMTP_USER"], given["ALERT_SMTP_PASSWORD"]
    sender = given["ALERT_EMAIL_FROM"] or (user if ADDRESS.fullmatch(user) else "")
    _addresses("ALERT_EMAIL_TO", to)
    if not given["ALERT_SMTP_HOST"]:
        raise ValueError(
            "ALERT_EMAIL_TO is set, but ALERT_SMTP_HOST is not: name the server that sends the mail."
        )
    if not sender:
        raise ValueError("ALERT_EMAIL_TO is set, but ALERT_EMAIL_FROM is not: name the sender's address.")
    _addresses("ALERT_EMAIL_FROM", [sender])
    if bool(user) != bool(password):
        there, missing = ("USER", "PASSWORD") if user else ("PASSWORD", "USER")
        raise ValueError(f"ALERT_SMTP_{there} is set, but ALERT_SMTP_{missing} is not: set both, or neither.")
    host, port = _server(given["ALERT_SMTP_HOST"])
    login = {"auth_username": user, "auth_password": password} if user else {}
    # A relay of one's own network on port 25 often has no certificate; a password goes out encrypted only.
    encrypted = bool(user) or port != RELAY
    smarthost = f"{host}:{port}"
    mail = {"to": ", ".join(to), "from": sender, "smarthost": smarthost, "require_tls": encrypted, **login}
    return {**mail, "send_resolved": True}


def _addresses(name: str, addresses: list[str]) -> None:
    if wrong := [address for address in addresses if not ADDRESS.fullmatch(address)]:
        raise ValueError(
            f"{name}: {wrong[0]!r} is no mail address: write name@example.com, several by comma."
        )


def _server(value: str) -> tuple[str, int]:
    found = HOST.fullmatch(value)
    port = int(found[2] or SUBMISSION) if found else 0
    if not found or not 1 <= port <= 65535:
        raise ValueError(f"ALERT_SMTP_HOST={value} is no server: write mail.example.com:{SUBMISSION}.")
    return found[1], port


def _url(name: str, given: Mapping[str, str]) -> str:
    """The address, which may hold a secret and is therefore never told."""
    if not (value := given[name]):
        return ""
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or " " in value:
        raise ValueError(f"{name} is no address: write it whole, as https://example.com/path.")
    return value
