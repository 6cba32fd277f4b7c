"""OpenAPI of the whole surface, and the same for people, without a byte from elsewhere."""

from __future__ import annotations

from html import escape
from typing import Any

from turo.serving.page import page
from turo.serving.problems import TITLES

PROBLEM_REF = {"$ref": "#/components/schemas/Problem"}
PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
        "error": {"type": "string"},
    },
}
PREDICTIONS = {
    "type": "object",
    "required": ["predictions"],
    "properties": {"predictions": {"type": "array", "items": {"type": "number"}}},
}
ROWS = {
    "type": "object",
    "required": ["inputs"],
    "properties": {"inputs": {"type": "array", "minItems": 1, "items": {"type": "object"}}},
    "description": "GET /{model}/schema gives the exact columns. MLflow's forms are accepted as well.",
}
FORECAST = {
    "type": "object",
    "required": ["vehicle_id"],
    "properties": {"vehicle_id": {"type": "string"}, "origin": {"type": "string", "format": "date"}},
}
ANY: dict[str, Any] = {"type": "object"}


def openapi(models: list[str]) -> dict[str, Any]:
    """OpenAPI 3.1 document of every route."""
    known = {"type": "string", "enum": models or ["-"]}
    name = {"name": "model", "in": "path", "required": True, "schema": known}
    paths = {
        "/": {"get": _operation("List of models", ANY)},
        "/{model}": {
            "parameters": [name],
            "get": _operation("What is served: version, signature, metrics, example", ANY),
            "post": _operation("Predict rows", PREDICTIONS, ROWS),
        },
        "/{model}/schema": {"parameters": [name], "get": _operation("JSON Schema of the request", ANY)},
        "/{model}/forecast": {
            "parameters": [name],
            "post": _operation("Forecast one vehicle from the prepared table", ANY, FORECAST),
        },
        "/v2": {"get": _operation("V2 server metadata", ANY)},
        "/v2/health/live": {"get": _operation("V2 liveness", ANY)},
        "/v2/health/ready": {"get": _operation("V2 readiness", ANY)},
        "/v2/models/{model}": {"parameters": [name], "get": _operation("V2 model metadata", ANY)},
        "/v2/models/{model}/ready": {"parameters": [name], "get": _operation("V2 model readiness", ANY)},
        "/v2/models/{model}/infer": {"parameters": [name], "post": _operation("V2 inference", ANY, ANY)},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Turo Analytics Platform: served models", "version": "1"},
        "paths": paths,
        "components": {"schemas": {"Problem": PROBLEM_SCHEMA}},
    }


def docs_page(models: list[str]) -> bytes:
    """`/docs`: every route with its purpose, and what each refusal means."""
    rows = "".join(
        f"<tr><td>{method.upper()}<td><code>{escape(path)}</code><td>{escape(operation['summary'])}"
        for path, item in openapi(models)["paths"].items()
        for method, operation in item.items()
        if method in ("get", "post")
    )
    links = ", ".join(f'<a href="/{escape(m)}">{escape(m)}</a>' for m in models) or "none yet"
    refusals = "".join(f'<tr id="{status}"><td>{status}<td>{title}' for status, title in TITLES.items())
    content = (
        f'<p>Models: {links}. Machine-readable: <a href="/openapi.json">openapi.json</a>.</p>'
        f"<h2>Routes</h2><table>{rows}</table>"
        "<h2>Refusals</h2><p><code>application/problem+json</code>, naming row, column, expected and got.</p>"
        f"<table>{refusals}</table>"
    )
    return page("Served models", content)


def _operation(summary: str, answer: dict[str, Any], body: dict[str, Any] | None = None) -> dict[str, Any]:
    refused = {"description": "Refused", "content": {"application/problem+json": {"schema": PROBLEM_REF}}}
    content: dict[str, Any] = {
        "summary": summary,
        "responses": {
            "200": {"description": "Answer", "content": {"application/json": {"schema": answer}}},
            "default": refused,
        },
    }
    if body is not None:
        content["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return content
