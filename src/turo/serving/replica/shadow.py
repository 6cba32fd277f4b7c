"""The application `shadow`: all challengers in one process, which gets a copy of the traffic.

Nobody waits for it.

A challenger that cannot be loaded, is slow, or dies takes nothing with it but its own figures.
"""

# No annotations from the future here: Serve reads them at run time.
import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydantic import BaseModel
from ray import serve
from ray.serve import Application

from turo.models.forecaster import MEAN
from turo.serving.api.predictor import Predictor
from turo.serving.replica import model_slot
from turo.serving.replica.metrics import ShadowGauges
from turo.serving.replica.model_app import log_through_serve
from turo.serving.serve_config import SHADOW_DEPLOYMENT, ModelSpec, ShadowContent
from turo.settings import load as load_settings

CPUS = 0.05
WINDOW = 5000  # differences that mean and p95 are taken over
LOG_S = 60.0

logger = logging.getLogger(__name__)


class NoArguments(BaseModel):
    """All that the replica needs to know comes as user_config."""


@dataclass
class Challenger:
    """One challenger with its newest differences from the champion."""

    spec: ModelSpec
    predictor: Predictor
    differences: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))
    against: str = ""
    logged_at: float = 0.0
    unlike: bool = False  # whether it was logged that it knows no medians

    def compare(
        self, version: str, columns: dict[str, np.ndarray], predictions: np.ndarray, functional: str
    ) -> tuple[float, float] | None:
        """Mean difference and 95th percentile of its size over the window, these rows included.

        None where it knows nothing that the predictions can be compared with.
        """
        answers = self.answers(columns, functional)
        if answers is None:
            return None
        if version != self.against:  # another champion: the old differences say nothing
            self.against = version
            self.differences.clear()
        self.differences.extend((answers - predictions).tolist())
        window = np.array(self.differences)
        return float(window.mean()), float(np.quantile(np.abs(window), 0.95))

    def answers(self, columns: dict[str, np.ndarray], functional: str) -> np.ndarray | None:
        """Its medians or means (rows,), whichever `functional` asks for; None where it knows no medians."""
        if functional == self.predictor.about.functional:
            return self.predictor.model.predict(columns)
        outlook = self.predictor.model.outlook(columns)
        if functional == MEAN:
            return outlook.mean
        return None if outlook.quantiles is None else outlook.median


class Shadow:
    """The replica of the application `shadow`."""

    def __init__(self) -> None:
        log_through_serve()
        self.settings = load_settings()
        self.loaded: dict[str, Challenger] = {}
        self.refused: set[ModelSpec] = set()
        self.gauges = ShadowGauges()

    async def reconfigure(self, config: dict[str, Any]) -> None:
        """Load the challengers; one that cannot be loaded is left out, said once."""
        wanted = ShadowContent.model_validate(config).challengers
        self.loaded = {n: challenger for n, challenger in self.loaded.items() if challenger.spec in wanted}
        for spec in wanted:
            known = self.loaded.get(spec.name)
            if spec in self.refused or (known and known.spec == spec):
                continue
            try:
                predictor = await asyncio.to_thread(model_slot.load, spec, 1, self.settings)
                self.loaded[spec.name] = Challenger(spec, predictor)
            except Exception:
                self.refused.add(spec)
                logger.exception("challenger %s version %s cannot be shown traffic", spec.name, spec.version)

    def observe(
        self,
        name: str,
        version: str,
        columns: dict[str, np.ndarray],
        predictions: np.ndarray,
        functional: str,
    ) -> None:
        """Compare a batch of the champion's answers, medians or means, with the challenger's."""
        challenger = self.loaded.get(name)
        if challenger is None or not set(columns) >= {f.name for f in challenger.predictor.model.fields}:
            return
        compared = challenger.compare(version, columns, predictions, functional)
        if compared is None:
            if not challenger.unlike:
                challenger.unlike = True
                logger.warning(
                    "[Shadow] %s version %s is not compared: it knows means only, version %s answers medians",
                    name, challenger.spec.version, version,
                )  # fmt: skip
            return
        mean, p95 = compared
        self.gauges.compared(name, challenger.spec.version, mean, p95, len(predictions))
        if time.monotonic() - challenger.logged_at > LOG_S:
            challenger.logged_at = time.monotonic()
            logger.info(
                "[Shadow] %s version %s against %s: mean %+.3f, p95 %.3f over the last %d rows",
                name, challenger.spec.version, version, mean, p95, len(challenger.differences),
            )  # fmt: skip


def build(args: NoArguments) -> Application:
    """Entry point named in the Serve configuration."""
    return serve.deployment(name=SHADOW_DEPLOYMENT, ray_actor_options={"num_cpus": CPUS})(Shadow).bind()
