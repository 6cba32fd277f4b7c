"""What answers is noted before an upgrade; afterwards it must again, and the doctor find no new error."""

from __future__ import annotations

import json
import logging
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from turo.errors import InputError, ServiceError
from turo.operate.ask import airflow, mlflow, serve
from turo.operate.ask.side_by_side import Question, side_by_side
from turo.operate.doctor.finding import Severity
from turo.operate.server.findings import ask_doctor
from turo.patience import Patience

if TYPE_CHECKING:
    from turo.settings import Settings

logger = logging.getLogger(__name__)

UNSEEN = "doctor"  # stands for a check where he cannot look
NOTED = "upgrade-before.json"  # in the folder of backups
ANSWER_S = 10.0  # of one request
SETTLING = Patience(5.0, within_s=300.0)  # replicas load their models after the containers are healthy


@dataclass(frozen=True)
class Before:
    """How the stack was.

    Attributes:
        routes: models whose documented example was answered; None where Serve was away, the stack down.
        errors: ids of the doctor's checks that found an error.
        checked: ids of all that he knew; None where he did not tell.
    """

    routes: tuple[str, ...] | None
    errors: tuple[str, ...]
    checked: tuple[str, ...] | None = None


def note(settings: Settings) -> Before:
    """Write down how the stack is."""
    well = tuple(name for name, wrong in routes(settings).items() if wrong is None)
    known = well if well or not _away(settings) else None
    before = Before(known, tuple(sorted(doctor_errors(settings))), doctor_checked(settings))
    path = settings.backups_dir / NOTED
    half = path.with_name(f".{NOTED}.tmp")
    half.write_text(json.dumps(asdict(before)))
    half.replace(path)
    return before


def noted(settings: Settings) -> Before:
    """How the stack was.

    Raises:
        InputError: nothing was written down, or it cannot be read.
    """
    path = settings.backups_dir / NOTED
    try:
        told = json.loads(path.read_text())
        routes, checked = told["routes"], told.get("checked")
        return Before(
            None if routes is None else tuple(routes),
            tuple(told["errors"]),
            None if checked is None else tuple(checked),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"How the stack was before cannot be read from {path}: {error!r}.",
            "`./upgrade.sh --back` goes back to the old version.",
        ) from error


def prove(settings: Settings, patience: Patience = SETTLING) -> list[str]:
    """Ask everything until all is as it was before or better; what is not yet, in sentences."""
    before = noted(settings)
    return patience.poll(lambda: _wrong(settings, before), done=lambda wrong: not wrong)


def _wrong(settings: Settings, before: Before) -> list[str]:
    known = settings.model_names
    asked: dict[Any, Question[Any]] = {
        "airflow": Question("Airflow", lambda: airflow.parts(settings)),
        "mlflow": Question("MLflow", lambda: _alive(settings)),
        **{("champion", name): _champion(settings, name) for name in known},
    }
    told: dict[Any, Any] = side_by_side(asked, ANSWER_S)
    wrong = [str(answer) for answer in told.values() if isinstance(answer, ServiceError)]
    if not isinstance(told["airflow"], ServiceError):
        ill = [part.name for part in told["airflow"] if not part.healthy]
        wrong += [f"Airflow says that {name} is not healthy." for name in ill]
    wanted = before.routes
    if wanted is None:  # the stack was down: what has something to serve must serve it
        wanted = tuple(name for name in known if told["champion", name] is not None)
    answers = routes(settings)
    wrong += [f"{name} does not answer its example: {answers[name]}" for name in wanted if answers.get(name)]
    if wrong:
        return wrong
    for check, what in doctor_errors(settings).items():
        if check in before.errors:
            continue
        if before.checked is not None and check not in before.checked and check != UNSEEN:
            # As old as the deployment, for all that is known: no fault of the new version.
            logger.warning("The doctor now looks at %s as well, and finds: %s", check, what)
            continue
        wrong.append(f"The doctor finds an error that was not there before, {check}: {what}")
    return wrong


def routes(settings: Settings) -> dict[str, str | None]:
    """Each model's documented example, sent to it: None where it was answered, else why not."""
    questions = {name: _example(settings, name) for name in settings.model_names}
    told = side_by_side(questions, ANSWER_S)
    return {name: str(said) if isinstance(said, ServiceError) else None for name, said in told.items()}


def doctor_errors(settings: Settings) -> dict[str, str]:
    """What the doctor calls an error here, by the id of its check; where he cannot look, that is one."""
    try:
        found = ask_doctor(settings.project_dir)["findings"]
    except (ValueError, subprocess.TimeoutExpired) as error:  # a .env that only its owner may read
        return {UNSEEN: f"He cannot look: {error}"}
    errors = (each for each in found if each["severity"] == Severity.ERROR)
    return {each["check"]: f"{each['what']} {each['remedy']}" for each in errors}


def doctor_checked(settings: Settings) -> tuple[str, ...] | None:
    """Ids of the checks that he has; None where he cannot look."""
    try:
        return tuple(map(str, ask_doctor(settings.project_dir)["checked"]))
    except (ValueError, KeyError, subprocess.TimeoutExpired):
        return None


def _away(settings: Settings) -> bool:
    try:
        serve.listed(settings)
    except ServiceError:
        return True
    return False


def _champion(settings: Settings, name: str) -> Question[Any]:
    return Question("MLflow", lambda: mlflow.champion(settings, name))


def _alive(settings: Settings) -> None:
    _asked(f"{settings.mlflow_tracking_uri}/health", "MLflow", {}, None)


def _example(settings: Settings, name: str) -> Question[None]:
    url = f"{settings.serve_url}/{quote(name, safe='')}"
    key = {"X-API-Key": settings.serve_api_key} if settings.serve_api_key else {}

    def ask() -> None:
        try:
            example = _asked(url, name, key, None).json()["example"]
            predicted = _asked(url, name, key, example).json()["predictions"]
        except (ValueError, KeyError, TypeError) as error:
            raise ServiceError(f"{url} does not answer as a model does ({error!r}).") from None
        if not predicted:
            raise ServiceError(f"{url} answered its example with no prediction.")

    return Question(f"{name} at {url}", ask)


def _asked(url: str, name: str, headers: dict[str, str], body: Any) -> httpx.Response:
    method = "GET" if body is None else "POST"
    headers = {"Accept": "application/json", **headers}
    try:
        answer = httpx.request(method, url, headers=headers, json=body, timeout=ANSWER_S, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ServiceError(f"{name} does not answer at {url} ({error}).") from None
    if answer.status_code != httpx.codes.OK:
        raise ServiceError(f"{url} answered {answer.status_code}: {' '.join(answer.text.split())[:200]}")
    return answer


def forget(backups: Path) -> None:
    """What was written down."""
    (backups / NOTED).unlink(missing_ok=True)
