"""The cookie of a browser that was given the API key once: derived from the key, so it does not tell it."""

from __future__ import annotations

import hashlib
import hmac
import re
import time

from turo.serving.http.messages import BODILESS, Request
from turo.serving.http.problems import Problem

NAME = b"turo-signed-in-"  # what follows is of the key: servers of one host keep apart
LASTS_S = 30 * 24 * 3600
VALUE = re.compile(rb"([0-9]{1,12})\.([0-9a-f]{64})")
FOREIGN = (
    "This was sent by another site's page; open the form here and send it again. A proxy in front must pass "
    "on the Host that the browser asked for, or tell it as X-Forwarded-Host."
)
DEFAULT_PORTS = {b"http": b":80", b"https": b":443"}


def cookie(key: bytes, secure: bool, now: float | None = None, prefix: str = "") -> bytes:
    """The value of a Set-Cookie header.

    Args:
        secure: whether the browser came over https.
        now: seconds since the epoch; default the clock.
        prefix: below which path of another server this one is; the others there do not get the cookie.
    """
    ends = str(int((time.time() if now is None else now) + LASTS_S)).encode()
    return _set(key, ends + b"." + _mark(key, ends), LASTS_S, secure, prefix)


def no_cookie(key: bytes, secure: bool, prefix: str = "") -> bytes:
    """The same header's value that takes the cookie away."""
    return _set(key, b"", 0, secure, prefix)


def _set(key: bytes, value: bytes, lasts_s: int, secure: bool, prefix: str) -> bytes:
    parts = [
        name_of(key) + b"=" + value,
        b"Path=" + (prefix or "/").encode(),
        b"HttpOnly",
        b"SameSite=Strict",
    ]
    parts += [b"Max-Age=" + str(lasts_s).encode()] + ([b"Secure"] if secure else [])
    return b"; ".join(parts)


def name_of(key: bytes) -> bytes:
    """The cookie's name."""
    return NAME + hmac.new(key, b"turo cookie's name", hashlib.sha256).hexdigest()[:8].encode()


def is_signed_in(request: Request, key: bytes, now: float | None = None) -> bool:
    """Whether the request carries the cookie of this key, and it has not ended."""
    found, ours = False, name_of(key)
    for part in request.headers.get(b"cookie", b"").split(b";"):
        name, _, value = part.strip().partition(b"=")
        fits = VALUE.fullmatch(value) if name == ours else None
        if fits and hmac.compare_digest(_mark(key, fits[1]), fits[2]):
            found |= int(fits[1]) > (time.time() if now is None else now)
    return found


def refuse_foreign(request: Request, must_tell: bool = True) -> None:
    """Refuse what changes or costs something where a page of another origin had the browser send it.

    Args:
        must_tell: whether a request that does not say where it comes from is refused, too.

    Raises:
        Problem: 403.
    """
    if request.method in BODILESS:
        return
    site = request.headers.get(b"sec-fetch-site")
    if site == b"same-origin":  # no page can say so itself, and a proxy may have changed Host on the way
        return
    origin = request.headers.get(b"origin")
    own = origin is not None and _is_own(origin.lower(), request)
    if site is not None or not (own or (origin is None and not must_tell)):
        raise Problem(403, FOREIGN)


def _is_own(origin: bytes, request: Request) -> bool:
    """Whether an origin is the host that the browser asked, also of a proxy in front."""
    scheme, _, host = origin.partition(b"://")
    port = DEFAULT_PORTS.get(scheme, b"")
    asked = (request.headers.get(b"host", b""), request.forwarded(b"host"))
    return host.removesuffix(port) in {name.lower().removesuffix(port) for name in asked if name}


def _mark(key: bytes, ends: bytes) -> bytes:
    return hmac.new(key, b"turo signed in until " + ends, hashlib.sha256).hexdigest().encode()
