"""How replicas' reports get from the catalog to the reconciler, and what an answer of a route proves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from asgi_client import AsgiClient
from json_server import Answer, json_server
from serve_answers import applications, reports
from served import LIMITS

from turo import settings as settings_module
from turo.errors import ServiceError
from turo.serving.control.serve_client import PATH, Serve
from turo.serving.replica.states import STATES_PATH, Failure, State
from turo.serving.serve_config import ModelSpec

pytest.importorskip("ray.serve")
from turo.serving.replica import catalog


def spec(version: str) -> ModelSpec:
    return ModelSpec(name="A", version=version, run_id=f"run-{version}", model_uri=f"models:/{version}")


STATES = [
    State(replica="r1", serves=spec("2")),
    State(replica="r2", serves=spec("1"), failed=Failure(spec=spec("2"), reason="OSError", passing=True)),
]


@pytest.fixture
def front() -> catalog.CatalogApp:
    async def forward(name: str, request: object) -> None:
        raise AssertionError(f"{name} was asked")

    directory = catalog.ReportingDirectory(forward)  # type: ignore[arg-type]
    directory.reports = catalog.Reports()
    return catalog.CatalogApp(directory, LIMITS, api_key="secret")


def test_reports_are_read_with_the_key_however_long_the_queue_is(front: catalog.CatalogApp) -> None:
    for state in STATES:
        front.service.reports.take("A", state)
    client, key = AsgiClient(front), {"X-API-Key": "secret"}
    assert client.get(STATES_PATH).status_code == 401
    front.in_flight = LIMITS.max_in_flight
    assert client.get("/v2", headers=key).status_code == 503
    answer = client.get(STATES_PATH, headers=key)
    assert answer.status_code == 200
    assert [State.model_validate(told) for told in answer.json()["replicas"]] == STATES
    front.service.reports.take("A", State(replica="r2", serves=spec("2")))
    told = client.get(STATES_PATH, headers=key).json()["replicas"]
    assert [(one["name"], one["replica"], one["serves"]["version"]) for one in told] == [
        ("A", "r1", "2"),
        ("A", "r2", "2"),
    ]


def test_a_replica_that_has_gone_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(catalog.time, "monotonic", lambda: now[0])
    reports = catalog.Reports()
    reports.take("A", STATES[0])
    now[0] += catalog.FORGOTTEN_S / 2
    reports.take("A", STATES[1])
    assert len(reports.listed()["replicas"]) == 2
    now[0] += catalog.FORGOTTEN_S / 2
    reports.take("B", STATES[1])
    assert [(one["name"], one["replica"]) for one in reports.listed()["replicas"]] == [
        ("A", "r2"),
        ("B", "r2"),
    ]


@dataclass
class Routes:
    """Serve's port: what it answers, and what it was sent."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: object = None
    sent: list[tuple[str, object]] = field(default_factory=list)


@pytest.fixture
def routes() -> Iterator[Routes]:
    state = Routes()

    def answer(_: str, path: str, body: object) -> Answer:
        state.sent.append((path, body))
        return state.status, state.body, state.headers

    with json_server(answer) as state.url:
        yield state


def serve(url: str) -> Serve:
    return Serve(settings_module.load(serve_url=url, ray_dashboard_url=url))


def test_the_reconciler_reads_them_by_application_and_replica(routes: Routes) -> None:
    routes.body = reports("A", STATES)
    assert serve(routes.url).states() == {"A": {"r1": STATES[0], "r2": STATES[1]}}


@pytest.mark.parametrize("status", [401, 403, 404, 408, 429, 500, 502, 503])
def test_a_catalog_that_does_not_tell_is_a_service_that_is_away(routes: Routes, status: int) -> None:
    routes.status, routes.body = status, {"detail": "no"}
    with pytest.raises(ServiceError, match="The catalog does not tell"):
        serve(routes.url).states()


@pytest.mark.parametrize("body", [None, [], {"replicas": [{"name": "A"}]}, {"replicas": 3}])
def test_so_is_one_that_tells_something_else(routes: Routes, body: object) -> None:
    routes.body = body
    with pytest.raises(ServiceError, match="The catalog does not tell"):
        serve(routes.url).states()


@pytest.mark.parametrize(
    ("status", "version", "body", "proves"),
    [
        (200, "2", {"predictions": [1.5]}, True),
        (200, "1", {"predictions": [1.5]}, False),
        (422, "1", {"detail": "column lag_4 is missing"}, False),
        (503, "2", {"detail": "too many requests"}, False),
        (401, "2", {"detail": "key"}, False),
        (200, "2", {"predictions": []}, False),
        (200, "2", [], False),
    ],
)
def test_an_answer_proves_a_version_only_if_it_came_from_it(
    routes: Routes, status: int, version: str, body: object, proves: bool
) -> None:
    routes.status, routes.headers, routes.body = status, {"X-Model-Version": version}, body
    assert serve(routes.url).answers(spec("2"), {"lag_2": 1.0}) is proves
    assert routes.sent == [("/A", {"inputs": [{"lag_2": 1.0}]})]


def test_no_answer_proves_nothing() -> None:
    assert serve("http://127.0.0.1:9").answers(spec("2"), {}) is False


@pytest.mark.parametrize(
    ("serves", "state", "everywhere"),
    [
        (["2", "2"], "RUNNING", True),
        (["2", "1"], "RUNNING", False),
        (["2"], "RUNNING", False),
        (["2", "2", "1"], "RUNNING", True),
        (["2", "2"], "UPDATING", False),
    ],
    ids=["both", "one of two", "the other is silent", "one that has stopped", "still taking over"],
)
def test_a_version_holds_once_every_running_replica_says_that_it_serves_it(
    serves: list[str], state: str, everywhere: bool
) -> None:
    states = [State(replica=f"r{number}", serves=spec(version)) for number, version in enumerate(serves, 1)]
    bodies = {PATH: applications(spec("2"), ["r1", "r2"], state), STATES_PATH: reports("A", states)}
    with json_server(lambda _, path, body: (200, bodies[path], {})) as url:
        assert serve(url).holds(spec("2")) is everywhere
        assert not serve(url).holds(spec("1"))


def test_nothing_holds_where_serve_does_not_answer(routes: Routes) -> None:
    routes.status, routes.body = 403, {"detail": "no"}
    assert not serve(routes.url).holds(spec("2"))
