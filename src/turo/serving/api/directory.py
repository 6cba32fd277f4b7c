"""The routes of the catalog: the list of models at `/`, documentation, and V2 requests by model name.

A model's own routes come here only while the proxy knows no replica of it: after a restart, for instance.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import orjson

from turo.html.render import prepare
from turo.serving.api import fleet_check, mlflow_paths
from turo.serving.api.docs import ASSETS, DOCS, TEMPLATE, asset_response, docs_page
from turo.serving.api.model_info import warning
from turo.serving.api.openapi import openapi
from turo.serving.forms import v2
from turo.serving.front.pages import Front
from turo.serving.front.served import Served, ServedModel
from turo.serving.http.asgi import App
from turo.serving.http.html_page import refused_as_page
from turo.serving.http.messages import Request, Response, allow, json_response, version_headers
from turo.serving.http.problems import Header, Problem, overloaded, shown
from turo.serving.serve_config import ModelSpec

AWAITED_RETRY_S = 10

Forward = Callable[[str, Request], Awaitable[Response]]


class Directory:
    """Answers `/`, `/docs`, `/openapi.json` and `/v2…`; `forward` reaches a model by name.

    Args:
        forward: raises a Problem where the model does not answer.
        secured: whether the documentation says that an API key is wanted.
        front: the pages for people; None for a server without them.
    """

    headers: list[Header] = []  # noqa: RUF012 - the same empty list for all

    def __init__(self, forward: Forward, secured: bool = False, front: Front | None = None) -> None:
        prepare(TEMPLATE)
        self.forward = forward
        self.secured = secured
        self.front = front
        self.models: dict[str, ModelSpec] = {}
        self.awaited: tuple[str, ...] = ()  # configured, without a version so far
        self.below_baseline: tuple[str, ...] = ()
        self.refused: dict[str, dict[str, str]] = {}  # by model the version that could not be served, and why
        self.manifest: dict[str, Any] = {}  # of the prepared table

    async def handle(self, request: Request) -> Response:
        """Route one request."""
        if self.front and self.front.knows(request):
            return await self.front.handle(request, self.served(), self.forward)
        path = request.path.rstrip("/") or "/"
        if path.startswith("/v2/models/"):
            name = path.split("/")[3]
            if not self.knows(name):
                raise Problem(404, f"Model {shown(name)} is not served; {self.hint(name)}")
            return await self.forward(name, request)
        if path == "/openapi.json":
            allow(request, "GET")
            rows = {model: await self.schema(model, request) for model in self.models}
            said = {model.name: self.said(model) for model in self.models.values()}
            vehicle = await asyncio.to_thread(self.front.a_vehicle) if self.front else ""
            return json_response(openapi(rows, self.secured, said, request.prefix, vehicle))
        if path == "/":
            allow(request, "GET")
            return json_response(await asyncio.to_thread(self.listed, request.base_url))
        content = self.page(path, request)
        _, name, *below = path.split("/")
        if content is None and self.knows(name):
            return await self.forward(name, replace(request, path="".join(f"/{part}" for part in below)))
        if content is None:
            asked = request.full_path or path
            raise Problem(404, f"{asked} does not exist; GET / lists what does, {self.hint(name)}")
        allow(request, "GET")
        return content

    def knows(self, name: str) -> bool:
        """Is this a model that is served?

        Raises:
            Problem: 503, it will be, once its first version is trained.
        """
        if name in self.awaited:
            detail = f"{name} has no version to serve yet; its training may still be under way."
            raise overloaded(detail, retry_after_s=AWAITED_RETRY_S)
        return name in self.models

    def hint(self, name: str) -> str:
        """Which models there are, and which of them was meant by a name in another case."""
        meant = [f"; names are case-sensitive: {known}" for known in self.models if alike(known, name)]
        return f"served are {', '.join(self.models) or 'none'}{''.join(meant)}."

    async def schema(self, name: str, request: Request) -> dict[str, Any] | None:
        """What a model says of its rows; None while it does not answer. `request` brings the caller's key."""
        try:
            answer = await self.forward(name, replace(request, method="GET", path="/schema", body=b""))
        except Problem:
            return None
        schema: dict[str, Any] = orjson.loads(answer.body)
        return schema if answer.status == HTTPStatus.OK else None

    def headers_of(self, path: str) -> list[Header]:
        """Version and run of the model that a path names, and the mark of another fleet."""
        model = self.models.get(path.removeprefix("/v2/models").lstrip("/").split("/")[0])
        if model is None:
            return []
        kind = fleet_check.foreign(model.trained_on, self.manifest)
        marks = [(fleet_check.HEADER, kind)] if kind else []
        return [*version_headers(model.version, model.run_id), *marks]

    def compare(self, manifest: dict[str, Any]) -> None:
        """From now on hold the models against the prepared table of which this is the manifest."""
        self.manifest = manifest

    def warning(self, model: ModelSpec) -> str | None:
        """What the model says of itself as well."""
        difference = fleet_check.difference(model.trained_on, self.manifest)
        return warning(difference, model.name in self.below_baseline)

    def served(self) -> Served:
        """What the pages for people are told."""
        found = []
        for model in self.models.values():
            told = fleet_check.told(model.trained_on) or {}
            fleet, snapshot = told.get("label", ""), str(told.get("snapshot") or "")
            below = model.name in self.below_baseline
            other = warning(fleet_check.difference(model.trained_on, self.manifest), below_baseline=False)
            found.append(ServedModel(model.name, model.version, model.run_id, fleet, snapshot, other, below))
        return Served(found, self.awaited, self.refused, self.manifest)

    def said(self, model: ModelSpec) -> str:
        """The model's fleet and warning, for the documentation."""
        told = fleet_check.told(model.trained_on)
        trained = (
            f"Version {model.version}, trained on {told['label']}." if told else f"Version {model.version}."
        )
        return " ".join(filter(None, (trained, self.warning(model))))

    def page(self, path: str, request: Request) -> Response | None:
        """The pages that need no model."""
        names = list(self.models)
        if path == DOCS:
            return docs_page(names, request)
        if path.startswith(ASSETS):
            return asset_response(request)
        if (reply := mlflow_paths.reply(replace(request, path=path), bool(names))) is not None:
            return reply
        if path == "/v2/health/ready":
            return json_response({"ready": bool(names)}, 200 if names else 503)
        contents: dict[str, dict[str, Any]] = {"/v2": v2.SERVER, "/v2/health/live": {"live": True}}
        return json_response(contents[path]) if path in contents else None

    def listed(self, base_url: str) -> dict[str, Any]:
        """The models, and what needs attention; may wait a moment for that."""
        models = [self.entry(model, base_url) for model in self.models.values()]
        attention = [one.plain() for one in self.front.findings()] if self.front else []
        version = self.front.folder.code_version if self.front else ""
        return {"models": models, "attention": attention, "code_version": version}

    def entry(self, model: ModelSpec, base_url: str) -> dict[str, Any]:
        """One line of the list."""
        url = f"{base_url}/{model.name}"
        links = {"predict": url, "forecast": f"{url}/forecast", "schema": f"{url}/schema"}
        return {
            "name": model.name,
            "version": model.version,
            "run_id": model.run_id,
            "fleet": fleet_check.told(model.trained_on),
            "warning": self.warning(model),
            "links": links,
        }


def alike(known: str, name: str) -> bool:
    """Whether a name differs from a known one in the case of its letters only."""
    return known != name and known.casefold() == name.casefold()


class DirectoryApp(App):
    """The ASGI application around a directory."""

    def refusal(self, problem: Problem, request: Request) -> Response:
        """Tells version and run of the model asked for, though the request never reached it."""
        front = self.service.front
        if front and refused_as_page(request) and problem.status != HTTPStatus.UNAUTHORIZED:
            return front.refusal(problem, request)
        status, headers, body = super().refusal(problem, request)
        return Response(status, [*headers, *self.service.headers_of(request.path)], body)
