"""Knocks at a service: whether anybody is in, what is said, and what its clock shows. Never raises."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

MOST = 2000  # characters that are kept of an answer
SECRET_PORTS = {"postgresql": 5432, "redis": 6379}
# What PostgreSQL is asked before a login: whether it would encrypt. It answers one letter.
ENCRYPTS = bytes([0, 0, 0, 8, 4, 210, 22, 47])


@dataclass(frozen=True)
class Knock:
    """What came back.

    Attributes:
        status: of HTTP; 0 without an answer, and for what is no HTTP.
        said: the beginning of the answer.
        ahead_s: by how much the clock of the service is ahead of ours; None where it does not tell.
        problem: why there is no answer; empty where there is one.
    """

    status: int = 0
    said: str = ""
    ahead_s: float | None = None
    problem: str = ""


def knock(url: str, seconds: float, headers: Mapping[str, str] | None = None, secret: str = "") -> Knock:
    """Ask once, within so many seconds.

    Args:
        url: http://…, postgresql://host:port or redis://host:port.
        secret: Redis's password; empty: any answer counts.
    """
    parts = urlsplit(url)
    if parts.scheme in SECRET_PORTS:
        port = parts.port or SECRET_PORTS[parts.scheme]
        question = ENCRYPTS if parts.scheme == "postgresql" else _to_redis(secret)
        return _by_bytes(parts.hostname or "", port, question, seconds)
    return _by_http(url, seconds, headers or {})


def _to_redis(secret: str) -> bytes:
    login = f"*2\r\n$4\r\nAUTH\r\n${len(secret.encode())}\r\n{secret}\r\n" if secret else ""
    return f"{login}*1\r\n$4\r\nPING\r\n".encode()


def _by_http(url: str, seconds: float, headers: Mapping[str, str]) -> Knock:
    try:
        with (
            httpx.Client(timeout=seconds, trust_env=False, verify=url.startswith("https:")) as client,
            client.stream("GET", url, headers=dict(headers)) as answer,
        ):
            now, parts = time.time(), list[bytes]()
            for part in answer.iter_bytes():
                parts.append(part)
                if sum(map(len, parts)) > MOST:
                    break
            said = b"".join(parts).decode(errors="replace")[:MOST]
            return Knock(answer.status_code, said.strip(), _ahead(answer.headers.get("date", ""), now))
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        return Knock(problem=_why(error, seconds))


def _ahead(date: str, now: float) -> float | None:
    with suppress(ValueError, TypeError, OverflowError):
        return parsedate_to_datetime(date).timestamp() - now
    return None


def _by_bytes(host: str, port: int, question: bytes, seconds: float) -> Knock:
    """A paused process has its connections accepted by the kernel, so that only an answer counts."""
    try:
        with socket.create_connection((host, port), timeout=seconds) as line:
            line.settimeout(seconds)
            line.sendall(question)
            said = line.recv(MOST).decode(errors="replace").strip()
    except (OSError, UnicodeError) as error:
        return Knock(problem=_why(error, seconds))
    return Knock(said=said) if said else Knock(problem="it hung up")


def _why(error: Exception, seconds: float) -> str:
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return f"no answer within {seconds:g} s"
    return str(error).rstrip(".") or type(error).__name__
