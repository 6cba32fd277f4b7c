"""`POST /<NAME>/forecast`: vehicle and origin in; prediction, interval, on the books, features out."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from turo.models.distribution import COVERAGE
from turo.models.forecaster import Outlook
from turo.models.spread import QUANTILE_NAMES
from turo.serving.api.fleet_check import remedy
from turo.serving.api.model_info import MEDIAN, About
from turo.serving.api.predictor import Predictor
from turo.serving.api.version_fit import check_fit, in_sample, note, plain
from turo.serving.forms.rows import Columns, Field
from turo.serving.http.json_body import (
    check_content_encoding,
    check_content_type,
    check_duplicates,
    count_strings,
    parse,
)
from turo.serving.http.messages import Request, Response, json_response
from turo.serving.http.problems import Problem, shown
from turo.serving.lookup.feature_lookup import FeatureTable
from turo.serving.lookup.prepared_row import Row
from turo.table.targets import BOOKED_DAYS, RESERVATIONS, REVENUE, TARGET

ON_THE_BOOKS = {
    "days": TARGET[BOOKED_DAYS].on_books,
    "trips": TARGET[RESERVATIONS].on_books,
    "revenue": TARGET[REVENUE].on_books,
}
OTHER = "other"
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True)
class Forecast:
    """Answers from one prepared table."""

    table: FeatureTable

    def __call__(self, request: Request, predictor: Predictor) -> Response:
        """Look up, predict, explain.

        Raises:
            Problem: 4xx naming what is wrong with the request, or the vehicle or origin that is not there.
        """
        check_content_type(request.headers.get(b"content-type"))
        check_content_encoding(request.headers.get(b"content-encoding"))
        row = self.table.find(*asked(request.body))
        about = predictor.about
        check_fit(row, about)
        features, replaced = features_of(row, about, predictor.row_reader.fields)
        columns = columns_of(features, predictor.row_reader.fields)
        outlook = predictor.model.outlook(columns)
        predictions = predictor.checked(request.request_id, columns, outlook.forecast)
        seen = in_sample(row, about)
        prediction = float(predictions[0])
        answer: dict[str, Any] = {
            "vehicle_id": row.vehicle_id,
            "origin": row.origin,
            "window": window(row.origin, about.horizon_days),
            "target": about.target,
            "prediction": prediction,
            "functional": about.functional,
            "median": _median(outlook, about, prediction),
            "mean": float(outlook.mean[0]),
            "interval": {
                "low": float(outlook.low[0]),
                "high": float(outlook.high[0]),
                "coverage": COVERAGE,
            },
            "quantiles": _quantiles(outlook),
            "on_the_books": {key: plain(row.values[n]) for key, n in ON_THE_BOOKS.items() if n in row.values},
            "in_sample": seen,
            "note": note(row, seen),
            "features": features,
            "replaced": replaced,
            "data_digest": row.manifest.get("digest"),
        }
        return json_response(answer)

    def waits(self, request: Request) -> bool:
        """Whether the row has to be read from a file."""
        return not self.table.at_hand(dated=b"origin" in request.body)


def _median(outlook: Outlook, about: About, prediction: float) -> float | None:
    if about.functional == MEDIAN:
        return prediction
    return None if outlook.quantiles is None else float(outlook.median[0])


def _quantiles(outlook: Outlook) -> dict[str, float] | None:
    if outlook.quantiles is None:
        return None
    return dict(zip(QUANTILE_NAMES, outlook.quantiles[0].tolist(), strict=True))


def asked(body: bytes) -> tuple[str, date | None]:
    """Vehicle and origin of a request body."""
    document = parse(body)
    example = '{"vehicle_id": "12", "origin": "2026-11-23"}'
    if not isinstance(document, dict):
        raise Problem(422, f"The body must be an object such as {example}; got {shown(document)}.")
    for key in document:
        if key not in ("vehicle_id", "origin"):
            raise Problem(422, f"Member {shown(key)} is unknown; send {example}.")
    check_duplicates(body, count_strings(document))
    vehicle, origin = document.get("vehicle_id"), document.get("origin")
    if type(vehicle) is int or (type(vehicle) is float and vehicle.is_integer()):
        vehicle = str(int(vehicle))
    if not isinstance(vehicle, str) or not vehicle:
        raise Problem(422, f"vehicle_id: expected a string, got {shown(vehicle)}; send {example}.")
    if origin is None:
        return vehicle, None
    try:
        if isinstance(origin, str) and DAY.fullmatch(origin):  # Python also takes 2026-W48-1
            return vehicle, date.fromisoformat(origin)
    except ValueError:
        pass
    raise Problem(422, f"origin: expected a date YYYY-MM-DD, got {shown(origin)}.")


def features_of(row: Row, about: About, fields: tuple[Field, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The model's features of a row, and those that had to be replaced: a new make counts as `other`."""
    absent = [field.name for field in fields if field.name not in row.values]
    if absent:
        raise Problem(
            409,
            f"The table lacks {', '.join(absent)}, which {about.name} version {about.version} was trained "
            f"on. {remedy(row.manifest)}",
        )
    features = {field.name: plain(row.values[field.name]) for field in fields}
    replaced = {}
    for field in fields:
        value = features[field.name]
        if field.kind != "number" and value is not None and value not in field.categories:
            features[field.name] = OTHER if OTHER in field.categories else None
            replaced[field.name] = {"was": value, "used": features[field.name]}
    return features, replaced


def columns_of(features: dict[str, Any], fields: tuple[Field, ...]) -> Columns:
    """One row as the model takes it."""
    return {
        field.name: np.array(
            [math.nan if features[field.name] is None else features[field.name]], dtype=np.float64
        )
        if field.kind == "number"
        else np.array([features[field.name]], dtype=object)
        for field in fields
    }


def window(origin: date | None, days: int) -> dict[str, date] | None:
    """First and last day of the forecast."""
    return None if origin is None else {"from": origin, "to": origin + timedelta(days=days - 1)}
