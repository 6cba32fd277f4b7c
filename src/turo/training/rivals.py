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

from turo import registry
from turo.errors import RegistryError, TuroError
from turo.files import sha256_folder
from turo.models.forecaster import Forecaster
from turo.registry import Version
from turo.training.artifacts import EVALUATION, HOLDOUT
from turo.training.backtest import ACTUAL, PREDICTION
from turo.training.metrics import row_loss
from turo.training.paired import Comparison, compare
from turo.training.table import arrays

logger = logging.getLogger(__name__)

MIN_ROWS = 30


@dataclass(frozen=True)
class Paired:
    """A comparison, or why there is none."""

    comparison: Comparison | None
    why_not: str = ""


def against_champion(candidate: Version, champion: Version) -> Paired:
    """Compare on the candidate's hold-out rows that the champion's evaluation model cannot have seen."""
    metric = candidate.tags.get("turo.metric", "mae")
    with tempfile.TemporaryDirectory() as temporary:
        try:
            rows = _holdout(candidate, Path(temporary) / "candidate")
            known = _holdout(champion, Path(temporary) / "champion")
            joined = _champion_forecasts(rows, known, champion, Path(temporary))
        except TuroError as error:
            logger.warning("%s: no comparison with champion %s: %s", candidate.name, champion.version, error)
            return Paired(None, str(error))
    if len(joined) < MIN_ROWS:
        return Paired(None, f"only {len(joined)} hold-out rows that it has not seen")
    y = joined[ACTUAL].to_numpy()
    return Paired(
        compare(
            row_loss(y, joined[PREDICTION].to_numpy(), metric),
            row_loss(y, joined["champion"].to_numpy(), metric),
            joined["vehicle_id"].to_numpy(),
        )
    )


def _champion_forecasts(
    rows: pl.DataFrame, known: pl.DataFrame, champion: Version, folder: Path
) -> pl.DataFrame:
    """Rows with a column `champion`, its forecast; rows it may have seen are left out.

    Without dates the out-of-fold forecasts of both runs are joined by vehicle. With dates, the champion's
    evaluation model forecasts the rows; it saw nothing from its own hold-out on, and no unknown vehicle.
    """
    if "origin_date" not in rows.columns:
        return rows.join(
            known.select("vehicle_id", ACTUAL, pl.col(PREDICTION).alias("champion")),
            on=["vehicle_id", ACTUAL],
        )
    first = known["origin_date"].min()
    unseen = rows.filter(
        (pl.col("origin_date") >= first) | ~pl.col("vehicle_id").is_in(known["vehicle_id"].unique().implode())
    )
    model = _evaluation_model(champion, folder / "evaluation")
    names = tuple(field.name for field in model.fields)
    absent = [name for name in names if name not in unseen.columns]
    if absent:
        raise RegistryError(f"its features {', '.join(absent)} are no longer in the table.")
    return unseen.with_columns(pl.Series("champion", model.predict(arrays(unseen, names)), dtype=pl.Float64))


def _holdout(version: Version, folder: Path) -> pl.DataFrame:
    return pl.read_parquet(_artifact(version, HOLDOUT, folder))


def _evaluation_model(version: Version, folder: Path) -> Forecaster:
    found = _artifact(version, EVALUATION, folder)
    if sha256_folder(found) != version.tags.get("turo.evaluation_sha256"):
        raise RegistryError(f"the evaluation model of version {version.version} is not the one it logged.")
    return Forecaster.load(found)


def _artifact(version: Version, path: str, folder: Path) -> Path:
    client = registry.client()
    # Only what is gone for good makes models incomparable; a server that does not answer is an error.
    if path not in {item.path for item in client.list_artifacts(version.run_id)}:
        raise RegistryError(f"{path} of run {version.run_id} is gone.")
    folder.mkdir(parents=True, exist_ok=True)
    return Path(client.download_artifacts(version.run_id, path, str(folder)))
