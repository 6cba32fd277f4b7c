"""JSON Schemas of pydantic models, each whole in itself so that OpenAPI can hold it at any place."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

DEFINITIONS = "#/$defs/"


class Described(BaseModel):
    # No docstring: pydantic would give it to every model that has none. These models describe and are held to
    # what the routes do by tests; requests are read by `forms`, `v2` and `forecast`, which are faster.
    model_config = ConfigDict(strict=True)


class _Plain(GenerateJsonSchema):
    """Without a title for each member; one that has a default may be left out, which is all that it means."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def default_schema(self, schema: Any) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a model, with every part in its place instead of a reference."""
    schema = model.model_json_schema(schema_generator=_Plain)
    parts = schema.pop("$defs", {})
    return {key: _in_place(value, parts) for key, value in schema.items()}


def _in_place(schema: Any, parts: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_in_place(item, parts) for item in schema]
    if not isinstance(schema, dict):
        return schema
    name = schema.get("$ref")
    if isinstance(name, str) and name.startswith(DEFINITIONS):
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        schema = {**parts[name.removeprefix(DEFINITIONS)], **rest}
    return {key: _in_place(value, parts) for key, value in schema.items()}
