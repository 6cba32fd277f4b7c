"""The pages' icon, which browsers ask for by themselves."""

from __future__ import annotations

ICON_PATH = "/favicon.ico"
ICON = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8">'
    b'<path fill="#0f766e" d="M0 5h2v3H0zm3-3h2v6H3zm3-2h2v8H6z"/></svg>'
)
ICON_HEADERS = [
    (b"content-type", b"image/svg+xml"),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"max-age=86400"),
]
