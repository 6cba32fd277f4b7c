"""Templates to pages: one environment for all of them, in which every value is escaped."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import TYPE_CHECKING, Any

from turo.html.numbers import FILTERS

if TYPE_CHECKING:
    from jinja2 import Environment

SHARED = ("base.html", "front/layout.html", "front/navigation.html")
STYLE = "style.css"


@cache
def environment() -> Environment:
    """The only one. It keeps compiled templates; a value that one asks for and does not get is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    pages = Environment(
        loader=PackageLoader("turo.html", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    pages.filters.update(FILTERS)
    pages.globals["style"] = Markup(_style(pages))  # noqa: S704 - a file of this package
    return pages


def _style(pages: Environment) -> str:
    source, _, _ = pages.loader.get_source(pages, STYLE) if pages.loader else ("", None, None)
    return source


@cache
def style_source() -> str:
    """What a Content-Security-Policy names so that the pages' own style sheet, and no other, is used."""
    return style_hash(_style(environment()))


def style_hash(style: str) -> str:
    """The same of any style sheet: what stands between `<style>` and `</style>`."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def prepare(name: str) -> None:
    """Compile a page's templates now: what answers requests does it at start, so no caller waits."""
    for part in (*SHARED, name):
        environment().get_template(part)


def render(name: str, **values: Any) -> str:
    """The page that a template of this folder makes of the values."""
    return environment().get_template(name).render(**values)
