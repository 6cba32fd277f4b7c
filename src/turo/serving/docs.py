"""OpenAPI of the whole surface, and the same for people, without a byte from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from turo.serving import v2
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
ROWS: dict[str, Any] = {
    "type": "object",
    "required": ["inputs"],
    "properties": {"inputs": {"type": "array", "minItems": 1, "items": {"type": "object"}}},
}
FORECAST = {
    "type": "object",
    "required": ["vehicle_id"],
    "properties": {
        "vehicle_id": {"type": ["string", "integer"], "minLength": 1},
        "origin": {
            "type": ["string", "null"],
            "format": "date",
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
            "description": "A Monday of the prepared table; without it the newest.",
        },
    },
    "additionalProperties": False,
    "examples": [{"vehicle_id": "12", "origin": "2026-11-23"}],
}
ANY: dict[str, Any] = {"type": "object"}
TENSOR = {
    "type": "object",
    "required": ["name", "shape", "datatype"],
    "properties": {
        "name": {"type": "string"},
        "shape": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "integer", "minimum": 0}},
        "datatype": {"type": "string", "enum": ["BYTES", *v2.NUMPY_TYPES]},
        "data": {"type": "array", "description": "Absent where the tensor is in the binary part."},
    },
}
INFERENCE = {
    "type": "object",
    "required": ["inputs"],
    "properties": {
        "id": {"type": ["string", "null"]},
        "inputs": {
            "type": "array",
            "minItems": 1,
            "items": TENSOR,
            "description": "One tensor a column of GET /v2/models/{model}, in any order, all of one length.",
        },
        "outputs": {
            "type": ["array", "null"],
            "items": {"type": "object", "required": ["name"], "properties": {"name": {"const": v2.OUTPUT}}},
        },
    },
}
FOREIGN = ("$schema", "$id")  # of a schema as a document of its own; inside another one they would misguide
KEYS = {
    "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "Bearer": {"type": "http", "scheme": "bearer"},
}


def openapi(rows: Mapping[str, dict[str, Any] | None], secured: bool = False) -> dict[str, Any]:
    """OpenAPI 3.1 document of every route.

    Args:
        rows: by model what its native request looks like (its `/schema`); None where that is not known now.
        secured: whether the routes want an API key.
    """
    known = {"type": "string", "enum": list(rows) or ["-"]}
    name = {"name": "model", "in": "path", "required": True, "schema": known}
    paths: dict[str, Any] = {"/": {"get": _operation("List of models", ANY)}}
    for model in rows:
        paths |= _model_paths(model)
    paths |= {
        "/v2": {"get": _operation("V2 server metadata", ANY)},
        "/v2/health/live": {"get": _operation("V2 liveness", ANY)},
        "/v2/health/ready": {"get": _operation("V2 readiness", ANY)},
        "/v2/models/{model}": {"parameters": [name], "get": _operation("V2 model metadata", ANY)},
        "/v2/models/{model}/ready": {"parameters": [name], "get": _operation("V2 model readiness", ANY)},
        "/v2/models/{model}/infer": {
            "parameters": [name],
            "post": _operation("V2 inference", ANY, INFERENCE),
        },
    }
    schemas = {model: ROWS if schema is None else _embedded(schema) for model, schema in rows.items()}
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "Turo Analytics Platform: served models", "version": "1"},
        "paths": paths,
        "components": {"schemas": {"Problem": PROBLEM_SCHEMA, **schemas}},
    }
    if secured:
        document["components"]["securitySchemes"] = KEYS
        document["security"] = [{key: []} for key in KEYS]
    return document


def _model_paths(model: str) -> dict[str, Any]:
    """A model's own routes, each with what this model takes."""
    about = _operation("What is served: version, signature, metrics, example", ANY)
    about["responses"]["200"]["content"]["text/html"] = {"schema": {"type": "string"}}
    rows = {"$ref": f"#/components/schemas/{model}"}
    predict = _operation("Predict rows; MLflow's other three forms are accepted as well", PREDICTIONS, rows)
    return {
        f"/{model}": {"get": about, "post": predict},
        f"/{model}/schema": {"get": _operation("JSON Schema of the request", ANY)},
        f"/{model}/forecast": {
            "post": _operation("Forecast one vehicle from the prepared table", ANY, FORECAST)
        },
    }


def _embedded(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in FOREIGN}


def docs_page(models: list[str]) -> bytes:
    """`/docs`: every route with its purpose, and what each refusal means."""
    rows = "".join(
        f"<tr><td>{method.upper()}<td><code>{escape(path)}</code><td>{escape(operation['summary'])}"
        for path, item in openapi(dict.fromkeys(models))["paths"].items()
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
