"""Champions in a real registry, trained in a moment, and what `turo forecast` wrote."""

from __future__ import annotations

import html
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from hand_fleet import FLEET, ORIGIN, make_champion, make_ranged_champion, prepared

from turo.data import fleet_sketch
from turo.models.encoding import encode
from turo.models.forecaster import Forecaster
from turo.models.kinds import regressor
from turo.registry import aliases, versions
from turo.registry.client import Version
from turo.settings import Settings
from turo.table.model_columns import arrays
from turo.training.artifacts import PLACES, log_forecaster


def register(
    name: str,
    horizon: int,
    folder: Path,
    *,
    below_baseline: bool = False,
    fleet: fleet_sketch.Identity = FLEET,
    distribution: bool = False,
    places: pl.DataFrame | None = None,
    scores: tuple[float, float] | None = (2.0, 4.0),
    target: str = "",
) -> Version:
    """Train in a moment, log, register, make champion, as training and gate do.

    Args:
        places: where what came true of past weeks lay, as a run logs it.
        scores: its error on the hold-out and the best baseline's; None for a run that kept neither.
        target: what it says it forecasts.
    """
    import mlflow

    forecaster = (make_ranged_champion if distribution else make_champion)(horizon).forecaster
    assert isinstance(forecaster, Forecaster)
    rows = prepared(ORIGIN, horizon)
    columns = arrays(rows, ("otb_days", "class"))
    model = regressor("xgboost")(rounds=2, max_depth=2).fit(
        encode(forecaster.fields, columns), np.full(4, 2.0)
    )
    with mlflow.start_run() as active:
        if scores is not None:
            names = ("mae", "baseline_on_the_books_mae", "baseline_best_mae")
            mlflow.log_metrics(dict(zip(names, (*scores, scores[1]), strict=True)))
        if places is not None:
            places.write_parquet(folder / PLACES)
            mlflow.log_artifact(str(folder / PLACES))
        trained = replace(forecaster, kind="xgboost", model=model, mean_shift=None)
        tags = log_forecaster(trained, rows, folder / f"{name}-{active.info.run_id}")
        mlflow.set_tags({**tags, "turo.data_digest": "digest", fleet_sketch.TAG: fleet_sketch.as_tag(fleet)})
        mlflow.set_tags({"turo.target": target} if target else {})
    version = versions.register(active.info.run_id, name)
    versions.set_tags(version, {"turo.below_baseline": str(below_baseline).lower()})
    aliases.set_champion(version)
    return version


def forecasts(settings: Settings) -> pl.DataFrame:
    """forecasts.csv."""
    return pl.read_csv(
        Path(settings.data_dir) / "forecasts.csv", schema_overrides={"vehicle_id": pl.String}, null_values=""
    )


def page(settings: Settings) -> str:
    """report.html with its characters as a reader sees them."""
    return html.unescape((Path(settings.data_dir) / "report.html").read_text())
