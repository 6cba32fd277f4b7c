"""The front door and the routes: what they serve, with the key and without."""

from __future__ import annotations

from pathlib import Path

import pytest
from asgi_server import asgi_server
from asked_services import Services, route
from front import front_door

from turo.errors import ServiceError
from turo.operate.ask import serve
from turo.operate.ask.serve import Fleet, ServedRoute
from turo.settings import load

KNN = ServedRoute("KNN", "3", "run-KNN", Fleet("120 vehicles", "2026-11-24T00:00:00"))


def test_what_is_listed_and_what_a_route_says(platform: Services, tmp_path: Path) -> None:
    settings = platform.settings(tmp_path)
    assert [one.name for one in serve.listed(settings)] == ["XGBoost", "KNN"]
    assert serve.route(settings, "KNN") == KNN


def test_a_refused_version_and_a_warning_are_kept(platform: Services, tmp_path: Path) -> None:
    refused = {"version": "4", "reason": "its digest is wrong"}
    platform.serve["/KNN"] = 200, route("KNN", warning="A rule is closer.", refused=refused, fleet=None)
    told = serve.route(platform.settings(tmp_path), "KNN")
    assert (told.warning, told.refused, told.fleet) == ("A rule is closer.", refused, None)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "Ray Serve wants a SERVE_API_KEY, and none was given."),
        ("wrong", "Ray Serve does not accept the SERVE_API_KEY that was given."),
    ],
)
def test_the_key_that_is_missing_or_wrong(platform: Services, tmp_path: Path, given: str, said: str) -> None:
    platform.api_key = "right"
    settings = platform.settings(tmp_path, serve_api_key=given)
    for ask in (lambda: serve.listed(settings), lambda: serve.route(settings, "KNN")):
        with pytest.raises(ServiceError) as told:
            ask()
        assert told.value.what == said
        assert "Set SERVE_API_KEY" in told.value.remedy
    assert serve.route(platform.settings(tmp_path, serve_api_key="right"), "KNN") == KNN


def test_a_model_that_is_still_trained(platform: Services, tmp_path: Path) -> None:
    platform.serve["/KNN"] = 503, {"title": "Overloaded", "detail": "KNN has no version to serve yet."}
    with pytest.raises(ServiceError, match=r"503 .*KNN has no version to serve yet"):
        serve.route(platform.settings(tmp_path), "KNN")


def test_the_real_front_door_and_a_real_route_are_understood() -> None:
    with asgi_server(front_door(api_key="key")) as (host, port):
        settings = load(serve_url=f"http://{host}:{port}", serve_api_key="key")
        listed = {one.name: (one.version, one.run_id) for one in serve.listed(settings)}
        told = serve.route(settings, "Tiny")
        with pytest.raises(ServiceError, match="Coming has no version to serve yet"):
            serve.route(settings, "Coming")
        with pytest.raises(ServiceError, match="wants a SERVE_API_KEY"):
            serve.listed(load(serve_url=f"http://{host}:{port}"))
    assert listed["Tiny"] == ("7", "run-7")
    assert (told.name, told.version, told.run_id, told.refused) == ("Tiny", "7", "run-7", None)
