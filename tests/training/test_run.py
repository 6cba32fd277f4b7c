"""A whole run: what it logs, what it refuses, how it searches."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from training_table import frame, takehome_frame, write

from turo import settings
from turo.errors import TrainingError
from turo.gate import promote as gate
from turo.registry import versions
from turo.registry.client import client
from turo.training.project import Options, Project, Range
from turo.training.run import run as train

KNN = Project(
    kind="knn",
    summary="Neighbours.",
    params={"neighbours": 7, "dimensions": 4, "reference_rows": 500},
    search={"neighbours": Range(3, 30, log=True), "dimensions": (2, 4)},
)
TABLES = {
    "holdout.parquet",
    "places.parquet",
    "scores_by_group.csv",
    "fleet_totals.csv",
    "comparison.json",
    "comparison.csv",
    "comparison.md",
    "importance.csv",
}
REPORTS = TABLES | {"model_card.md", "reference.json", "evaluation_model", "plots"}
PICTURES = {"forecast_vs_actual", "error_by_week", "error_by_class", "interval_calibration", "importance"}


def run(project, params, options):
    return train(project, params, options, settings.load())


def promote(name, run_id, run_key):
    return gate.promote(name, run_id, run_key, settings.load())


def logged(run_id):
    return client().get_run(run_id)


def runs(name, wanted=""):
    experiment = client().get_experiment_by_name(name)
    assert experiment is not None
    return client().search_runs([experiment.experiment_id], wanted)


def started(found):
    return found.info.start_time


def artifact(run_id, path):
    return client().download_artifacts(run_id, path)


def text(run_id, path):
    return Path(artifact(run_id, path)).read_text()


def test_a_run_logs_everything_one_needs_to_judge_and_serve_it(tracking):
    digest = write(tracking / "datas", frame())
    run_id = run(KNN, dict(KNN.params), Options(model_name="KNN", run_key="k1"))
    found = logged(run_id)
    assert found.info.status == "FINISHED"
    tags = found.data.tags
    assert (tags["turo.model"], tags["turo.run_key"], tags["turo.data_digest"]) == ("KNN", "k1", digest)
    assert (tags["turo.target"], tags["turo.horizon_days"], tags["turo.profile"]) == (
        "y_booked_days", "28", "canonical"
    )  # fmt: skip
    assert found.data.params["neighbours"] == "7"
    metrics = found.data.metrics
    assert {"mae", "rmse", "wape", "mase", "bias", "cv_mae", "interval_coverage", "improvement"} <= set(
        metrics
    )
    assert metrics["improvement"] == pytest.approx(1 - metrics["mae"] / metrics["baseline_best_mae"])
    files = {item.path for item in client().list_artifacts(run_id)}
    assert files == REPORTS
    pictures = {item.path for item in client().list_artifacts(run_id, "plots")}
    assert pictures == {f"plots/{name}.png" for name in PICTURES}

    holdout = pl.read_parquet(artifact(run_id, "holdout.parquet"))
    assert (holdout["y"] - holdout["prediction"]).abs().mean() == pytest.approx(metrics["mae"])
    lines = json.loads(text(run_id, "comparison.json"))
    assert len(lines) == 1 + 8  # eight baselines
    table = pl.read_csv(artifact(run_id, "comparison.csv"))
    assert table["name"].to_list() == [line["name"] for line in lines]
    assert table["mae"].to_list() == pytest.approx([line["mae"] for line in lines], abs=1e-4)
    card = text(run_id, "model_card.md")
    assert "better than the best baseline" in card
    assert digest[:12] in card
    totals = pl.read_csv(artifact(run_id, "fleet_totals.csv"))
    assert metrics["fleet_coverage"] == pytest.approx(totals["inside"].mean())
    assert f"held what came true at {totals['inside'].sum()} of 12 origins" in card
    groups = pl.read_csv(artifact(run_id, "scores_by_group.csv"))
    assert groups["crps"][0] == pytest.approx(metrics["crps"], abs=1e-4)
    assert "| class unknown | 48 | 4 (few) |" in card

    version = versions.register(run_id, "KNN")
    model = versions.load(version)
    assert model.metadata["data_digest"] == digest
    assert model.horizon_days == 28
    reference = json.loads(text(run_id, "reference.json"))
    assert set(reference["numbers"]) | set(reference["categories"]) == {field.name for field in model.fields}
    assert sum(reference["prediction"]["counts"]) == reference["rows"]
    never = {name: value for name, value in reference["numbers"]["never_known"].items() if name != "single"}
    assert never == {"edges": [], "counts": [0], "missing": reference["rows"]}


def test_the_logged_model_has_a_signature_and_an_example_that_it_answers(tracking):
    import mlflow
    import pandas as pd

    write(tracking / "datas", frame())
    run_id = run(KNN, dict(KNN.params), Options())
    model = mlflow.pyfunc.load_model(logged(run_id).data.tags["turo.model_uri"])
    inputs = model.metadata.get_input_schema()
    assert {column.type.name for column in inputs} == {"double", "string"}
    assert all(column.required for column in inputs)
    folder = versions.download(versions.register(run_id, "KNN"))
    example = json.loads((folder / "input_example.json").read_text())
    rows = pd.DataFrame(example["data"], columns=example["columns"]).astype({"never_known": float})
    assert np.isfinite(model.predict(rows)).all()


def test_the_served_model_is_fitted_to_all_rows_and_the_judged_one_is_not(tracking):
    from turo import settings
    from turo.models.forecaster import Forecaster
    from turo.training import training_rows

    write(tracking / "datas", frame())
    run_id = run(KNN, {"neighbours": 1, "dimensions": 99}, Options())
    served = versions.load(versions.register(run_id, "KNN"))
    judged = Forecaster.load(Path(artifact(run_id, "evaluation_model")))
    data = training_rows.read(settings.load())
    columns, newest = data.columns(), data.origins == data.origins.max()
    # One neighbour: a row that was fitted to is its own neighbour, and forecast exactly.
    assert np.abs(served.level(columns) - data.y)[newest].max() < 1e-9
    assert np.abs(judged.level(columns) - data.y)[newest].max() > 0.1


@pytest.mark.parametrize("target", ["y_reservations", "y_revenue"])
def test_other_targets_run_too_even_without_their_column_on_the_books(tracking, target):
    write(tracking / "datas", frame())
    run_id = run(KNN, dict(KNN.params), Options(target=target))
    model = versions.load(versions.register(run_id, "KNN"))
    assert model.offset == {"y_reservations": "otb_trips", "y_revenue": None}[target]
    assert model.maximum is None
    assert logged(run_id).data.metrics["mae"] > 0


def test_take_home_data_report_cross_validated_rmse_beside_mean_and_linear(tracking):
    write(tracking / "datas", takehome_frame(), profile="turo_takehome")
    run_id = run(KNN, dict(KNN.params), Options())
    metrics = logged(run_id).data.metrics
    assert {"cv_rmse", "baseline_mean_rmse", "baseline_linear_rmse", "rmse"} <= set(metrics)
    assert logged(run_id).data.tags["turo.metric"] == "rmse"
    model = versions.load(versions.register(run_id, "KNN"))
    assert (model.target, model.horizon_days, model.offset) == ("y_reservations", 0, None)


def test_take_home_candidates_are_compared_by_out_of_fold_forecasts(tracking):
    write(tracking / "datas", takehome_frame(), profile="turo_takehome")
    for neighbours in (20, 20, 1):
        run(KNN, {"neighbours": neighbours, "dimensions": 3}, Options(model_name="KNN"))
    first, tie, overfitted = (
        promote("KNN", found.info.run_id, "") for found in sorted(runs("turo"), key=started)
    )
    assert first.promoted
    assert "200 common rows" in tie.reason
    assert tie.promoted
    assert not overfitted.promoted
    assert tie.champion == overfitted.champion == "2"


def test_too_short_a_history_is_refused_and_the_failed_run_says_why(tracking):
    write(tracking / "datas", frame(weeks=31), rows={"finished_trips": 500})
    with pytest.raises(TrainingError, match="Only 25 weeks whose outcome is known"):
        run(KNN, dict(KNN.params), Options(model_name="KNN"))
    (failed,) = runs("turo")
    assert failed.info.status == "FAILED"
    assert "Only 25 weeks" in failed.data.tags["turo.error"]


def test_a_table_without_features_is_refused(tracking):
    bare = frame().select("vehicle_id", "origin_date", "horizon_days", "in_training", "y_booked_days")
    write(tracking / "datas", bare, rows={"finished_trips": 500})
    with pytest.raises(TrainingError, match="no feature column"):
        run(KNN, dict(KNN.params), Options())


def test_the_search_tries_the_defaults_first_nests_its_runs_and_never_looks_at_the_holdout(tracking):
    write(tracking / "datas", frame())
    run_id = run(KNN, dict(KNN.params), Options(tune_trials=3))
    trials = runs("turo", f"tags.`mlflow.parentRunId` = '{run_id}'")
    assert len(trials) == 3
    tried = sorted(trials, key=lambda trial: trial.info.start_time)
    assert tried[0].data.params["neighbours"] == "7"
    assert all(3 <= int(trial.data.params["neighbours"]) <= 30 for trial in trials)
    best = min(trials, key=lambda trial: trial.data.metrics["tune_mae"])
    used = json.loads(json.dumps(versions.load(versions.register(run_id, "KNN")).metadata["params"]))
    assert str(used["neighbours"]) == best.data.params["neighbours"]
    assert str(used["dimensions"]) == best.data.params["dimensions"]
    # Other hold-out targets, same search.
    changed = frame().with_columns(
        y_booked_days=pl.when(pl.col("origin_date") > pl.col("origin_date").max() - pl.duration(weeks=16))
        .then(28 - pl.col("y_booked_days"))
        .otherwise(pl.col("y_booked_days"))
    )
    write(tracking / "datas", changed)
    again = versions.load(versions.register(run(KNN, dict(KNN.params), Options(tune_trials=3)), "KNN"))
    assert again.metadata["params"] == used
