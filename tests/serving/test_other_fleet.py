"""A model of another fleet never answers for this one, and is marked wherever it answers at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from asgi_client import AsgiClient
from prepared_table import ELSEWHERE, HERE, put_manifest, put_table, route, table_of, write_table
from served import LIMITS, NAME, full_row, tiny_predictor

from turo import settings as settings_module
from turo.data import fleet_sketch
from turo.registry.client import Version
from turo.serving.api.directory import Directory, DirectoryApp
from turo.serving.control.desired import as_spec
from turo.serving.http.asgi import App
from turo.serving.http.messages import Request, Response
from turo.serving.lookup.feature_lookup import FeatureTable
from turo.serving.lookup.table_watch import TableWatch
from turo.serving.serve_config import Content, ModelSpec, Notes, TrainedOn, configuration

FORECAST = {"vehicle_id": "V1"}
HTML = {"Accept": "text/html"}
TENSORS = {
    "inputs": [
        {
            "name": name,
            "datatype": "BYTES" if isinstance(value, str) else "FP64",
            "shape": [1],
            "data": [value],
        }
        for name, value in full_row().items()
    ]
}


def test_a_model_of_another_fleet_does_not_forecast_for_this_one(tmp_path: Path) -> None:
    write_table(tmp_path)
    answer = route(tmp_path, fleet=ELSEWHERE).post("/forecast", json=FORECAST)
    assert (answer.status_code, answer.headers["Content-Type"]) == (409, "application/problem+json")
    detail = answer.json()["detail"]
    assert detail.startswith(
        "Tiny version 7 was trained on another fleet (120 vehicles with 900 reservations (canonical, trips "
        "from 2025-01-01 to 2026-11-25)), not on the vehicles of this table (10 vehicles with 900"
    )
    assert "`turo train`" in detail
    short = {"finished_trips": 60, "labelled_origins": 30}
    put_manifest(tmp_path, put_table(tmp_path, table_of()), rows=short)
    detail = route(tmp_path, fleet=ELSEWHERE).post("/forecast", json=FORECAST).json()["detail"]
    assert "needs 100 finished trips and 26 weeks whose outcome is known, this table has 60 and 30" in detail
    assert "best baseline: see forecasts.csv" in detail
    assert "`turo train`" not in detail


@pytest.mark.parametrize("noted", ["neither", "table", "model"])
def test_where_no_fleet_is_noted_only_the_very_same_table_counts(tmp_path: Path, noted: str) -> None:
    digest = put_table(tmp_path, table_of())
    put_manifest(tmp_path, digest, fleet=HERE.plain() if noted == "table" else None)
    fleet = HERE if noted == "model" else None
    own = route(tmp_path, fleet=fleet, data_digest=digest)
    assert own.post("/forecast", json=FORECAST).status_code == 200
    other = route(tmp_path, fleet=fleet, data_digest="d" * 64).post("/forecast", json=FORECAST)
    assert other.status_code == 409
    assert "was trained on other data" in other.json()["detail"]


def test_every_answer_is_marked_from_when_the_table_is_another_fleets_until_it_is_not(tmp_path: Path) -> None:
    write_table(tmp_path)
    predictor = tiny_predictor()
    ask = route(tmp_path, predictor, fleet=ELSEWHERE)
    predictor.tell({"tags": {"turo.below_baseline": "true"}})
    watch = TableWatch(FeatureTable(str(tmp_path)), predictor.compare)
    assert "X-Model-Warning" not in ask.post(json={"inputs": [full_row()]}).headers
    watch.round()
    plain = ask.post(json={"inputs": [full_row()]})
    v2 = ask.post(f"/v2/models/{NAME}/infer", json=TENSORS)
    for answer in (plain, v2, ask.post(json={}), ask.get()):
        assert answer.headers["X-Model-Warning"] == "trained on another fleet"
    assert (plain.status_code, v2.status_code) == (200, 200)
    about, page = ask.get().json(), ask.get(headers=HTML).text
    assert about["fleet"] == {"label": ELSEWHERE.label, "id": "elsewhere", "snapshot": ELSEWHERE.snapshot}
    assert "another fleet" in about["warning"]
    assert "does not beat the best baseline" in about["warning"]
    assert about["warning"] in page
    put_manifest(tmp_path, put_table(tmp_path, table_of()), fleet=ELSEWHERE.plain())
    watch.round()
    assert "X-Model-Warning" not in ask.post(json={"inputs": [full_row()]}).headers
    about = ask.get().json()
    assert (about["below_baseline"], "another fleet" in about["warning"]) == (True, False)


def test_the_list_and_the_documentation_tell_fleet_and_warning() -> None:
    async def forward(name: str, request: Request) -> Response:
        return Response(404, [], b"{}")

    directory = Directory(forward)
    trained_on = TrainedOn(fleet=fleet_sketch.as_tag(ELSEWHERE), snapshot=ELSEWHERE.snapshot)
    spec = ModelSpec(name=NAME, version="7", run_id="r", model_uri="models:/m", trained_on=trained_on)
    directory.models = {NAME: spec}
    ask = AsgiClient(DirectoryApp(directory, LIMITS))
    (entry,) = ask.get("/").json()["models"]
    assert (entry["fleet"]["label"], entry["warning"]) == (ELSEWHERE.label, None)
    directory.compare({"digest": "d", "fleet": HERE.plain()})
    directory.below_baseline = (NAME,)
    (entry,) = ask.get("/").json()["models"]
    assert "another fleet" in entry["warning"]
    assert "does not beat the best baseline: on past weeks that it had not seen, a simple" in entry["warning"]
    document = ask.get("/openapi.json").json()
    assert entry["warning"] in document["paths"][f"/{NAME}"]["post"]["description"]
    large = ask.post(f"/v2/models/{NAME}/infer", content=b" " * (LIMITS.max_bytes + 1))
    assert (large.status_code, large.headers["X-Model-Warning"]) == (413, "trained on another fleet")


def test_answers_are_what_the_documentation_says(tmp_path: Path) -> None:
    from turo.serving.api.openapi import openapi

    write_table(tmp_path)
    ask = route(tmp_path)
    paths = openapi({NAME: None})["paths"]

    def described(operation: dict[str, Any]) -> jsonschema.Draft202012Validator:
        answer = operation["responses"]["200"]
        assert "X-Model-Warning" in answer["headers"]
        return jsonschema.Draft202012Validator(answer["content"]["application/json"]["schema"])

    told = ask.post("/forecast", json=FORECAST).json()
    schema = described(paths[f"/{NAME}/forecast"]["post"])
    schema.validate(told)
    assert set(told) == set(schema.schema["properties"])
    described(paths[f"/{NAME}"]["get"]).validate(ask.get().json())


def test_what_a_version_was_trained_on_travels_with_its_identity() -> None:
    tags = {
        fleet_sketch.TAG: fleet_sketch.as_tag(HERE), "turo.data_digest": "d",
        "turo.snapshot": "2026-11-25T20:00:00",
        "turo.metric": "rmse", "turo.model_sha256": "s",
    }  # fmt: skip
    spec = as_spec(Version(NAME, "3", "run-3", "models:/m", tags, {}))
    assert spec.trained_on == TrainedOn(
        fleet=tags[fleet_sketch.TAG], data_digest="d", snapshot="2026-11-25T20:00:00", metric="rmse"
    )
    notes = Notes(tags={"turo.below_baseline": "true"})
    made = configuration([Content(spec=spec, limits=LIMITS, notes=notes)], settings_module.load())
    model, catalog = (application["deployments"][0]["user_config"] for application in made["applications"])
    assert ModelSpec.model_validate(json.loads(json.dumps(model))["spec"]) == spec
    assert tuple(catalog["below_baseline"]) == (NAME,)


def test_the_plain_route_does_not_look_at_the_table(tmp_path: Path) -> None:
    class Nowhere:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(name)

    predictor = tiny_predictor()
    route(tmp_path, predictor)
    predictor._forecast = Nowhere()
    assert (
        AsgiClient(App(predictor, LIMITS), f"/{NAME}").post(json={"inputs": [full_row()]}).status_code == 200
    )
