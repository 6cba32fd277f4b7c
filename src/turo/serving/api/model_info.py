"""What a model says of itself: JSON description, JSON Schema, example request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from turo.serving.api.fleet_check import told
from turo.serving.api.mlflow_paths import INVOCATIONS
from turo.serving.forms.json_schema import schema_of
from turo.serving.forms.request_models import native_request
from turo.serving.forms.rows import RowReader, expected
from turo.serving.serve_config import BELOW_BASELINE, TrainedOn
from turo.words import counted

MEDIAN, MEAN = "median", "mean"
BELOW = "This version does not beat the best baseline; it serves because no better one exists."


@dataclass
class About:
    """Facts of the served version. `tags`, `metrics`, `refused`, `challenger`, `difference` may change while
    it is served."""

    name: str
    version: str
    run_id: str
    target: str
    horizon_days: int
    tags: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    example: dict[str, Any] = field(default_factory=dict)
    refused: dict[str, str] | None = None
    challenger: str | None = None
    trained_on: TrainedOn = field(default_factory=TrainedOn)
    explain: bool = False  # whether `POST /<NAME>/explain` has an answer
    difference: str | None = (
        None  # of its fleet from the prepared table's, see `turo.serving.api.fleet_check`
    )

    @property
    def below_baseline(self) -> bool:
        """Whether it serves although the best baseline is better."""
        return self.tags.get(BELOW_BASELINE) == "true"

    @property
    def warning(self) -> str | None:
        """Said wherever the model is shown."""
        return warning(self.difference, self.below_baseline)

    @property
    def functional(self) -> str:
        """What a prediction is of all that may happen: the median or the mean."""
        return MEAN if self.trained_on.metric == "rmse" else MEDIAN


def warning(difference: str | None, below_baseline: bool) -> str | None:
    """What is to be known before a version's predictions are used; None where there is nothing."""
    said = [f"This version {difference}: its predictions are not of these vehicles."] if difference else []
    return " ".join([*said, BELOW] if below_baseline else said) or None


def description(about: About, row_reader: RowReader, base_url: str) -> dict[str, Any]:
    """The body of `GET /<NAME>`."""
    url = f"{base_url}/{about.name}"
    inputs = [
        {"name": f.name, "type": "number" if f.kind == "number" else "string", "expected": expected(f)}
        for f in row_reader.fields
    ]
    output = {"name": "predictions", "type": "number"}
    return {
        "name": about.name,
        "version": about.version,
        "run_id": about.run_id,
        "target": about.target,
        "horizon_days": about.horizon_days,
        "functional": about.functional,
        "explain": about.explain,
        "fleet": told(about.trained_on),
        "below_baseline": about.below_baseline,
        "warning": about.warning,
        "metrics": about.metrics,
        "data_digest": about.trained_on.data_digest or None,
        "code_version": about.tags.get("turo.code_version"),
        "refused": about.refused,
        "challenger": about.challenger,
        "signature": {"inputs": inputs, "outputs": [output]},
        "inputs": inputs,  # as before `signature` was there
        "output": output,
        "example": {"inputs": [about.example]},
        "curl": curl(url, about.example),
        "links": {
            "predict": url,
            "forecast": f"{url}/forecast",
            **({"explain": f"{url}/explain"} if about.explain else {}),
            "schema": f"{url}/schema",
            "invocations": f"{url}{INVOCATIONS}",
            "v2": f"{base_url}/v2/models/{about.name}",
            "docs": f"{base_url}/docs",
        },
    }


def curl(url: str, example: dict[str, Any]) -> str:
    """A command that works when pasted."""
    import orjson

    data = orjson.dumps({"inputs": [example]}).decode().replace("'", "'\\''")
    return f"curl -H 'Content-Type: application/json' -d '{data}' {url}"


def json_schema(about: About, row_reader: RowReader) -> dict[str, Any]:
    """JSON Schema (2020-12) of the native request. Takes milliseconds: a version needs it once."""
    days = counted(about.horizon_days, "day")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"/{about.name}/schema",
        **schema_of(native_request(row_reader, about.example)),
        "title": f"{about.name} version {about.version}: {about.target} over {days}",
        "examples": [{"inputs": [about.example]}],
    }
