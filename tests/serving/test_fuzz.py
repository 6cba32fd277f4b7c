"""Thousands of generated requests: none gives a 5xx, none leaves the next good request unanswered."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from asgi_client import RawClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from served import LIMITS, NAME, full_row, tiny_predictor

from turo.serving.api.explain import TOLERANCE
from turo.serving.http.asgi import App

ROW = full_row()
GOOD_BODY = json.dumps({"inputs": [ROW]}).encode()

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["Kia"])
)
values = st.recursive(
    scalars, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=5), v, max_size=3)
)
names = st.sampled_from([*ROW, "colour"]) | st.text(max_size=6)
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**30), 10**30)
rows = st.dictionaries(names, values, max_size=10) | st.builds(
    lambda changes: {**ROW, **changes}, st.dictionaries(st.sampled_from(list(ROW)), values, max_size=2)
)
extreme_rows = st.fixed_dictionaries(
    {name: st.sampled_from([value]) if isinstance(value, str) else numbers for name, value in ROW.items()}
)
forms = st.sampled_from(["inputs", "instances", "dataframe_records", "dataframe_split", "params", "input"])
splits = st.fixed_dictionaries(
    {"columns": st.lists(names, max_size=9), "data": st.lists(st.lists(scalars, max_size=9), max_size=3)}
)
contents = st.lists(rows | extreme_rows, max_size=3) | st.dictionaries(
    names, st.lists(scalars, max_size=2) | values
)
bodies = st.dictionaries(forms, contents | splits | values, min_size=1, max_size=2)
headers = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": st.sampled_from(
            ["application/json", "application/json; charset=latin-1", "text/csv", ";"]
        ),
        "Inference-Header-Content-Length": st.sampled_from(["0", "12", "-1", "99999", "x"]),
        "X-Request-Id": st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=300),
    },
)
tensors = st.fixed_dictionaries(
    {"name": names, "datatype": st.sampled_from(["FP64", "INT32", "BYTES", "BOOL", ""]) | values,
     "shape": st.lists(st.integers(-1, 3), max_size=3) | values},
    optional={"data": st.lists(scalars, max_size=3) | values,
              "parameters": st.dictionaries(st.sampled_from(["binary_data_size", "binary_data"]), scalars)},
)  # fmt: skip
inferences = st.fixed_dictionaries(
    {"inputs": st.lists(tensors, max_size=10) | values},
    optional={"id": values, "outputs": values, "parameters": values},
)
many = settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))


class Route:
    """The route under fire; after every request it must still give the good answer."""

    def __init__(self) -> None:
        self.client = RawClient(App(tiny_predictor(), LIMITS), f"/{NAME}")
        self.wanted = self.client.send("POST", "", {}, GOOD_BODY).content

    def take(self, path: str, content: bytes, header: dict[str, str]) -> None:
        answer = self.client.send("POST", path, header, content)
        assert answer.status_code in (200, 400, 413, 415, 422), answer.text
        if answer.status_code == 200:
            told = answer.json() if answer.headers["Content-Type"] == "application/json" else {}
            assert all(math.isfinite(value) for value in told.get("predictions", []))
            for why in told.get("explanations", []):
                parts = [why["base"], *why["contributions"].values()]
                assert math.isclose(math.fsum(parts), why["prediction"], rel_tol=0, abs_tol=TOLERANCE)
        else:
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.json()["status"] == answer.status_code
            assert len(answer.content) < 20_000
        assert self.client.send("POST", "", {}, GOOD_BODY).content == self.wanted


@pytest.fixture(scope="module")
def route() -> Iterator[Route]:
    one = Route()
    yield one
    one.client.close()


@many
@given(bodies, headers, st.sampled_from(["", "/explain"]))
def test_no_json_body_breaks_the_native_forms(
    route: Route, body: dict[str, Any], header: dict[str, str], path: str
) -> None:
    route.take(path, json.dumps(body).encode("utf-8", "surrogatepass"), header)


@many
@given(
    st.binary(max_size=200) | st.text(max_size=50).map(str.encode),
    headers,
    st.sampled_from(["", "/explain", "/v2/models/Tiny/infer"]),
)
def test_no_bytes_break_a_route(route: Route, body: bytes, header: dict[str, str], path: str) -> None:
    route.take(path, body, header)


@many
@given(inferences, st.binary(max_size=40), headers)
def test_no_inference_request_breaks_v2(
    route: Route, body: dict[str, Any], tail: bytes, header: dict[str, str]
) -> None:
    content = json.dumps(body).encode("utf-8", "surrogatepass")
    if tail:
        header = {**header, "Inference-Header-Content-Length": str(len(content))}
    route.take("/v2/models/Tiny/infer", content + tail, header)


@many
@given(st.lists(extreme_rows, min_size=1, max_size=3), st.sampled_from(["", "/explain"]))
def test_numbers_of_any_size_get_a_finite_answer_or_a_reason(
    route: Route, batch: list[dict[str, Any]], path: str
) -> None:
    route.take(path, json.dumps({"inputs": batch}).encode(), {})


@many
@given(st.sampled_from(["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"]), st.text(max_size=30))
def test_no_path_breaks_a_route(route: Route, method: str, path: str) -> None:
    answer = route.client.send(method, "/" + path, {}, b"")
    assert answer.status_code in (200, 404, 405), answer.text
