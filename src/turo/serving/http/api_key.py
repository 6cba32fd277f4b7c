"""The API key: checks that a request has it; probes need none."""

from __future__ import annotations

import hmac
import re

from turo.serving.http.messages import BODILESS, Request
from turo.serving.http.problems import Problem

# Probes bring no key: V2's own, and those that MLflow's server has.
OPEN = re.compile(r"/v2/health/(live|ready)/?|(/[^/]+)?/(ping|health)/?")


def check_key(request: Request, key: bytes) -> None:
    """Refuse without the key, where one is set.

    Raises:
        Problem: 401.
    """
    if not key or (request.method in BODILESS and OPEN.fullmatch(request.full_path)):
        return
    given = request.headers.get(b"x-api-key") or bearer(request.headers.get(b"authorization", b""))
    if not hmac.compare_digest(given, key):
        detail = "Send the API key as X-API-Key or as a bearer token."
        raise Problem(401, detail, headers=[(b"www-authenticate", b"Bearer")])


def bearer(authorization: bytes) -> bytes:
    """The token of an Authorization header, whatever the case of its scheme (RFC 9110); empty for others."""
    scheme, _, token = authorization.partition(b" ")
    return token.strip(b" ") if scheme.lower() == b"bearer" else b""
