"""`/docs`: Swagger UI on the project's own OpenAPI document, and the files that it and models' pages load.

All of it comes from this server, Swagger UI out of its Python package: the page works without the internet,
and nobody else learns that it was opened.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from turo import html
from turo.html.render import render
from turo.serving.api.openapi import openapi
from turo.serving.http.html_page import html_response, policy
from turo.serving.http.messages import Request, Response, allow
from turo.serving.http.problems import TITLES, Problem, shown

DOCS = "/docs"
TEMPLATE = "docs.html"

ASSETS = f"{DOCS}/assets/"
PACKAGE = "flask_swagger_ui"  # only its files are used: it is found, not imported
SWAGGER_UI = ("swagger-ui-bundle.js", "swagger-ui.css")
OWN = ("docs.js", "docs.css", "model.js")
HELPS = {
    400: "The body is no JSON, or not in UTF-8: send it again as it should be.",
    401: "Send the API key as X-API-Key or as a bearer token; a browser is asked for it by a form.",
    403: "Open the form on this server's own page and send it from there.",
    404: "The detail names what there is: models, vehicles, dates.",
    405: "The header Allow names the methods that are taken.",
    408: "The request came too slowly: send it again, in one go.",
    409: "Train on the present table (the DAG prepare_data), or put the table back that the model knows.",
    413: "Send fewer rows at a time; SERVE_MAX_BYTES and SERVE_MAX_ROWS say how many are taken.",
    415: "Send application/json in UTF-8, not compressed.",
    422: "The errors name row, column, what was expected and what came.",
    500: "The server's log says why, under the answer's request_id.",
    502: "The model's process ended under the request: send it again.",
    503: "Too many requests wait, or a model or table is exchanged: try again after Retry-After seconds.",
    504: "The answer took too long: send it again, with fewer rows.",
}
TYPES = {".js": b"text/javascript; charset=utf-8", ".css": b"text/css; charset=utf-8"}


class Asset(NamedTuple):
    """A file's bytes, its media type, and its entity tag."""

    content: bytes
    kind: bytes
    tag: bytes


def docs_page(models: list[str], request: Request) -> Response:
    """Swagger UI; and, for those without script, every route with its purpose and what each refusal means.

    Args:
        request: who asks, and below which path of another server.
    """
    routes = [
        (method.upper(), path, operation["summary"])
        for path, item in openapi(dict.fromkeys(models))["paths"].items()
        for method, operation in item.items()
        if method in ("get", "post")
    ]
    refusals = [(status, title, HELPS[status]) for status, title in TITLES.items()]
    page = render(
        TEMPLATE,
        models=models,
        routes=routes,
        refusals=refusals,
        assets=ASSETS,
        prefix=request.prefix,
        signed_in=request.signed_in,
        here="docs",
    )
    # Swagger UI writes `style` attributes into its markup, which a policy can only allow as a whole.
    styles, images = "'self' 'unsafe-inline'", "'self' data:"
    csp = policy(styles=styles, scripts="'self'", images=images, more="connect-src 'self'")
    return html_response(page, csp=csp)


def asset_response(request: Request) -> Response:
    """A file below `ASSETS`; 304 where the browser holds it as it is.

    Raises:
        Problem: 404, there is no such file; 405.
    """
    allow(request, "GET")
    name = request.path.removeprefix(ASSETS)
    if name not in (*SWAGGER_UI, *OWN):
        raise Problem(404, f"{shown(name)} is no file of the documentation; GET /docs has the page.")
    asset = load(name)
    headers = [
        (b"etag", asset.tag),
        (b"cache-control", b"private, no-cache"),  # asks each time, and is told 304: right after an upgrade
        (b"x-content-type-options", b"nosniff"),
    ]
    if asset.tag in request.headers.get(b"if-none-match", b""):
        return Response(304, headers, b"")
    return Response(200, [(b"content-type", asset.kind), *headers], asset.content)


@cache
def load(name: str) -> Asset:
    """A file, read once.

    Raises:
        Problem: 404, the package is not installed.
    """
    content = (folder_of(name) / name).read_bytes()
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return Asset(content, TYPES[Path(name).suffix], tag.encode())


def folder_of(name: str) -> Path:
    """Where a file lies."""
    if name in OWN:
        return Path(html.__file__).parent / "assets"
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        said = "The package flask-swagger-ui is not installed here"
        raise Problem(
            404, f"{said}: install the extra `ml`. The list of routes on /docs needs nothing of it."
        )
    return Path(spec.origin).parent / "dist"
