"""The cookie of a browser that was given the API key once: derived from the key, so it does not tell it."""

from __future__ import annotations

import hashlib
import hmac
import re
import time

from turo.serving.http.messages import BODILESS, Request
from turo.serving.http.problems import Problem

NAME = b"turo-signed-in"
LASTS_S = 30 * 24 * 3600
VALUE = re.compile(rb"([0-9]{1,12})\.([0-9a-f]{64})")
FOREIGN = "This was sent by another site's page; open the form here and send it again."


def cookie(key: bytes, secure: bool, now: float | None = None) -> bytes:
    """The value of a Set-Cookie header.

    Args:
        secure: whether the browser came over https.
        now: seconds since the epoch; default the clock.
    """
    ends = str(int((time.time() if now is None else now) + LASTS_S)).encode()
    parts = [NAME + b"=" + ends + b"." + _mark(key, ends), b"Path=/", b"HttpOnly", b"SameSite=Strict"]
    parts += [b"Max-Age=" + str(LASTS_S).encode()] + ([b"Secure"] if secure else [])
    return b"; ".join(parts)


def is_signed_in(request: Request, key: bytes, now: float | None = None) -> bool:
    """Whether the request carries the cookie of this key, and it has not ended."""
    found = False
    for part in request.headers.get(b"cookie", b"").split(b";"):
        name, _, value = part.strip().partition(b"=")
        fits = VALUE.fullmatch(value) if name == NAME else None
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
    origin = request.headers.get(b"origin")
    if site is not None and site != b"same-origin":
        raise Problem(403, FOREIGN)
    if origin is not None and origin.rpartition(b"//")[2] not in hosts(request):
        raise Problem(403, FOREIGN)
    if must_tell and site is None and origin is None:
        raise Problem(403, FOREIGN)


def hosts(request: Request) -> set[bytes]:
    """How the browser may call this server: by the host it asked, also of a proxy in front."""
    return {request.headers.get(b"host", b""), request.forwarded(b"host")} - {b""}


def _mark(key: bytes, ends: bytes) -> bytes:
    return hmac.new(key, b"turo signed in until " + ends, hashlib.sha256).hexdigest().encode()
