"""`/docs` in a browser: Swagger UI from this server alone, and its forms reach the models."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Browser, Locator, expect
from real_browser import Visit, serious, visit
from sample_site import KEY, MODEL, ORIGIN, Sample, site

pytestmark = pytest.mark.browser


def opened(here: Visit, path: str) -> Locator:
    """The form of an operation, ready to be filled in."""
    operation = here.page.locator(".opblock-post", has=here.page.locator(f'[data-path="{path}"]'))
    operation.locator(".opblock-summary-control").click()
    body = operation.locator("textarea.body-param__text")
    closed = operation.get_by_role("button", name="Try it out")
    expect(body.or_(closed).first).to_be_visible()
    if closed.is_visible():  # else the forms are open from the start
        closed.click()
    expect(body).to_be_visible()
    return operation


def status_of(operation: Locator) -> Locator:
    return operation.locator(".live-responses-table .response .response-col_status")


def test_a_forecast_is_tried_out(browser: Browser, address: str, vehicle: str) -> None:
    with visit(browser, address) as here:
        here.open("/docs")
        operation = opened(here, f"/{MODEL}/forecast")
        body = {"vehicle_id": vehicle, "origin": str(ORIGIN)}
        operation.locator("textarea.body-param__text").fill(json.dumps(body))
        operation.get_by_role("button", name="Execute").click()
        expect(status_of(operation)).to_contain_text("200")
        expect(operation.locator(".live-responses-table")).to_contain_text('"prediction"')
        assert not here.problems


def test_the_example_of_the_document_is_answered(browser: Browser, address: str) -> None:
    with visit(browser, address) as here:
        here.open("/docs")
        operation = opened(here, f"/{MODEL}")
        operation.get_by_role("button", name="Execute").click()
        expect(status_of(operation)).to_contain_text("200")
        expect(operation.locator(".live-responses-table")).to_contain_text('"predictions"')
        assert not here.problems


def test_the_key_is_given_in_the_dialog(browser: Browser, sample: Sample, vehicle: str) -> None:
    with site(sample, api_key=KEY) as address, visit(browser, address) as here:
        here.open("/docs")
        here.page.get_by_label("API key").fill(KEY)
        here.press("Sign in")
        here.page.get_by_role("button", name="Authorize").first.click()
        dialog = here.page.locator(".dialog-ux")
        dialog.get_by_role("textbox").first.fill(KEY)
        assert not serious(here.page)
        dialog.get_by_role("button", name="Apply credentials").or_(
            dialog.locator("button.authorize")
        ).first.click()
        dialog.get_by_role("button", name="Close").first.click()
        operation = opened(here, f"/{MODEL}/forecast")
        body = {"vehicle_id": vehicle, "origin": str(ORIGIN)}
        operation.locator("textarea.body-param__text").fill(json.dumps(body))
        operation.get_by_role("button", name="Execute").click()
        expect(status_of(operation)).to_contain_text("200")


def test_the_address_in_a_refusal_leads_to_what_helps(browser: Browser, address: str) -> None:
    with visit(browser, address) as here:
        here.open("/docs#503")
        line = here.page.locator('[id="503"]')
        expect(line).to_contain_text("503")
        expect(line).to_be_in_viewport()
