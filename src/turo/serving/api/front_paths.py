"""The pages for people in the OpenAPI document: programs get there what a browser gets, HTML and CSV."""

from __future__ import annotations

from typing import Any

TEXT = {"type": "string"}
PAGE = {"text/html": {"schema": TEXT}}
CSV = {"text/csv": {"schema": TEXT}}


def front_paths(secured: bool) -> dict[str, Any]:
    """The front door's routes; `secured` where they want an API key, for which `/sign-in` asks."""
    vehicle = {**_parameter("vehicle_id", "As the file has it."), "in": "path", "required": True}
    rows = {
        **_parameter("name", "A file of the folder report/, e.g. gaps.csv."),
        "in": "path",
        "required": True,
    }
    searched = [
        _parameter("q", "Words of the vehicle's id, make, model or year."),
        _parameter("page", "From 1; 100 vehicles a page."),
        _parameter("vehicle_id", "Leads on to this vehicle's page (303)."),
        _parameter("model", "The model that its page asks, then."),
    ]
    asked = [
        _parameter("model", "Asks this model for a forecast, shown on the page."),
        _parameter("origin", "A Monday of the prepared table; without it the newest."),
    ]
    moved = {"description": "Leads on to the vehicle's page"}
    paths: dict[str, Any] = {
        "/report": {"get": _page("The newest report")},
        "/report/{name}": {"get": _page("The rows behind an answer of the report", [rows], CSV)},
        "/vehicles": {"get": _page("The vehicles of the newest forecast", searched)},
        "/vehicles/{vehicle_id}": {
            "get": _page("One vehicle: past, books, forecast, reasons", [vehicle, *asked])
        },
    }
    paths["/vehicles"]["get"]["responses"]["303"] = moved
    written = {"description": "A newer forecast is being written; Retry-After says when to ask again"}
    paths["/report/{name}"]["get"]["responses"]["503"] = written
    if secured:
        paths["/sign-in"] = {"get": _form(), "post": _signed_in()}
        paths["/sign-out"] = {"post": _signed_out()}
    return paths


def _page(
    summary: str, parameters: list[dict[str, Any]] | None = None, content: dict[str, Any] = PAGE
) -> dict[str, Any]:
    return {
        "summary": summary,
        "parameters": parameters or [],
        "responses": {
            "200": {"description": "The page" if content is PAGE else "The rows", "content": content},
            "404": {"description": "There is none of it, or no forecast yet; it says which"},
        },
    }


def _form() -> dict[str, Any]:
    shown = {"401": {"description": "The form", "content": PAGE}}
    return {"summary": "The form that asks a browser for the API key", "security": [], "responses": shown}


def _signed_in() -> dict[str, Any]:
    form = {"type": "object", "properties": {"key": TEXT, "next": TEXT}, "required": ["key"]}
    return {
        "summary": "Signs a browser in: sets a cookie that stands for the API key",
        "security": [],
        "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": form}}},
        "responses": {
            "303": {"description": "Signed in; leads on to `next`"},
            "401": {"description": "Not the key: the form again", "content": PAGE},
            "403": {"description": "Sent by another site's page"},
        },
    }


def _signed_out() -> dict[str, Any]:
    return {
        "summary": "Signs a browser out: takes its cookie away",
        "responses": {
            "303": {"description": "Signed out; leads on to the home page"},
            "403": {"description": "Sent by another site's page"},
        },
    }


def _parameter(name: str, told: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": TEXT, "description": told}
