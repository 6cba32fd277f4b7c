"""Waiting for the champion to answer."""

from __future__ import annotations

import pytest
from fake_platform import platform
from local_ray import free_port

from turo.errors import DeployError, ServiceError
from turo.orchestration import wait_until_served
from turo.settings import Settings, load


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait_until_served, "PERIOD_S", 0.05)


def settings(url: str, service_deadline_s: float = 60.0) -> Settings:
    return load(mlflow_tracking_uri=url, serve_url=url, service_deadline_s=service_deadline_s)


def test_it_returns_when_the_route_answers_with_the_champion() -> None:
    with platform() as services:
        services.failures = 3
        services.champions["KNN"] = "5"
        services.served["KNN"] = [{"version": "4"}, {"version": "4"}, {"version": "5", "run_id": "r"}]
        found = wait_until_served.wait_until_served("KNN", settings(services.url))
        assert found == {"model": "KNN", "version": "5", "run_id": "r", "url": f"{services.url}/KNN"}


def test_one_replica_of_two_is_not_all() -> None:
    """Serve exchanges one after the other: the route may answer as either for a while."""
    with platform() as services:
        services.champions["KNN"] = "5"
        services.served["KNN"] = [{"version": "5", "run_id": "r"}]
        services.replicas["KNN"] = [["5", "4"], ["5", "4"], ["5", "5"], ["4", "4"]]
        assert wait_until_served.wait_until_served("KNN", settings(services.url))["version"] == "5"
        assert services.replicas["KNN"] == [["4", "4"]]
        with pytest.raises(
            DeployError, match="last seen: version 5, but 2 of 2 replicas do not serve it yet"
        ):
            wait_until_served.wait_until_served("KNN", settings(services.url), deadline_s=1.0)


def test_a_refused_version_is_said_at_once_with_the_reason() -> None:
    with platform() as services:
        services.champions["KNN"] = "5"
        services.served["KNN"] = [{"version": "4", "refused": {"version": "5", "reason": "predicts NaN"}}]
        with pytest.raises(DeployError, match="KNN version 5 was refused, version 4 serves on: predicts NaN"):
            wait_until_served.wait_until_served("KNN", settings(services.url))


def test_an_older_refusal_does_not_matter() -> None:
    with platform() as services:
        services.champions["KNN"] = "6"
        old = {"version": "4", "refused": {"version": "5", "reason": "predicts NaN"}}
        services.served["KNN"] = [old, {"version": "6"}]
        assert wait_until_served.wait_until_served("KNN", settings(services.url))["version"] == "6"


def test_a_route_that_never_moves_is_an_error_that_says_what_was_seen() -> None:
    with platform() as services:
        services.champions["KNN"] = "5"
        services.served["KNN"] = [{"version": "4"}]
        with pytest.raises(DeployError, match="does not answer as version 5 after 1 s; last seen: version 4"):
            wait_until_served.wait_until_served("KNN", settings(services.url), deadline_s=1.0)
        services.served.clear()
        with pytest.raises(DeployError, match="last seen: HTTP 404"):
            wait_until_served.wait_until_served("KNN", settings(services.url), deadline_s=1.0)


def test_no_champion_and_no_mlflow_are_different_errors() -> None:
    with platform() as services, pytest.raises(ServiceError, match=r"no champion of KNN.*KNN not found"):
        wait_until_served.wait_until_served("KNN", settings(services.url))
    nobody = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(ServiceError, match=f"MLflow at {nobody} does not answer"):
        wait_until_served.wait_until_served("KNN", settings(nobody, 2.0), deadline_s=1.0)
