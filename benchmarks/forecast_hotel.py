"""How good the distributions are on real bookings: a hotel's, against the books and LightGBM.

    python benchmarks/forecast_hotel.py                          # two minutes; a package index must answer
    python benchmarks/forecast_hotel.py --kinds xgboost --horizons 28

Hold-out of the last 12 Mondays, default parameters. LightGBM (absolute loss, its defaults, an environment of
its own) gets the same rows and features. A forecast that is one number has its MAE for CRPS. Rooms are filled
in two ways (see hotel_rooms.py); of the first, which room it is tells much. The size of the forest behind the
distributions was chosen on 28 days of these bookings, and of generated fleets of other seeds than those of
forecast_bench.py.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

import hotel_rooms
import numpy as np
import polars as pl
from forecast_bench import measured, table_of
from serving_peers import environment

from turo.training.evaluation.backtest import plan_of
from turo.training.evaluation.scores import measure
from turo.training.training_rows import TrainingTable

LIGHTGBM = ["lightgbm==4.7.0", "scikit-learn"]
PEER = """
import sys, numpy as np, lightgbm
rows = np.load(sys.argv[1])
model = lightgbm.LGBMRegressor(objective="l1", n_jobs=1, verbose=-1).fit(rows["X"], rows["y"])
np.save(sys.argv[2], model.predict(rows["asked"]))
"""
HORIZONS, KINDS = (7, 28), ("xgboost", "catboost", "svr", "knn")


def numbers(table: TrainingTable) -> np.ndarray:
    """The features as LightGBM takes them: categories numbered, missing values NaN."""
    text = [name for name in table.features if table.rows.schema[name] == pl.String]
    coded = table.rows.select(table.features).with_columns(
        pl.col(name).cast(pl.Categorical).to_physical() for name in text
    )
    return coded.cast(pl.Float64).to_numpy()


def lightgbm_error(table: TrainingTable, python: Path, folder: Path) -> float:
    """LightGBM's MAE of the same hold-out, within the bounds of the target."""
    split = plan_of(table).holdout
    assert split is not None
    X, rows, answers = numbers(table), folder / "rows.npz", folder / "answers.npy"
    np.savez(rows, X=X[split.train], y=table.y[split.train], asked=X[split.test])
    subprocess.run([str(python), "-W", "ignore", "-c", PEER, str(rows), str(answers)], check=True)
    predicted = np.clip(np.load(answers), 0, table.horizon_days)
    return float(np.abs(predicted - table.y[split.test]).mean())


def main() -> None:
    """Print a line for each way of filling rooms, horizon and kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--horizons", type=int, nargs="+", default=HORIZONS)
    parser.add_argument("--kinds", nargs="+", default=KINDS)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        python = environment(folder, "hotel", [hotel_rooms.PACKAGE, *LIGHTGBM]) / "python"
        stays = hotel_rooms.stays(python, folder)
        for way in hotel_rooms.WAYS:
            hotel_rooms.write(stays, way, folder / way)
            for horizon in asked.horizons:
                table = table_of(folder / way, horizon)
                peer = lightgbm_error(table, python, folder)
                for kind in asked.kinds:
                    found = measure(table, measured(table, kind), "").figures
                    print(
                        f"{way:9} {horizon:2} days {kind:8} "
                        f"MAE {found['mae']:.3f}  books {found['baseline_on_the_books_mae']:.3f}  "
                        f"best baseline {found['baseline_best_mae']:.3f}  LightGBM {peer:.3f}  "
                        f"CRPS {found['crps']:.3f}  coverage {found['interval_coverage']:.3f}  "
                        f"fleet bias {found['fleet_bias']:+.3f}",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
