"""Whatever answers at a service's address, or nothing: one sentence, in time."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from asked_services import service

from turo.errors import ServiceError
from turo.operate.ask.conversation import MOST_BYTES, Conversation, Place, RefusedError
from turo.operate.ask.side_by_side import Question, side_by_side

SHORT_S = 0.3


@dataclass(frozen=True)
class Form:
    number: int


def place(url: str) -> Place:
    return Place("Airflow", url, "AIRFLOW_URL", "airflow_api-server")


def reason(url: str, seconds: float = SHORT_S) -> ServiceError:
    with pytest.raises(ServiceError) as told:
        Conversation(replace(place(url), seconds=seconds)).get(Form, "/it")
    return told.value


@pytest.fixture
def silent() -> Iterator[str]:
    """Takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def dripping() -> Iterator[str]:
    """Sends a byte of its answer ever again, so that no single wait is long."""
    ended = threading.Event()

    def drip(server: socket.socket) -> None:
        connection, _ = server.accept()
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
        )
        while not ended.wait(0.02):
            try:
                connection.sendall(b" ")
            except OSError:
                break
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        ended.set()
        thread.join()


def test_an_answer_has_the_form_asked_for() -> None:
    with service(lambda _: (200, {"number": 3, "more": "left out"})) as url:
        assert Conversation(place(url)).get(Form, "/it") == Form(3)


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    told = reason(url)
    assert told.what.startswith(f"Airflow is not there: nothing answers at {url}")
    assert "`docker compose up -d --wait airflow_api-server`" in told.remedy
    assert "AIRFLOW_URL" in told.remedy


@pytest.mark.parametrize("kind", ["silent", "dripping"])
def test_one_that_hangs_is_given_up_in_time(kind: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue(kind)
    assert reason(url).what == f"Airflow at {url} did not answer within {SHORT_S:g} s."


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html><body>Welcome to nginx!</body></html>", "its answer is no JSON (text/html)"),
        (b'{"number": 3', "its answer is no JSON (application/json)"),
        (b"", "its answer is no JSON (application/json)"),
        (b"\xff\xfe", "its answer is no JSON (application/json)"),
        (b"[" * 100_000, "its answer is no JSON (application/json)"),
        ({"other": 1}, "number is not as expected: Field required"),
        ({"number": "many"}, "number is not as expected"),
        (["number"], "its answer is not as expected"),
        (None, "its answer is not as expected"),
        (b" " * (MOST_BYTES + 1), "its answer has more than 4 MiB"),
    ],
)
def test_another_program_at_the_address(body: object, said: str) -> None:
    with service(lambda _: (200, body)) as url:
        told = reason(url, seconds=5)
    assert told.what.startswith(f"What answers at {url} does not speak as Airflow: {said}")
    assert "check AIRFLOW_URL" in told.remedy


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (500, {"detail": "database is locked"}, "500 (Internal Server Error): database is locked."),
        (
            503,
            {"title": "Not ready", "detail": "no model is deployed yet."},
            "503 (Service Unavailable): no model is deployed yet.",
        ),
        (500, {"error_code": "X", "message": "two\n lines"}, "500 (Internal Server Error): two lines."),
        (502, b"<html>Bad gateway</html>", "502 (Bad Gateway)."),
        (302, b"", "302 (Found)."),
        (299 + 300, [], "599 (unknown status)."),
    ],
)
def test_a_refusal_in_its_own_words(status: int, body: object, said: str) -> None:
    with service(lambda _: (status, body)) as url:
        told = reason(url, seconds=5)
    assert isinstance(told, RefusedError)
    assert told.status == status
    assert told.what == f"Airflow answered /it with {said}"
    assert told.remedy == "`docker compose logs airflow_api-server` tells why."


@pytest.mark.parametrize("url", ["airflow:8080", "", "ftp://airflow", "http://[::1", "sqlite:///mlflow.db"])
def test_what_is_no_address(url: str) -> None:
    told = reason(url)
    assert f"AIRFLOW_URL={url} is no address" in told.what
    assert "http://host:port" in told.remedy


def test_another_protocol_at_the_port() -> None:
    def greet(server: socket.socket) -> None:
        connection, _ = server.accept()
        connection.sendall(b"220 mail.example.com ESMTP\r\n")
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=greet, args=(server,), daemon=True)
        thread.start()
        told = reason(f"http://127.0.0.1:{server.getsockname()[1]}", seconds=5)
        thread.join()
    assert "does not speak as Airflow: it broke off" in told.what


def test_a_login_in_the_address_is_not_shown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    told = str(reason(f"http://me:secret@127.0.0.1:{port}"))
    assert "secret" not in told
    assert f"http://127.0.0.1:{port}" in told


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with service(lambda _: (200, {"number": 3})) as url:
        assert Conversation(place(url)).get(Form, "/it") == Form(3)


def test_questions_are_asked_at_the_same_time_and_each_has_its_answer_or_reason() -> None:
    met, ended = threading.Barrier(3), threading.Event()

    def meet(value: object) -> Callable[[], object]:
        def ask() -> object:
            met.wait(5)
            return value

        return ask

    def refuse() -> object:
        met.wait(5)
        raise ServiceError("It is away.", "Wait.")

    questions: dict[str, Question[Any]] = {
        "a": Question("A", meet(0)),
        "b": Question("B", meet(None)),
        "c": Question("C", refuse),
        "d": Question("D at its place", lambda: ended.wait(30)),
    }
    found = side_by_side(questions, 0.5)
    ended.set()
    assert list(found) == ["a", "b", "c", "d"]
    assert (found["a"], found["b"], str(found["c"])) == (0, None, "It is away. Wait.")
    assert str(found["d"]).startswith("D at its place did not answer within 0.5 s.")


def test_a_fault_of_our_own_is_not_taken_for_an_answer_and_is_raised_at_once() -> None:
    never = threading.Event()

    def fail() -> object:
        raise KeyError("ours")

    questions: dict[str, Question[Any]] = {"a": Question("A", never.wait), "b": Question("B", fail)}
    with pytest.raises(KeyError, match="ours"):
        side_by_side(questions, 3600)  # this test's own limit finds one that waits for A
    never.set()
