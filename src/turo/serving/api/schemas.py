"""What answers look like: the source of their JSON Schemas in the OpenAPI document."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field

from turo.models.explanation import AROUND, ON_THE_BOOKS
from turo.serving.api.fleet_check import ANOTHER, UNKNOWN
from turo.serving.forms.json_schema import Described

Functional = Annotated[
    Literal["median", "mean"],
    Field(description="What `prediction` is of all that may happen. Medians do not add up; means do."),
]


class ProblemAnswer(Described):
    """A refusal (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[dict[str, Any]] = Field([], description="Row, column, expected, got: those that apply.")
    error: str = Field("", description="The detail again, below /v2, where its clients look for it.")


class Predictions(Described):
    """One number a row, in the rows' order."""

    predictions: list[float]


class Window(Described):
    """First and last day of the forecast."""

    first: date = Field(alias="from")
    last: date = Field(alias="to")


class Interval(Described):
    """Within these bounds the truth is expected to be, as often as `coverage` says."""

    low: float
    high: float
    coverage: float


class Quantiles(Described):
    """What is not exceeded with 5, 10, 25, 50, 75, 90 and 95 % probability."""

    q05: float
    q10: float
    q25: float
    q50: float
    q75: float
    q90: float
    q95: float


class ForecastAnswer(Described):
    """The forecast for one vehicle, and what it was made of."""

    vehicle_id: str
    origin: date | None
    window: Window | None
    target: str
    prediction: float = Field(description="What POST /{model} answers for these features.")
    functional: Functional
    median: float | None = Field(description="null where the model knows no median.")
    mean: float = Field(description="The expected value: what may be added up over vehicles.")
    interval: Interval
    quantiles: Quantiles | None = Field(description="null where an earlier release trained the model.")
    on_the_books: dict[str, Any]
    in_sample: bool | None = Field(
        description="Whether the model was fitted to what happened in this window; null: not known."
    )
    note: str | None = Field(description="What else is to be known, e.g. a vehicle that looks gone.")
    features: dict[str, Any]
    replaced: dict[str, Any]
    data_digest: str | None = Field(description="SHA-256 of the table that the features are from.")


class Contributions(Described):
    """Why one prediction is what it is: it is `base` and the sum of `contributions`."""

    prediction: float = Field(description="What POST /{model} answers for this row.")
    base: float = Field(
        description="What the model expects on top of the books, on average over its training rows."
    )
    contributions: dict[str, float] = Field(
        description="SHAP values by feature, in `unit`. Beside the features: "
        f"`{ON_THE_BOOKS}`, the days (trips, revenue) on the books that the model starts from, and "
        f"`{AROUND}`, the way from what the model expects to the median (or mean, see `functional`) of "
        "what may come true and into the bounds of the target.",
        examples=[{"otb_days": -1.5, "lag_52w": 0.75, ON_THE_BOOKS: 6.0, AROUND: -0.25}],
    )


class Explanations(Described):
    """One explanation a row, in the rows' order."""

    explanations: list[Contributions]
    functional: Functional
    unit: str


class Fleet(Described):
    """What the version was trained on; null where its release did not note it."""

    label: str
    id: str
    snapshot: str


class Column(Described):
    """An input or an output of a model."""

    name: str
    type: Literal["number", "string"]
    expected: str = Field("", description="What an input takes, in words.")


class Signature(Described):
    """What a model takes and gives."""

    inputs: list[Column]
    outputs: list[Column]


class AboutAnswer(Described):
    """The served version of a model."""

    name: str
    version: str
    run_id: str
    target: str
    horizon_days: int
    functional: Functional
    explain: bool = Field(description="Whether POST /{model}/explain has an answer.")
    fleet: Fleet | None
    below_baseline: bool = Field(description="Whether it serves although the best baseline is better.")
    warning: str | None
    metrics: dict[str, float | None]
    data_digest: str | None = Field(description="SHA-256 of the table that it was trained on.")
    code_version: str | None
    refused: dict[str, str] | None = Field(description="A newer version that could not be served, and why.")
    challenger: str | None = Field(description="The version that is being compared with this one.")
    signature: Signature
    inputs: list[Column]
    output: Column
    example: dict[str, Any] = Field(description="A request that works.")
    curl: str
    links: dict[str, str]


class Entry(Described):
    """A model in the list."""

    name: str
    version: str
    run_id: str
    fleet: Fleet | None
    warning: str | None
    links: dict[str, str]


class Attention(Described):
    """Something that is wrong with the platform, as `turo doctor` says it."""

    check: str
    severity: str
    what: str
    why: str
    remedy: str
    link: str = Field(description="Section of the repository's runbook.")


class Models(Described):
    """What is served."""

    models: list[Entry]
    attention: list[Attention]
    code_version: str = Field(description="Commit or version that the image was built from.")


HEADERS = {
    "X-Model-Version": {"schema": {"type": "string"}, "description": "Version that answered."},
    "X-Run-Id": {"schema": {"type": "string"}, "description": "MLflow run that trained it."},
    "X-Request-Id": {"schema": {"type": "string"}, "description": "The caller's, or a new one."},
    "X-Model-Warning": {
        "schema": {"type": "string", "enum": [ANOTHER.decode(), UNKNOWN.decode()]},
        "description": "There if the version was not trained on the fleet of the prepared table.",
    },
}
