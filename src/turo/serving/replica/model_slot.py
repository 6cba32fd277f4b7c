"""The model slot: the place in a replica that holds one version; loads, proves, exchanges it. Without Ray."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from turo.errors import DeployError, RegistryError, ServiceError
from turo.models.forecaster import Forecaster
from turo.registry.mlflow_login import mlflow_login
from turo.registry.model_files import fetch, forecaster_folder
from turo.serving.api.forecast import Forecast
from turo.serving.api.model_info import About
from turo.serving.api.predictor import Predictor
from turo.serving.http.problems import Problem
from turo.serving.lookup.feature_lookup import table_in
from turo.serving.replica.download import fetch as fetch_over_http
from turo.serving.replica.states import Failure
from turo.serving.serve_config import Content, ModelSpec
from turo.settings import Settings

PASSES = (ServiceError, OSError, MemoryError)  # TimeoutError and ConnectionError are OSErrors
LASTS = (FileNotFoundError, IsADirectoryError, NotADirectoryError)  # but these are about the model's files
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 60.0  # between tries at what may pass
FINAL_PAUSE_S = 60.0  # between tries at what hardly will: the files on this node were damaged, perhaps

logger = logging.getLogger(__name__)


def load(spec: ModelSpec, max_rows: int, settings: Settings) -> Predictor:
    """Download, verify and load a version, then let it answer its own logged example.

    Raises:
        DeployError: the version cannot be served; the reason names it.
    """
    started = time.monotonic()
    folder = files(spec, settings)
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


def files(spec: ModelSpec, settings: Settings) -> Path:
    """The version's MLflow model folder, whose files match the digest taken at training.

    Raises:
        RegistryError: they do not, or there is no digest: not loaded.
        ServiceError: MLflow does not answer.
    """
    label, tracking_uri = f"{spec.name}-{spec.version}", settings.mlflow_tracking_uri
    if not spec.sha256:
        raise RegistryError(f"{label} has no digest to compare with.", "Register it with `turo promote`.")
    if not tracking_uri.startswith("http"):  # a database: only MLflow's library reads it
        return fetch(spec.model_uri, label, spec.sha256)
    login = mlflow_login(settings)
    return fetch(
        spec.model_uri,
        label,
        spec.sha256,
        lambda uri, target: fetch_over_http(tracking_uri, uri, target, login),
    )


def example(folder: Path) -> dict[str, Any]:
    """The first row of the input example that was logged with the model."""
    frame = json.loads((folder / "input_example.json").read_text())
    return dict(zip(frame["columns"], frame["data"][0], strict=True))


class ModelSlot:
    """Holds the version that a replica serves, and exchanges it for another one without a gap.

    The new version is loaded and proven beside the old one; only then it takes over, between two requests.
    A version that cannot be loaded, or fails on its own example, leaves the old one where it is, and is tried
    again after a while: what failed here may do so for a reason of this node, or of the moment.
    """

    def __init__(
        self,
        load: Callable[[ModelSpec, int], Predictor],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.predictor: Predictor | None = None
        self.spec: ModelSpec | None = None
        self.failed: Failure | None = None
        self._load, self._clock = load, clock
        self._tries, self._again_at = 0, 0.0

    @property
    def due(self) -> bool:
        """Whether it is time to `take` the same content again."""
        return self.failed is not None and self._clock() >= self._again_at

    def take(self, content: Content) -> Predictor:
        """Serve `content.spec`; returns the predictor that answers from now on.

        Raises:
            DeployError: the version cannot be served, and nothing else is served yet.
            Exception: nothing is served yet, for a reason that may pass.
        """
        self._exchange(content)
        assert self.predictor is not None  # noqa: S101 - loaded above, or raised
        self.predictor.limit(content.limits.max_rows)
        self._tell(self.predictor, content)
        return self.predictor

    def _exchange(self, content: Content) -> None:
        spec = content.spec
        if spec == self.spec:
            self.failed = None
            return
        try:
            self.predictor, self.spec = self._load(spec, content.limits.max_rows), spec
            self.failed = None
        except Exception as error:
            self._note(spec, error)
            if self.predictor is None:
                self._load_fallback(content, error)
            logger.exception(
                "%s version %s is not taken over; version %s answers",
                spec.name, spec.version, self.spec.version if self.spec else "none",
            )  # fmt: skip

    def _note(self, spec: ModelSpec, error: Exception) -> None:
        passing = may_pass(error)
        again = self.failed is not None and self.failed.spec == spec
        self._tries = self._tries + 1 if again else 1
        pause = min(FIRST_PAUSE_S * 2 ** (self._tries - 1), LONGEST_PAUSE_S) if passing else FINAL_PAUSE_S
        self._again_at = self._clock() + pause
        self.failed = Failure(spec=spec, reason=f"{type(error).__name__}: {one_line(error)}", passing=passing)

    def _load_fallback(self, content: Content, error: Exception) -> None:
        """While nothing is served: the version named for this case, or the replica must not start."""
        if content.stand_in is not None:
            try:
                predictor = self._load(content.stand_in, content.limits.max_rows)
            except Exception:
                logger.exception("nor can version %s stand in", content.stand_in.version)
            else:
                self.predictor, self.spec = predictor, content.stand_in
                return
        if may_pass(error):
            raise error
        own = isinstance(error, DeployError | RegistryError)
        raise DeployError(one_line(error) if own else f"{type(error).__name__}: {one_line(error)}") from error

    def _tell(self, predictor: Predictor, content: Content) -> None:
        notes = content.notes
        predictor.about.refused = notes.refused  # as the reconciler says: it knows the other replicas
        if content.spec == self.spec:
            challenger = notes.challenger.version if notes.challenger else None
            predictor.tell({"tags": notes.tags, "metrics": notes.metrics, "challenger": challenger})


def may_pass(error: Exception) -> bool:
    """Whether a failure to load says nothing of the version: a service is away, the disk is full."""
    return isinstance(error, PASSES) and not isinstance(error, LASTS)


def one_line(error: Exception) -> str:
    """An error as one line: Serve's message is read by lines."""
    return " ".join(str(error).split())
