"""What is served: the list at `/`, documentation, and who answers which V2 route."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from turo.serving import v2
from turo.serving.docs import docs_page, openapi
from turo.serving.messages import HTML, Request, Response, allow, json_response
from turo.serving.problems import Header, Problem, shown
from turo.serving.spec import ModelSpec

Forward = Callable[[str, Request], Awaitable[Response]]


class Directory:
    """Answers `/`, `/docs`, `/openapi.json` and `/v2…`; `forward` reaches a model by name."""

    headers: list[Header] = []  # noqa: RUF012 - the same empty list for all

    def __init__(self, forward: Forward) -> None:
        self.forward = forward
        self.models: dict[str, ModelSpec] = {}

    async def handle(self, request: Request) -> Response:
        """Route one request."""
        path = request.path.rstrip("/") or "/"
        if path.startswith("/v2/models/"):
            name = path.split("/")[3]
            if name not in self.models:
                known = ", ".join(self.models) or "none"
                raise Problem(404, f"Model {shown(name)} is not served; served are {known}.")
            return await self.forward(name, request)
        content = self.page(path, request)
        if content is None:
            raise Problem(404, f"{request.full_path or path} does not exist; GET / lists what does.")
        allow(request, "GET")
        return content

    def page(self, path: str, request: Request) -> Response | None:
        """The pages that need no model."""
        names = list(self.models)
        if path == "/docs":
            return Response(200, [HTML], docs_page(names))
        if path == "/v2/health/ready":
            return json_response({"ready": bool(names)}, 200 if names else 503)
        contents: dict[str, Callable[[], dict[str, Any]]] = {
            "/": lambda: {"models": [self.entry(m, request.base_url) for m in self.models.values()]},
            "/openapi.json": lambda: openapi(names),
            "/v2": lambda: v2.SERVER,
            "/v2/health/live": lambda: {"live": True},
        }
        return json_response(contents[path]()) if path in contents else None

    def entry(self, model: ModelSpec, base_url: str) -> dict[str, Any]:
        """One line of the list."""
        url = f"{base_url}/{model.name}"
        links = {"predict": url, "forecast": f"{url}/forecast", "schema": f"{url}/schema"}
        return {"name": model.name, "version": model.version, "run_id": model.run_id, "links": links}
