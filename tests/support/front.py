"""The catalog's application before one model, without the network that lies between them."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import uvloop
from served import LIMITS, NAME, full_row, tiny_predictor

from turo.serving.api.directory import Directory, DirectoryApp
from turo.serving.http.asgi import App
from turo.serving.http.messages import Request, Response
from turo.serving.http.problems import overloaded
from turo.serving.serve_config import ModelSpec

SPEC = ModelSpec(name=NAME, version="7", run_id="run-7", model_uri="models:/m-7")


def front_door(api_key: str = "") -> App:
    """The catalog's application before one model, without the network that lies between them."""
    model = App(tiny_predictor(), LIMITS, api_key=api_key)

    async def forward(name: str, request: Request) -> Response:
        if name != NAME:
            raise overloaded(f"{name} does not answer now.")
        answer = await model.answer(request)
        return Response(answer.status, [*answer.headers, *model.service.headers], answer.body)

    directory = Directory(forward, secured=bool(api_key))
    directory.awaited = ("Coming",)
    directory.models = {NAME: SPEC, "Away": SPEC.model_copy(update={"name": "Away"})}
    return DirectoryApp(directory, LIMITS, api_key=api_key)


def ask(method: str, path: str, api_key: str = "", **more: Any) -> httpx.Response:
    """One request on the event loop that replicas run on: it is stricter than Python's own."""

    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(front_door(api_key))
        async with httpx.AsyncClient(transport=transport, base_url="http://served:8000") as client:
            return await client.request(method, path, **more)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(once())


def tensors(rows: int) -> dict[str, Any]:
    kinds = {name: "BYTES" if isinstance(value, str) else "FP64" for name, value in full_row().items()}
    return {
        "inputs": [
            {"name": name, "datatype": kinds[name], "shape": [rows], "data": [value] * rows}
            for name, value in full_row().items()
        ]
    }
