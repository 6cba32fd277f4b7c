"""The report as a run wrote it, and the rows behind it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from turo.html.render import render, style_hash
from turo.serving.front.fleet_files import FleetFolder
from turo.serving.http.html_page import html_response, policy
from turo.serving.http.messages import Request, Response
from turo.serving.http.problems import Header, Problem, overloaded, shown
from turo.table.names import REPORT, TRACK_RECORD_PAGE

REPORT_PAGE = "report.html"
PAGES = {f"/{name}": name for name in (REPORT_PAGE, TRACK_RECORD_PAGE)} | {"/report": REPORT_PAGE}
ABOVE = "front/above-report.html"
ANOTHER = (
    "{} is not the file that belongs to the forecast shown: a newer one is being written, or it was changed "
    "by hand. Try again shortly."
)
RETRY_S = 10
STYLES = re.compile(r"<style>(.*?)</style>", re.DOTALL)
CSV: list[Header] = [
    (b"content-type", b"text/csv; charset=utf-8"),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
]


def report_page(
    folder: FleetFolder, name: str, request: Request, notes: Sequence[str] = ()
) -> Response | None:
    """A page of the data folder, None before the first one.

    Its own style sheets are named by their digests and no script runs, whichever version wrote it. The ways
    to the other pages and what is wrong with the forecast come first; its own text stays as it is.

    Args:
        request: who asks, and below which path of another server.
        notes: what is wrong.
    """
    content = folder.content(name)
    if content is None:
        return None
    page = content.decode("utf-8", "replace")
    styles = " ".join(style_hash(style) for style in STYLES.findall(page)) or "'none'"
    here = "report" if name == REPORT_PAGE else ""
    above = render(ABOVE, prefix=request.prefix, here=here, signed_in=request.signed_in, problems=notes)
    head, body, rest = page.partition("<body>")
    page = f"{head}{body}{above}{rest}" if body else f"{above}{page}"
    return html_response(page, csp=policy(styles))


def report_rows(folder: FleetFolder, name: str) -> Response:
    """A file of the folder `report/`, where the newest forecast names it.

    Raises:
        Problem: 404, naming those that there are; 503, the file is of another forecast than the pages.
    """
    files = folder.now()
    known: dict[str, str] = files.made.get("files", {}) if files else {}
    content = folder.content(f"{REPORT}/{Path(name).name}") if name in known else None
    if content is None:
        there = f"; there are {', '.join(sorted(known))}" if known else ""
        raise Problem(404, f"No rows {shown(name)} are behind the report{there}.")
    if hashlib.sha256(content).hexdigest() != known[name]:
        raise overloaded(ANOTHER.format(name), retry_after_s=RETRY_S)
    return Response(200, [*CSV, (b"content-disposition", f'attachment; filename="{name}"'.encode())], content)
