"""`/forecast`: features looked up by vehicle and origin, from whatever table is there at that moment."""

from __future__ import annotations

import json
import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from asgi_client import AsgiClient
from served import LIMITS, NAME, rows_of, tiny_predictor
from tiny_forecaster import tiny_columns

from turo.serving.asgi import App
from turo.serving.forecast import Forecast
from turo.serving.lookup import FeatureTable
from turo.serving.predictor import Predictor

VEHICLES, ORIGINS = 10, [date(2026, 10, 26) + timedelta(weeks=week) for week in range(5)]
NEWEST = ORIGINS[-1]


def write_table(folder: Path, seed: int = 5, days: int = 28, **changes: Any) -> pl.DataFrame:
    """A prepared table of ten vehicles and five Mondays; `changes` are columns to replace or drop (None)."""
    rows = rows_of(tiny_columns(VEHICLES * len(ORIGINS), seed))
    keys = [
        {"vehicle_id": f"V{number}", "origin_date": origin, "horizon_days": days}
        for number in range(VEHICLES)
        for origin in ORIGINS
    ]
    frame = pl.DataFrame([key | row for key, row in zip(keys, rows, strict=True)], infer_schema_length=None)
    frame = frame.with_columns(otb_trips=pl.lit(2.0), y_booked_days=pl.lit(None, pl.Float64))
    for name, value in changes.items():
        frame = frame.drop(name) if value is None else frame.with_columns(pl.lit(value).alias(name))
    frame.write_parquet(folder / "datas.parquet", row_group_size=15)
    keys_of = [name for name in ("vehicle_id", "origin_date", "horizon_days") if name in frame.columns]
    manifest = {"horizon_days": days, "digest": f"digest-{seed}", "columns": {"keys": keys_of}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return frame


def client(folder: Path, predictor: Predictor | None = None) -> AsgiClient:
    predictor = predictor or tiny_predictor()
    predictor._forecast = Forecast(FeatureTable(str(folder)))
    return AsgiClient(App(predictor, LIMITS), f"/{NAME}")


def test_the_forecast_is_the_prediction_on_the_looked_up_features(tmp_path: Path) -> None:
    frame = write_table(tmp_path)
    ask = client(tmp_path)
    for vehicle, origin in (("V0", ORIGINS[0]), ("V9", NEWEST), ("V4", ORIGINS[2])):
        told = ask.post("/forecast", json={"vehicle_id": vehicle, "origin": str(origin)}).json()
        (row,) = frame.filter(vehicle_id=vehicle, origin_date=origin).to_dicts()
        assert told["features"] == {name: row[name] for name in told["features"]}
        same = ask.post(json={"inputs": [told["features"]]})
        assert same.json()["predictions"] == [told["prediction"]]
        assert told["interval"]["low"] <= told["prediction"] <= told["interval"]["high"]
        assert told["on_the_books"] == {"days": row["otb_days"], "trips": 2.0}
        assert told["window"] == {"from": str(origin), "to": str(origin + timedelta(days=27))}
        assert (told["vehicle_id"], told["origin"], told["data_digest"]) == (vehicle, str(origin), "digest-5")
    newest = ask.post("/forecast", json={"vehicle_id": "V4", "origin": None}).json()
    assert newest["origin"] == str(NEWEST)


def test_a_new_table_is_used_as_soon_as_it_is_there(tmp_path: Path) -> None:
    write_table(tmp_path)
    ask = client(tmp_path)
    before = ask.post("/forecast", json={"vehicle_id": "V1"}).json()
    write_table(tmp_path, seed=6)
    os.utime(tmp_path / "manifest.json", ns=(1, 1))  # whatever the clock's grain
    after = ask.post("/forecast", json={"vehicle_id": "V1"}).json()
    assert (before["data_digest"], after["data_digest"]) == ("digest-5", "digest-6")
    assert before["features"] != after["features"]


def test_a_make_never_seen_counts_as_other_or_as_missing_and_is_told(tmp_path: Path) -> None:
    write_table(tmp_path, make="Lada")
    told = client(tmp_path).post("/forecast", json={"vehicle_id": "V1"}).json()
    assert told["replaced"] == {"make": {"was": "Lada", "used": None}}
    fields = tuple(
        field
        if field.name != "make"
        else type(field)(**{**vars(field), "categories": ("Jeep", "Kia", "other")})
        for field in tiny_predictor().model.fields
    )
    from turo.serving.forecast import features_of
    from turo.serving.lookup import Row

    columns = dict.fromkeys(tiny_columns(1), 1.0) | {"class": "suv", "make": "Lada"}
    features, replaced = features_of(Row("V1", NEWEST, columns, {}), fields)
    assert (features["make"], replaced["make"]["used"]) == ("other", "other")


CASES: dict[str, tuple[Any, int, str]] = {
    "unknown vehicle": ({"vehicle_id": "V77"}, 404, 'Vehicle "V77" has no row'),
    "not a Monday": ({"vehicle_id": "V1", "origin": "2026-11-24"}, 404, "the nearest is 2026-11-23"),
    "too early": ({"vehicle_id": "V1", "origin": "2020-01-06"}, 404, "Mondays from 2026-10-26 to 2026-11-23"),
    "number as vehicle": ({"vehicle_id": 12.0}, 404, 'Vehicle "12" has no row'),
    "no vehicle": ({"origin": "2026-11-23"}, 422, "vehicle_id: expected a string, got null"),
    "odd vehicle": ({"vehicle_id": ["V1"]}, 422, "vehicle_id: expected a string"),
    "odd origin": ({"vehicle_id": "V1", "origin": "23.11.2026"}, 422, "expected a date YYYY-MM-DD"),
    "week of the year": ({"vehicle_id": "V1", "origin": "2026-W48-1"}, 422, "expected a date YYYY-MM-DD"),
    "no such day": ({"vehicle_id": "V1", "origin": "2026-02-30"}, 422, "expected a date YYYY-MM-DD"),
    "number as origin": ({"vehicle_id": "V1", "origin": 20261123}, 422, "expected a date YYYY-MM-DD"),
    "unknown member": ({"vehicle_id": "V1", "horizon": 7}, 422, '"horizon" is unknown'),
    "a list": ([1], 422, "must be an object"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_looked_up_is_explained(tmp_path: Path, case: str) -> None:
    write_table(tmp_path)
    body, status, words = CASES[case]
    answer = client(tmp_path).post("/forecast", json=body)
    assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text


def test_a_table_that_does_not_fit_the_model_is_a_conflict(tmp_path: Path) -> None:
    write_table(tmp_path, days=7)
    assert client(tmp_path).post("/forecast", json={"vehicle_id": "V1"}).status_code == 409
    write_table(tmp_path, lag_1=None)
    answer = client(tmp_path).post("/forecast", json={"vehicle_id": "V1"})
    assert (answer.status_code, "lacks lag_1" in answer.json()["detail"]) == (409, True)


def test_without_a_table_the_rest_of_the_route_works(tmp_path: Path, row: dict[str, Any]) -> None:
    ask = client(tmp_path)
    assert ask.post("/forecast", json={"vehicle_id": "V1"}).status_code == 503
    (tmp_path / "manifest.json").write_text("{}")
    assert ask.post("/forecast", json={"vehicle_id": "V1"}).status_code == 503
    assert ask.post(json={"inputs": [row]}).status_code == 200


def test_a_table_without_dates_is_looked_up_by_vehicle_alone(tmp_path: Path) -> None:
    write_table(tmp_path)
    frame = pl.read_parquet(tmp_path / "datas.parquet").filter(origin_date=NEWEST)
    frame.drop("origin_date", "horizon_days").write_parquet(tmp_path / "datas.parquet")
    (tmp_path / "manifest.json").write_text(json.dumps({"columns": {"keys": ["vehicle_id"]}, "digest": "d"}))
    ask = client(tmp_path)
    told = ask.post("/forecast", json={"vehicle_id": "V3"}).json()
    assert (told["origin"], told["window"]) == (None, None)
    assert np.isfinite(told["prediction"])
    assert ask.post("/forecast", json={"vehicle_id": "V3", "origin": str(NEWEST)}).status_code == 422
    assert ask.post("/forecast", json={"vehicle_id": "V33"}).status_code == 404
