"""`/docs`: Swagger UI from this server alone, on a document that leads where the routes really are."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest
from asgi_client import AsgiClient
from fleet_pages import with_forecasts
from front import ask, front_door
from hand_fleet import write_fleet
from served import LIMITS, NAME, full_row, tiny_predictor

from turo.serving.api.docs import HELPS, OWN, SWAGGER_UI
from turo.serving.front.fleet_files import FleetFolder
from turo.serving.front.pages import Front
from turo.serving.http.asgi import App
from turo.serving.http.problems import TITLES

BROWSER = {"Accept": "text/html"}


@pytest.mark.parametrize("prefix", ["", "/turo"])
def test_every_file_that_the_page_names_is_served_here(prefix: str) -> None:
    page = ask("GET", "/docs", headers={**BROWSER, "X-Forwarded-Prefix": prefix})
    named = re.findall(r'(?:<script src|<link rel="stylesheet" href)="([^"]+)"', page.text)
    assert named == [
        f"{prefix}/docs/assets/{name}"
        for name in ("swagger-ui.css", "docs.css", "swagger-ui-bundle.js", "docs.js")
    ]
    for path in named:
        answer = ask("GET", path.removeprefix(prefix))
        kind = "text/css" if path.endswith("css") else "text/javascript"
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, f"{kind}; charset=utf-8")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert len(answer.content) > 300


@pytest.mark.parametrize("name", [*OWN, *SWAGGER_UI])
def test_a_file_that_a_browser_holds_is_not_sent_again(name: str) -> None:
    first = ask("GET", f"/docs/assets/{name}")
    again = ask("GET", f"/docs/assets/{name}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content, "Content-Length" in again.headers) == (304, b"", False)
    assert ask("GET", f"/docs/assets/{name}", headers={"If-None-Match": '"other"'}).content == first.content


@pytest.mark.parametrize("name", ["../docs.html", "%2e%2e/docs.html", "LICENSE", "a<b>", ""])
def test_other_files_are_not(name: str) -> None:
    answer = ask("GET", f"/docs/assets/{name or '/'}", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")


def test_files_are_only_read_and_only_with_the_key() -> None:
    assert ask("POST", "/docs/assets/docs.js").status_code == 405
    assert ask("GET", "/docs/assets/docs.js", api_key="s3cret").status_code == 401


def test_no_script_looks_anything_up_elsewhere() -> None:
    for name in OWN:
        assert not re.search(r"https?://|//[a-z]+\.", ask("GET", f"/docs/assets/{name}").text)
    assert "validatorUrl: null" in ask("GET", "/docs/assets/docs.js").text


def test_every_refusal_has_its_place_on_the_page_and_says_what_helps() -> None:
    page = ask("GET", "/docs", headers=BROWSER).text
    assert HELPS.keys() >= TITLES.keys()
    refused = ask("GET", "/nowhere", headers={"Accept": "application/json"}).json()
    assert refused["type"] == "/docs#404"
    for status in TITLES:
        assert f'<tr id="{status}">' in page


def test_the_document_leads_below_another_servers_path() -> None:
    assert ask("GET", "/openapi.json").json()["servers"] == [{"url": "/"}]
    below = ask("GET", "/openapi.json", headers={"X-Forwarded-Prefix": "/turo/"}).json()
    assert below["servers"] == [{"url": "/turo"}]


def test_what_the_document_gives_as_an_example_is_answered() -> None:
    paths = ask("GET", "/openapi.json").json()["paths"]
    for path, answered in ((f"/{NAME}", "predictions"), (f"/{NAME}/explain", "explanations")):
        (body,) = paths[path]["post"]["requestBody"]["content"].values()
        assert body["example"] == {"inputs": [full_row()]}
        assert answered in ask("POST", path, json=body["example"]).json()
    (body,) = paths["/Away"]["post"]["requestBody"]["content"].values()
    assert "example" not in body  # it does not answer now, so nobody knows what it takes


def test_the_example_of_a_forecast_is_a_vehicle_of_the_newest_one(tmp_path: Path) -> None:
    (body,) = (
        ask("GET", "/openapi.json")
        .json()["paths"][f"/{NAME}/forecast"]["post"]["requestBody"]["content"]
        .values()
    )
    assert "example" not in body  # no forecast yet, so no vehicle is known
    settings = write_fleet(tmp_path / "datas")
    with_forecasts(settings)
    app = front_door()
    app.service.front = Front(FleetFolder(settings.data_dir, ""))
    document = AsgiClient(app).get("/openapi.json").json()
    (body,) = document["paths"][f"/{NAME}/forecast"]["post"]["requestBody"]["content"].values()
    forecasts = (tmp_path / "datas" / "forecasts.csv").read_text()
    assert f"\n{body['example']['vehicle_id']}," in forecasts


def test_the_pages_for_people_are_documented() -> None:
    document = ask("GET", "/openapi.json").json()
    paths = document["paths"]
    for path in ("/report", "/vehicles", "/vehicles/{vehicle_id}"):
        assert list(paths[path]["get"]["responses"]["200"]["content"]) == ["text/html"]
    assert list(paths["/report/{name}"]["get"]["responses"]["200"]["content"]) == ["text/csv"]
    assert list(paths["/"]["get"]["responses"]["200"]["content"]) == ["application/json", "text/html"]
    assert "/sign-in" not in paths
    locked = ask("GET", "/openapi.json", api_key="k", headers={"X-API-Key": "k"}).json()["paths"]
    assert locked["/sign-in"]["post"]["security"] == []
    for path, item in locked.items():  # each name in braces is a parameter of the path
        for method in item.keys() & {"get", "post"}:
            stated = [*item.get("parameters", []), *item[method].get("parameters", [])]
            names = {p["name"] for p in stated if p["in"] == "path"}
            assert names == set(re.findall(r"{(\w+)}", path))
            assert len(item[method]["tags"]) == 1
            assert item[method]["responses"]


def test_a_models_page_leads_with_a_vehicle_and_says_what_it_forecasts() -> None:
    predictor = tiny_predictor()
    predictor.about.metrics = {"mae": 2.345, "baseline_best_mae": 2.5}
    headers = {**BROWSER, "X-Forwarded-Prefix": "/turo"}
    page = AsgiClient(App(predictor, LIMITS), f"/{NAME}").get(headers=headers).text
    picker, raw = page.index('<form class="fields row" action="/turo/vehicles">'), page.index("<textarea")
    assert picker < page.index("What it is") < page.index("<details>") < raw
    assert f'<input type="hidden" name="model" value="{NAME}">' in page
    assert '<input id="vehicle_id" name="vehicle_id" required' in page
    assert "on how many days a vehicle will be booked over the next 28 days." in page
    assert "it was off by 2.35 days a vehicle on average; the best simple rule, by 2.5." in page
    assert 'src="/turo/docs/assets/model.js"' in page


def test_money_is_told_without_a_unit_of_ours() -> None:
    predictor = tiny_predictor()
    predictor.about.target, predictor.about.metrics = "y_revenue", {"mae": 210.0}
    page = AsgiClient(App(predictor, LIMITS), f"/{NAME}").get(headers=BROWSER).text
    assert "off by 210 a vehicle on average." in page
    assert "USD" not in page.split("<details>")[0]


def test_the_document_is_one_of_openapi_3_1() -> None:
    document = ask("GET", "/openapi.json").json()
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    assert document["openapi"] == "3.1.0"
