"""The API key: checks that a request has it, or the cookie of a browser that had; probes need none."""

from __future__ import annotations

import hmac
import re

from turo.serving.http.messages import BODILESS, Request
from turo.serving.http.problems import Problem
from turo.serving.http.sign_in import PATH as SIGN_IN
from turo.serving.http.signed_in import is_signed_in, refuse_foreign

# Probes bring no key: V2's own, and those that MLflow's server has. Nor does a browser for a page's icon.
OPEN = re.compile(r"/v2/health/(live|ready)/?|(/[^/]+)?/(ping|health)/?|/favicon\.ico")


def check_key(request: Request, key: bytes) -> None:
    """Refuse without the key, where one is set.

    Raises:
        Problem: 401; 403 where a browser that has signed in was made to send this by another site's page.
    """
    if not key or is_open(request):
        return
    given = request.headers.get(b"x-api-key") or bearer(request.headers.get(b"authorization", b""))
    if hmac.compare_digest(given, key):
        return
    if not given and is_signed_in(request, key):
        return refuse_foreign(request)
    detail = "Send the API key as X-API-Key or as a bearer token."
    raise Problem(401, detail, headers=[(b"www-authenticate", b"Bearer")])


def is_open(request: Request) -> bool:
    """Whether a request needs no key: probes, and the form that asks for it."""
    if request.full_path.rstrip("/") == SIGN_IN:
        return True
    return request.method in BODILESS and OPEN.fullmatch(request.full_path) is not None


def bearer(authorization: bytes) -> bytes:
    """The token of an Authorization header, whatever the case of its scheme (RFC 9110); empty for others."""
    scheme, _, token = authorization.partition(b" ")
    return token.strip(b" ") if scheme.lower() == b"bearer" else b""
