"""What all pages of the front door share: frame, notes, and the page that says what is not there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from turo.html.render import prepare, render
from turo.serving.front.attention import state_notes
from turo.serving.front.fleet_files import FleetFolder
from turo.serving.front.served import Served
from turo.serving.http.html_page import html_response
from turo.serving.http.messages import Request, Response
from turo.serving.http.problems import TITLES, Problem, shown

MESSAGE = "front/message.html"
NO_FORECAST = "There is no forecast yet."
WHEN = (
    "The first one is made by itself after the first models serve. By hand: the DAG forecast_fleet in "
    "Airflow, or `turo forecast`."
)


class PageMaker:
    """Makes pages of templates.

    Args:
        folder: what the forecast wrote.
        now: UTC without zone.
        api_key: of the routes; empty where none is wanted.
    """

    def __init__(self, folder: FleetFolder, now: Callable[[], datetime], api_key: str) -> None:
        prepare(MESSAGE)
        self.folder = folder
        self.now = now
        self.api_key = api_key

    def none_yet(self, request: Request) -> Response:
        """Instead of a page that needs a forecast."""
        said = " ".join([NO_FORECAST, *(self.folder.problems or [WHEN])])
        return self.missing(request, None, "No forecast yet", said)

    def missing(
        self,
        request: Request,
        served: Served | None,
        title: str,
        said: str,
        meant: Sequence[dict[str, Any]] = (),
    ) -> Response:
        """A page that is not there.

        Raises:
            Problem: 404 to a program.
        """
        if not request.wants_html:
            perhaps = ", ".join(shown(row["vehicle_id"]) for row in meant)
            raise Problem(404, f"{said} Perhaps one of these is meant: {perhaps}." if perhaps else said)
        notes = self.notes(served) if served else []
        return self.message(request, title, said, 404, meant=meant, notes=notes)

    def notes(self, served: Served) -> list[str]:
        """What is wrong with the forecast shown: told on each page that shows it."""
        return state_notes(served, self.folder.now(), self.folder.problems, self.now())

    def refusal(self, problem: Problem, request: Request) -> Response:
        """A refusal as a page."""
        status, headers, body = self.message(
            request, TITLES.get(problem.status, "Error"), problem.detail, problem.status
        )
        return Response(status, [*headers, *problem.headers], body)

    def message(self, request: Request, title: str, said: str, status: int, **more: Any) -> Response:
        """A page of one sentence; `more`: `meant`, `notes`."""
        values = {"meant": (), **more}
        return self.page(MESSAGE, request, status, here="", title=title, said=said, **values)

    def page(self, name: str, request: Request, status: int = 200, **values: Any) -> Response:
        content = render(name, prefix=request.prefix, link=link, signed_in=request.signed_in, **values)
        return html_response(content, status)


def link(vehicle_id: str) -> str:
    """The path of a vehicle's page, whatever its id is made of."""
    return f"/vehicles/{quote(vehicle_id, safe='')}"
