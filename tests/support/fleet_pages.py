"""The front door before a small fleet with a forecast and before one model, without the network between."""

from __future__ import annotations

import asyncio
import re
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import polars as pl
from front import SPEC
from hand_fleet import ORIGIN, make_ranged_champion, prepared, write_table
from served import LIMITS, NAME

from turo.forecast.fleet_forecast import forecast_fleet
from turo.serving.api.directory import Directory, DirectoryApp
from turo.serving.front.fleet_files import FleetFolder
from turo.serving.front.pages import Front
from turo.serving.front.pipeline_notes import WATCHED, Watched
from turo.serving.front.served import Service
from turo.serving.http.messages import Request, Response, json_response
from turo.serving.http.problems import overloaded
from turo.settings import Settings

NOW = datetime(2026, 11, 24, 6)
BROWSER = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
SERVICES = (Service("MLflow", "every training", "none", 5000),)


def with_forecasts(settings: Settings) -> None:
    """Four weeks ago's forecast, which is over by now, and today's, as `turo forecast` leaves them."""
    folder = Path(settings.data_dir)
    for horizon, place in ((28, folder), (7, folder / "horizon-7")):
        write_table(place, prepared(ORIGIN - timedelta(weeks=4), horizon))
    champions = [make_ranged_champion(7), make_ranged_champion(28)]
    forecast_fleet(settings, champions, NOW - timedelta(weeks=4))
    for horizon, place in ((28, folder), (7, folder / "horizon-7")):
        past = prepared(ORIGIN - timedelta(weeks=4), horizon, actual=6.0)
        write_table(place, pl.concat([past, prepared(ORIGIN, horizon)]))
    forecast_fleet(settings, champions, NOW)


def answer_of(body: dict[str, Any]) -> dict[str, Any]:
    """What a model's /forecast says."""
    origin = body.get("origin", str(ORIGIN))
    return {
        "vehicle_id": body["vehicle_id"],
        "origin": origin,
        "window": {"from": origin, "to": str(date.fromisoformat(origin) + timedelta(days=27))},
        "target": "y_booked_days",
        "prediction": 12.25,
        "functional": "median",
        "mean": 12.5,
        "interval": {"low": 9.0, "high": 15.0, "coverage": 0.8},
        "on_the_books": {"days": 7.5, "trips": 2.0},
        "note": None,
    }


class Pages:
    """Requests to the front door; `asked` are those that reached the model."""

    def __init__(
        self,
        data_dir: str,
        api_key: str = "",
        now: datetime = NOW,
        code_version: str = "",
        watched: Watched = WATCHED,
    ) -> None:
        self.asked: list[Request] = []
        front = self.front = Front(
            FleetFolder(data_dir, code_version), SERVICES, api_key, lambda: now, watched
        )
        self.directory = Directory(self.forward, bool(api_key), front)
        self.directory.models = {NAME: SPEC}
        self.app = DirectoryApp(self.directory, LIMITS, api_key=api_key)

    async def forward(self, name: str, request: Request) -> Response:
        if request.path == "/schema":
            raise overloaded(f"{name} does not tell its rows now.")
        self.asked.append(request)
        return json_response(answer_of(orjson.loads(request.body)))

    def ask(self, method: str, path: str, headers: dict[str, str] = BROWSER, **more: Any) -> httpx.Response:
        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://served:8000") as client:
                return await client.request(method, path, headers=headers, **more)

        return asyncio.run(once())

    def get(self, path: str = "/", headers: dict[str, str] = BROWSER, **more: Any) -> httpx.Response:
        return self.ask("GET", path, headers, **more)


def text_of(page: str) -> str:
    """What a page says, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL))
