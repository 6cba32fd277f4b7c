"""`turo upgrade note` and `prove`: what answered before an upgrade answers after it, and no error is new."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from asked_services import Said, Services, service
from typer.testing import CliRunner, Result

from turo.cli import app
from turo.errors import ServiceError, TuroError
from turo.operate.upgrade import proof
from turo.patience import Patience
from turo.settings import Settings, load

EXAMPLE = {"inputs": [{"otb_days": 1.0}]}
ROUTES = ("XGBoost", "KNN")


@pytest.fixture
def settings(platform: Services, datas: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A healthy platform, a checkout in which the doctor finds nothing; nothing is waited for."""
    for name in ROUTES:
        platform.serve[f"/{name}"] = (200, {"example": EXAMPLE, "predictions": [1.0]})
    platform.mlflow["/health"] = (200, b"OK")
    for name in ("backups", "mlruns", "mlflow_artifacts", "jupyter/notebooks"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "docker-compose.yml").touch()
    (tmp_path / ".env.example").touch()
    (tmp_path / "versions.toml").touch()
    monkeypatch.setattr(proof, "SETTLING", Patience(0.01, tries=2))
    monkeypatch.setattr(proof, "doctor_errors", lambda settings: {})
    monkeypatch.setattr(proof, "doctor_checked", lambda settings: ("disk-space", "dag-errors"))
    return platform.settings(datas, backups_dir=tmp_path / "backups", project_dir=tmp_path)


def turo(settings: Settings, word: str) -> Result:
    return CliRunner().invoke(app, ["upgrade", word], obj=settings)


def prove(settings: Settings) -> Result:
    """Without the patience for replicas that load."""
    wrong = proof.prove(settings, Patience(0.01, tries=1))
    if wrong:
        raise ServiceError(" ".join(wrong))
    return turo(settings, "prove")


def test_a_platform_that_is_as_it_was(settings: Settings) -> None:
    noted = turo(settings, "note")
    assert "2 routes answering, 0 errors" in noted.output, noted.exception
    done = prove(settings)
    assert done.exit_code == 0, done.exception
    assert "the doctor finds nothing new" in done.output
    assert list(settings.backups_dir.iterdir()) == []


BREAK: dict[str, tuple[Callable[[Services], None], str]] = {
    "a route that is gone": (lambda it: it.serve.pop("/KNN") and None, "KNN does not answer its example"),
    "no predictions": (
        lambda it: it.serve.update({"/KNN": (200, {"example": EXAMPLE, "predictions": []})}),
        "answered its example with no prediction",
    ),
    "no model": (lambda it: it.serve.update({"/KNN": (200, b"<html>")}), "does not answer as a model does"),
    "MLflow's schema": (lambda it: it.mlflow.update({"/health": (500, b"out-of-date")}), "out-of-date"),
    "a part of Airflow": (
        lambda it: it.airflow.update(
            {"/api/v2/monitor/health": (200, it.airflow["/api/v2/monitor/health"][1] | {"scheduler": {}})}
        ),
        "airflow_scheduler is not healthy",
    ),
    "Airflow": (lambda it: it.airflow.clear(), "Airflow answered /api/v2/monitor/health with 404"),
}


@pytest.mark.parametrize("name", BREAK)
def test_what_answered_before_and_does_not_now(settings: Settings, platform: Services, name: str) -> None:
    turo(settings, "note")
    spoil, told = BREAK[name]
    spoil(platform)
    with pytest.raises(ServiceError, match=r"\w") as caught:
        prove(settings)
    assert told in str(caught.value)


def test_what_did_not_answer_before_is_not_asked_for(settings: Settings, platform: Services) -> None:
    del platform.serve["/KNN"]
    assert "1 route answering" in turo(settings, "note").output
    assert prove(settings).exit_code == 0


def test_of_a_stack_that_was_down_every_champion_must_answer(settings: Settings, platform: Services) -> None:
    away = settings.model_copy(update={"serve_url": "http://127.0.0.1:1"})
    assert "the stack is down" in turo(away, "note").output
    assert prove(settings).exit_code == 0
    turo(away, "note")
    del platform.serve["/KNN"]
    assert any("KNN" in told for told in proof.prove(settings, Patience(0.01, tries=1)))
    del platform.mlflow["/api/2.0/mlflow/registered-models/alias KNN"]
    assert proof.prove(settings, Patience(0.01, tries=1)) == []


def test_an_error_of_the_doctor_s_counts_where_it_is_new(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "doctor_errors", lambda settings: {"disk-space": "3 GiB are free."})
    assert "1 error" in turo(settings, "note").output
    assert proof.prove(settings) == []
    found = {"disk-space": "3 GiB are free.", "dag-errors": "prepare_data cannot be imported."}
    monkeypatch.setattr(proof, "doctor_errors", lambda settings: found)
    (told,) = proof.prove(settings, Patience(0.01, tries=1))
    assert "dag-errors: prepare_data cannot be imported." in told


def test_what_the_old_doctor_did_not_look_at_is_told_and_no_reason_to_go_back(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    turo(settings, "note")
    monkeypatch.setattr(proof, "doctor_errors", lambda settings: {"stricter": "A value was never right."})
    assert proof.prove(settings, Patience(0.01, tries=1)) == []
    assert "stricter as well, and finds: A value was never right." in caplog.text
    monkeypatch.setattr(proof, "doctor_errors", lambda settings: {"doctor": "He cannot look."})
    assert proof.prove(settings, Patience(0.01, tries=1)) != []


def test_replicas_that_load_are_waited_for(settings: Settings, platform: Services) -> None:
    turo(settings, "note")
    answer = platform.serve.pop("/KNN")
    paused = Patience(1.0, tries=2, sleep=lambda seconds: platform.serve.update({"/KNN": answer}))
    assert proof.prove(settings, paused) == []


def test_the_key_is_sent(settings: Settings, platform: Services) -> None:
    platform.api_key = "secret"
    assert set(proof.routes(settings.model_copy(update={"serve_api_key": "secret"})).values()) == {None}
    wrong = proof.routes(settings)
    assert all("401" in str(told) for told in wrong.values())


@pytest.mark.parametrize("text", [None, "{", "[]", json.dumps({"routes": []})])
def test_without_a_note_it_says_how_to_go_back(settings: Settings, text: str | None) -> None:
    if text is not None:
        (settings.backups_dir / proof.NOTED).write_text(text)
    done = turo(settings, "prove")
    assert isinstance(done.exception, TuroError)
    assert "./upgrade.sh --back" in str(done.exception)


def test_an_example_that_a_route_sends_is_sent_to_it() -> None:
    asked = []

    def answer(question: object) -> Said:
        asked.append((question.method, question.body))  # type: ignore[attr-defined]
        return 200, {"example": EXAMPLE, "predictions": [1.0]}

    with service(answer) as url:
        assert proof.routes(load(serve_url=url, model_names=("My Model",))) == {"My Model": None}
    assert asked == [("GET", None), ("POST", EXAMPLE)]


def test_a_checkout_whose_env_nobody_may_read_is_an_error_of_both(tmp_path: Path) -> None:
    assert "doctor" in proof.doctor_errors(load(project_dir=tmp_path))  # no .env.example
