"""What a model says of itself: to programs by a JSON description and a JSON Schema, to people by a page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from turo.html.render import render
from turo.serving.api.fleet_check import told
from turo.serving.api.mlflow_paths import INVOCATIONS
from turo.serving.forms.json_schema import schema_of
from turo.serving.forms.request_models import native_request
from turo.serving.forms.rows import RowReader, expected
from turo.serving.http.html_page import html_response, policy
from turo.serving.http.messages import Request, Response
from turo.serving.serve_config import BELOW_BASELINE, TrainedOn
from turo.table.targets import BOOKED_DAYS, RESERVATIONS, REVENUE, unit
from turo.words import counted

TEMPLATE = "model.html"
MEDIAN, MEAN = "median", "mean"
FORECASTS = {
    BOOKED_DAYS: "on how many days a vehicle will be booked",
    RESERVATIONS: "how many reservations a vehicle will have",
    REVENUE: "what a vehicle will earn, in the money of the host's file,",
}
READ = {
    MEDIAN: "A prediction is the median: it is as likely to be more as it is to be less. Medians do not add "
    "up; a vehicle's page has the mean beside it, which does.",
    MEAN: "A prediction is the mean of what may come true: it may be added up over vehicles.",
}
BELOW = (
    "This version does not beat the best baseline: on past weeks that it had not seen, a simple rule was "
    "closer."
)


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


def model_page(about: About, row_reader: RowReader, request: Request) -> Response:
    """`GET /<NAME>` for a browser: a vehicle to pick, the model in plain words, then its rows and columns.

    Args:
        request: who asks, and at which address.
    """
    page = render(
        TEMPLATE,
        about=about,
        words=in_words(about),
        body=orjson.dumps({"inputs": [about.example]}, option=orjson.OPT_INDENT_2).decode(),
        command=curl(f"{request.base_url}/{about.name}", about.example),
        columns=[(field.name, expected(field)) for field in row_reader.fields],
        prefix=request.prefix,
        signed_in=request.signed_in,
        here="",
    )
    return html_response(page, csp=policy(scripts="'self'", more="connect-src 'self'"))


def in_words(about: About) -> list[str]:
    """What it forecasts, how a prediction is to be read, what it learnt from, how far off it was."""
    what = FORECASTS.get(about.target, f"{about.target} of a vehicle")
    days = f" over the next {counted(about.horizon_days, 'day')}" if about.horizon_days else ""
    said = [f"It forecasts {what}{days}. {READ[about.functional]}"]
    if fleet := told(about.trained_on):
        said.append(f"It was trained on {fleet['label']}.")
    error, usual = about.metrics.get("mae"), about.metrics.get("baseline_best_mae")
    if error is not None:
        compared = "" if usual is None else f"; the best simple rule, by {usual:.3g}"
        # Money has the unit of the host's file.
        measure = "" if about.target == REVENUE else f" {unit(about.target)}"
        off = f"{error:.3g}{measure.rstrip()}"
        said.append(f"On past weeks that it had not seen it was off by {off} a vehicle on average{compared}.")
    return said
