"""The routes of the front door: `/` for browsers, `/report…`, `/vehicles…`, `/sign-in`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from turo import last_runs
from turo.html.render import prepare
from turo.serving.front.attention import notices, with_findings
from turo.serving.front.fleet_files import FleetFolder
from turo.serving.front.fleet_view import fleet_view
from turo.serving.front.model_question import Forward, ask
from turo.serving.front.operator_findings import OperatorFinding
from turo.serving.front.page_maker import WHEN, PageMaker
from turo.serving.front.pipeline_notes import WATCHED, Notices, Watched, pipeline_notes
from turo.serving.front.report_pages import PAGES, report_page, report_rows
from turo.serving.front.served import Served, Service
from turo.serving.front.services import links
from turo.serving.front.vehicles.vehicle_list import near, vehicle_page
from turo.serving.front.vehicles.vehicle_view import vehicle_view
from turo.serving.http.html_page import SIGN_IN, SIGN_OUT
from turo.serving.http.icon import ICON, ICON_HEADERS, ICON_PATH
from turo.serving.http.messages import Request, Response, allow
from turo.serving.http.problems import shown
from turo.serving.http.sign_in import sign_in, sign_in_page, sign_out
from turo.table.names import TRACK_RECORD_PAGE, VEHICLE_KEYS

HOME, VEHICLES, VEHICLE = (f"front/{name}.html" for name in ("home", "vehicles", "vehicle"))
PLATES = "Pages know no plates: vehicle_keys.csv in the data folder says which id a plate has."


class Front(PageMaker):
    """Makes the pages.

    Args:
        folder: what the forecast wrote.
        services: the other services' links.
        api_key: of the routes; empty where none is wanted.
        now: UTC without zone; default the clock.
        watched: the input files as the settings ask for them.
    """

    def __init__(
        self,
        folder: FleetFolder,
        services: Sequence[Service] = (),
        api_key: str = "",
        now: Callable[[], datetime] = lambda: datetime.now(UTC).replace(tzinfo=None),
        watched: Watched = WATCHED,
    ) -> None:
        super().__init__(folder, now, api_key)
        for name in (HOME, VEHICLES, VEHICLE):
            prepare(name)
        self.services = list(services)
        self.watched = watched
        self.findings: Callable[[], Sequence[OperatorFinding]] = tuple  # of the doctor; may wait a moment

    def a_vehicle(self) -> str:
        """The id of one that can be forecast, for an example; empty while none is known."""
        files = self.folder.now()
        return min(files.ids, default="") if files else ""

    def knows(self, request: Request) -> bool:
        """Whether it is one of its routes; `/` is one for browsers."""
        path = request.path
        if not path:
            return request.wants_html and request.method in ("GET", "HEAD")
        return path in (*PAGES, "/vehicles", SIGN_IN, SIGN_OUT, ICON_PATH) or path.startswith(
            ("/vehicles/", "/report/")
        )

    async def handle(self, request: Request, served: Served, forward: Forward) -> Response:
        """The page, made beside the loop.

        Raises:
            Problem: 403, 404, 405.
        """
        path = request.path
        if path in {SIGN_IN, SIGN_OUT}:
            return self.key_form(path, request)
        allow(request, "GET")
        if path.startswith("/vehicles/"):
            return await self.asked(request, served, path.removeprefix("/vehicles/"), forward)
        return await asyncio.to_thread(self.without_model, path, request, served)

    def key_form(self, path: str, request: Request) -> Response:
        """The form that asks for the key, what it sends, and the one that makes the browser forget it."""
        allow(request, "GET", "POST")
        posted = request.method == "POST"
        if not self.api_key or (path == SIGN_OUT and not posted):
            return Response(303, [(b"location", f"{request.prefix}/".encode())], b"")
        if not posted:
            return sign_in_page(request)
        return (sign_in if path == SIGN_IN else sign_out)(request, self.api_key.encode())

    def without_model(self, path: str, request: Request, served: Served) -> Response:
        """The pages that no model is asked for."""
        if path == ICON_PATH:
            return Response(200, ICON_HEADERS, ICON)
        if path.startswith("/report/"):
            return report_rows(self.folder, path.removeprefix("/report/"))
        if path in PAGES:
            if request.full_path.endswith("/"):  # from there relative links would lead nowhere
                return Response(303, [(b"location", f"{request.prefix}{path}".encode())], b"")
            page = report_page(self.folder, PAGES[path], request, self.notes(served))
            return page or self.none_yet(request)
        return self.vehicles(request, served) if path else self.home(request, served)

    async def asked(self, request: Request, served: Served, vehicle_id: str, forward: Forward) -> Response:
        """A vehicle's page, with a model's answer where its form was sent."""
        names = [model.name for model in served.models]
        files = await asyncio.to_thread(self.folder.now)
        known = files is not None and vehicle_id in files.ids
        answer = await ask(forward, names, vehicle_id, request, self.api_key) if known else None
        return await asyncio.to_thread(self.vehicle, request, served, vehicle_id, answer)

    def home(self, request: Request, served: Served) -> Response:
        """What is served, the fleet at a glance, what needs attention, where to go on."""
        files, now = self.folder.now(), self.now()
        place = None if self.folder.is_address else self.folder.folder
        runs = last_runs.read(place) if place else []
        pipeline = pipeline_notes(place, now, self.watched) if place else Notices([], [])
        return self.page(
            HOME,
            request,
            here="home",
            served=served,
            fleet=fleet_view(files) if files else None,
            track_record=self.folder.has(TRACK_RECORD_PAGE),
            notices=with_findings(
                notices(served, files, self.folder.problems, pipeline, now), self.findings()
            ),
            runs=runs,
            now=now,
            when=WHEN,
            secured=bool(self.api_key),
            services=links(self.services, request.base_url),
        )

    def vehicles(self, request: Request, served: Served) -> Response:
        """The list, or onward to the one vehicle that a form names."""
        given = request.parameters
        if wanted := given.get("vehicle_id", "").strip():
            more = {name: given[name] for name in ("model", "origin") if given.get(name)}
            query = f"?{urlencode(more)}" if more else ""
            answer = "#answer" if "model" in more else ""  # far down the page, and what was asked for
            place = f"{request.prefix}/vehicles/{quote(wanted, safe='')}{query}{answer}"
            return Response(303, [(b"location", place.encode())], b"")
        files = self.folder.now()
        if files is None:
            return self.none_yet(request)
        query = given.get("q", "")
        found = vehicle_page(files, query, given.get("page", ""))
        ways = {n: urlencode({"q": query, "page": n}) for n in (found.number - 1, found.number + 1)}
        return self.page(
            VEHICLES,
            request,
            here="vehicles",
            notes=self.notes(served),
            files=files,
            found=found,
            query=query,
            hint="" if found.rows else self.by_plate(),
            ways=ways,
            model=given.get("model", ""),
        )

    def by_plate(self) -> str:
        """Where a host who knows a plate finds the id, where plates are kept; pages never show one."""
        return PLATES if self.folder.has(VEHICLE_KEYS) else ""

    def vehicle(
        self, request: Request, served: Served, vehicle_id: str, answer: dict[str, Any] | None
    ) -> Response:
        """One vehicle; 404 with those that may have been meant."""
        files = self.folder.now()
        if files is None:
            return self.none_yet(request)
        view = vehicle_view(files, vehicle_id)
        if view is None:
            said = f"No vehicle {shown(vehicle_id)} is in the newest forecast, of {files.origin:%d %b %Y}."
            said = f"{said} {self.by_plate()}".rstrip()
            return self.missing(request, served, "Unknown vehicle", said, near(files, vehicle_id))
        given = request.parameters
        asked = {"model": given.get("model", ""), "origin": given.get("origin", "")}
        return self.page(
            VEHICLE,
            request,
            here="",
            notes=self.notes(served),
            files=files,
            view=view,
            served=served,
            answer=answer,
            asked=asked,
        )
