"""From the sample to one's own data and back: each forecast is of the fleet whose data are there."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hand_fleet import write_table
from hand_registry import forecasts, page, register

from turo import settings as settings_module
from turo.data import fleet_sketch
from turo.data.load import load_tables
from turo.data.synthetic.generate import write_sample
from turo.errors import InputError
from turo.features import build
from turo.forecast.fleet_forecast import run
from turo.prepare import manifest
from turo.registry.client import use_mlflow
from turo.settings import Settings
from turo.table import names
from turo.training.evaluation.baselines import NAMES

END = datetime(2026, 11, 24)
INPUTS = ("reservations.csv", "vehicles.csv", "blocks.csv")
SAMPLE_VEHICLES = 6


@pytest.fixture
def settings(tmp_path: Path, registry_uri: str) -> Settings:
    """A data folder with a small sample and the champions of all horizons, trained on it."""
    folder = tmp_path / "datas"
    write_sample(folder, vehicles=SAMPLE_VEHICLES, years=1, seed=5, end=END, horizons=())
    made = settings_module.load(data_dir=str(folder), as_of="2026-11-24", mlflow_tracking_uri=registry_uri)
    fleet = prepared(made, (7, 28, 90))
    for name, horizon in (("XGBoost-7d", 7), ("XGBoost", 28), ("XGBoost-90d", 90)):
        register(name, horizon, tmp_path, fleet=fleet)
    return made


def prepared(settings: Settings, horizons: tuple[int, ...]) -> fleet_sketch.Identity:
    """Tables as prepare makes them, without Ray; returns whose they are."""
    folder, tables = Path(settings.data_dir), load_tables(settings)
    assert tables.fleet is not None
    (folder / names.FLEETS).write_bytes(fleet_sketch.text(tables.known_fleets))
    facts = manifest.begin(tables, settings)
    for horizon in horizons:
        table = build.build(tables.reservations, tables.vehicles, tables.blocks, tables.snapshot, horizon)
        place = folder if horizon == 28 else folder / f"horizon-{horizon}"
        write_table(place, table, **{**facts, "horizon_days": horizon})
    return tables.fleet


def bring_own(folder: Path, trips: int = 60) -> None:
    """Two vehicles with trips one after the other, all booked a week ahead, the last of them on the books."""
    for name in INPUTS:
        (folder / name).unlink()
    (folder / "vehicles.csv").write_text(
        "vehicle_id,make,model,year\n1001,Kia,Rio,2021\n1002,Ford,Focus,2019\n"
    )
    start = [END + timedelta(days=2.5 * (number // 2) - 1.25 * trips + 5) for number in range(trips)]
    minutes = pl.col("trip_start", "trip_end", "booked_at").dt.strftime("%Y-%m-%dT%H:%M")
    pl.DataFrame(
        {
            "reservation_id": [str(5_000_000 + number) for number in range(trips)],
            "vehicle_id": ["1001", "1002"] * (trips // 2),
            "trip_start": start,
            "trip_end": [begin + timedelta(days=1.5) for begin in start],
            "status": ["completed" if begin < END else "booked" for begin in start],
            "booked_at": [begin - timedelta(days=7) for begin in start],
            "trip_price": [90.0] * trips,
        }
    ).with_columns(minutes).write_csv(folder / "reservations.csv")


def test_a_tiny_fleet_after_the_sample_and_back(settings: Settings, tmp_path: Path) -> None:
    folder, sample = Path(settings.data_dir), tmp_path / "sample"
    told = run(settings)
    assert told["models"] == {"XGBoost-7d": "1", "XGBoost": "1", "XGBoost-90d": "1"}
    sample_ids = set(forecasts(settings)["vehicle_id"])
    assert len(sample_ids) > 2
    sample.mkdir()
    for name in INPUTS:
        shutil.copy(folder / name, sample)

    bring_own(folder)
    prepared(settings, (28,))
    told = run(settings)
    assert (told["models"], sorted(told["baselines"])) == ({}, [28])
    table = forecasts(settings)
    assert set(table["vehicle_id"]) == {"1001", "1002"}
    assert set(table["method"]) == {"baseline"}
    assert table["on_books"].sum() > 0
    assert not (folder / "horizon-90").exists()
    assert not (folder / "horizon-7").exists()
    seen = page(settings)
    assert "because XGBoost version 1 was trained on another fleet: 6 vehicles" in seen
    assert "No model can be trained yet: A model needs 100 finished trips, this table has 5" in seen
    assert "which trains one" not in seen
    assert "No forecast for 90 days: HORIZON_DAYS=90 is longer than the history" in seen
    assert "No forecast for 7 days: No table for 7 days" in seen
    assert "prepare_data again" not in seen
    assert not [vehicle for vehicle in sample_ids if f">{vehicle}<" in seen]
    total = table["mean"].sum()
    assert f'<p class="big">{total:,.0f} <small>days expected</small></p>' in seen

    for name in INPUTS:
        shutil.copy(sample / name, folder)
    prepared(settings, (7, 28, 90))
    assert run(settings)["models"] == {"XGBoost-7d": "1", "XGBoost": "1", "XGBoost-90d": "1"}
    assert set(forecasts(settings)["vehicle_id"]) == sample_ids
    assert "another fleet" not in page(settings)


def test_files_of_another_fleet_than_the_table_are_not_drawn_beside_it(settings: Settings) -> None:
    folder = Path(settings.data_dir)
    run(settings, horizons=(28,))
    before = (folder / "forecasts.csv").read_bytes(), (folder / "report.html").read_bytes()
    ids = sorted(forecasts(settings)["vehicle_id"])[:2]
    bring_own(folder)
    for name in ("reservations.csv", "vehicles.csv"):  # what differs is the trips; the ids are in use in both
        text = (folder / name).read_text()
        (folder / name).write_text(text.replace("1001", ids[0]).replace("1002", ids[1]))
    with pytest.raises(InputError, match="2 vehicles with 60 reservations") as refused:
        run(settings, horizons=(28,))
    assert "the table is of 6 vehicles" in str(refused.value)
    assert "`turo prepare`" in str(refused.value)
    assert ((folder / "forecasts.csv").read_bytes(), (folder / "report.html").read_bytes()) == before
    prepared(settings, (28,))
    assert run(settings, horizons=(28,))["baselines"]


def test_where_even_the_main_table_has_nothing_the_samples_report_does_not_stay(settings: Settings) -> None:
    folder = Path(settings.data_dir)
    run(settings, horizons=(28,))
    bring_own(folder)
    prepared(settings, (28,))
    with pytest.raises(InputError, match="longer than the history"):
        run(settings, horizons=(90,))
    assert not (folder / "forecasts.csv").exists()
    assert not (folder / "report.html").exists()
    assert not (folder / "horizon-90").exists()


def test_the_best_baseline_is_chosen_by_what_it_would_have_said(settings: Settings, tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/empty.db"
    elsewhere = settings.model_copy(update={"mlflow_tracking_uri": uri})
    use_mlflow(elsewhere)
    told = run(elsewhere, horizons=(28,))
    table = pl.read_parquet(Path(settings.data_dir) / "datas.parquet")
    past = table.filter(pl.col("y_booked_days").is_not_null(), looks_gone=0).sort("origin_date")
    judged = past.filter(
        pl.col("origin_date") >= pl.col("origin_date").min() + timedelta(days=28),
        pl.col("origin_date").rank("dense", descending=True) <= 52,
    )
    books = float(judged.select((pl.col("otb_days") - pl.col("y_booked_days")).abs().mean()).item())
    row = forecasts(settings)
    assert told["baselines"][28] == row["version"][0]
    seen = page(settings)
    assert f"On the books only {books:.2f}" in seen
    errors = [float(part.rsplit(" ", 1)[1]) for part in listed(seen)]
    assert errors == sorted(errors)
    assert 2 <= len(errors) <= 8
    assert f"“{NAMES[row['version'][0]]}”" in seen
    here = row.filter(pl.col("flag") != "looks_gone")
    assert (here["low"] <= here["median"]).all()
    assert (here["median"] <= here["high"]).all()
    assert (here["mean"] != here["median"]).any()
    assert here["derived_reservations"].null_count() == 0


def listed(seen: str) -> list[str]:
    """Baselines and their errors in the table of the models."""
    line = seen.split("<h2>Which models")[1].split("<tbody>")[1].partition("</tr>")[0]
    cell = line.split('<td class="list">')[1]
    return cell.partition("</td>")[0].split(" · ")
