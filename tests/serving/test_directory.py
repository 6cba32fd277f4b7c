"""The routes at `/`: list, documentation, and V2 requests of any size handed on to the model they name."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
import uvloop
from served import LIMITS, NAME, full_row, tiny_predictor

from turo.serving.asgi import INLINE_BYTES, App
from turo.serving.directory import Directory
from turo.serving.messages import Request, Response
from turo.serving.spec import ModelSpec

SPEC = ModelSpec(name=NAME, version="7", run_id="run-7", model_uri="models:/m-7")
INFER = f"/v2/models/{NAME}/infer"


def front_door() -> App:
    """The catalog's application before one model, without the network that lies between them."""
    model = App(tiny_predictor(), LIMITS)

    async def forward(name: str, request: Request) -> Response:
        answer = await model.answer(request)
        return Response(answer.status, [*answer.headers, *model.service.headers], answer.body)

    directory = Directory(forward)
    directory.models = {NAME: SPEC}
    return App(directory, LIMITS)


def ask(method: str, path: str, **more: Any) -> httpx.Response:
    """One request on the event loop that replicas run on: it is stricter than Python's own."""

    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(front_door())
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


@pytest.mark.parametrize("rows", [1, LIMITS.max_rows])
def test_an_inference_of_any_size_reaches_the_model(rows: int) -> None:
    answer = ask("POST", INFER, json=tensors(rows))
    assert answer.status_code == 200, answer.text
    assert (int(answer.request.headers["Content-Length"]) > INLINE_BYTES) == (rows > 1)
    (output,) = answer.json()["outputs"]
    assert (output["shape"], len(set(output["data"]))) == ([rows], 1)
    assert answer.headers["X-Model-Version"] == "7"


@pytest.mark.parametrize("path", ["/forecast", "/nowhere"])
def test_what_is_not_there_is_404_whatever_is_sent_to_it(path: str) -> None:
    for answer in (ask("GET", path), ask("POST", path, content=b"x" * (INLINE_BYTES + 1))):
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")
        assert path in answer.json()["detail"]
