"""What requests look like: the source of their JSON Schemas. `forms`, `v2` and `forecast` read them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, create_model

from turo.serving.forms import v2
from turo.serving.forms.json_schema import Described
from turo.serving.forms.rows import Field as Column
from turo.serving.forms.rows import RowReader
from turo.serving.forms.v2_fast_path import BYTES, NUMPY_TYPES

DATATYPES = (BYTES, *NUMPY_TYPES)
CLOSED = ConfigDict(strict=True, extra="forbid")

Number = Annotated[float, Field(allow_inf_nan=False)]


def whole(value: Any) -> Any:
    """12 for 12.0: JSON has one kind of number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def checked_day(text: str) -> str:
    """A date as it is written; ValueError where there is no such day."""
    date.fromisoformat(text)
    return text


Day = Annotated[
    str,
    Field(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$", json_schema_extra={"format": "date"}),
    AfterValidator(checked_day),
]


class Rows(Described):
    """Rows of a model whose columns are not known now."""

    inputs: list[dict[str, Any]] = Field(min_length=1)


class ForecastRequest(Described):
    """The vehicle to forecast, and from which day."""

    model_config = ConfigDict(
        **CLOSED, json_schema_extra={"examples": [{"vehicle_id": "12", "origin": "2026-11-23"}]}
    )

    vehicle_id: Annotated[str, Field(min_length=1)] | Annotated[int, BeforeValidator(whole)]
    origin: Day | None = Field(
        None, description="A Monday of the prepared table; without it the table's newest."
    )


class Tensor(Described):
    """One column of a V2 request."""

    name: str
    shape: list[Annotated[int, Field(ge=0)]] = Field(min_length=1, max_length=2)
    datatype: Literal[DATATYPES]  # type: ignore[valid-type]
    data: list[Any] = Field([], description="Absent where the tensor is in the binary part.")


class Output(Described):
    """An output that is wanted; there is only one."""

    name: Literal[v2.OUTPUT]  # type: ignore[valid-type]


class Inference(Described):
    """A V2 request."""

    id: str | None = None
    inputs: list[Tensor] = Field(
        min_length=1,
        description="One tensor a column of GET /v2/models/{model}, in any order, all of one length.",
    )
    outputs: list[Output] | None = None


def native_request(row_reader: RowReader, example: dict[str, Any]) -> type[BaseModel]:
    """The model of `POST /<NAME>`: rows of exactly the columns that the served version takes.

    Args:
        example: a row; its values become the columns' examples.
    """
    # A column may have any name, a member of a pydantic model may not.
    columns: Any = {
        f"column_{number}": (column_type(column), column_facts(column, example.get(column.name)))
        for number, column in enumerate(row_reader.fields)
    }
    row: Any = create_model("Row", __config__=CLOSED, **columns)
    rows: Any = (list[row], Field(min_length=1, max_length=row_reader.max_rows))
    return create_model("Rows", __config__=CLOSED, inputs=rows)


def column_type(column: Column) -> Any:
    """What a column takes: see `turo.serving.forms.rows.accepts`."""
    if column.kind == "number":
        return Number | None if column.nullable else Number
    return Literal[(*column.categories, None) if column.nullable else tuple(column.categories)]


def column_facts(column: Column, example: Any) -> Any:
    """A column's name, and what documentation says of it."""
    number = column.kind == "number"
    known = number and column.minimum is not None and column.maximum is not None
    return Field(
        alias=column.name,
        description=f"training saw {column.minimum:g} to {column.maximum:g}" if known else None,
        examples=None if example is None else [example],
        # Of text and null in one list pydantic gives no type.
        json_schema_extra={"type": ["string", "null"]} if column.nullable and not number else None,
    )
