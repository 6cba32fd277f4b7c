"""What a replica does besides answering: load its version, prove it, exchange it. No Ray import."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from turo import settings as settings_module
from turo.errors import DeployError, RegistryError
from turo.model_files import fetch, forecaster_folder
from turo.models.forecaster import Forecaster
from turo.serving.describe import About
from turo.serving.fetch import fetch as fetch_over_http
from turo.serving.forecast import Forecast
from turo.serving.lookup import table_in
from turo.serving.predictor import Predictor
from turo.serving.problems import Problem
from turo.serving.spec import Content, ModelSpec

logger = logging.getLogger(__name__)


def load(spec: ModelSpec, max_rows: int) -> Predictor:
    """Download, verify and load a version, then let it answer its own logged example.

    Raises:
        DeployError: the version cannot be served; the reason names it.
    """
    started = time.monotonic()
    settings = settings_module.load()
    folder = files(spec, settings.mlflow_tracking_uri)
    model = Forecaster.load(forecaster_folder(folder))
    about = About(spec.name, spec.version, spec.run_id, model.target, model.horizon_days)
    about.example, about.trained_on = example(folder), spec.trained_on
    forecast = Forecast(table_in(settings.data_dir))
    predictor = Predictor(model, about, max_rows, forecast=forecast)
    try:
        predictor.check()
    except Problem as problem:
        what = f"{spec.name} version {spec.version} fails its smoke test: {problem.detail}"
        raise DeployError(what, "Train it again, or move the alias to another version.") from problem
    logger.info("loaded %s version %s in %.1f s", spec.name, spec.version, time.monotonic() - started)
    return predictor


def files(spec: ModelSpec, tracking_uri: str) -> Path:
    """The version's MLflow model folder, whose files match the digest taken at training.

    Raises:
        RegistryError: they do not, or there is no digest: not loaded.
        ServiceError: MLflow does not answer.
    """
    label = f"{spec.name}-{spec.version}"
    if not spec.sha256:
        raise RegistryError(f"{label} has no digest to compare with.", "Register it with `turo promote`.")
    if not tracking_uri.startswith("http"):  # a database as tracking server: only MLflow's library reads it
        return fetch(spec.model_uri, label, spec.sha256)
    return fetch(
        spec.model_uri, label, spec.sha256, lambda uri, target: fetch_over_http(tracking_uri, uri, target)
    )


def example(folder: Path) -> dict[str, Any]:
    """The first row of the input example that was logged with the model."""
    frame = json.loads((folder / "input_example.json").read_text())
    return dict(zip(frame["columns"], frame["data"][0], strict=True))


class Holder:
    """The version a replica serves now, and the exchange of it for another one without a gap.

    The new version is loaded and proven beside the old one; only then it takes over, between two requests.
    A version that cannot be loaded, or fails on its own example, leaves the old one where it is.
    """

    def __init__(self, load: Callable[[ModelSpec, int], Predictor] = load) -> None:
        self.predictor: Predictor | None = None
        self.spec: ModelSpec | None = None
        self.failed: dict[str, str] | None = None
        self._load = load

    def take(self, content: Content) -> Predictor:
        """Serve `content.spec`; returns the predictor that answers from now on.

        Raises:
            Exception: only while nothing is served yet: the replica must not start then.
        """
        spec = content.spec
        if spec == self.spec:
            self.failed = None
        else:
            try:
                self.predictor, self.spec = self._load(spec, content.limits.max_rows), spec
                self.failed = None
            except Exception as error:
                if self.predictor is None:
                    raise
                self.failed = {"version": spec.version, "reason": f"{type(error).__name__}: {error}"}
                logger.exception("%s version %s is refused; the old one stays", spec.name, spec.version)
        assert self.predictor is not None  # noqa: S101 - loaded above, or raised
        self.predictor.table.max_rows = content.limits.max_rows
        notes = content.notes
        self.predictor.about.refused = notes.refused or self.failed
        if spec == self.spec:
            challenger = notes.challenger.version if notes.challenger else None
            self.predictor.tell({"tags": notes.tags, "metrics": notes.metrics, "challenger": challenger})
        return self.predictor
