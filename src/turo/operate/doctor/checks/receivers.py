"""Who is told of alerts: what bootstrap refuses, before it does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from turo.operate.doctor.facts import Facts
from turo.operate.doctor.finding import Trouble

# As bootstrap/alerting.py has them; a test holds both together.
MAIL_ONLY = ("ALERT_EMAIL_FROM", "ALERT_SMTP_HOST", "ALERT_SMTP_USER", "ALERT_SMTP_PASSWORD")
URLS = ("ALERT_WEBHOOK_URL", "ALERT_SLACK_WEBHOOK_URL")
NAMES = ("ALERT_EMAIL_TO", *MAIL_ONLY, *URLS)
ADDRESS = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+")
HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\])(?::([0-9]{1,5}))?")


def alert_receivers(facts: Facts) -> Iterator[Trouble]:
    """Bootstrap can write Alertmanager's configuration."""
    for name, what in _refused({name: facts.chosen(name).strip() for name in NAMES}):
        yield Trouble(
            f"{name}: {what}.",
            "bootstrap refuses it, and nothing starts.",
            f"Write {name} as .env.example shows, or take all ALERT_… lines out: then nobody is told.",
        )


def _refused(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(variable, what is wrong); values are not told, they may hold a secret."""
    for name, value in given.items():
        if not value.isprintable():
            yield name, "it has a line break or another character that cannot be shown"
        elif name != "ALERT_SMTP_PASSWORD" and ("{{" in value or "}}" in value):
            yield name, "it has curly brackets, which Alertmanager takes for a template"
    yield from _mail(given)
    for name in URLS:
        if given[name] and not _is_url(given[name]):
            yield name, "it is no whole address such as https://example.com/path"


def _mail(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    to = [address.strip() for address in given["ALERT_EMAIL_TO"].split(",") if address.strip()]
    if not to:
        for name in [name for name in MAIL_ONLY if given[name]]:
            yield name, "it is set, but without ALERT_EMAIL_TO nobody gets mail"
        return
    if not all(map(ADDRESS.fullmatch, to)):
        yield "ALERT_EMAIL_TO", "it is no mail address"
    user, password = given["ALERT_SMTP_USER"], given["ALERT_SMTP_PASSWORD"]
    sender = given["ALERT_EMAIL_FROM"] or (user if ADDRESS.fullmatch(user) else "")
    if not ADDRESS.fullmatch(sender):
        yield (
            "ALERT_EMAIL_FROM",
            "it is no mail address" if sender else "mail is to be sent, and it is not set",
        )
    if bool(user) != bool(password):
        yield (
            f"ALERT_SMTP_{'PASSWORD' if user else 'USER'}",
            "the other of user and password is set, it is not",
        )
    found = HOST.fullmatch(given["ALERT_SMTP_HOST"])
    if not found or not 1 <= int(found[2] or 587) <= 65535:
        yield "ALERT_SMTP_HOST", "it is no server such as mail.example.com:587"


def _is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
            and " " not in value
        )
    except ValueError:
        return False
