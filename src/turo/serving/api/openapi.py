"""The OpenAPI document of all routes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from turo.serving.api import mlflow_paths
from turo.serving.api.explain import EXPLAIN, EXPLAIN_MAX_ROWS, having
from turo.serving.api.front_paths import PAGE, front_paths
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
    prefix: str = "",
    vehicle: str = "",
) -> dict[str, Any]:
    """OpenAPI 3.1 document of every route.

    Args:
        rows: by model what its native request looks like (its `/schema`); None where that is not known now.
        secured: whether the routes want an API key.
        said: by model what it was trained on, and its warning.
        prefix: the routes', below which path of another server they are.
        vehicle: the id of one that can be forecast; empty where none is known.
    """
    known = {"type": "string", "enum": list(rows) or ["-"]}
    name = {"name": "model", "in": "path", "required": True, "schema": known}
    listed = _operation("The list of models; a browser gets the home page", _schema(Models))
    listed["responses"]["200"]["content"] |= PAGE
    paths: dict[str, Any] = _tagged({"/": {"get": listed}}, "Models")
    for model, schema in rows.items():
        examples = (schema or {}).get("examples") or [None]
        own = _model_paths(model, (said or {}).get(model, ""), secured, examples[0])
        if vehicle:
            body = own[f"/{model}/forecast"]["post"]["requestBody"]["content"]["application/json"]
            body["example"] = {"vehicle_id": vehicle}
        paths |= _tagged(own, model)
    v2 = {
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
    paths |= {
        **_tagged(v2, "V2"),
        **_tagged(_mlflow_paths("", secured), "MLflow"),
        **_tagged(front_paths(secured), "Pages"),
    }
    schemas = {
        model: _schema(Rows) if schema is None else _embedded(schema) for model, schema in rows.items()
    }
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "Turo Analytics Platform: served models", "version": "1"},
        "servers": [{"url": prefix or "/"}],
        "paths": paths,
        "components": {"schemas": {"Problem": _schema(ProblemAnswer), **schemas}},
    }
    if secured:
        document["components"]["securitySchemes"] = KEYS
        document["security"] = [{key: []} for key in KEYS]
    return document


def _model_paths(model: str, said: str, secured: bool, example: Any = None) -> dict[str, Any]:
    """A model's own routes, each with what this model takes and what is said of it.

    Args:
        example: a body that its native route takes; None where that is not known now.
    """
    about = _operation("What is served: version, fleet, signature, metrics, example", _schema(AboutAnswer))
    about["responses"]["200"]["content"] |= PAGE
    rows = {"$ref": f"#/components/schemas/{model}"}
    summary = "Predict rows; MLflow's other three forms are accepted as well"
    predict = _operation(summary, _schema(Predictions), rows)
    schema = _operation("JSON Schema of the request", ANY)
    asked, told = _schema(ForecastRequest), _schema(ForecastAnswer)
    forecast = _operation("Forecast one vehicle from the prepared table", told, asked)
    explain = _explain(rows)
    for operation in (predict, explain) if example else ():
        operation["requestBody"]["content"]["application/json"]["example"] = example
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


def _tagged(paths: dict[str, Any], tag: str) -> dict[str, Any]:
    """Paths whose operations stand below one heading."""
    return {
        path: {
            part: {**content, "tags": [tag]} if isinstance(content, dict) else content
            for part, content in item.items()
        }
        for path, item in paths.items()
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
