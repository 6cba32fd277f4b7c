"""`turo horizons` on real input files: which tables are made, which models must be trained."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from tracking import own_mlflow

from turo import last_runs
from turo import settings as settings_module
from turo.data.synthetic.generate import write_sample
from turo.errors import ConfigError, InputError
from turo.forecast.horizon_tables import open_table
from turo.forecast.prepare_horizons import make_ready
from turo.prepare.ray_tasks import connected
from turo.prepare.run import run as prepare
from turo.registry import aliases
from turo.registry.client import client, use_mlflow
from turo.settings import Settings

pytestmark = pytest.mark.ray
END = datetime(2026, 11, 24)


@pytest.fixture(scope="module")
def small_ray() -> Iterator[None]:
    """One Ray for this module, unless there is one; prepare uses what it finds connected."""
    with connected("local"):
        yield


@pytest.fixture
def settings(
    empty_mlflow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_ray: None
) -> Settings:
    """Six vehicles over a year, the table for 28 days made, an empty registry, a configured project."""
    folder = tmp_path / "datas"
    write_sample(folder, vehicles=6, years=1, seed=5, end=END, horizons=())
    project = tmp_path / "projects" / "boost"
    project.mkdir(parents=True)
    (project / "MLproject").write_text("name: boost\n")
    shutil.copy(empty_mlflow, tmp_path / "mlflow.db")
    own_mlflow(monkeypatch, f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.setenv("MODEL_NAMES", "XGBoost")
    monkeypatch.setenv("MODEL_PATHS", "boost")
    monkeypatch.setenv("PROJECTS_DIR", str(tmp_path / "projects"))
    monkeypatch.chdir(tmp_path)
    made = settings_module.load(data_dir=str(folder), as_of="2026-11-23")
    use_mlflow(made)
    prepare(made)
    return made


def register(name: str, digest: str, target: str = "y_booked_days", share: float = 0.5) -> None:
    """A champion that was trained on that table, with a share of the best baseline's error."""
    mlflow_client = client()
    run = mlflow_client.create_run("0")
    for metric, value in (("mae", share * 4), ("baseline_best_mae", 4.0)):
        mlflow_client.log_metric(run.info.run_id, metric, value)
    mlflow_client.create_registered_model(name)
    mlflow_client.create_model_version(
        name, run.info.artifact_uri, run.info.run_id, tags={"turo.data_digest": digest, "turo.target": target}
    )
    mlflow_client.set_registered_model_alias(name, aliases.CHAMPION, "1")


def test_other_horizons_get_tables_and_trainings_until_they_are_up_to_date(settings: Settings) -> None:
    folder = Path(settings.data_dir)
    # A year of history has a few windows of 300 days, but far from the weeks a training needs.
    needed = make_ready(settings, horizons=(7, 28, 300))
    assert needed == [
        {
            "name": "XGBoost-7d",
            "path": str(settings.projects_dir / "boost"),
            "option": "target=auto",
            "env": {"DATA_DIR": str(folder / "horizon-7"), "HORIZON_DAYS": "7"},
        },
    ]
    table, main = open_table(settings, 7), open_table(settings, 28)
    assert table.newest_origin() == main.newest_origin()
    assert table.manifest["inputs"] == main.manifest["inputs"]

    made_at = table.manifest["created_at"]
    register("XGBoost-7d", table.digest)
    assert make_ready(settings, horizons=(7, 28)) == []
    assert open_table(settings, 7).manifest["created_at"] == made_at  # not made again

    shutil.rmtree(folder / "horizon-7")
    write_sample(folder, vehicles=6, years=1, seed=77, end=END, horizons=())  # another fleet
    prepare(settings)
    assert [entry["name"] for entry in make_ready(settings, horizons=(7,))] == ["XGBoost-7d"]


def test_how_a_training_ended_is_forgotten_where_nobody_asks_for_it_any_more(settings: Settings) -> None:
    folder = Path(settings.data_dir)
    for step in ("train XGBoost-7d", "train SVR-7d", "promote SVR-90d", "train SVR"):
        with pytest.raises(InputError), last_runs.noted(folder, step):
            raise InputError("The solver did not end.", "Scale the columns.")
    assert [needed["name"] for needed in make_ready(settings, horizons=(7,))] == ["XGBoost-7d"]
    assert {run.step for run in last_runs.read(folder)} == {"train XGBoost-7d", "train SVR"}


def test_tables_of_other_data_are_removed_asked_for_or_not(settings: Settings) -> None:
    folder = Path(settings.data_dir)
    make_ready(settings, horizons=(7, 90))
    shutil.copytree(folder / "horizon-90", folder / "horizon-60")  # damaged: a table for 90 days
    write_sample(folder, vehicles=3, years=0.2, seed=8, end=END, horizons=())  # too short for 90 days
    prepare(settings)
    make_ready(settings, horizons=(7, 90))
    assert [path.name for path in sorted(folder.glob("horizon-*"))] == ["horizon-7"]
    assert open_table(settings, 7).manifest["fleet"] == open_table(settings, 28).manifest["fleet"]


def test_further_horizons_forecast_the_target_of_the_settings_else_the_champions(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    def options(target: str) -> list[str]:
        chosen = settings.model_copy(update={"target": target})
        return [entry["option"] for entry in make_ready(chosen, horizons=(7,))]

    assert options("y_revenue") == ["target=y_revenue"]
    register("XGBoost", open_table(settings, 28).digest, "y_reservations")
    assert options("auto") == ["target=y_reservations"]
    with caplog.at_level(logging.WARNING):
        assert options("y_revenue") == ["target=y_revenue"]
    assert "XGBoost forecasts y_reservations, TARGET is y_revenue: run prepare_data again" in caplog.text
    register("XGBoost-7d", open_table(settings, 7).digest, "y_reservations")
    assert options("auto") == []
    assert options("y_revenue") == ["target=y_revenue"]  # the same table, another target


def test_newer_input_files_renew_every_table(settings: Settings) -> None:
    folder = Path(settings.data_dir)
    make_ready(settings, horizons=(7,))
    write_sample(folder, vehicles=6, years=1, seed=6, end=END, horizons=())
    prepare(settings)
    make_ready(settings, horizons=(7,))
    assert open_table(settings, 7).manifest["inputs"] == open_table(settings, 28).manifest["inputs"]

    write_sample(folder, vehicles=6, years=1, seed=7, end=END, horizons=())  # and nobody prepares
    make_ready(settings, horizons=(7, 14))
    found = [open_table(settings, days).manifest["inputs"] for days in (7, 14, 28)]
    assert found[0] == found[1] == found[2]


def test_another_fleet_that_nobody_prepared_makes_what_was_of_the_old_one_leave(settings: Settings) -> None:
    folder = Path(settings.data_dir)
    before = open_table(settings, 28).manifest["fleet"]["id"]
    (folder / "report.html").write_text("of the old fleet")
    write_sample(folder, vehicles=6, years=1, seed=77, end=END, horizons=())
    make_ready(settings, horizons=(7,))
    assert open_table(settings, 7).manifest["fleet"] == open_table(settings, 28).manifest["fleet"]
    assert not (folder / "report.html").exists()
    assert (folder / "other-fleets" / before / "report.html").read_text() == "of the old fleet"


def test_a_horizon_longer_than_the_history_does_not_stop_the_others(settings: Settings) -> None:
    assert [entry["name"] for entry in make_ready(settings, horizons=(7, 366))] == ["XGBoost-7d"]


def test_the_served_horizon_is_what_the_table_says(settings: Settings) -> None:
    prepare(settings.model_copy(update={"horizon_days": 14}))
    assert json.loads((Path(settings.data_dir) / "manifest.json").read_text())["horizon_days"] == 14
    assert [entry["name"] for entry in make_ready(settings, horizons=(14, 28))] == ["XGBoost-28d"]


def test_the_kind_that_is_best_at_the_main_horizon_is_trained(settings: Settings) -> None:
    two = settings.model_copy(update={"model_names": ("XGBoost", "KNN"), "model_paths": ("boost", "boost")})

    def trained(model: str = "", of: Settings = two) -> list[str]:
        return [entry["name"] for entry in make_ready(of, model, (7, 28))]

    assert trained() == ["XGBoost-7d"]  # the first, while there is none of this fleet
    digest = open_table(settings, 28).digest
    register("XGBoost", digest, share=0.9)
    register("KNN", digest, share=0.7)
    assert trained() == trained("auto") == ["KNN-7d"]
    assert trained("XGBoost") == ["XGBoost-7d"]
    assert trained(of=two.model_copy(update={"forecast_model": "XGBoost"})) == ["XGBoost-7d"]


def test_an_unknown_model_is_named(settings: Settings) -> None:
    with pytest.raises(ConfigError, match=r"'NoSuchModel' .* MODEL_NAMES \(XGBoost\), or auto"):
        make_ready(settings, model="NoSuchModel")
