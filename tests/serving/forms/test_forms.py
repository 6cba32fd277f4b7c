"""Every request form gives the same numbers, and they are the numbers of the model in Python."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from asgi_client import AsgiClient
from served import LIMITS, NAME, random_columns, rows_of, tiny_predictor

from turo.models.encoding import encode
from turo.models.flavor import _load_pyfunc
from turo.serving.http.asgi import App

COLUMNS = random_columns()
ROWS = rows_of(COLUMNS)
NAMES = list(COLUMNS)


def split(rows: list[dict[str, Any]], names: list[str]) -> dict[str, Any]:
    return {"columns": names, "data": [[row[name] for name in names] for row in rows]}


def forms(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The same rows in each form, columns in different orders."""
    shuffled = random.Random(3).sample(NAMES, len(NAMES))
    return {
        "inputs": {"inputs": rows},
        "other order": {"inputs": [{name: row[name] for name in shuffled} for row in rows]},
        "instances": {"instances": rows},
        "dataframe_records": {"dataframe_records": rows},
        "dataframe_split": {"dataframe_split": split(rows, shuffled)},
        "with index": {"dataframe_split": {**split(rows, NAMES), "index": list(range(len(rows)))}},
        "by column": {"inputs": {name: [row[name] for row in rows] for name in shuffled}},
        "empty params": {"inputs": rows, "params": {}},
    }


@pytest.mark.parametrize("kind", ["xgboost", "catboost", "svr", "knn", "ensemble"])
def test_every_form_gives_the_numbers_of_the_model(kind: str, tmp_path: Path) -> None:
    predictor = tiny_predictor(kind)
    predictor.model.save(tmp_path / "model")  # type: ignore[attr-defined]
    frame = pd.DataFrame(ROWS, columns=NAMES)
    wanted = _load_pyfunc(str(tmp_path / "model")).predict(frame)
    assert np.isnan(COLUMNS["lag_1"]).any()
    ask = AsgiClient(App(predictor, LIMITS), f"/{NAME}")
    for form, body in forms(ROWS).items():
        answer = ask.post(json=body)
        assert answer.status_code == 200, (form, answer.text)
        assert answer.json()["predictions"] == wanted.tolist(), form
    alone = [ask.post(json={"inputs": [row]}).json()["predictions"][0] for row in ROWS[:25]]
    assert alone == wanted[:25].tolist()


def test_a_row_may_come_without_a_list_and_integers_count_as_numbers(
    ask: AsgiClient, row: dict[str, Any]
) -> None:
    one = ask.post(json={"inputs": row})
    assert one.json() == ask.post(json={"inputs": [row]}).json()
    whole, point = {**row, "lag_1": 3}, {**row, "lag_1": 3.0}
    assert ask.post(json={"inputs": [whole]}).json() == ask.post(json={"inputs": [point]}).json()


def test_answers_carry_version_run_and_the_callers_request_id(ask: AsgiClient, row: dict[str, Any]) -> None:
    answer = ask.post(json={"inputs": [row]}, headers={"X-Request-Id": "abc-1"})
    assert (answer.headers["X-Model-Version"], answer.headers["X-Run-Id"]) == ("7", "run-7")
    assert answer.headers["X-Request-Id"] == "abc-1"
    refused = ask.post(json={"inputs": []}, headers={"X-Request-Id": "abc-2"})
    assert refused.headers["X-Request-Id"] == refused.json()["request_id"] == "abc-2"
    assert refused.headers["X-Model-Version"] == "7"
    for unfit in ({}, {"X-Request-Id": ""}, {"X-Request-Id": "a" * 2000}, {"X-Request-Id": b"\xe9"}):
        new = ask.get("/nowhere", headers=unfit)
        assert len(new.headers["X-Request-Id"]) == 32
        assert new.json()["request_id"] == new.headers["X-Request-Id"]
    long = ask.get("/nowhere", headers={"X-Request-Id": "a" * 1000})
    assert long.headers["X-Request-Id"] == long.json()["request_id"] == "a" * 1000


def test_a_body_in_several_pieces_and_without_content_type_is_read(
    ask: AsgiClient, row: dict[str, Any]
) -> None:
    whole = ask.post(json={"inputs": [row]})
    raw = whole.request.content

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(raw), 7):
            yield raw[start : start + 7]

    assert ask.post(content=pieces()).json() == whole.json()
    utf8 = ask.post(content=raw, headers={"Content-Type": "application/json; charset=UTF-8"})
    assert utf8.json() == whole.json()


def test_the_fast_call_into_xgboost_gives_the_bits_of_its_own_wrapper() -> None:
    regressor = tiny_predictor("xgboost").model.model  # type: ignore[attr-defined]
    matrix = encode(tiny_predictor("xgboost").model.fields, COLUMNS)  # type: ignore[arg-type]
    wanted = regressor.booster.inplace_predict(matrix).astype(np.float64)
    assert regressor.predict(matrix).tolist() == wanted.tolist()
    assert regressor.predict(matrix[7:8]).tolist() == wanted[7:8].tolist()
    beyond = np.full((1, matrix.shape[1]), 1e300)
    assert np.isfinite(regressor.predict(beyond)).all()
