"""An answer that is a page: its headers say what a browser may do with it, which is little."""

from __future__ import annotations

from collections.abc import Sequence

from turo.html.render import style_source
from turo.serving.http.messages import BODILESS, HTML, Request, Response
from turo.serving.http.problems import Header

SIGN_IN, SIGN_OUT = "/sign-in", "/sign-out"
GUARDS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)


def policy(styles: str = "", scripts: str = "'none'", images: str = "'self'", more: str = "") -> Header:
    """The Content-Security-Policy: nothing from elsewhere, forms only to here, in nobody's frame.

    Args:
        styles: which style sheets may be used; default the one that all pages carry.
        scripts: which scripts may run; default none.
        images: which pictures may be shown.
        more: further directives, e.g. `connect-src 'self'`.
    """
    parts = [
        "default-src 'none'",
        f"style-src {styles or style_source()}",
        f"script-src {scripts}",
        f"img-src {images}",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        *filter(None, [more]),
    ]
    return (b"content-security-policy", "; ".join(parts).encode())


def html_response(
    page: str | bytes, status: int = 200, headers: Sequence[Header] = (), csp: Header | None = None
) -> Response:
    """A page with its guards; `csp` is what `policy` made, by default the strictest."""
    body = page.encode() if isinstance(page, str) else page
    return Response(status, [HTML, csp or policy(), *GUARDS, *headers], body)


def refused_as_page(request: Request) -> bool:
    """Whether a refusal is a page: a person opens one, or sends a form that is posted.

    What sends rows reads `application/problem+json`, whatever its Accept says; so do V2 clients.
    """
    path = request.full_path or request.path
    opens = request.method in BODILESS and "/v2/" not in f"{path}/"
    return request.wants_html and (opens or path.rstrip("/") in {SIGN_IN, SIGN_OUT})
