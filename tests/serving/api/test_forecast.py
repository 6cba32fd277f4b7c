"""`/forecast`: features looked up by vehicle and origin, from whatever table is there at that moment."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from prepared_table import NEWEST, ORIGINS, put_manifest, put_table, route, table_of, write_table
from served import tiny_predictor
from tiny_forecaster import as_saved_earlier, tiny_columns, tiny_forecaster

from turo.models.mean_shift import MeanShift


def test_the_forecast_is_the_prediction_on_the_looked_up_features(tmp_path: Path) -> None:
    frame = write_table(tmp_path)
    ask = route(tmp_path)
    for vehicle, origin in (("V0", ORIGINS[0]), ("V9", NEWEST), ("V4", ORIGINS[2])):
        told = ask.post("/forecast", json={"vehicle_id": vehicle, "origin": str(origin)}).json()
        (row,) = frame.filter(vehicle_id=vehicle, origin_date=origin).to_dicts()
        assert told["features"] == {name: row[name] for name in told["features"]}
        same = ask.post(json={"inputs": [told["features"]]})
        assert same.json()["predictions"] == [told["prediction"]]
        assert told["interval"]["low"] <= told["prediction"] <= told["interval"]["high"]
        assert told["on_the_books"] == {"days": row["otb_days"], "trips": 2.0}
        assert told["window"] == {"from": str(origin), "to": str(origin + timedelta(days=27))}
        digest = json.loads((tmp_path / "manifest.json").read_text())["digest"]
        assert (told["vehicle_id"], told["origin"], told["data_digest"]) == (vehicle, str(origin), digest)
    newest = ask.post("/forecast", json={"vehicle_id": "V4", "origin": None}).json()
    assert newest["origin"] == str(NEWEST)


def test_a_new_table_is_used_as_soon_as_it_is_there(tmp_path: Path) -> None:
    write_table(tmp_path)
    ask = route(tmp_path)
    before = ask.post("/forecast", json={"vehicle_id": "V1"}).json()
    write_table(tmp_path, seed=6)
    after = ask.post("/forecast", json={"vehicle_id": "V1"}).json()
    assert before["data_digest"] != after["data_digest"]
    assert before["features"] != after["features"]


def test_a_make_never_seen_counts_as_other_or_as_missing_and_is_told(tmp_path: Path) -> None:
    write_table(tmp_path, make="Lada")
    told = route(tmp_path).post("/forecast", json={"vehicle_id": "V1"}).json()
    assert told["replaced"] == {"make": {"was": "Lada", "used": None}}
    fields = tuple(
        field
        if field.name != "make"
        else type(field)(**{**vars(field), "categories": ("Jeep", "Kia", "other")})
        for field in tiny_predictor().model.fields
    )
    from turo.serving.api.forecast import features_of
    from turo.serving.lookup.prepared_row import Row

    columns = dict.fromkeys(tiny_columns(1), 1.0) | {"class": "suv", "make": "Lada"}
    features, replaced = features_of(Row("V1", NEWEST, columns, {}), tiny_predictor().about, fields)
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
    answer = route(tmp_path).post("/forecast", json=body)
    assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text


def refusal(folder: Path) -> str:
    answer = route(folder).post("/forecast", json={"vehicle_id": "V1"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (409, "application/problem+json")
    return str(answer.json()["detail"])


def test_a_table_that_does_not_fit_the_model_is_a_conflict_with_advice_that_helps(tmp_path: Path) -> None:
    write_table(tmp_path, days=7)
    detail = refusal(tmp_path)
    assert "prepared for 7 days, Tiny version 7 forecasts 28" in detail
    assert "HORIZON_DAYS=28" in detail
    assert "`turo train`" in detail
    write_table(tmp_path, lag_1=None)
    detail = refusal(tmp_path)
    assert "lacks lag_1, which Tiny version 7 was trained on" in detail
    assert "`turo train`" in detail
    short = {"finished_trips": 60, "labelled_origins": 12}
    put_manifest(tmp_path, put_table(tmp_path, table_of(lag_1=None)), rows=short)
    detail = refusal(tmp_path)
    assert "needs 100 finished trips and 26 weeks whose outcome is known, this table has 60 and 12" in detail
    assert "`turo forecast` (DAG forecast_fleet)" in detail
    assert "`turo train`" not in detail


def test_median_and_mean_are_told_apart(tmp_path: Path) -> None:
    write_table(tmp_path)
    told = route(tmp_path).post("/forecast", json={"vehicle_id": "V1"}).json()
    assert (told["functional"], told["median"]) == ("median", told["prediction"])
    predictor = tiny_predictor()
    predictor.model = replace(tiny_forecaster(), functional="mean")
    told = route(tmp_path, predictor, metric="rmse").post("/forecast", json={"vehicle_id": "V1"}).json()
    assert (told["functional"], told["mean"]) == ("mean", told["prediction"])
    assert told["median"] == told["quantiles"]["q50"] != told["mean"]
    predictor.model = replace(as_saved_earlier(tiny_forecaster()), functional="mean")
    told = route(tmp_path, predictor, metric="rmse").post("/forecast", json={"vehicle_id": "V1"}).json()
    assert (told["functional"], told["median"]) == ("mean", None)

    predictor = tiny_predictor()
    shift = MeanShift(np.empty(0), np.array([0.25]))
    predictor.model = replace(as_saved_earlier(tiny_forecaster()), mean_shift=shift)
    told = route(tmp_path, predictor).post("/forecast", json={"vehicle_id": "V1"}).json()
    assert told["mean"] == told["prediction"] + 0.25
    assert told["quantiles"] is None


def test_quantiles_frame_the_median(tmp_path: Path) -> None:
    write_table(tmp_path)
    told = route(tmp_path).post("/forecast", json={"vehicle_id": "V1"}).json()
    assert list(told["quantiles"]) == ["q05", "q10", "q25", "q50", "q75", "q90", "q95"]
    values = list(told["quantiles"].values())
    assert values == sorted(values)
    assert told["quantiles"]["q50"] == told["median"]
    assert told["interval"]["low"] <= told["median"] <= told["interval"]["high"]
    assert values[0] < values[-1]


@pytest.mark.parametrize(
    ("origin", "trained", "target", "expected"),
    [
        (ORIGINS[0], "2026-11-23T20:00:00", "y_booked_days", True),  # over on the very day of the snapshot
        (ORIGINS[0], "2026-11-22 23:59:59", "y_booked_days", False),
        (ORIGINS[0], "2026-11-23T20:00:00", "y_revenue", False),  # revenue is final a day later
        (NEWEST, "2026-11-23T20:00:00", "y_booked_days", False),
        (ORIGINS[0], "", "y_booked_days", None),
    ],
)
def test_an_origin_that_trained_the_model_is_marked(
    tmp_path: Path, origin: Any, trained: str, target: str, expected: bool | None
) -> None:
    write_table(tmp_path)
    predictor = tiny_predictor()
    predictor.about.target = target
    ask = route(tmp_path, predictor, snapshot=trained)
    told = ask.post("/forecast", json={"vehicle_id": "V1", "origin": str(origin)}).json()
    assert told["in_sample"] is expected
    assert ("in-sample" in (told["note"] or "")) == (expected is True)
    write_table(tmp_path, in_training=0)
    told = ask.post("/forecast", json={"vehicle_id": "V1", "origin": str(origin)}).json()
    assert (told["in_sample"], told["note"]) == (False, None)


def test_a_vehicle_that_left_is_not_forecast_unless_a_past_origin_is_asked_for(tmp_path: Path) -> None:
    gone = (pl.col("vehicle_id") == "V3") & (pl.col("origin_date") > ORIGINS[1])
    put_manifest(tmp_path, put_table(tmp_path, table_of().filter(~gone)))
    ask = route(tmp_path)
    answer = ask.post("/forecast", json={"vehicle_id": "V3"})
    assert answer.status_code == 404
    assert 'Vehicle "V3" left the fleet: its last origin is 2026-11-02' in answer.json()["detail"]
    assert ask.post("/forecast", json={"vehicle_id": "V3", "origin": "2026-11-02"}).status_code == 200


def test_a_vehicle_that_looks_gone_is_forecast_with_a_note(tmp_path: Path) -> None:
    write_table(tmp_path, looks_gone=1, days_since_return=412.4)
    note = route(tmp_path).post("/forecast", json={"vehicle_id": "V3"}).json()["note"]
    assert "looks gone" in note
    assert "412 days before" in note
    assert "listed_to" in note
    write_table(tmp_path, looks_gone=0, days_since_return=412.4)
    assert route(tmp_path).post("/forecast", json={"vehicle_id": "V3"}).json()["note"] is None


def test_without_a_table_the_rest_of_the_route_works(tmp_path: Path, row: dict[str, Any]) -> None:
    ask = route(tmp_path)
    assert ask.post("/forecast", json={"vehicle_id": "V1"}).status_code == 503
    (tmp_path / "manifest.json").write_text("{}")
    assert ask.post("/forecast", json={"vehicle_id": "V1"}).status_code == 503
    assert ask.post(json={"inputs": [row]}).status_code == 200


def test_a_table_without_dates_is_looked_up_by_vehicle_alone(tmp_path: Path) -> None:
    frame = table_of().filter(origin_date=NEWEST).drop("origin_date", "horizon_days")
    put_manifest(tmp_path, put_table(tmp_path, frame))
    ask = route(tmp_path)
    told = ask.post("/forecast", json={"vehicle_id": "V3"}).json()
    assert (told["origin"], told["window"], told["in_sample"]) == (None, None, True)
    assert np.isfinite(told["prediction"])
    assert ask.post("/forecast", json={"vehicle_id": "V3", "origin": str(NEWEST)}).status_code == 422
    assert ask.post("/forecast", json={"vehicle_id": "V33"}).status_code == 404
