"""`POST /<NAME>/explain`: rows in; of each, the prediction and what every feature adds to it."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np

from turo.models.explanation import Explanation, explain, explains, kinds_that_explain
from turo.models.forecaster import Forecaster
from turo.serving.api.finite import refuse_infinite
from turo.serving.api.model_info import About
from turo.serving.api.model_protocol import Model
from turo.serving.forms import mlflow_forms
from turo.serving.forms.rows import RowReader
from turo.serving.http.json_body import check_content_encoding, check_content_type
from turo.serving.http.messages import Request, Response, json_response
from turo.serving.http.problems import Problem
from turo.table.targets import unit

EXPLAIN = "/explain"
EXPLAIN_MAX_ROWS = 100
TOLERANCE = 1e-5  # by which the sum of the parts may miss the prediction, in units of the target


class Served(Protocol):
    """What is explained: `turo.serving.api.predictor.Predictor` is one."""

    model: Model
    about: About
    row_reader: RowReader


def explained(request: Request, predictor: Served) -> Response:
    """Read rows as the native route does, and explain their predictions.

    These are not in the prediction log: whoever asks why has mostly asked for the number already, and rows
    counted twice would look like drift.

    Raises:
        Problem: 404 where this kind of model has no contributions; 422 where values are so large that the
            parts do not add up to the prediction; 4xx as `POST /<NAME>`.
    """
    model, about = predictor.model, predictor.about
    if not isinstance(model, Forecaster) or not explains(model):
        raise Problem(404, f"{about.name} is of a kind without contributions; {having()}.")
    check_content_type(request.headers.get(b"content-type"))
    check_content_encoding(request.headers.get(b"content-encoding"))
    row_reader = RowReader(model.fields, min(EXPLAIN_MAX_ROWS, predictor.row_reader.max_rows))
    found = explain(model, mlflow_forms.read(request.body, row_reader))
    refuse_infinite(found.prediction)
    explanations = _by_row(found)
    _refuse_what_misses(explanations)
    answer = {
        "explanations": explanations,
        "functional": about.functional,
        "unit": unit(about.target),
    }
    return json_response(answer)


def having() -> str:
    """Which models have contributions, as a part of a sentence."""
    return f"models of the kinds {' and '.join(kinds_that_explain())} have them"


def _refuse_what_misses(explanations: list[dict[str, Any]]) -> None:
    """Raise a Problem, 422, that names the first row whose rounded parts miss its prediction."""
    for row, one in enumerate(explanations):
        parts = (one["base"], *one["contributions"].values())
        if abs(math.fsum((*parts, -one["prediction"]))) > TOLERANCE:
            detail = f"Row {row}: values so large that the parts do not add up to the prediction."
            raise Problem(422, detail, [{"row": row}])


def _by_row(found: Explanation) -> list[dict[str, Any]]:
    names = list(found.contributions)
    parts = np.stack([*found.contributions.values()], axis=1).tolist()
    rows = zip(found.prediction.tolist(), found.base.tolist(), parts, strict=True)
    return [
        {"prediction": prediction, "base": base, "contributions": dict(zip(names, values, strict=True))}
        for prediction, base, values in rows
    ]
