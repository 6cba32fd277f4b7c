"""`report/made.json` as pages may use it: looked over before anything in it is believed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from turo.forecast.output.report_files import FORM, MADE

TEXTS = ("snapshot", "code_version", "data_digest")


class MixedError(ValueError):
    """A file that does not belong to its set, or is not of its form; the argument is its name."""


def made_of(content: bytes) -> dict[str, Any]:
    """What the file says; of another form than this version's only which one: its tables are not known.

    Raises:
        MixedError: it has not the shape of its form.
    """
    try:
        made = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise MixedError(MADE) from error
    if not isinstance(made, dict):
        raise MixedError(MADE)
    if made.get("form") != FORM:
        return {"form": made.get("form")}
    for part in ("files", "beside"):
        named = made.setdefault(part, {})
        if not isinstance(named, dict) or not all(_fits(*pair) for pair in named.items()):
            raise MixedError(MADE)
    if any(not isinstance(made.get(name), str | None) for name in TEXTS):
        raise MixedError(MADE)
    return made


def _fits(name: str, digest: object) -> bool:
    """A plain name of a file, and text for its digest."""
    return isinstance(digest, str) and name == Path(name).name and name.isprintable() and bool(name)
