"""What a person sees who opens the addresses of the README after `up`: each service, in a real browser."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

import httpx
import pytest
from airflow_api import AirflowApi
from compose_stack import MODELS, Stack, wait_for
from playwright.sync_api import Browser, expect
from real_browser import serious, visit
from screenshots import Taker

pytestmark = [pytest.mark.stack, pytest.mark.browser]
MLFLOW = "/api/2.0/mlflow"
RUN_ENDS_MS = 180_000
MODEL = "XGBoost"


def test_the_front_door_is_open_after_up(browser: Browser, serve: str) -> None:
    wait_for("the report", lambda: httpx.get(f"{serve}/report", timeout=30).is_success, timeout=300)
    with visit(browser, serve) as here:
        assert here.open("/").status == 200
        for name in ("Airflow", "MLflow", "JupyterLab"):
            expect(here.page.get_by_role("link", name=name).first).to_be_visible()
        assert not serious(here.page)
        assert here.open("/report").status == 200
        expect(here.page.get_by_role("heading", level=1)).to_be_visible()
        here.open("/vehicles")
        here.page.locator("main a[href*='/vehicles/']").first.click()
        expect(here.page).to_have_url(re.compile(r"/vehicles/\w+"))
        assert not here.problems


def test_airflow_runs_what_the_trigger_form_starts(
    browser: Browser, stack: Stack, airflow: AirflowApi, screenshot: Taker
) -> None:
    done = [run["dag_run_id"] for run in airflow.runs("prepare_data") if run["state"] == "success"]
    if not done:
        done = [airflow.trigger("prepare_data", {})]
        assert airflow.wait("prepare_data", done[0], timeout=900) == "success"
    site = stack.url("airflow_api-server", 8080)
    with visit(browser, site) as here:
        page = here.page
        page.goto(f"{site}/dags/example_dag")
        page.get_by_label("Username").fill("admin")
        page.get_by_label("Password").fill("admin")
        page.get_by_role("button", name="Sign In").click()
        page.get_by_role("button", name="Trigger Dag").click()
        form = page.get_by_role("dialog")
        expect(form).to_contain_text("One vehicle a line.")
        form.get_by_role("button", name="Trigger", exact=True).click()
        expect(page).to_have_url(re.compile("/dags/example_dag/runs/manual__"))
        expect(page.get_by_test_id("header-card")).to_contain_text("Success", timeout=RUN_ENDS_MS)
        page.goto(f"{site}/dags/prepare_data/runs/{done[0]}")
        page.get_by_role("button", name="Show Graph").click()
        expect(page.locator(".react-flow__node").first).to_be_visible()
        screenshot(page, "airflow")


def test_mlflow_shows_a_run_with_its_plots_and_its_card(browser: Browser, stack: Stack) -> None:
    site = stack.url("mlflow", 5000)
    asked = httpx.get(
        f"{site}{MLFLOW}/registered-models/alias", params={"name": MODEL, "alias": "champion"}, timeout=30
    )
    run_id = asked.json()["model_version"]["run_id"]
    run = httpx.get(f"{site}{MLFLOW}/runs/get", params={"run_id": run_id}, timeout=30).json()["run"]
    runs = f"/#/experiments/{run['info']['experiment_id']}/runs"
    with visit(browser, site) as here:
        here.page.goto(f"{site}{runs}/{run_id}")
        expect(here.page.locator("body")).to_contain_text("baseline_best_mae")
    with visit(browser, site) as here:
        here.page.goto(f"{site}{runs}/{run_id}/artifacts/plots/forecast_vs_actual.png")
        plot = here.page.get_by_role("img", name="plots/forecast_vs_actual.png")
        expect(plot).to_be_visible()
        here.page.wait_for_function("picture => picture.naturalWidth > 100", arg=plot.element_handle())
    with visit(browser, site) as here:
        here.page.goto(f"{site}{runs}/{run_id}/artifacts/model_card.md")
        expect(here.page.get_by_role("heading", name=MODEL).first).to_be_visible()


def test_mlflow_compares_the_models(browser: Browser, stack: Stack, screenshot: Taker) -> None:
    site = stack.url("mlflow", 5000)
    asked = httpx.post(f"{site}{MLFLOW}/experiments/search", json={"max_results": 100}, timeout=30).json()[
        "experiments"
    ]
    ids = quote(json.dumps([one["experiment_id"] for one in asked if one["name"] in MODELS]))
    with visit(browser, site) as here:
        here.page.goto(f"{site}/#/compare-experiments/s?experiments={ids}&compareRunsMode=CHART")
        page = here.page
        for model in MODELS:
            expect(page.get_by_role("link", name=re.compile(f"^{model} ")).first).to_be_visible()
        page.get_by_placeholder("Search metric charts").fill(
            "^(mae|rmse|r2|baseline_best_mae|bias|pinball.*)$"
        )
        expect(page.locator("body")).to_contain_text("Model metrics")
        if (close := page.get_by_role("button", name="Close", exact=True)).count():
            close.first.click()  # of the assistant, which takes a quarter of the picture
        screenshot(page, "mlflow")


def test_mlflow_describes_the_registered_model_by_its_card(browser: Browser, stack: Stack) -> None:
    site = stack.url("mlflow", 5000)
    with visit(browser, site) as here:
        here.page.goto(f"{site}/#/models/{MODEL}")
        body = here.page.locator("body")
        expect(body).to_contain_text("@ champion")
        expect(body).to_contain_text("hold-out")


def test_jupyterlab_opens_with_the_token(browser: Browser, stack: Stack) -> None:
    site = stack.url("jupyter", 8888)
    token = stack.execute("jupyter", "cat", "/run/secrets/jupyter/token").strip()
    with visit(browser, site) as here:
        here.page.goto(site)
        here.page.locator("#password_input").fill(token)
        here.page.get_by_role("button", name="Log in", exact=True).click()
        expect(here.page.get_by_role("tab", name="explore.ipynb")).to_be_visible()
        expect(here.page.locator("body")).to_contain_text("From reservations to a served forecast")


def test_ray_shows_the_served_models_with_the_token(
    browser: Browser, stack: Stack, screenshot: Taker
) -> None:
    site = stack.url("ray", 8265)
    token = stack.execute("ray", "cat", "/run/secrets/ray/token").strip()
    with visit(browser, site) as here:
        here.page.goto(f"{site}/#/serve")
        here.page.get_by_placeholder("Enter your authentication token").fill(token)
        here.page.get_by_role("button", name="Submit").click()
        for model in MODELS:
            expect(here.page.get_by_role("link", name=model, exact=True).first).to_be_visible()
        screenshot(here.page, "ray")


def test_grafana_shows_the_models(browser: Browser, stack: Stack, screenshot: Taker) -> None:
    if "grafana" in stack.absent:
        pytest.skip("no registry hands out Grafana's image")
    site = stack.url("grafana", 3000)
    login = {"username": "admin", "password": "admin", "send": "always"}
    with visit(browser, site, http_credentials=login) as here:
        here.page.goto(f"{site}/d/turo-models?kiosk")
        expect(here.page.locator("body")).to_contain_text("Inputs against the training data")
        screenshot(here.page, "grafana")
