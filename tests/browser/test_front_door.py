"""A host on Monday morning: home, report, a vehicle, its form, and the key where one is wanted."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect
from real_browser import NARROW, beyond_the_edge, serious, visit
from sample_site import KEY, MODEL, ORIGIN, Sample, site

from turo import settings as settings_module

pytestmark = pytest.mark.browser
PAGES = ("/", "/report", "/track-record.html", "/vehicles/{vehicle}", "/docs", "/XGBoost")


def test_home_leads_to_the_report_and_to_every_vehicle(
    browser: Browser, address: str, sample: Sample
) -> None:
    with visit(browser, address) as here:
        here.open("/")
        expect(here.page.get_by_role("heading", level=1)).to_be_visible()
        for horizon in (7, 28, 90):
            expect(here.page.get_by_role("heading", name=f"Next {horizon} days")).to_be_visible()
        here.page.get_by_role("main").get_by_role("link", name="report").first.click()
        expect(here.page).to_have_url(f"{address}/report")
        expect(here.page.get_by_role("heading", level=1)).to_be_visible()
        here.open("/")
        here.page.get_by_role("main").get_by_role("link", name="vehicles").first.click()
        expect(here.page).to_have_url(f"{address}/vehicles")
        listed = here.page.get_by_role("main").locator("a[href*='/vehicles/']")
        expect(listed).to_have_count(sample.vehicles.len())
        assert not here.problems


@pytest.mark.parametrize("path", PAGES)
def test_no_link_leads_nowhere(browser: Browser, address: str, vehicle: str, path: str) -> None:
    with visit(browser, address) as here:
        here.open(path.format(vehicle=vehicle))
        links = here.page.locator("a[href]").evaluate_all("links => links.map(link => link.href)")
    ours = {link.partition("#")[0] for link in links if link.startswith(address)}
    assert {f"{address}/", f"{address}/vehicles"} <= ours
    asked = {link: httpx.get(link, headers={"Accept": "text/html"}).status_code for link in ours}
    assert {link: status for link, status in asked.items() if status != 200} == {}


def test_a_vehicle_is_found_and_its_form_answered_without_typing_json(
    browser: Browser, address: str, vehicle: str
) -> None:
    body = {"vehicle_id": vehicle, "origin": str(ORIGIN)}
    said = httpx.post(f"{address}/{MODEL}/forecast", json=body).json()
    with visit(browser, address) as here:
        here.open("/vehicles")
        here.page.get_by_role("searchbox").fill(vehicle)
        here.press("Search")
        here.page.get_by_role("main").locator(f"a[href*='/vehicles/{vehicle}']").click()
        here.page.get_by_role("combobox", name="Model").select_option(MODEL)
        here.page.get_by_role("textbox", name="Monday").fill(str(ORIGIN))
        here.press("Forecast")
        answer = here.page.locator("#answer")
        expect(answer).to_contain_text(f"{said['prediction']:.1f}")
        expect(answer).to_contain_text(f"{said['interval']['low']:.1f} to {said['interval']['high']:.1f}")
        assert not here.problems
        assert not serious(here.page)


def test_an_origin_without_a_forecast_is_told_beside_the_form(
    browser: Browser, address: str, vehicle: str
) -> None:
    with visit(browser, address, NARROW) as here:
        here.open(f"/vehicles/{vehicle}")
        here.page.get_by_role("textbox", name="Monday").fill("2031-01-07")
        here.press("Forecast")
        expect(here.page.locator("#answer")).to_contain_text("2031-01-07")
        expect(here.page.get_by_role("heading", name="What to expect")).to_be_visible()
        assert not serious(here.page)
        assert not beyond_the_edge(here.page)


@pytest.mark.parametrize("path", ["/", "/report"])
def test_the_track_record_is_found_and_its_pictures_have_a_text(
    browser: Browser, address: str, path: str
) -> None:
    with visit(browser, address) as here:
        here.open(path)
        here.page.get_by_role("link", name="track record").click()
        expect(here.page).to_have_url(f"{address}/track-record.html")
        expect(here.page.get_by_role("heading", level=1)).to_have_text("Track record")
        for horizon in (7, 28, 90):
            picture = here.page.get_by_role("img", name=f"in the {horizon} days after each Monday")
            expect(picture).to_be_visible()
        here.page.wait_for_load_state("networkidle")
        pictures = here.page.locator("svg")
        assert pictures.count() == here.page.get_by_role("img").count()
        here.page.get_by_text("Monday by Monday in numbers, 28 days").click()
        expect(
            here.page.get_by_role("group", name="Monday by Monday, 28 days").get_by_role("row")
        ).to_have_count(4)
        named = here.page.locator("figure").evaluate_all(
            "all => all.map(one => document.getElementById(one.getAttribute('aria-details'))?.tagName)"
        )
        assert named == ["TABLE"] * 3
        assert not here.problems


def test_the_figures_of_a_vehicles_pictures_are_those_of_the_tables_that_they_name(
    browser: Browser, address: str, sample: Sample, vehicle: str
) -> None:
    with visit(browser, address) as here:
        here.open(f"/vehicles/{vehicle}")
        for name, said in (("expected days", "table above"), ("booked days by week", "in numbers")):
            figure = here.page.get_by_role("group", name=f"Picture: {name}")
            described, details = (figure.get_attribute(f"aria-{part}") for part in ("describedby", "details"))
            expect(here.page.locator(f"#{described}")).to_contain_text(said)
            assert here.page.locator(f"table#{details}").count() == 1
        table = here.page.locator("#by-horizon tbody tr")
        titles = here.page.locator("figure[aria-details=by-horizon] circle title").all_text_contents()
        for title, row in zip(titles, table.all_inner_texts(), strict=True):
            told = re.fullmatch(
                r"(\d+ days): typical (.+), expected (.+), on the books (.+), range (.+) days", title
            )
            assert told
            days, typical, expected, books, between = told.groups()
            assert row.split("\t")[:5] == [days, books, expected, typical, between]


def test_before_the_first_forecast_the_page_says_what_is_to_come(browser: Browser, tmp_path: Path) -> None:
    settings = settings_module.load(data_dir=str(tmp_path))
    with site(None, settings) as address, visit(browser, address) as here:
        assert here.open("/").status == 200
        expect(here.page.get_by_role("main")).to_contain_text("There is no forecast yet")
        assert not here.problems
        assert not serious(here.page)


def test_the_key_is_asked_for_once(browser: Browser, sample: Sample, vehicle: str) -> None:
    with site(sample, api_key=KEY) as address, visit(browser, address) as here:
        here.open(f"/vehicles/{vehicle}")
        assert not serious(here.page)
        here.page.get_by_label("API key").fill("not the key")
        here.press("Sign in")
        expect(here.page.get_by_role("alert")).to_be_visible()
        here.page.get_by_label("API key").fill(KEY)
        here.press("Sign in")
        expect(here.page).to_have_url(f"{address}/vehicles/{vehicle}")
        assert here.open("/report").status == 200
        (cookie,) = here.page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/")
        assert KEY not in cookie["value"]
        here.open(f"/vehicles/{vehicle}")
        here.press("Forecast")
        expect(here.page.locator("#answer .big")).to_be_visible()


@pytest.mark.parametrize("path", PAGES[1:])
def test_who_signed_in_can_sign_out_on_every_page(
    browser: Browser, sample: Sample, vehicle: str, path: str
) -> None:
    with site(sample, api_key=KEY) as address, visit(browser, address, NARROW) as here:
        place = path.format(vehicle=vehicle)
        here.open(place)
        here.page.get_by_label("API key").fill(KEY)
        here.press("Sign in")
        expect(here.page).to_have_url(f"{address}{place}")
        assert not serious(here.page)
        assert not beyond_the_edge(here.page)
        here.press("Sign out")
        expect(here.page).to_have_url(f"{address}/")
        expect(here.page.get_by_label("API key")).to_be_visible()
        assert here.page.context.cookies() == []
        assert not [problem for problem in here.problems if "401" not in problem]


def test_another_site_cannot_ask_in_the_name_of_who_is_signed_in(
    browser: Browser, sample: Sample, tmp_path: Path
) -> None:
    """The other one is another port of the same host: there the browser does send the cookie along."""
    reached: list[str] = []
    with (
        site(sample, api_key=KEY, reached=reached) as address,
        site(None, settings_module.load(data_dir=str(tmp_path))) as elsewhere,
        visit(browser, address) as here,
    ):
        here.open("/")
        here.page.get_by_label("API key").fill(KEY)
        here.press("Sign in")
        expect(here.page.get_by_role("button", name="Sign out")).to_be_visible()
        form = f'<form method="post" action="{address}/{MODEL}/forecast"><button>Win</button></form>'
        here.page.route(f"{elsewhere}/**", lambda route: route.fulfill(body=form, content_type="text/html"))
        here.page.goto(f"{elsewhere}/bait")
        with here.page.expect_response(f"{address}/{MODEL}/forecast") as answer:
            here.page.get_by_role("button", name="Win").click()
        assert "turo-signed-in" in answer.value.request.all_headers().get("cookie", "")
        assert answer.value.status == 403
        assert reached == []
        here.page.unroute_all()
        here.open("/")
        here.press("Sign out")
        expect(here.page.get_by_label("API key")).to_be_visible()
