"""What requests and answers look like, as JSON Schemas for the OpenAPI document."""

from __future__ import annotations

from typing import Any

from turo.serving.api.fleet_check import ANOTHER, UNKNOWN
from turo.serving.forms import v2

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
            "description": "A Monday of the prepared table; without it the table's newest.",
        },
    },
    "additionalProperties": False,
    "examples": [{"vehicle_id": "12", "origin": "2026-11-23"}],
}
ANY: dict[str, Any] = {"type": "object"}
NUMBER = {"type": "number"}
MAYBE_TEXT: dict[str, Any] = {"type": ["string", "null"]}
FUNCTIONAL = {
    "enum": ["median", "mean"],
    "description": "What `prediction` is of all that may happen. Medians do not add up; means do.",
}
FORECAST_ANSWER: dict[str, Any] = {
    "type": "object",
    "required": [
        "vehicle_id", "origin", "window", "target", "prediction", "functional", "median", "mean", "interval",
        "on_the_books", "in_sample", "note", "features", "replaced", "data_digest",
    ],
    "properties": {
        "vehicle_id": {"type": "string"},
        "origin": {"type": ["string", "null"], "format": "date"},
        "window": {"type": ["object", "null"], "description": "First and last day of the forecast."},
        "target": {"type": "string"},
        "prediction": {**NUMBER, "description": "What POST /{model} answers for these features."},
        "functional": FUNCTIONAL,
        "median": {"type": ["number", "null"], "description": "null where the model learns no median."},
        "mean": {**NUMBER, "description": "The expected value: what may be added up over vehicles."},
        "interval": {
            "type": "object",
            "required": ["low", "high", "coverage"],
            "properties": {"low": NUMBER, "high": NUMBER, "coverage": NUMBER},
        },
        "on_the_books": ANY,
        "in_sample": {
            "type": ["boolean", "null"],
            "description": "Whether the model was fitted to what happened in this window; null: not known.",
        },
        "note": {**MAYBE_TEXT, "description": "What else is to be known, e.g. a vehicle that looks gone."},
        "features": ANY,
        "replaced": ANY,
        "data_digest": {**MAYBE_TEXT, "description": "SHA-256 of the table that the features are from."},
    },
}  # fmt: skip
FLEET: dict[str, Any] = {
    "type": ["object", "null"],
    "description": "What the version was trained on; null where its release did not note it.",
    "required": ["label", "id", "snapshot"],
    "properties": {name: {"type": "string"} for name in ("label", "id", "snapshot")},
}
COLUMNS = {"type": "array", "items": {"type": "object", "required": ["name", "type"]}}
SIGNATURE = {
    "type": "object",
    "required": ["inputs", "outputs"],
    "properties": {"inputs": COLUMNS, "outputs": COLUMNS},
}
ABOUT = {
    "type": "object",
    "required": [
        "name",
        "version",
        "run_id",
        "target",
        "horizon_days",
        "functional",
        "fleet",
        "warning",
        "signature",
    ],
    "properties": {"functional": FUNCTIONAL, "fleet": FLEET, "warning": MAYBE_TEXT, "signature": SIGNATURE},
}
MODELS = {
    "type": "object",
    "required": ["models"],
    "properties": {
        "models": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "version", "run_id", "fleet", "warning", "links"],
                "properties": {"fleet": FLEET, "warning": MAYBE_TEXT},
            },
        }
    },
}
HEADERS = {
    "X-Model-Version": {"schema": {"type": "string"}, "description": "Version that answered."},
    "X-Run-Id": {"schema": {"type": "string"}, "description": "MLflow run that trained it."},
    "X-Request-Id": {"schema": {"type": "string"}, "description": "The caller's, or a new one."},
    "X-Model-Warning": {
        "schema": {"type": "string", "enum": [ANOTHER.decode(), UNKNOWN.decode()]},
        "description": "There if the version was not trained on the fleet of the prepared table.",
    },
}
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
