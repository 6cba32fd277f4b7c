"""The form that asks a browser for the API key, once, and the answer to it."""

from __future__ import annotations

import hmac
import re
from urllib.parse import parse_qsl

from turo.html.render import render
from turo.serving.http.html_page import html_response
from turo.serving.http.messages import Request, Response
from turo.serving.http.problems import Header
from turo.serving.http.signed_in import cookie, refuse_foreign

PATH = "/sign-in"
TEMPLATE = "front/sign-in.html"
CHALLENGE: Header = (b"www-authenticate", b"Bearer")
HERE = re.compile(r"/(?![/\\])[^\x00-\x20\x7f\\]*")  # a path of this server, not the address of another
WRONG = "This is not the API key of this server. It is SERVE_API_KEY in .env."


def sign_in_page(request: Request, wrong: bool = False) -> Response:
    """401 with the form; after it the browser goes on to what it asked for."""
    asked = request.full_path or "/"
    if asked.rstrip("/") == PATH:
        asked = request.parameters.get("next", "/")
    elif request.query:
        asked = f"{asked}?{request.query}"
    return _form(request, local(asked), WRONG if wrong else "")


def sign_in(request: Request, key: bytes) -> Response:
    """The answer to the form: 303 with the cookie, or the form again.

    Raises:
        Problem: 403, the form was sent by another site's page.
    """
    refuse_foreign(request, must_tell=False)
    given = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    onward = local(given.get("next", "/"))
    if key and not hmac.compare_digest(given.get("key", "").encode(), key):
        return _form(request, onward, WRONG)
    secure = request.base_url.startswith("https://")
    headers = [(b"location", f"{request.prefix}{onward}".encode()), (b"cache-control", b"no-store")]
    return Response(303, [*headers, *([(b"set-cookie", cookie(key, secure))] if key else [])], b"")


def local(path: str) -> str:
    """The path, where it is one of this server; else the home page."""
    return path if path.isascii() and HERE.fullmatch(path) else "/"


def _form(request: Request, onward: str, said: str) -> Response:
    page = render(TEMPLATE, prefix=request.prefix, onward=onward, said=said)
    return html_response(page, 401, [CHALLENGE])
