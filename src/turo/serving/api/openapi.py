"""The OpenAPI document of all routes, and `/docs`, the page for people, which loads nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from turo.html.render import render
from turo.serving.api import mlflow_paths
from turo.serving.api.explain import EXPLAIN, EXPLAIN_MAX_ROWS, having
from turo.serving.api.schemas import (
    HEADERS,
    AboutAnswer,
    Explanations,
    ForecastAnswer,
    Models,
    Predictions,
    ProblemAnswer,
)
from turo.serving.forms.json_schema import schema_of
from turo.serving.forms.request_models import ForecastRequest, Inference, Rows
from turo.serving.http.problems import TITLES

TEMPLATE = "docs.html"
ANY = {"type": "object"}
PROBLEM = {"$ref": "#/components/schemas/Problem"}
FOREIGN = ("$schema", "$id")  # only right in a schema that is a document by itself, wrong inside another one
KEYS = {
    "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "Bearer": {"type": "http", "scheme": "bearer"},
}


def openapi(
    rows: Mapping[str, dict[str, Any] | None],
    secured: bool = False,
    said: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """OpenAPI 3.1 document of every route.

    Args:
        rows: by model what its native request looks like (its `/schema`); None where that is not known now.
        secured: whether the routes want an API key.
        said: by model what it was trained on, and its warning.
    """
    known = {"type": "string", "enum": list(rows) or ["-"]}
    name = {"name": "model", "in": "path", "required": True, "schema": known}
    paths: dict[str, Any] = {"/": {"get": _operation("List of models", _schema(Models))}}
    for model in rows:
        paths |= _model_paths(model, (said or {}).get(model, ""), secured)
    paths |= {
        **_mlflow_paths("", secured),
        "/v2": {"get": _operation("V2 server metadata", ANY)},
        "/v2/health/live": {"get": _operation("V2 liveness", ANY)},
        "/v2/health/ready": {"get": _operation("V2 readiness", ANY)},
        "/v2/models/{model}": {"parameters": [name], "get": _operation("V2 model metadata", ANY)},
        "/v2/models/{model}/ready": {"parameters": [name], "get": _operation("V2 model readiness", ANY)},
        "/v2/models/{model}/infer": {
            "parameters": [name],
            "post": _with_headers(_operation("V2 inference", ANY, _schema(Inference))),
        },
    }
    schemas = {
        model: _schema(Rows) if schema is None else _embedded(schema) for model, schema in rows.items()
    }
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "Turo Analytics Platform: served models", "version": "1"},
        "paths": paths,
        "components": {"schemas": {"Problem": _schema(ProblemAnswer), **schemas}},
    }
    if secured:
        document["components"]["securitySchemes"] = KEYS
        document["security"] = [{key: []} for key in KEYS]
    return document


def _model_paths(model: str, said: str, secured: bool) -> dict[str, Any]:
    """A model's own routes, each with what this model takes and what is said of it."""
    about = _operation("What is served: version, fleet, signature, metrics, example", _schema(AboutAnswer))
    about["responses"]["200"]["content"]["text/html"] = {"schema": {"type": "string"}}
    rows = {"$ref": f"#/components/schemas/{model}"}
    summary = "Predict rows; MLflow's other three forms are accepted as well"
    predict = _operation(summary, _schema(Predictions), rows)
    schema = _operation("JSON Schema of the request", ANY)
    asked, told = _schema(ForecastRequest), _schema(ForecastAnswer)
    forecast = _operation("Forecast one vehicle from the prepared table", told, asked)
    explain = _explain(rows)
    for operation in (about, predict, schema, forecast, explain):
        _with_headers(operation)
        if said:
            operation["description"] = said
    return {
        f"/{model}": {"get": about, "post": predict},
        f"/{model}/schema": {"get": schema},
        f"/{model}/forecast": {"post": forecast},
        f"/{model}{EXPLAIN}": {"post": explain},
        f"/{model}/invocations": {"post": {**predict, "summary": "The same, where MLflow's clients send it"}},
        **_mlflow_paths(f"/{model}", secured),
    }


def _explain(rows: dict[str, Any]) -> dict[str, Any]:
    """Takes the same rows as the predictions, but fewer."""
    few = {"allOf": [rows, {"properties": {"inputs": {"maxItems": EXPLAIN_MAX_ROWS}}}]}
    operation = _operation("What each feature adds to the predictions of rows", _schema(Explanations), few)
    default = operation["responses"]["default"]
    operation["responses"]["404"] = {**default, "description": f"Has no contributions; {having()}"}
    return operation


def _mlflow_paths(below: str, secured: bool) -> dict[str, Any]:
    """What `mlflow models serve` has beside invocations; the probes are open to those without a key."""
    probe: dict[str, Any] = {
        "summary": "Probe, as MLflow's server has it: a blank line",
        "responses": {"200": {"description": "Serves"}, "404": {"description": "Serves nothing yet"}},
    }
    if secured:
        probe["security"] = []
    version = {"summary": "Version of MLflow", "responses": {"200": {"description": "The bare version"}}}
    return {
        **{f"{below}{path}": {"get": probe} for path in mlflow_paths.PROBES},
        f"{below}{mlflow_paths.VERSION}": {"get": version},
    }


def _with_headers(operation: dict[str, Any]) -> dict[str, Any]:
    """Note the headers that come with every answer of a model."""
    for answer in operation["responses"].values():
        answer["headers"] = HEADERS
    return operation


def _embedded(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in FOREIGN}


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    """A model's JSON Schema, made once; not to be changed."""
    return schema_of(model)


def docs_page(models: list[str], prefix: str = "") -> bytes:
    """`/docs`: every route with its purpose, and what each refusal means; `prefix` is the routes'."""
    routes = [
        (method.upper(), path, operation["summary"])
        for path, item in openapi(dict.fromkeys(models))["paths"].items()
        for method, operation in item.items()
        if method in ("get", "post")
    ]
    return render(TEMPLATE, models=models, routes=routes, refusals=TITLES, prefix=prefix).encode()


def _operation(summary: str, answer: dict[str, Any], body: dict[str, Any] | None = None) -> dict[str, Any]:
    refused = {"description": "Refused", "content": {"application/problem+json": {"schema": PROBLEM}}}
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
