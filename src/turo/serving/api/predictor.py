"""One served model version: a request in, a response out. No Ray, no network, no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
import orjson

from turo.html.render import prepare
from turo.models.explanation import explains
from turo.serving.api import fleet_check, mlflow_paths
from turo.serving.api.explain import EXPLAIN, explained
from turo.serving.api.finite import refuse_infinite
from turo.serving.api.model_info import TEMPLATE, About, description, json_schema, model_page
from turo.serving.api.model_protocol import Model
from turo.serving.forms import mlflow_forms, v2
from turo.serving.forms.rows import Columns, RowReader
from turo.serving.http.json_body import check_content_encoding, check_content_type
from turo.serving.http.messages import JSON, Request, Response, allow, json_response, version_headers
from turo.serving.http.problems import Problem, shown

BINARY = b"application/octet-stream"
FORECAST = "/forecast"

Observer = Callable[[About, str, Columns, np.ndarray], None]


class Forecast(Protocol):
    """What answers `/forecast`: `turo.serving.api.forecast.Forecast` is one."""

    def __call__(self, request: Request, predictor: Predictor) -> Response: ...

    def waits(self, request: Request) -> bool: ...


class Predictor:
    """Answers every path below `/<NAME>`.

    Args:
        model: the loaded model.
        about: what is told of it.
        max_rows: row limit of one request.
        observe: told of each answer (log, metrics, shadow).
        forecast: answers `/forecast`; absent where there is no feature table.
    """

    def __init__(
        self,
        model: Model,
        about: About,
        max_rows: int,
        observe: Observer | None = None,
        forecast: Forecast | None = None,
    ) -> None:
        prepare(TEMPLATE)
        self.model = model
        self.about = about
        about.explain = explains(model)
        self.row_reader = RowReader(model.fields, max_rows)
        self.schema = json_schema(about, self.row_reader)
        self.observe = observe
        self._forecast = forecast
        self.headers = version_headers(about.version, about.run_id)

    def handle(self, request: Request) -> Response:
        """Route one request.

        Raises:
            Problem: the request is refused; the caller turns it into a response.
        """
        if request.path == mlflow_paths.INVOCATIONS:
            allow(request, "POST")
        if request.path in ("", "/", mlflow_paths.INVOCATIONS) and request.method == "POST":
            return self.predict(request)
        if request.path in ("", "/"):
            return self.described(request)
        if request.path == "/schema":
            allow(request, "GET")
            return json_response(self.schema)
        if answer := {EXPLAIN: explained, FORECAST: self._forecast}.get(request.path):
            allow(request, "POST")
            return answer(request, self)
        if request.path.startswith("/v2/"):
            return self.handle_v2(request)
        if (reply := mlflow_paths.reply(request, serves=True)) is not None:
            return reply
        raise Problem(404, f"{request.full_path or request.path} does not exist; GET / lists what does.")

    def described(self, request: Request) -> Response:
        """What is served, for a program or for a browser."""
        allow(request, "GET", "POST")
        if request.wants_html:
            return model_page(self.about, self.row_reader, request)
        return json_response(description(self.about, self.row_reader, request.base_url))

    def waits(self, request: Request) -> bool:
        """Whether the answer takes its time, or a file's, whatever the size of the request."""
        reads = request.path == FORECAST and self._forecast is not None and self._forecast.waits(request)
        return request.path == EXPLAIN or reads

    def predict(self, request: Request) -> Response:
        """The native form and MLflow's four."""
        check_content_type(request.headers.get(b"content-type"))
        check_content_encoding(request.headers.get(b"content-encoding"))
        columns = mlflow_forms.read(request.body, self.row_reader)
        predictions = self.run(request.request_id, columns)
        return json_response({"predictions": predictions})

    def handle_v2(self, request: Request) -> Response:
        """`/v2/models/<NAME>[/versions/<V>][/ready|/infer]`."""
        _, _, _, name, *rest = [*request.path.split("/"), ""]
        if name != self.about.name:
            raise Problem(404, f"Model {shown(name)} is not served here.")
        rest = [part for part in rest if part]
        if rest[:1] == ["versions"] and len(rest) > 1:
            if rest[1] != self.about.version:
                served = self.about.version
                raise Problem(404, f"Version {shown(rest[1])} is not served; {name} serves {served}.")
            rest = rest[2:]
        if rest == ["infer"]:
            allow(request, "POST")
            return self.infer(request)
        if rest == ["ready"]:
            allow(request, "GET")
            return Response(200, [JSON], b'{"ready":true}')
        if not rest:
            allow(request, "GET")
            return json_response(v2.metadata(name, self.about.version, self.row_reader))
        raise Problem(404, f"{request.full_path or request.path} does not exist.")

    def infer(self, request: Request) -> Response:
        """V2 inference, JSON or binary tensors."""
        json_length = request.headers.get(v2.LENGTH_HEADER)
        check_content_type(request.headers.get(b"content-type"), also=(BINARY,))
        check_content_encoding(request.headers.get(b"content-encoding"))
        asked = v2.read(request.body, json_length, self.row_reader)
        predictions = self.run(request.request_id, asked.columns)
        body, headers = v2.write(asked, self.about.name, self.about.version, predictions)
        return Response(200, headers, body)

    def run(self, request_id: str, columns: Columns) -> np.ndarray:
        """Predict, refuse what is not finite, tell the observer."""
        return self.checked(request_id, columns, self.model.predict(columns))

    def checked(self, request_id: str, columns: Columns, predicted: np.ndarray) -> np.ndarray:
        """The same for predictions already made."""
        predictions = np.ascontiguousarray(predicted, dtype=np.float64)
        refuse_infinite(predictions)
        if self.observe:
            self.observe(self.about, request_id, columns, predictions)
        return predictions

    def check(self) -> np.ndarray:
        """Predict the logged example through the native form, as a caller would.

        Raises:
            Problem: the model does not answer its own example.
        """
        body = orjson.dumps({"inputs": [self.about.example]})
        predictions = np.asarray(
            self.model.predict(mlflow_forms.read(body, self.row_reader)), dtype=np.float64
        )
        if predictions.shape != (1,) or not np.isfinite(predictions).all():
            got = shown(predictions.tolist())
            raise Problem(500, f"The logged example gives {got}, not one finite number.")
        return predictions

    def tell(self, changes: dict[str, Any]) -> None:
        """Take over facts that may change while a version is served."""
        for key in ("tags", "metrics", "challenger"):
            if key in changes:
                setattr(self.about, key, changes[key])

    def limit(self, max_rows: int) -> None:
        """Take at most so many rows from now on, and say so."""
        if max_rows != self.row_reader.max_rows:
            self.row_reader.max_rows = max_rows
            self.schema = json_schema(self.about, self.row_reader)

    def compare(self, manifest: Mapping[str, Any]) -> None:
        """Mark every answer from now on if the prepared table is not of the fleet that this was trained on.

        Args:
            manifest: of the table; empty where there is none.
        """
        about = self.about
        about.difference = fleet_check.difference(about.trained_on, manifest)
        kind = fleet_check.foreign(about.trained_on, manifest)
        marks = [(fleet_check.HEADER, kind)] if kind else []
        self.headers = [*version_headers(about.version, about.run_id), *marks]
