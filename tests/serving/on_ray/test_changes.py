"""On a real Ray, behind its proxy, from a real registry: swap, refusal, challenger."""

from __future__ import annotations

import json
import re
import time
from functools import partial
from typing import Any

import httpx
import numpy as np
import psutil
import pytest
import tritonclient.http as triton
from request_loop import RequestLoop
from serving_stack import PATIENTLY, Stack, living, log_model, point, until

from turo.serving.control.version_choice import Route

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(900)]


def test_while_models_are_deployed_for_the_first_time_callers_are_told_to_wait(
    first_answers: list[tuple[int, bool]],
) -> None:
    assert {status for status, _ in first_answers} == {200, 503}
    assert all(told for status, told in first_answers if status == 503)


def test_every_route_answers_and_the_proxy_is_haproxy(served: tuple[Stack, Any]) -> None:
    running, _ = served
    listed = httpx.get(f"{running.url}/", **PATIENTLY).json()["models"]
    assert [(model["name"], model["version"]) for model in listed] == [("A", "1"), ("B", "1")]
    for name in ("A", "B"):
        answer = httpx.post(
            f"{running.url}/{name}", json=running.example(name), headers={"X-Request-Id": "me"}, **PATIENTLY
        )
        assert answer.status_code == 200
        assert answer.headers.get_list("X-Request-Id") == ["me"]
        assert answer.headers["X-Model-Version"] == "1"
    unknown = httpx.get(f"{running.url}/Nothing", **PATIENTLY)
    assert unknown.headers["Content-Type"] == "application/problem+json"
    odd = httpx.get(f"{running.url}/A/nothing", headers=[(b"X-Request-Id", b"\xe9")], **PATIENTLY)
    assert (odd.status_code, odd.headers.get_list("X-Request-Id")) == (404, [odd.json()["request_id"]])
    assert httpx.get(f"{running.url}/docs", **PATIENTLY).status_code == 200
    assert living("haproxy", running)


@pytest.mark.parametrize(("binary", "rows"), [(True, 1), (False, 1), (True, 2000), (False, 2000)])
def test_tritonclient_works_unchanged(served: tuple[Stack, Any], binary: bool, rows: int) -> None:
    running, _ = served
    client = triton.InferenceServerClient(running.url.removeprefix("http://"))
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("A")
    row = running.example("A")["inputs"][0]
    inputs = []
    for tensor in client.get_model_metadata("A")["inputs"]:
        value = row[tensor["name"]]
        number = tensor["datatype"] == "FP64"
        data = (
            np.array([np.nan if value is None else value] * rows)
            if number
            else np.array([value or ""] * rows, dtype=object)
        )
        inputs.append(triton.InferInput(tensor["name"], [rows], tensor["datatype"]))
        inputs[-1].set_data_from_numpy(data, binary_data=binary)
    result = client.infer("A", inputs, request_id="7")
    wanted = httpx.post(f"{running.url}/A", json={"inputs": [row]}, **PATIENTLY).json()["predictions"]
    assert result.as_numpy("predictions").tolist() == wanted * rows
    assert (result.get_response()["id"], result.get_response()["model_version"]) == (
        "7",
        running.about("A")["version"],
    )
    for call in (lambda: client.infer("A", inputs[:-1]), lambda: client.get_model_metadata("Nothing")):
        with pytest.raises(triton.InferenceServerException, match=r"expected exactly once|is not served"):
            call()


def test_an_inference_request_may_be_as_long_as_any_other(served: tuple[Stack, Any]) -> None:
    running, _ = served
    about = httpx.get(f"{running.url}/v2/models/A", **PATIENTLY).json()
    row = running.example("A")["inputs"][0]
    tensors = [{**tensor, "shape": [1], "data": [row[tensor["name"]]]} for tensor in about["inputs"]]
    long = json.dumps({"inputs": tensors}) + " " * (8 << 20)
    for path in ("v2/models/A/infer", "A/v2/models/A/infer"):
        assert httpx.post(f"{running.url}/{path}", content=long, **PATIENTLY).status_code == 200


def test_a_new_champion_takes_over_and_a_rollback_returns_without_a_lost_request(
    served: tuple[Stack, Any],
) -> None:
    running, reconciler = served
    new, route = log_model("A", "xgboost", rows=600), reconciler.routes["A"]
    bodies = {name: running.example(name) for name in ("A", "B")}
    with RequestLoop(running.url, bodies, rate=50) as loop:
        for before, version in (("1", new), (new, "1"), ("1", new)):
            changes = max(0, len(loop.versions["A"]) - 1)
            began = time.monotonic()
            point("A", "champion", version)
            until(f"version {version} answers", lambda v=version: loop.versions["A"][-1:] == [v])  # type: ignore[misc]
            print(f"first answer of version {version} after {time.monotonic() - began:.2f} s")
            until(f"every replica serves {version}", lambda v=version: route.serving.version == v)  # type: ignore[misc]
            count, answered = loop.answers(), len(loop.versions["A"])
            until("requests flow on", lambda count=count: loop.answers() > count + 40)  # type: ignore[misc]
            assert loop.took_over("A", since=changes) == [before, version]
            assert len(loop.versions["A"]) == answered, "once it is accepted no other version answers"
    assert set(loop.statuses) == {"200"}, loop.statuses
    assert loop.versions["B"] == ["1"]


def test_a_version_with_changed_files_is_refused_and_the_old_one_goes_on(served: tuple[Stack, Any]) -> None:
    from turo.registry.decision_log import read_entries

    running, _ = served
    before = running.about("A")["version"]
    broken = log_model("A", "xgboost", sha256="0" * 64)
    with RequestLoop(running.url, {"A": running.example("A")}, rate=50) as loop:
        point("A", "champion", broken)
        refused = until("the refusal is told", lambda: running.about("A")["refused"])
        entry = until(
            "the decision log has it", lambda: [e for e in read_entries("A") if e["event"] == "refused"]
        )[0]
    assert (refused["version"], entry["version"]) == (broken, broken)
    assert "SHA-256" in refused["reason"] and "SHA-256" in entry["reason"]
    assert (set(loop.statuses), loop.versions["A"]) == ({"200"}, [before])
    point("A", "champion", before)
    until("the refusal is forgotten", lambda: running.about("A")["refused"] is None)


def test_a_restarted_reconciler_leaves_no_gap_though_champion_and_previous_are_bad(
    served: tuple[Stack, Any],
) -> None:
    running, loop = served
    before = running.about("A")["version"]
    bad = [log_model("A", "xgboost", sha256=digit * 64) for digit in "12"]
    with RequestLoop(running.url, {"A": running.example("A")}, rate=20) as requests:
        point("A", "previous", bad[0])
        point("A", "champion", bad[1])
        until("the refusal is told", lambda: running.about("A")["refused"])
        for _ in range(2):
            loop._applied, loop.routes = "", {name: Route() for name in loop.names}  # as a new process has it
            until("it is refused again", lambda: loop.routes["A"].refused)
        until("the refusal is told again", lambda: running.about("A")["refused"])
    assert (set(requests.statuses), requests.versions["A"]) == ({"200"}, [before])
    assert loop.routes["A"].serving.version == before
    point("A", "previous", before)
    point("A", "champion", before)
    until("the refusal is forgotten", lambda: running.about("A")["refused"] is None)


def test_a_version_is_accepted_once_every_replica_serves_it(served: tuple[Stack, Any]) -> None:
    from turo.registry.decision_log import read_entries
    from turo.serving.control.serve_client import Serve

    running, loop = served
    serve, before, route = Serve(running.settings), loop.settings, loop.routes["B"]

    def states() -> list[Any]:
        return list(serve.states().get("B", {}).values())

    def told(replicas: int) -> set[str]:
        found = states()
        return {state.serves.version for state in found} if len(found) == replicas else set()

    loop.settings = before.model_copy(update={"serve_min_replicas": 2, "serve_max_replicas": 2})
    until("two replicas report", lambda: len(states()) == 2)
    new = log_model("B", "svr", rows=500)
    paused = psutil.Process(living("ray::ServeReplica:B", running)[-1][1])
    paused.suspend()
    try:
        point("B", "champion", new)
        until("one is waited for", lambda: "1 of 2 replicas" in route.waiting)
        assert (route.serving.version, route.trying.version) == ("1", new)
    finally:
        paused.resume()
    until("the paused one has followed", lambda: route.serving.version == new)
    assert told(2) == {new}
    wanted = [("serving", "1"), ("serving", new)]
    until(
        "the decision log tells it",
        lambda: [(e["event"], e["version"]) for e in read_entries("B")[::-1]] == wanted,
    )
    point("B", "champion", "1")
    until("the first version is back on both", lambda: route.serving.version == "1" and told(2) == {"1"})
    loop.settings = before


def test_a_challenger_is_compared_and_the_log_leads_from_request_to_run(served: tuple[Stack, Any]) -> None:
    from turo.serving.replica.prediction_log import trace

    running, _ = served
    challenger = log_model("B", "svr", rows=300)
    body = running.example("B")
    with RequestLoop(running.url, {"B": body}, rate=20) as loop:
        point("B", "challenger", challenger)
        until("the challenger is told", lambda: running.about("B")["challenger"] == challenger)
        count = sum(loop.statuses.values())
        until("requests flow on", lambda: sum(loop.statuses.values()) > count + 40)
    assert set(loop.statuses) == {"200"}, "the route does not depend on the challenger's application"
    pattern = re.compile(
        rf'turo_shadow_rows_total{{[^}}]*model="B"[^}}]*version="{challenger}"[^}}]*}} [1-9]'
    )

    def compared() -> Any:
        answer = httpx.post(
            f"{running.url}/B", json=body, headers={"X-Request-Id": "lead-me-home"}, **PATIENTLY
        )
        assert (answer.status_code, answer.headers["X-Model-Version"]) == (200, "1")
        return pattern.search(httpx.get(running.metrics, **PATIENTLY).text)

    until("the difference is exported", compared)
    row = until("the log has the request", lambda: trace(running.settings.data_dir, "lead-me-home"))[0]
    assert (row["version"], row["run_id"]) == ("1", running.about("B")["run_id"])
    for name in ("turo_model_info", "turo_prediction_requests_total", "turo_prediction_bucket"):
        for model in ("A", "B"):  # A has told its version minutes ago, and is still the one that serves
            until(f"{name} of {model} is exported", partial(exports, running, name, model))


def exports(running: Stack, name: str, model: str) -> bool:
    """Does Ray show a metric of a model now?"""
    shown = httpx.get(running.metrics, **PATIENTLY).text
    return re.search(rf'^ray_{name}{{[^}}]*model="{model}"', shown, re.MULTILINE) is not None
