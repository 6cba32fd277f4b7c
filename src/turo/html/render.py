"""Templates to pages: one environment for all of them, in which every value is escaped."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from turo.html.numbers import FILTERS

if TYPE_CHECKING:
    from jinja2 import Environment

SHARED = ("base.html", "style.css")


@cache
def environment() -> Environment:
    """The only one. It keeps compiled templates; a value that one asks for and does not get is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    pages = Environment(
        loader=PackageLoader("turo.html", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    pages.filters.update(FILTERS)
    return pages


def prepare(name: str) -> None:
    """Compile a page's templates now: what answers requests does it at start, so no caller waits."""
    for part in (*SHARED, name):
        environment().get_template(part)


def render(name: str, **values: Any) -> str:
    """The page that a template of this folder makes of the values."""
    return environment().get_template(name).render(**values)
