"""A route that gets too much says so at once, and one slow request does not hold up small ones for ever."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from front import SPEC, tensors
from prepared_table import route, write_table
from served import LIMITS, NAME, full_row, tiny_predictor

from turo.models import explanation
from turo.serving.api.directory import Directory, DirectoryApp
from turo.serving.api.predictor import Predictor
from turo.serving.http.asgi import INLINE_BYTES, App
from turo.serving.http.asgi import LARGE as LARGE_LANE
from turo.serving.http.messages import Request, Response

ROW = full_row()
SMALL = {"inputs": [ROW]}
LARGE = {"inputs": [ROW] * (INLINE_BYTES // 100)}


class Held:
    """A model that answers large batches only once it is let go."""

    def __init__(self, predictor: Predictor) -> None:
        self.inner = predictor.model
        self.fields = predictor.model.fields
        self.gate = threading.Event()

    def predict(self, columns: dict[str, np.ndarray]) -> np.ndarray:
        if len(columns["otb_days"]) > 1:
            self.gate.wait(20)
        return self.inner.predict(columns)


def held_app(kind: str = "xgboost", **changes: Any) -> tuple[App, Held]:
    predictor = tiny_predictor(kind)
    held = Held(predictor)
    predictor.model = held  # type: ignore[assignment]
    return App(predictor, LIMITS.model_copy(update=changes)), held


def run(app: App, story: Callable[[httpx.AsyncClient], Any], prefix: str = f"/{NAME}") -> Any:
    async def main() -> Any:
        transport = httpx.ASGITransport(app, root_path=prefix)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://served{prefix}") as client:
            return await story(client)

    return asyncio.run(main())


def test_a_full_queue_answers_503_with_retry_after_and_recovers() -> None:
    app, held = held_app()

    async def story(client: httpx.AsyncClient) -> tuple[list[httpx.Response], httpx.Response, httpx.Response]:
        waiting = [asyncio.ensure_future(client.post("", json=LARGE)) for _ in range(LIMITS.max_in_flight)]
        while app.in_flight < LIMITS.max_in_flight:
            await asyncio.sleep(0)
        refused = await client.post("", json=SMALL)
        held.gate.set()
        return [await request for request in waiting], refused, await client.post("", json=SMALL)

    answers, refused, after = run(app, story)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert "8 requests are waiting" in refused.json()["detail"]
    assert [answer.status_code for answer in answers] == [200] * LIMITS.max_in_flight
    assert (after.status_code, app.in_flight) == (200, 0)


def test_small_requests_pass_a_large_one_that_takes_long() -> None:
    app, held = held_app()

    async def story(client: httpx.AsyncClient) -> tuple[list[int], bool, int]:
        large = asyncio.ensure_future(client.post("", json=LARGE))
        while app.in_flight < 1:
            await asyncio.sleep(0)
        small = [(await client.post("", json=SMALL)).status_code for _ in range(20)]
        still_running = not large.done()
        held.gate.set()
        return small, still_running, (await large).status_code

    assert run(app, story) == ([200] * 20, True, 200)


def test_a_request_past_its_deadline_is_answered_and_gives_its_place_back() -> None:
    app, held = held_app(timeout_s=0.2)

    async def story(client: httpx.AsyncClient) -> httpx.Response:
        late = await client.post("", json=LARGE)
        held.gate.set()
        return late

    late = run(app, story)
    assert (late.status_code, late.headers["Retry-After"]) == (503, "5")
    assert "No answer within 0.2 s" in late.json()["detail"]
    assert app.in_flight == 0


def test_an_error_in_the_model_is_a_plain_500_and_the_next_request_is_answered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app, held = held_app()
    held.gate.set()
    inner, held.inner = held.inner, None  # type: ignore[assignment]

    async def story(client: httpx.AsyncClient) -> tuple[httpx.Response, httpx.Response]:
        broken = await client.post("", json=SMALL, headers={"X-Request-Id": "find-me"})
        held.inner = inner
        return broken, await client.post("", json=SMALL)

    broken, good = run(app, story)
    assert (broken.status_code, good.status_code) == (500, 200)
    assert "NoneType" not in broken.text
    assert "find-me" in caplog.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"X-API-Key": "wrong"}, 401),
        ({"X-API-Key": "s3cret"}, 200),
        ({"Authorization": "Bearer s3cret"}, 200),
        ({"Authorization": "bearer s3cret"}, 200),
        ({"Authorization": "BEARER  s3cret"}, 200),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Basic s3cret"}, 401),
        ({"Authorization": "s3cret"}, 401),
        ({"Authorization": "Bearer"}, 401),
        ({"Authorization": "Bearers3cret"}, 401),
    ],
)
def test_the_api_key_opens_every_route(headers: dict[str, str], status: int) -> None:
    app = App(tiny_predictor(), LIMITS, api_key="s3cret")

    async def story(client: httpx.AsyncClient) -> int:
        return (await client.get("", headers=headers)).status_code

    assert run(app, story) == status


def test_a_forecast_from_memory_does_not_wait_behind_large_batches(tmp_path: Path) -> None:
    write_table(tmp_path)
    predictor = tiny_predictor()
    route(tmp_path, predictor)
    app = App(predictor, LIMITS)
    gate = threading.Event()

    async def story(client: httpx.AsyncClient) -> tuple[httpx.Response, httpx.Response]:
        first = await client.post("/forecast", json={"vehicle_id": "V1"})
        app.lanes[LARGE_LANE].submit(gate.wait, 20)
        return first, await client.post("/forecast", json={"vehicle_id": "V1"})

    first, second = run(app, story)
    gate.set()
    assert (second.status_code, second.content) == (200, first.content)


def held_explanations(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, list[str]]:
    """Explanations wait for the event; the list tells in which threads they were begun."""
    gate, begun = threading.Event(), list[str]()

    def explain(*arguments: Any) -> explanation.Explanation:
        begun.append(threading.current_thread().name)
        gate.wait(20)
        return explanation.explain(*arguments)

    monkeypatch.setattr("turo.serving.api.explain.explain", explain)
    return gate, begun


def test_a_slow_explanation_holds_up_neither_predictions_nor_batches_nor_forecasts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_table(tmp_path)
    predictor = tiny_predictor()
    route(tmp_path, predictor)
    app = App(predictor, LIMITS)
    gate, begun = held_explanations(monkeypatch)

    async def story(client: httpx.AsyncClient) -> tuple[list[int], list[bool], list[int], int]:
        slow = [asyncio.ensure_future(client.post("/explain", json=SMALL)) for _ in range(2)]
        while not begun and not any(request.done() for request in slow):
            await asyncio.sleep(0)
        answers = [
            await client.post("", json=SMALL),
            await client.post("", json=LARGE),  # its own thread
            await client.post("/forecast", json={"vehicle_id": "V1"}),  # reads the table: a thread as well
        ]
        held, started = [not request.done() for request in slow], len(begun)
        gate.set()
        late = [(await request).status_code for request in slow]
        return [answer.status_code for answer in answers], held, late, started

    answers, held, late, started = run(app, story)
    assert (answers, held, late) == ([200] * 3, [True] * 2, [200] * 2)
    assert started == 1  # one explanation at a time: they wait for each other
    assert len(set(begun)) == 1
    assert begun[0] != threading.current_thread().name


def test_a_large_batch_holds_up_no_explanation() -> None:
    app, gate = App(tiny_predictor(), LIMITS), threading.Event()

    async def story(client: httpx.AsyncClient) -> httpx.Response:
        app.lanes[LARGE_LANE].submit(gate.wait, 20)
        return await client.post("/explain", json=SMALL)

    explained = run(app, story)
    gate.set()
    assert explained.status_code == 200
    assert len(explained.json()["explanations"]) == 1


@pytest.mark.parametrize("slow_kind", ["svr", "knn"])
def test_a_slow_kind_of_model_holds_up_no_other_model_behind_the_same_catalog(slow_kind: str) -> None:
    slow, held = held_app(slow_kind)
    apps = {"Slow": slow, "Fast": App(tiny_predictor("xgboost"), LIMITS)}
    for name, app in apps.items():
        app.service.about.name = name

    async def forward(name: str, request: Request) -> Response:
        return await apps[name].answer(request)

    directory = Directory(forward, secured=False)
    directory.models = {name: SPEC.model_copy(update={"name": name}) for name in apps}
    catalog = DirectoryApp(directory, LIMITS)

    def inferred(client: httpx.AsyncClient, name: str, rows: int) -> Any:
        return client.post(f"/v2/models/{name}/infer", json=tensors(rows))

    async def story(client: httpx.AsyncClient) -> tuple[list[int], bool, int]:
        waiting = asyncio.ensure_future(inferred(client, "Slow", LIMITS.max_rows))
        while slow.in_flight < 1 and not waiting.done():
            await asyncio.sleep(0)
        fast = [(await inferred(client, "Fast", rows)).status_code for rows in (1, LIMITS.max_rows, 1)]
        still_running = not waiting.done()
        held.gate.set()
        return fast, still_running, (await waiting).status_code

    assert run(catalog, story, prefix="") == ([200] * 3, True, 200)
