"""The form of a vehicle's page: its question to a model, and the answer as the page tells it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import orjson

from turo.serving.http.messages import JSON, Request, Response
from turo.serving.http.problems import Problem, shown
from turo.table.targets import TARGET

NO_ANSWER = "The model gave no answer that can be read; try again shortly."

Forward = Callable[[str, Request], Awaitable[Response]]


async def ask(
    forward: Forward, models: list[str], vehicle_id: str, request: Request, api_key: str = ""
) -> dict[str, Any] | None:
    """What a model answers, None where the form was not sent.

    Args:
        forward: reaches a model by name.
        request: its query has `model`, and `origin` where another Monday than the newest is meant.
        api_key: of the routes; who asks has shown it by now.

    Returns:
        `problem`: why there is no answer; or the answer's own members and `unit`.
    """
    given = request.parameters
    model, origin = given.get("model", ""), given.get("origin", "").strip()
    if not model:
        return None
    if model not in models:
        served = ", ".join(models) or "none"
        return {
            "model": model,
            "origin": origin,
            "problem": f"{shown(model)} is not served; served are {served}.",
        }
    body = orjson.dumps({"vehicle_id": vehicle_id, **({"origin": origin} if origin else {})})
    kept = {name: value for name, value in request.headers.items() if name in (b"x-request-id", b"host")}
    headers = {**kept, JSON[0]: JSON[1], **({b"x-api-key": api_key.encode()} if api_key else {})}
    question = replace(request, method="POST", path="/forecast", headers=headers, body=body, query="")
    try:
        answer = await forward(model, replace(question, full_path=f"/{model}/forecast"))
    except Problem as problem:
        return {"model": model, "origin": origin, "problem": problem.detail}
    told = _members(answer)
    if "prediction" not in told:
        return {"model": model, "origin": origin, "problem": told.get("detail") or NO_ANSWER}
    target = told.get("target", "")
    unit = TARGET[target].noun if target in TARGET else target
    return {
        "model": model,
        "problem": "",
        "unit": unit,
        **told,
        "origin": origin or str(told.get("origin") or ""),
    }


def _members(answer: Response) -> dict[str, Any]:
    """What an answer holds; nothing where something between here and the model answered in its own way."""
    try:
        told = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return {}
    return told if isinstance(told, dict) else {}
