"""`POST /<NAME>/explain`: the number that `POST /<NAME>` answers, in parts that add up to it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from asgi_client import AsgiClient
from front import ask as ask_front
from served import LIMITS, NAME, full_row, random_columns, rows_of, tiny_predictor
from tiny_forecaster import SMALL, as_saved_earlier, tiny_columns, tiny_forecaster

from turo.models.encoding import encode
from turo.models.estimators.base import Loss
from turo.models.explanation import AROUND, ON_THE_BOOKS
from turo.models.forecaster import MEAN, Forecaster
from turo.models.kinds import REGRESSORS
from turo.serving.api.explain import EXPLAIN_MAX_ROWS
from turo.serving.api.model_info import About
from turo.serving.api.predictor import Predictor
from turo.serving.http.asgi import App
from turo.serving.serve_config import TrainedOn

TREES, OTHERS = ("xgboost", "catboost"), ("svr", "knn", "ensemble")
SAVED = Path(__file__).parents[2] / "models" / "saved" / "before_pipelines"
ROWS = rows_of(random_columns(EXPLAIN_MAX_ROWS))  # a tenth of each number is missing, and of the categories


def route(model: Forecaster, api_key: str = "", max_rows: int = LIMITS.max_rows) -> AsgiClient:
    about = About(NAME, "7", "run-7", model.target, model.horizon_days, example=full_row())
    about.trained_on = TrainedOn(metric="rmse" if model.functional == MEAN else "mae")
    return AsgiClient(App(Predictor(model, about, max_rows), LIMITS, api_key=api_key), f"/{NAME}")


def loaded(kind: str, folder: Path) -> Forecaster:
    tiny_forecaster(kind).save(folder)
    return Forecaster.load(folder)


def explained(ask: AsgiClient, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    answer = ask.post("/explain", json={"inputs": rows})
    assert answer.status_code == 200, answer.text
    explanations: list[dict[str, Any]] = answer.json()["explanations"]
    return explanations


def assert_adds_up(ask: AsgiClient, rows: list[dict[str, Any]]) -> None:
    predictions = ask.post(json={"inputs": rows}).json()["predictions"]
    explanations = explained(ask, rows)
    assert [one["prediction"] for one in explanations] == predictions
    for one in explanations:
        assert set(one["contributions"]) == {*rows[0], ON_THE_BOOKS, AROUND}
        assert one["base"] + sum(one["contributions"].values()) == pytest.approx(one["prediction"], abs=1e-5)


@pytest.mark.parametrize("kind", TREES)
def test_the_parts_add_up_to_the_prediction_of_each_row(kind: str, tmp_path: Path) -> None:
    ask = route(loaded(kind, tmp_path))
    answer = ask.post("/explain", json={"inputs": ROWS}).json()
    assert (answer["functional"], answer["unit"]) == ("median", "days")
    assert_adds_up(ask, ROWS)
    assert_adds_up(ask, ROWS[:1])


@pytest.mark.parametrize("kind", TREES)
def test_the_parts_of_the_level_are_the_librarys_own_shap(kind: str, tmp_path: Path) -> None:
    import catboost
    import xgboost

    model: Any = loaded(kind, tmp_path)
    X = encode(model.fields, random_columns(EXPLAIN_MAX_ROWS))
    if kind == "xgboost":
        wanted = model.model.booster.predict(xgboost.DMatrix(X), pred_contribs=True)
    else:
        wanted = model.model.model.get_feature_importance(catboost.Pool(X), type="ShapValues")
    explanations = explained(route(model), ROWS)
    columns = iter(wanted.T)
    for field in sorted(model.fields, key=lambda field: field.kind == "category"):
        own = 1 if field.kind == "number" else len(field.categories)  # one column for each category
        total = sum(next(columns) for _ in range(own))
        told = [one["contributions"][field.name] for one in explanations]
        np.testing.assert_allclose(told, total, atol=1e-5)
        assert np.ptp(told) > 0 or field.name == "fleet_util_28"
    np.testing.assert_allclose([one["base"] for one in explanations], next(columns), atol=1e-5)
    books = [one["contributions"][ON_THE_BOOKS] for one in explanations]
    assert books == [row["otb_days"] for row in ROWS]


@pytest.mark.parametrize("kind", TREES)
def test_models_of_earlier_releases_are_explained_as_well(kind: str) -> None:
    assert_adds_up(route(as_saved_earlier(tiny_forecaster(kind))), ROWS)
    assert_adds_up(route(Forecaster.load(SAVED / kind)), rows_of(tiny_columns(12, seed=21)))


@pytest.mark.parametrize("loss", ["absolute", "squared"])
@pytest.mark.parametrize("kind", TREES)
def test_of_a_model_that_answers_means_the_parts_add_up_to_the_mean(kind: str, loss: Loss) -> None:
    model = replace(tiny_forecaster(kind), functional=MEAN, loss=loss)
    answer = route(model).post("/explain", json={"inputs": ROWS}).json()
    assert answer["functional"] == "mean"
    told = [one["prediction"] for one in answer["explanations"]]
    assert told == model.mean(random_columns(EXPLAIN_MAX_ROWS)).tolist()
    assert told != tiny_forecaster(kind).predict(random_columns(EXPLAIN_MAX_ROWS)).tolist()
    assert_adds_up(route(model), ROWS)


@pytest.mark.parametrize("kind", TREES)
def test_books_too_large_for_parts_that_add_up_are_refused(kind: str, row: dict[str, Any]) -> None:
    ask = route(tiny_forecaster(kind))
    assert_adds_up(ask, [row, {**row, "otb_days": 1e6}])
    absurd = [row, {**row, "otb_days": 1e12 + 0.1}]
    assert ask.post(json={"inputs": absurd}).status_code == 200
    answer = ask.post("/explain", json={"inputs": absurd})
    assert (answer.status_code, answer.json()["errors"]) == (422, [{"row": 1}])
    assert answer.json()["detail"] == (
        "Row 1: values so large that the parts do not add up to the prediction."
    )


@pytest.mark.parametrize("kind", OTHERS)
def test_other_kinds_say_which_have_contributions(kind: str) -> None:
    ask = route(tiny_forecaster(kind))
    answer = ask.post("/explain", json={"inputs": ROWS[:1]})
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")
    assert answer.json()["detail"] == (
        "Tiny is of a kind without contributions; models of the kinds xgboost and catboost have them."
    )
    assert set(TREES) | set(OTHERS) == set(REGRESSORS) == set(SMALL)
    about = ask.get().json()
    assert about["explain"] is False
    assert "explain" not in about["links"]


def test_a_hundred_rows_are_explained_and_no_more(ask: AsgiClient) -> None:
    assert len(explained(ask, ROWS)) == EXPLAIN_MAX_ROWS == 100
    answer = ask.post("/explain", json={"inputs": [*ROWS, ROWS[0]]})
    assert (answer.status_code, answer.json()["detail"]) == (
        413,
        "The batch has 101 rows; at most 100 are taken at once.",
    )
    few = route(tiny_forecaster(), max_rows=3)
    assert few.post("/explain", json={"inputs": ROWS[:3]}).status_code == 200
    assert few.post("/explain", json={"inputs": ROWS[:4]}).status_code == 413


def test_what_the_native_route_refuses_is_refused_alike(ask: AsgiClient, row: dict[str, Any]) -> None:
    bodies: list[Any] = [
        {"inputs": []}, {"inputs": [{}]}, {"inputs": 1}, {}, [], {"inputs": [{**row, "colour": 1}]},
        {"inputs": [{**row, "make": "Lada"}]}, {"inputs": [{**row, "lag_1": "1"}]},
        {"inputs": [{**row, "otb_days": None}]}, {"inputs": [row, {**row, "lag_1": True}]},
    ]  # fmt: skip
    for body in bodies:
        native, answer = ask.post(json=body), ask.post("/explain", json=body)
        assert answer.status_code == native.status_code == 422
        assert (answer.json()["detail"], answer.json().get("errors")) == (
            native.json()["detail"],
            native.json().get("errors"),
        )
    refused = ask.post("/explain", content=b"{}", headers={"Content-Type": "text/csv"})
    assert refused.status_code == 415


def test_missing_and_unknown_categories_are_taken_as_in_a_prediction(
    ask: AsgiClient, row: dict[str, Any]
) -> None:
    rows = [row, {**row, "make": None}, {**row, "make": None, "class": None, "lag_1": None}]
    assert_adds_up(ask, rows)
    assert explained(ask, rows)[0]["contributions"] != explained(ask, rows)[2]["contributions"]
    model = tiny_forecaster()
    columns = tiny_columns(3)
    unknown = columns | {"make": np.array(["Lada"] * 3, dtype=object)}
    nothing = columns | {"make": np.array([None] * 3, dtype=object)}
    np.testing.assert_array_equal(
        model.model.contributions(encode(model.fields, unknown)),  # type: ignore[attr-defined]
        model.model.contributions(encode(model.fields, nothing)),  # type: ignore[attr-defined]
    )


def test_it_is_a_route_like_the_others(ask: AsgiClient, row: dict[str, Any]) -> None:
    body = {"inputs": [row]}
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        refused = ask.request(method, "/explain")
        assert (refused.status_code, refused.headers["Allow"]) == (405, "POST")
    answer = ask.post("/explain", json=body, headers={"X-Request-Id": "mine"})
    assert answer.headers["X-Request-Id"] == "mine"
    assert (answer.headers["X-Model-Version"], answer.headers["X-Run-Id"]) == ("7", "run-7")
    assert ask_front("POST", f"/{NAME}/explain", json=body).json() == answer.json()
    secured = route(tiny_forecaster(), api_key="s3cret")
    assert secured.post("/explain", json=body).status_code == 401
    assert secured.post("/explain", json=body, headers={"X-API-Key": "s3cret"}).status_code == 200
    about = ask.get().json()
    assert (about["explain"], about["links"]["explain"]) == (True, f"{about['links']['predict']}/explain")
    split = {"columns": list(row), "data": [list(row.values())]}
    for form in ({"instances": [row]}, {"dataframe_records": [row]}, {"dataframe_split": split}):
        assert ask.post("/explain", json=form).json() == answer.json()


def test_explaining_is_counted_but_not_logged_as_another_prediction(row: dict[str, Any]) -> None:
    seen, counted = list[Any](), list[int]()
    predictor = tiny_predictor(observe=lambda *told: seen.append(told))
    ask = AsgiClient(App(predictor, LIMITS, count=counted.append), f"/{NAME}")
    assert ask.post("/explain", json={"inputs": [row]}).status_code == 200
    assert ask.post("/explain", json={"inputs": [{}]}).status_code == 422
    assert (seen, counted) == ([], [200, 422])


def test_openapi_says_what_it_takes_and_gives(ask: AsgiClient, row: dict[str, Any]) -> None:
    document = ask_front("GET", "/openapi.json").json()
    operation = document["paths"][f"/{NAME}/explain"]["post"]
    asked = {
        **operation["requestBody"]["content"]["application/json"]["schema"],
        "components": document["components"],
    }
    told = jsonschema.Draft202012Validator(asked)
    for rows, good in ([row], True), ([row] * 100, True), ([row] * 101, False), ([{}], False):
        assert told.is_valid({"inputs": rows}) == good
    given = jsonschema.Draft202012Validator(
        operation["responses"]["200"]["content"]["application/json"]["schema"]
    )
    given.validate(ask.post("/explain", json={"inputs": [row]}).json())
    assert "xgboost and catboost" in operation["responses"]["404"]["description"]
    assert json.dumps(operation).count(AROUND) > 0
    assert "X-Model-Version" in operation["responses"]["200"]["headers"]
    assert f"/{NAME}/explain" in ask_front("GET", "/docs").text
