"""Candidate and champion on the same hold-out rows, each by a model that never saw them.

What serves was fitted to all labelled rows, so it must not be judged on the candidate's hold-out: it has seen
most of it. Each run therefore keeps the model it was evaluated with (fitted before its own hold-out) and its
hold-out rows with features. The champion's evaluation model forecasts the candidate's hold-out rows. Both
evaluation models are older than what serves by the same twelve weeks and a gap, so that they differ in age as
the two served models do.
"""

from __future__ import annotations

import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from turo.errors import RegistryError, TuroError
from turo.files import sha256_folder
from turo.gate.paired_bootstrap import Comparison, Resamples, Total, compare, totals
from turo.models.forecaster import Forecaster
from turo.registry.client import Version, client
from turo.table.model_columns import arrays
from turo.training.artifacts import EVALUATION, HOLDOUT
from turo.training.evaluation.backtest import ACTUAL, PREDICTION
from turo.training.evaluation.metrics import row_loss

logger = logging.getLogger(__name__)

MEAN, MEDIAN = "mean", "q50"  # columns of the hold-out; runs of older code lack them
INCUMBENT, INCUMBENT_MEAN = "incumbent", "incumbent_mean"


@dataclass(frozen=True)
class Paired:
    """A comparison, or why there is none; totals only where the candidate knows means."""

    comparison: Comparison | None
    total: Total | None = None
    why_not: str = ""


def against(candidate: Version, incumbent: Version) -> Paired:
    """Compare on the candidate's hold-out rows that the incumbent's evaluation model cannot have seen.

    Both are asked for what the candidate answers, median or mean, and judged by the error that fits it,
    whatever the incumbent answers. Rows on which one of the two has no forecast are left out.
    """
    metric = metric_of(candidate)
    with tempfile.TemporaryDirectory() as temporary:
        try:
            rows = _holdout(candidate, Path(temporary) / "candidate")
            known = _holdout(incumbent, Path(temporary) / "incumbent")
            joined = _incumbent_forecasts(rows, known, incumbent, metric, Path(temporary))
        except TuroError as error:
            logger.warning("%s: no comparison with version %s: %s", candidate.name, incumbent.version, error)
            return Paired(None, why_not=str(error))
    values = pl.col(ACTUAL, PREDICTION, INCUMBENT).cast(pl.Float64)
    joined = joined.filter(pl.all_horizontal(values.is_finite().fill_null(value=False)))
    if joined.is_empty():
        return Paired(None, why_not="no hold-out row that it has not seen")
    y = joined[ACTUAL].to_numpy()
    resamples = Resamples(
        joined["vehicle_id"].to_numpy(),
        joined["origin_date"].to_numpy() if "origin_date" in joined.columns else None,
        int(candidate.tags.get("turo.horizon_days") or 0),
    )
    loss, incumbent_loss = (
        row_loss(y, joined[column].to_numpy(), metric) for column in (PREDICTION, INCUMBENT)
    )
    total = None
    if MEAN in joined.columns:
        total = totals(y, joined[MEAN].to_numpy(), joined[INCUMBENT_MEAN].to_numpy(), resamples)
    return Paired(compare(loss, incumbent_loss, resamples), total)


def metric_of(version: Version) -> str:
    """The error that fits what a version answers: `mae` of medians, `rmse` of means."""
    return version.tags.get("turo.metric", "mae")


def _incumbent_forecasts(
    rows: pl.DataFrame, known: pl.DataFrame, incumbent: Version, metric: str, folder: Path
) -> pl.DataFrame:
    """Rows with the incumbent's forecasts and means; rows it may have seen are left out.

    Without dates the out-of-fold forecasts of both runs are joined by vehicle. With dates, the incumbent's
    evaluation model forecasts the rows; it saw nothing from its own hold-out on, and no unknown vehicle.
    """
    if "origin_date" not in rows.columns:
        mean = pl.col(MEAN if MEAN in known.columns else PREDICTION)
        median = pl.col(MEDIAN if MEDIAN in known.columns else PREDICTION)
        answer = mean if metric == "rmse" else median
        found = known.select("vehicle_id", ACTUAL, mean.alias(INCUMBENT_MEAN), answer.alias(INCUMBENT))
        return rows.join(found, on=["vehicle_id", ACTUAL])
    first = known["origin_date"].min()
    unseen = rows.filter(
        (pl.col("origin_date") >= first) | ~pl.col("vehicle_id").is_in(known["vehicle_id"].unique().implode())
    )
    model = _evaluation_model(incumbent, folder / "evaluation")
    names = tuple(field.name for field in model.fields)
    absent = [name for name in names if name not in unseen.columns]
    if absent:
        raise RegistryError(f"its features {', '.join(absent)} are no longer in the table.")
    outlook = model.outlook(arrays(unseen, names))
    return unseen.with_columns(
        pl.Series(INCUMBENT, outlook.mean if metric == "rmse" else outlook.median, pl.Float64),
        pl.Series(INCUMBENT_MEAN, outlook.mean, pl.Float64),
    )


def _holdout(version: Version, folder: Path) -> pl.DataFrame:
    return pl.read_parquet(_artifact(version, HOLDOUT, folder))


def _evaluation_model(version: Version, folder: Path) -> Forecaster:
    found = _artifact(version, EVALUATION, folder)
    if sha256_folder(found) != version.tags.get("turo.evaluation_sha256"):
        raise RegistryError(f"the evaluation model of version {version.version} is not the one it logged.")
    return Forecaster.load(found)


def _artifact(version: Version, path: str, folder: Path) -> Path:
    mlflow_client = client()
    # Only what is gone for good makes models incomparable; a server that does not answer is an error.
    if path not in {item.path for item in mlflow_client.list_artifacts(version.run_id)}:
        raise RegistryError(f"{path} of run {version.run_id} is gone.")
    folder.mkdir(parents=True, exist_ok=True)
    return Path(mlflow_client.download_artifacts(version.run_id, path, str(folder)))
