"""The form that asks a browser for the API key, once, and the answer to it."""

from __future__ import annotations

import hmac
import re
from http import HTTPStatus
from urllib.parse import parse_qsl, quote

from turo.html.render import render
from turo.serving.http.body_limits import refuse_longer
from turo.serving.http.html_page import SIGN_IN as PATH
from turo.serving.http.html_page import html_response
from turo.serving.http.messages import Request, Response
from turo.serving.http.problems import Header
from turo.serving.http.signed_in import cookie, no_cookie, refuse_foreign

LONGEST = 16 << 10  # bytes of the form
TEMPLATE = "front/sign-in.html"
CHALLENGE: Header = (b"www-authenticate", b"Bearer")
HERE = re.compile(r"/(?![/\\])[^\x00-\x20\x7f\\]*")  # a path of this server, not the address of another
WRONG = "This is not the API key of this server. It is SERVE_API_KEY in .env."


def sign_in_page(request: Request) -> Response:
    """401 with the form, 200 where the form was asked for; after it the browser goes on to what it wanted."""
    asked = request.full_path or "/"
    if asked.rstrip("/") == PATH:
        return _form(request, local(request.parameters.get("next", "/")), 200)
    return _form(request, local(f"{quote(asked)}?{request.query}".rstrip("?")), 401)


def sign_in(request: Request, key: bytes) -> Response:
    """The answer to the form: 303 with the cookie, or the form again.

    Raises:
        Problem: 403, the form was sent by another site's page; 413, it is no such form.
    """
    refuse_foreign(request, must_tell=False)
    refuse_longer(len(request.body), LONGEST)  # before it is taken apart: who sends it has no key yet
    given = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    onward = local(given.get("next", "/"))
    if key and not hmac.compare_digest(given.get("key", "").encode(), key):
        return _form(request, onward, 401, WRONG)
    return _onward(request, onward, cookie(key, _is_secure(request), prefix=request.prefix) if key else b"")


def sign_out(request: Request, key: bytes) -> Response:
    """303 to the home page, which asks for the key again: the browser forgets the cookie.

    Raises:
        Problem: 403, the form was sent by another site's page.
    """
    refuse_foreign(request, must_tell=False)
    return _onward(request, "/", no_cookie(key, _is_secure(request), request.prefix))


def local(path: str) -> str:
    """The path, where it is one of this server; else the home page."""
    return path if path.isascii() and HERE.fullmatch(path) else "/"


def _is_secure(request: Request) -> bool:
    return request.base_url.startswith("https://")


def _onward(request: Request, place: str, told: bytes) -> Response:
    headers = [(b"location", f"{request.prefix}{place}".encode()), (b"cache-control", b"no-store")]
    return Response(303, [*headers, *([(b"set-cookie", told)] if told else [])], b"")


def _form(request: Request, onward: str, status: int, said: str = "") -> Response:
    page = render(TEMPLATE, prefix=request.prefix, onward=onward, said=said)
    return html_response(page, status, [CHALLENGE] if status == HTTPStatus.UNAUTHORIZED else [])
