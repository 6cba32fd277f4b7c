"""The front door as a browser sees it: what it says, where it leads, what it refuses."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import orjson
import polars as pl
import pytest
from fleet_pages import NOW, Pages, text_of
from html_nesting import check_nesting
from served import NAME

from turo import settings as settings_module
from turo.last_runs import noted
from turo.serving.front.fleet_files import FleetFolder
from turo.serving.front.fleet_view import fleet_view
from turo.serving.front.services import links, services
from turo.serving.http.messages import Request, Response
from turo.serving.http.problems import Problem

CLIENT = {"Accept": "application/json"}
SPOILT = '{"step": "prepare", "began": null, "ended": 7, "problem": ["x"]}'
HOSTILE = "<script>alert('1')</script>"


def is_problem(answer: httpx.Response, status: int) -> bool:
    return (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")


def test_a_browser_gets_the_home_page_and_api_clients_their_json(pages: Pages) -> None:
    home = pages.get("/")
    assert (home.status_code, home.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    said = text_of(home.text)
    assert "3 active vehicles. Forecast from Monday 23 Nov 2026" in said
    assert "Next 28 days" in said
    for accept in ("*/*", "application/json"):
        answer = pages.get("/", {"Accept": accept})
        assert [model["name"] for model in answer.json()["models"]] == [NAME]


def test_home_counts_the_vehicles_that_the_report_counts(datas: Path) -> None:
    files = FleetFolder(str(datas)).now()
    assert files is not None
    gone = pl.when(pl.col("vehicle_id") == "A").then(pl.lit("looks_gone")).otherwise("flag")
    left = replace(files, forecasts=files.forecasts.with_columns(flag=gone))
    assert (fleet_view(files)["vehicles"], fleet_view(left)["vehicles"], len(left.ids)) == (3, 2, 3)


def test_home_tells_the_fleet_what_is_served_and_where_else_to_look(pages: Pages, datas: Path) -> None:
    home = pages.get("/", {"Accept": "text/html", "Host": "turo.example:8000"})
    totals = pl.read_csv(datas / "forecast-totals.csv").filter(level="fleet", horizon_days=28)
    assert f"{totals['mean'][0]:,.0f} days expected" in text_of(home.text)
    assert f'href="/{NAME}"' in home.text
    assert 'href="http://turo.example:5000"' in home.text
    for way in ("/report", "/vehicles", "/docs"):
        assert f'href="{way}"' in home.text


def test_home_tells_mondays_books_and_the_calendar_apart(pages: Pages, datas: Path) -> None:
    said = text_of(pages.get("/").text)
    assert "on the books when 23 Nov began 9 in the calendar as of 2026-11-24 12" in said
    assert (
        "On the books when 23 Nov began: 8.6 days of the next 7 days; the calendar as of 24 Nov 00:00 has "
        "12.5 days in the same window."
    ) in said


def test_models_that_a_simple_rule_beats_are_named_once_and_never_called_the_best_there_is(
    pages: Pages,
) -> None:
    weekly = pages.directory.models[NAME].model_copy(update={"name": f"{NAME}-7d"})
    pages.directory.models[weekly.name] = weekly
    assert "a simple rule was closer" not in text_of(pages.get("/").text)
    pages.directory.below_baseline = (NAME, weekly.name)
    said = text_of(pages.get("/").text)
    assert (
        f"{NAME} and {NAME}-7d: on past weeks that they had not seen, a simple rule was closer. Trust what "
        "is on the books more"
    ) in said
    assert said.count("a simple rule was closer") == 1
    assert "no better one exists" not in said


def test_every_page_has_a_strict_policy_and_is_whole(pages: Pages) -> None:
    for path in ("/", "/vehicles", "/vehicles/A", "/vehicles/A?model=Tiny", "/vehicles/Z", "/report"):
        answer = pages.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert "<script" not in answer.text
        assert ' style="' not in answer.text
        check_nesting(answer.text)


def test_a_style_sheet_that_the_policy_names_is_the_one_of_the_page(pages: Pages) -> None:
    from turo.html.render import style_hash

    for path in ("/", "/report"):
        answer = pages.get(path)
        style = answer.text.split("<style>")[1].split("</style>")[0]
        assert style_hash(style) in answer.headers["Content-Security-Policy"]


def test_a_vehicle_has_its_forecast_weeks_reasons_and_track_record(pages: Pages) -> None:
    said = text_of(pages.get("/vehicles/A").text)
    for part in (
        "Kia Rio 2021",
        "What to expect",
        "Past weeks and books",
        "How right were we",
        "Ask a model",
    ):
        assert part in said
    assert "28 days: on the last 1 Monday 1 of 1 came out inside the range" in said
    assert pages.get("/vehicles/A").text.count("<svg") == 2


def test_the_form_asks_the_model_and_nobody_types_json(pages: Pages) -> None:
    page = pages.get("/vehicles/A", params={"model": NAME, "origin": "2026-11-16"})
    (question,) = pages.asked
    assert (question.method, question.path) == ("POST", "/forecast")
    assert orjson.loads(question.body) == {"vehicle_id": "A", "origin": "2026-11-16"}
    said = text_of(page.text)
    assert "12.2 days, typical by Tiny" in said
    assert "9.0 to 15.0" in said
    assert "<option selected>Tiny" in page.text
    assert 'value="2026-11-16"' in page.text
    assert pages.get("/vehicles/A").status_code == 200
    assert len(pages.asked) == 1  # the page alone asks nobody


@pytest.mark.parametrize("model", ["Nobody", HOSTILE])
def test_a_model_that_is_not_served_is_named_and_the_rest_of_the_page_is_there(
    pages: Pages, model: str
) -> None:
    page = pages.get("/vehicles/A", params={"model": model})
    assert page.status_code == 200
    assert "is not served; served are Tiny." in page.text
    assert "Past weeks and books" in page.text
    assert HOSTILE not in page.text
    assert pages.asked == []


def test_a_model_that_does_not_answer_is_said_on_the_page(datas: Path) -> None:
    class Silent(Pages):
        async def forward(self, name: str, request: Request) -> Response:
            raise Problem(503, "Tiny does not answer now; try again shortly.")

    page = Silent(str(datas)).get("/vehicles/A?model=Tiny")
    assert page.status_code == 200
    assert "Tiny does not answer now" in page.text
    assert "What to expect" in page.text


@pytest.mark.parametrize("content", [b"<html>504 Gateway Timeout</html>", b"", b"[1]", b"null"])
def test_an_answer_that_is_none_of_a_models_is_said_on_the_page(datas: Path, content: bytes) -> None:
    class Strange(Pages):
        async def forward(self, name: str, request: Request) -> Response:
            return Response(504, [], content)

    page = Strange(str(datas)).get("/vehicles/A?model=Tiny")
    assert page.status_code == 200
    assert "The model gave no answer that can be read" in page.text


def test_an_id_that_ends_in_a_slash_is_another_one(pages: Pages) -> None:
    page = pages.get("/vehicles/A%2F")
    assert (page.status_code, "&#34;A/&#34;" in page.text) == (404, True)
    assert pages.get("/vehicles/A/").status_code == 200
    assert "3 vehicles" in text_of(pages.get("/vehicles//").text)


def test_other_services_are_linked_as_the_browser_came(pages: Pages) -> None:
    headers = {"Accept": "text/html", "X-Forwarded-Host": "turo.example", "X-Forwarded-Proto": "https"}
    assert 'href="https://turo.example:5000"' in pages.get("/", headers).text


def test_a_service_that_is_elsewhere_is_linked_there_and_the_others_beside_this_one() -> None:
    named = settings_module.load(
        airflow_public_port=8080,
        tracking_public_port=5000,
        service_urls="airflow=https://flow.example/a,ray=http://ray.lan",
    )
    found = {link["name"]: link["url"] for link in links(services(named), "https://turo.example:8443/turo")}
    assert found == {
        "Airflow": "https://flow.example/a",
        "MLflow": "https://turo.example:5000",
        "Ray dashboard": "http://ray.lan",
    }


def test_the_weeks_are_told_in_numbers_as_well(pages: Pages, datas: Path) -> None:
    weeks = pl.read_csv(datas / "report/vehicle_weeks.csv", try_parse_dates=True).filter(vehicle_id="A")
    said = text_of(pages.get("/vehicles/A").text)
    assert len(weeks) > 20
    for row in weeks.to_dicts():
        assert f"{row['week']:%d %b %Y} {row['booked']:.1f}" in said


def test_an_unknown_vehicle_is_404_with_those_that_may_be_meant(pages: Pages) -> None:
    page = pages.get("/vehicles/kia")
    assert page.status_code == 404
    assert 'href="/vehicles/A"' in page.text
    refused = pages.get("/vehicles/kia", CLIENT)
    assert is_problem(refused, 404)
    assert 'is meant: "A"' in refused.json()["detail"]
    assert pages.get("/vehicles/a").status_code == 404


@pytest.mark.parametrize(
    "spelled",
    [
        "%3Cscript%3Ealert('1')%3C%2Fscript%3E",
        "a%00b",
        "..%2F..%2Fetc",
        "%FF",
        "A%2FB",
        "%D0%96%F0%9F%9A%97%E2%80%AE",
        "%5Cx%22%27%26",
        "x" * 8000,
        "%20",
    ],
)
def test_an_id_with_markup_stays_text(pages: Pages, spelled: str) -> None:
    page = pages.get(f"/vehicles/{spelled}")
    assert page.status_code == 404
    assert "<script" not in page.text
    check_nesting(page.text)


def test_markup_in_a_name_stays_text(pages: Pages) -> None:
    for path in ("/vehicles", "/vehicles/B"):
        page = pages.get(path)
        assert "&lt;Wrangler&gt; &amp; Co" in page.text
        assert "<Wrangler>" not in page.text


def test_the_list_is_searched_and_a_form_that_names_a_vehicle_leads_to_it(pages: Pages) -> None:
    assert "3 vehicles" in text_of(pages.get("/vehicles").text)
    found = pages.get("/vehicles", params={"q": "KIA rio"})
    assert 'href="/vehicles/A"' in found.text
    assert 'href="/vehicles/B"' not in found.text
    assert "0 vehicles for" in text_of(pages.get("/vehicles", params={"q": HOSTILE}).text)
    onward = pages.get("/vehicles", params={"vehicle_id": "A/b?", "model": NAME})
    assert (onward.status_code, onward.headers["Location"]) == (303, "/vehicles/A%2Fb%3F?model=Tiny#answer")
    assert 'href="/vehicles/A?model=Tiny#answer"' in pages.get("/vehicles?model=Tiny").text
    assert 'id="answer"' in pages.get("/vehicles/A?model=Tiny").text


def test_below_another_servers_path_links_and_forms_stay_there(pages: Pages) -> None:
    headers = {"Accept": "text/html", "X-Forwarded-Prefix": "/turo"}
    for path in ("/", "/vehicles", "/vehicles/A", "/report"):
        page = pages.get(path, headers).text
        ways = re.findall(r'(?:href|action)="(/[^"]*)"', page)
        assert ways
        assert all(way.startswith("/turo/") for way in ways), ways
    assert pages.get("/vehicles?vehicle_id=A", headers).headers["Location"] == "/turo/vehicles/A"


def test_the_report_and_the_rows_behind_it_are_those_of_the_folder(pages: Pages, datas: Path) -> None:
    head, body, rest = (datas / "report.html").read_text().partition("<body>")
    report = pages.get("/report").text
    assert (report.startswith(head + body), report.endswith(rest)) == (True, True)
    rows = pages.get("/report/vehicle_weeks.csv")
    assert rows.content == (datas / "report/vehicle_weeks.csv").read_bytes()
    assert rows.headers["Content-Type"] == "text/csv; charset=utf-8"
    for name in ("nothing.csv", "made.json", "..%2Fmanifest.json", "%3Cb%3E"):
        refused = pages.get(f"/report/{name}", {"Accept": "*/*"})
        assert (refused.status_code, "vehicle_weeks.csv" in refused.json()["detail"]) == (404, True)


def test_a_report_of_an_older_version_is_served_with_a_note(datas: Path) -> None:
    page = Pages(str(datas), code_version="9.9.9").get("/report")
    assert "made by an older version" in page.text
    assert (datas / "report.html").read_text().partition("<body>")[2] in page.text
    (datas / "report/made.json").unlink()  # releases before wrote none
    older = Pages(str(datas))
    assert "made by an older version" in older.get("/report").text
    assert "The weeks are not in the files" in older.get("/vehicles/A").text


def test_before_the_first_forecast_pages_say_what_is_under_way(tmp_path: Path) -> None:
    pages = Pages(str(tmp_path))
    pages.directory.awaited = ("Coming",)
    home = pages.get("/")
    assert home.status_code == 200
    said = text_of(home.text)
    assert "There is no forecast yet" in said
    assert "Coming has no version to serve yet" in said
    for path in ("/report", "/vehicles", "/vehicles/A"):
        page = pages.get(path)
        assert (page.status_code, "There is no forecast yet" in page.text) == (404, True)
        assert is_problem(pages.get(path, CLIENT), 404)


def test_a_data_dir_that_is_a_url_is_told_and_models_answer_all_the_same() -> None:
    pages = Pages("s3://bucket/folder")
    assert "DATA_DIR=s3://bucket/folder is a URL" in pages.get("/").text
    assert "DATA_DIR=s3://bucket/folder is a URL" in pages.get("/report").text
    assert pages.get("/", {"Accept": "*/*"}).json()["models"]


def test_what_needs_attention_is_said_in_plain_words(datas: Path) -> None:
    with pytest.raises(ValueError, match="no such day"), noted(datas, "prepare"):
        raise ValueError("no such day. Mend line 7.")
    pages = Pages(str(datas), now=NOW + timedelta(days=30))
    pages.directory.refused = {NAME: {"version": "9", "reason": HOSTILE}}
    pages.directory.manifest = {"digest": "another", "warnings": ["3 rows have no vehicle."]}
    home = pages.get("/").text
    said = text_of(home)
    assert f"{NAME} version 9 was refused, another one serves on" in said
    assert "“prepare” failed on" in said
    assert "no such day. Mend line 7." in said
    assert "The forecast begins on 23 Nov 2026, 31 days ago" in said
    assert "The table was prepared anew after the forecast was made" in said
    assert "Data: 3 rows have no vehicle." in said
    assert HOSTILE not in home
    assert "Needs attention" not in Pages(str(datas.parent / "none")).get("/").text


def test_a_step_that_never_told_its_end_is_told_apart_from_one_that_runs(datas: Path) -> None:
    folder = datas / "last-runs"
    folder.mkdir()
    for step, began in (("train", "2026-11-24T05:30:00+00:00"), ("prepare", "2026-11-23T05:30:00+00:00")):
        (folder / f"{step}.json").write_text(json.dumps({"step": step, "began": began}))
    for number, spoilt in enumerate(("{", "[]", "null", "7", '"a"', "[" * 100_000, '{"step": "x"}', SPOILT)):
        (folder / f"spoilt-{number}.json").write_text(spoilt)
    (folder / "latin.json").write_bytes(b"\xff")
    (folder / "folder.json").mkdir()
    said = text_of(Pages(str(datas), now=datetime(2026, 11, 24, 6)).get("/").text)
    assert "“train” has been running since 24 Nov 2026, 05:30 UTC" in said
    assert "“prepare” began on 23 Nov 2026, 05:30 UTC and has not told its end" in said
    assert "Look in Airflow whether it still runs" in said
    later = text_of(Pages(str(datas), now=datetime(2026, 11, 24, 9, 29)).get("/").text)
    assert "“train” has been running since" in later  # a training may take hours


def test_other_methods_and_too_many_parameters_are_refused(pages: Pages) -> None:
    for path in ("/report", "/vehicles", "/vehicles/A"):
        answer = pages.ask("POST", path, {"Accept": "*/*"})
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")
    many = "&".join(f"q{number}=1" for number in range(60))
    assert pages.get(f"/vehicles?{many}", {"Accept": "*/*"}).status_code == 400
    assert pages.get("/nowhere").headers["Content-Type"] == "text/html; charset=utf-8"


def test_a_browser_finds_the_icon_it_asks_for(pages: Pages) -> None:
    icon = pages.get("/favicon.ico")
    assert (icon.status_code, icon.headers["Content-Type"]) == (200, "image/svg+xml")


def test_a_plate_is_not_found_and_where_its_id_stands_is_told_without_it(pages: Pages, datas: Path) -> None:
    paths = ("/vehicles/8ABC123", "/vehicles?q=8ABC123")
    assert not any("vehicle_keys.csv" in pages.get(path).text for path in paths)
    (datas / "vehicle_keys.csv").write_text("kind,key,vehicle_id\nplate,8ABC123,A\n")
    for path in paths:
        said = text_of(pages.get(path).text)
        assert "vehicle_keys.csv in the data folder says which id a plate has." in said
        assert "Kia Rio" not in said  # whose plate it is
    assert "vehicle_keys.csv" not in pages.get("/vehicles?q=Kia").text
