"""How good the distributions are: generated fleets of several seeds, against the process that made them.

    python benchmarks/forecast_bench.py                          # a quarter of an hour
    python benchmarks/forecast_bench.py --kinds knn --seeds 901 902

For every fleet, horizon and kind: CRPS and MAE of the median as multiples of the oracle's (which knows the
true process, and draws from it), what the 80 % interval held, by what share the total of the means is off,
and of how many of the 12 hold-out origins the fleet's 80 % range held the total, and how wide it was.
Medians over the fleets are told; of the fleet's coverage the mean, for 12 overlapping windows tell little.
No default was chosen on fleets of these seeds.
"""

from __future__ import annotations

import argparse
import runpy
import statistics
import tempfile
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from turo.data.load import load_tables
from turo.data.synthetic import history, oracle, world
from turo.data.synthetic.generate import END, write_sample
from turo.features import build
from turo.models.spread import Spread
from turo.settings import load
from turo.table.model_columns import feature_columns
from turo.table.names import IN_TRAINING
from turo.table.targets import BOOKED_DAYS
from turo.training import ensemble
from turo.training.evaluation.backtest import Backtest, backtest
from turo.training.evaluation.scores import measure
from turo.training.recipe import Recipe
from turo.training.training_rows import TrainingTable

PROJECTS = Path(__file__).parents[1] / "mlflow" / "projects"
SEEDS, HORIZONS, KINDS = (901, 902, 903, 904, 905), (7, 28, 90), ("xgboost", "catboost")
VEHICLES, YEARS = 120, 3
FLEET_COVERAGE = "fleet coverage"
Truth = dict[tuple[str, date], np.ndarray]


def table_of(folder: Path, horizon: int) -> TrainingTable:
    """The rows that may train, made in this process."""
    found = load_tables(load(data_dir=str(folder)))
    rows = build.build(found.reservations, found.vehicles, found.blocks, found.snapshot, horizon)
    rows = rows.filter(pl.col(IN_TRAINING) == 1, pl.col(BOOKED_DAYS).is_not_null())
    features = tuple(feature_columns(rows.columns))
    ordered = rows.sort("origin_date", "vehicle_id")
    return TrainingTable(ordered, features, BOOKED_DAYS, horizon, "canonical", "", "", {})


def measured(table: TrainingTable, kind: str) -> Backtest:
    """What a training of this kind measures with its default parameters."""
    project = runpy.run_path(str(PROJECTS / kind / "train.py"))["PROJECT"]
    recipe, _, folds = ensemble.weighed(project, Recipe.of(table, kind, project.params, 7), table)
    return backtest(table, recipe, folds)


def truth(seed: int, origins: list[date], horizon: int) -> Truth:
    """Draws of booked days from the true process, by vehicle and origin."""
    model = world.make(VEHICLES, YEARS, seed, END)
    days = np.array([(origin - model.calendar.first).days for origin in origins])
    found: Truth = {}
    for vehicle, name in enumerate(model.vehicles.vehicle_id):
        known = (days >= model.vehicles.listed[vehicle]) & (days <= model.vehicles.left[vehicle])
        if known.any():
            task = oracle.Task(model, vehicle, days[known], horizon)
            drawn = oracle.simulate(task, history.bookings(model, vehicle))[:, :, 0]
            here = [origin for origin, inside in zip(origins, known, strict=True) if inside]
            found |= {(name, origin): draws for origin, draws in zip(here, drawn, strict=True)}
    return found


def judge(table: TrainingTable, result: Backtest, known: Truth) -> dict[str, float]:
    """The figures of one fleet, horizon and kind."""
    keys = list(result.holdout.select("vehicle_id", "origin_date").iter_rows())
    inside = np.array([key in known for key in keys])
    draws = np.sort(np.stack([known[key] for key in keys if key in known]), axis=1)
    y, median, crps = (result.holdout[name].to_numpy()[inside] for name in ("y", "prediction", "crps"))
    count = draws.shape[1]
    steps = np.broadcast_to(np.arange(1, count + 1) / count, draws.shape)
    # An ensemble's own score is too good by what its few members lie apart (fair score, Ferro 2014).
    rank = 2 * np.arange(1, count + 1) - count - 1
    apart = (draws * rank).sum(axis=1) / (count * count * (count - 1))
    best = Spread(draws, steps).crps(y) - apart
    figures, totals = measure(table, result, "").figures, result.totals
    assert totals is not None
    return {
        "crps / oracle": crps.mean() / best.mean(),
        "mae / oracle": np.abs(median - y).mean() / np.abs(np.median(draws, axis=1) - y).mean(),
        "coverage": figures["interval_coverage"],
        "fleet bias": figures["fleet_bias"],
        FLEET_COVERAGE: figures["fleet_coverage"],
        "fleet range / total": (totals["q90"] - totals["q10"]).to_numpy().sum()
        / totals["actual"].to_numpy().sum(),
        "mae / best baseline": figures["mae"] / figures["baseline_best_mae"],
    }


def main() -> None:
    """Print a line for each horizon and kind: the median over the fleets, and in brackets every fleet's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--horizons", type=int, nargs="+", default=HORIZONS)
    parser.add_argument("--kinds", nargs="+", default=KINDS)
    asked = parser.parse_args()
    for horizon in asked.horizons:
        found: dict[str, list[dict[str, float]]] = {kind: [] for kind in asked.kinds}
        for seed in asked.seeds:
            with tempfile.TemporaryDirectory() as folder:
                write_sample(Path(folder), VEHICLES, YEARS, seed, END, ())
                table = table_of(Path(folder), horizon)
            known: Truth = {}
            for kind in asked.kinds:
                result = measured(table, kind)
                known = known or truth(seed, result.holdout["origin_date"].unique().sort().to_list(), horizon)
                found[kind].append(judge(table, result, known))
        for kind, lines in found.items():
            for name in lines[0]:
                values = [line[name] for line in lines]
                each = " ".join(f"{value:.3f}" for value in values)
                told = (statistics.fmean if name == FLEET_COVERAGE else statistics.median)(values)
                print(f"{horizon:3} days {kind:9} {name:20} {told:.3f}  ({each})", flush=True)


if __name__ == "__main__":
    main()
