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
from prepared_table import route, write_table
from served import LIMITS, NAME, full_row, tiny_predictor

from turo.serving.api.predictor import Predictor
from turo.serving.http.asgi import INLINE_BYTES, App
from turo.serving.http.asgi import LARGE as LARGE_LANE

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


def held_app(**changes: Any) -> tuple[App, Held]:
    predictor = tiny_predictor()
    held = Held(predictor)
    predictor.model = held  # type: ignore[assignment]
    return App(predictor, LIMITS.model_copy(update=changes)), held


def run(app: App, story: Callable[[httpx.AsyncClient], Any]) -> Any:
    async def main() -> Any:
        transport = httpx.ASGITransport(app, root_path=f"/{NAME}")
        async with httpx.AsyncClient(transport=transport, base_url=f"http://served/{NAME}") as client:
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
