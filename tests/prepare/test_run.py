"""`turo.prepare.run.run` from files to files, on a real Ray."""

from __future__ import annotations

import csv
import json
import re
from datetime import datetime, timedelta

import polars as pl
import pyarrow.parquet as pq
import pytest
from export_factory import Fleet, write

from turo.data.load import load_tables
from turo.errors import InputError
from turo.features import build
from turo.files import sha256
from turo.prepare.run import run
from turo.settings import Settings
from turo.table import reader

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("local_ray")]
OUTPUTS = {
    "datas.csv",
    "datas.parquet",
    "rejected.csv",
    "last_export.parquet",
    "fleets.json",
    "manifest.json",
}


def settings(data, **more) -> Settings:
    return Settings(data_dir=str(data), ray_address="local", **{"prepare_chunk_vehicles": 4, **more})


def contents(data):
    return {name: (data / name).read_bytes() for name in OUTPUTS if (data / name).exists()}


def test_the_tables_are_those_of_the_pure_functions(data, monkeypatch):
    monkeypatch.setattr("turo.prepare.run.GROUP_ROWS", 50)
    made = run(settings(data))
    tables = load_tables(settings(data))
    expected = build.build(tables.reservations, tables.vehicles, tables.blocks, tables.snapshot, 28)
    found = pl.read_parquet(data / "datas.parquet")
    assert found.equals(expected, null_equal=True)
    assert found.schema["origin_date"] == pl.Date
    assert made["rows"]["prepared"] == len(expected) > 400
    assert made["rows"]["labelled"] == expected["y_booked_days"].count()
    assert made["rows"]["in_training"] == expected["in_training"].sum()
    assert str(expected["origin_date"].max()) == "2026-11-23"
    about = pq.read_metadata(data / "datas.parquet")
    sizes = [about.row_group(group).num_rows for group in range(about.num_row_groups)]
    assert max(sizes) == 50, "a vehicle is read without decoding the whole table"
    assert found["vehicle_id"].is_sorted(), "its rows lie together"


def test_distances_change_no_byte_of_the_table(data):
    path = data / "reservations.csv"
    rows = pl.read_csv(path, infer_schema=False)
    run(settings(data))
    before = [(data / name).read_bytes() for name in ("datas.csv", "datas.parquet")]
    assert rows["distance"].n_unique() > 100
    rows.with_columns(pl.col("distance").reverse()).write_csv(path)
    run(settings(data))
    assert [(data / name).read_bytes() for name in ("datas.csv", "datas.parquet")] == before


def test_distances_of_an_export_change_no_byte_of_the_table(tmp_path):
    rows, made = Fleet(vehicles=5, days=240).rows(datetime(2025, 8, 1, 12)), []
    assert sum(row["Trip status"] == "Completed" for row in rows) > 100
    for folder, unit in (("one", 7), ("other", 13)):
        (tmp_path / folder).mkdir()
        driven = [row | {"Distance traveled": str(unit * place % 977)} for place, row in enumerate(rows)]
        write(tmp_path / folder, driven, "trip_earnings_export_20250801.csv")
        asked = settings(tmp_path / folder, reservations_file="trip_earnings_export_*.csv")
        run(asked)
        assert load_tables(asked).reservations["distance"].n_unique() > 50
        made.append([(tmp_path / folder / name).read_bytes() for name in ("datas.csv", "datas.parquet")])
    assert made[0] == made[1]


def test_exports_without_dates_of_cancellation_are_prepared_alike_and_the_manifest_says_so(tmp_path):
    fleet = Fleet(vehicles=5, days=240)
    for day in (datetime(2025, 7, 7), datetime(2025, 7, 16), datetime(2025, 8, 1)):
        write(tmp_path, fleet.rows(day + timedelta(hours=12)), f"trip_earnings_export_{day:%Y%m%d}.csv")
    asked = settings(tmp_path, reservations_file="trip_earnings_export_*.csv", prepare_chunk_vehicles=2)
    made, tables = run(asked), load_tables(asked)
    expected = build.build(
        tables.reservations,
        tables.vehicles,
        None,
        tables.snapshot,
        28,
        revisions=tables.revisions,
        sightings=tables.sightings,
    )
    assert tables.sightings.height > 5
    assert pl.read_parquet(tmp_path / "datas.parquet").equals(expected, null_equal=True)
    assert expected["otb_days_alive"].sum() < expected["otb_days"].sum()
    gone = tables.reservations["status"].str.ends_with("cancellation").sum()
    assert any(w.startswith(f"{gone} of {gone} cancelled trips have no date") for w in made["warnings"])
    assert not any(word in w for w in made["warnings"] for word in ("origin", "otb_"))  # a host reads them


def test_the_csv_holds_the_same_in_plain_text(data):
    run(settings(data))
    parquet = pl.read_parquet(data / "datas.parquet")
    text = (data / "datas.csv").read_text()
    types = {name: kind for name, kind in parquet.schema.items() if kind != pl.Date}
    read = pl.read_csv(data / "datas.csv", schema_overrides=types, try_parse_dates=True)
    assert read.equals(parquet, null_equal=True)
    rows = list(csv.reader(text.splitlines()))
    number = rows[0].index("otb_days")
    assert all(re.fullmatch(r"-?\d+(\.\d+)?", row[number]) for row in rows[1:])
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", row[1]) for row in rows[1:])
    last = next(row for row in rows if row[1] == "2026-11-23")
    assert last[rows[0].index("y_booked_days")] == ""


def test_the_manifest_describes_what_lies_there(data):
    made = run(settings(data))
    assert json.loads((data / "manifest.json").read_text()) == made
    for name in OUTPUTS - {"manifest.json"}:
        assert made["outputs"][name]["sha256"] == sha256(data / name)
        assert made["outputs"][name]["bytes"] == (data / name).stat().st_size
    assert made["digest"] == sha256(data / "datas.parquet")
    assert made["inputs"]["reservations.csv"]["sha256"] == sha256(data / "reservations.csv")
    columns = made["columns"]
    assert columns["keys"] == ["vehicle_id", "origin_date", "horizon_days"]
    assert columns["targets"] == ["y_booked_days", "y_reservations", "y_revenue"]
    header = (data / "datas.csv").read_text().partition("\n")[0].split(",")
    assert header == columns["keys"] + columns["meta"] + columns["features"] + columns["targets"]
    assert reader.read(str(data)).manifest == made


def test_equal_input_gives_equal_bytes_however_it_is_split(data):
    one = run(settings(data))["outputs"]
    two = run(settings(data))["outputs"]
    assert one == two
    assert run(settings(data, prepare_chunk_vehicles=100))["outputs"]["datas.csv"] == one["datas.csv"]


@pytest.mark.parametrize("horizon", [7, 90])
def test_other_horizons(data, horizon):
    made = run(settings(data, horizon_days=horizon))
    table = pl.read_parquet(data / "datas.parquet")
    assert made["horizon_days"] == horizon
    assert table["horizon_days"].unique().to_list() == [horizon]
    assert 0.5 * horizon < table["y_booked_days"].max() <= horizon


def test_take_home_files_run_through_the_same_command(tmp_path):
    (tmp_path / "reservations.csv").write_text(
        "vehicle_id,created_at\n7,2023-07-27 14:58:26\n7,2023-04-18 09:36:57\n"
    )
    (tmp_path / "vehicles.csv").write_text(
        "vehicle_id,technology,actual_price,recommended_price,num_images,street_parked,description\n"
        "7,1,66,60,5,0,7\n8,0,100,50,5,0,224\n"
    )
    made = run(settings(tmp_path))
    assert made["profile"] == "turo_takehome"
    assert (tmp_path / "datas.csv").read_text().splitlines()[1] == "7,1,1.0,66.0,60.0,5.0,0.0,7.0,1.1,6.0,2.0"
    assert made["columns"]["keys"] == ["vehicle_id"]
    assert made["columns"]["targets"] == ["y_reservations"]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda data: (data / "reservations.csv").unlink(), "reservations.csv"),
        (lambda data: (data / "vehicles.csv").unlink(), "vehicles.csv"),
        (lambda data: (data / "reservations.csv").write_text(""), "reservations.csv"),
        (lambda data: (data / "reservations.csv").write_text("a,b\n1,2\n"), "reservations.csv"),
    ],
)
def test_input_that_cannot_be_used_is_named_and_the_old_table_stays(data, spoil, says):
    run(settings(data))
    before = contents(data)
    spoil(data)
    with pytest.raises(InputError, match=says):
        run(settings(data))
    assert contents(data) == before
    assert not list(data.glob(".*.tmp"))


def test_too_many_rejected_rows_stop_the_run_and_are_all_listed(data):
    run(settings(data))
    before = contents(data)
    lines = (data / "reservations.csv").read_text().splitlines()
    start = lines[0].split(",").index("trip_start")
    for number in range(1, 1 + len(lines) // 10):
        cells = lines[number].split(",")
        lines[number] = ",".join([*cells[:start], "soon", *cells[start + 1 :]])
    (data / "reservations.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(
        InputError, match=r"over 5%.*line 2 of reservations.csv first \(rejected.csv lists all\)"
    ):
        run(settings(data))
    listed = pl.read_csv(data / "rejected.csv").rows()
    wrong = "trip_start is no known date and time (met aaaa)"
    assert listed == [("reservations.csv", line, wrong) for line in range(2, 2 + len(lines) // 10)]
    after = contents(data)
    assert after | {"rejected.csv": before["rejected.csv"]} == before
    assert not list(data.glob(".*.tmp"))


def test_a_horizon_longer_than_the_history_is_refused_and_the_old_table_stays(data):
    run(settings(data))
    before = contents(data)
    recent = pl.read_csv(data / "reservations.csv").filter(pl.col("trip_end") >= "2026-03-01")
    recent.write_csv(data / "reservations.csv")
    with pytest.raises(InputError, match="HORIZON_DAYS=366 is longer than the history, from 2026-03-0"):
        run(settings(data, horizon_days=366))
    assert contents(data) == before
