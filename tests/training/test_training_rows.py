"""The prepared table as training reads it, and every way it can be unfit."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import polars as pl
import pytest
from training_table import frame, takehome_frame, write

from turo import settings
from turo.errors import TrainingError
from turo.training import run_facts, training_rows


def read(folder, **options):
    return training_rows.read(settings.load(data_dir=str(folder)), **options)


def test_only_labelled_rows_in_training_come_oldest_first(tmp_path):
    whole = frame(vehicles=3, weeks=40)
    digest = write(tmp_path, whole.sample(fraction=1.0, shuffle=True, seed=1))
    data = read(tmp_path)
    assert data.target == "y_booked_days"
    assert data.horizon_days == 28
    assert data.digest == digest
    assert len(data.rows) == 3 * (40 - 2 - 4)
    assert data.rows.select("origin_date", "vehicle_id").equals(
        data.rows.select("origin_date", "vehicle_id").sort("origin_date", "vehicle_id")
    )
    assert not {"vehicle_id", "origin_date", "horizon_days", "in_training"} & set(data.features)
    assert not [name for name in data.features if name.startswith("y_")]
    columns = data.columns()
    assert columns["otb_days"].dtype == np.float64
    assert columns["class"].tolist()[2] is None
    assert np.isnan(columns["never_known"]).all()


def test_the_target_may_be_named_with_or_without_its_prefix_and_has_its_own_labels(tmp_path):
    write(tmp_path, frame(vehicles=2, weeks=40))
    assert read(tmp_path, target="reservations").target == "y_reservations"
    assert len(read(tmp_path, target="y_revenue").rows) == 2 * (40 - 2 - 5)
    write(tmp_path, takehome_frame(), profile="turo_takehome")
    assert read(tmp_path).target == "y_reservations"
    assert not read(tmp_path).timed


def test_what_is_wrong_is_named(tmp_path):
    with pytest.raises(TrainingError, match=r"datas\.parquet in .* cannot be read.*turo prepare"):
        read(tmp_path)
    write(tmp_path, frame(vehicles=2, weeks=40))
    with pytest.raises(TrainingError, match=r"'y_profit' is not in the table.*y_booked_days"):
        read(tmp_path, target="profit")
    with pytest.raises(TrainingError, match="prepared for 28 days, not 90"):
        read(tmp_path, horizon_days=90)
    write(tmp_path, frame(vehicles=2, weeks=40).with_columns(in_training=pl.lit(0)))
    with pytest.raises(TrainingError, match=r"No row of datas\.parquet has both complete lags and a known"):
        read(tmp_path)
    write(
        tmp_path, frame(vehicles=2, weeks=40).with_columns(in_training=pl.lit(0)), rows={"finished_trips": 21}
    )
    with pytest.raises(
        TrainingError, match=r"^Only 21 finished trips; 100 are needed\. Bring a longer history"
    ):
        read(tmp_path)


def test_a_table_that_is_being_replaced_is_not_trained_on(tmp_path):
    write(tmp_path, frame(vehicles=2, weeks=40))
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(manifest | {"digest": "0" * 64}))
    with pytest.raises(TrainingError, match=r"datas\.parquet is not the file that manifest\.json describes"):
        read(tmp_path)


def test_a_relative_folder_is_found_from_inside_a_project(tmp_path, monkeypatch):
    write(tmp_path / "datas", frame(vehicles=2, weeks=40))
    project = tmp_path / "mlflow" / "projects" / "knn"
    project.mkdir(parents=True)
    monkeypatch.chdir(project)
    assert len(read("datas").rows) == 2 * (40 - 2 - 4)


def test_the_oracle_lies_beside_the_input_also_for_the_table_of_a_further_horizon(tmp_path):
    further = tmp_path / "horizon-7"
    write(tmp_path, frame(vehicles=2, weeks=40))
    write(further, frame(vehicles=2, weeks=40, horizon=7))
    assert read(further).oracle is None
    lines = ("vehicle_id,origin_date,horizon_days,y_booked_days_median", "v000,2026-03-02,7,2.5")
    (tmp_path / "oracle.csv").write_text("\n".join(lines) + "\n")
    for place in (tmp_path, further):
        found = read(place).oracle
        assert found is not None
        assert found.rows() == [("v000", date(2026, 3, 2), 7, 2.5)]


def test_too_few_trips_are_refused_by_the_manifests_count_or_by_the_labels(tmp_path):
    write(tmp_path, frame(vehicles=2, weeks=40), rows={"finished_trips": 99})
    with pytest.raises(TrainingError, match="Only 99 finished trips; 100 are needed"):
        run_facts.check_history(read(tmp_path))
    write(tmp_path, frame(vehicles=1, weeks=40))
    with pytest.raises(TrainingError, match="finished trips; 100 are needed"):
        run_facts.check_history(read(tmp_path))
    write(tmp_path, frame(vehicles=2, weeks=40), rows={"finished_trips": 100})
    run_facts.check_history(read(tmp_path))
