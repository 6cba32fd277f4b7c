"""Ask the running stack: all services at once, and the folders that they keep things in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from turo import last_runs
from turo.operate.ask import airflow, airflow_work, certificate, mlflow, postgres, prometheus, ray, serve
from turo.operate.ask.knock import Knock, knock
from turo.operate.ask.side_by_side import Question, side_by_side
from turo.operate.backup.archive_name import archives, holes
from turo.operate.doctor.project_files import writable
from turo.operate.doctor.stack import (
    MLFLOW_PUBLIC,
    MLFLOW_VERSION,
    RAY_WRONG,
    SERVE_OPEN,
    Kept,
    Stack,
)
from turo.operate.status import data_folder, machine, questions
from turo.table.names import MANIFEST

if TYPE_CHECKING:
    from turo.settings import Settings

PATIENCE_S = 4.0  # a busy machine is no fault
LOCKED = re.compile(r'^name = "(ray|mlflow|apache-airflow)"\nversion = "([^"]+)"', re.MULTILINE)
FEW = 5
GROUP = 0  # as which all containers run that write to the folders


def ask(settings: Settings, folder: Path, public: str, probing: bool, expected: bool) -> Stack | None:
    """What the stack tells; None where nobody at all answers, as before a start, and nobody should.

    Args:
        folder: the project's.
        public: host and port under which MLflow is called from outside; empty where that is not known.
        probing: also try what must be refused; services note such a try in their logs.
        expected: the stack is known to run.

    Raises:
        OSError: it cannot be told within a few seconds.
    """
    patient = settings.model_copy(update={"answer_within_s": PATIENCE_S})
    secret = _secret(settings, "redis")
    services: dict[str, Callable[[], Any]] = {
        name: partial(knock, address, PATIENCE_S, secret=secret if name == "redis" else "")
        for name, address in settings.operator_looks_at
    }
    own: dict[str, Callable[[], Any]] = {
        "answers": partial(questions.ask, patient, lambda _: []),  # `work` has the DAGs, by its one login
        "work": partial(airflow_work.work, patient),
        "figures": partial(prometheus.figures, patient),
        "code": partial(serve.code_version, patient),
        "cluster": partial(ray.cluster, patient),
        "kept": partial(kept, settings, folder),
    }
    if settings.operator_postgres:
        own |= {"full": partial(postgres.full, patient), "strangers": partial(postgres.strangers, patient)}
    for name, address in places(settings).items():
        services.setdefault(name, partial(knock, address, PATIENCE_S))
    tried = _tries(settings, public, probing)
    proxy = settings.tls_proxy
    hosts = {host: partial(certificate.ask, host, proxy, PATIENCE_S) for host in settings.tls_hosts}
    everything = {
        **{("own", name): Question(name, question) for name, question in own.items()},
        **{("knock", name): Question(name, question) for name, question in services.items()},
        **{("try", name): Question(name, question) for name, question in tried.items()},
        **{("shown", host): Question(proxy, question) for host, question in hosts.items()},
    }
    found = side_by_side(everything, PATIENCE_S + 1)
    if not isinstance(found["own", "answers"], questions.Answers) or not isinstance(
        found["own", "kept"], Kept
    ):
        raise OSError("the machine is too busy, or a folder hangs")
    knocks = {name: _knock(found["knock", name]) for name in services}
    if not expected and all(one.problem for one in knocks.values()):
        return None
    return Stack(
        settings,
        found["own", "answers"],
        found["own", "work"],
        found["own", "cluster"],
        found["own", "figures"],
        found["own", "code"],
        knocks,
        {name: _knock(found["try", name]) for name in tried},
        found.get(("own", "full")),
        found.get(("own", "strangers")),
        found["own", "kept"],
        {host: found["shown", host] for host in hosts},
    )


def _knock(told: Any) -> Knock:
    return told if isinstance(told, Knock) else Knock(problem=str(told))


def places(settings: Settings) -> Mapping[str, str]:
    """The services whose addresses everybody knows, by their names in the compose file."""
    paths = {
        airflow.place: "/api/v2/version",
        mlflow.place: "/health",
        serve.place: "/-/healthz",
        prometheus.place: "/-/healthy",
    }
    found = {
        place(settings).container: place(settings).url.rstrip("/") + path for place, path in paths.items()
    }
    return {**found, "alertmanager": settings.alertmanager_url.rstrip("/") + "/-/healthy"}


def _tries(settings: Settings, public: str, probing: bool) -> dict[str, Callable[[], Knock]]:
    tracking = settings.mlflow_tracking_uri.rstrip("/")
    found: dict[str, Callable[[], Knock]] = {
        MLFLOW_VERSION: partial(knock, f"{tracking}/version", PATIENCE_S),
    }
    if public:
        guarded = f"{tracking}{mlflow.API}/experiments/get-by-name?experiment_name=Default"
        found[MLFLOW_PUBLIC] = partial(knock, guarded, PATIENCE_S, {"Host": public})
    if probing and settings.serve_api_key:
        found[SERVE_OPEN] = partial(knock, f"{settings.serve_url.rstrip('/')}/", PATIENCE_S)
    if probing and settings.token():
        wrong = {"Authorization": "Bearer wrong"}
        found[RAY_WRONG] = partial(
            knock, f"{ray.place(settings).url.rstrip('/')}/api/version", PATIENCE_S, wrong
        )
    return found


def _secret(settings: Settings, name: str) -> str:
    path = settings.operator_secrets / name if settings.operator_secrets else None
    return path.read_text().strip() if path and path.is_file() else ""


def kept(settings: Settings, folder: Path) -> Kept:
    """What lies in folders."""
    data, forecast = data_folder.read(settings.data_dir)
    here = Path(settings.data_dir)
    lock = folder / "uv.lock"
    backups = archives(settings.backups_dir)
    rooms = [*machine.rooms(settings.data_dir), *machine.rooms(str(settings.backups_dir))]
    return Kept(
        data,
        forecast,
        _digest(here / MANIFEST),
        [*last_runs.read(here), *last_runs.read(settings.backups_dir)],
        [room for room in rooms if room.name.startswith("disk")],
        list(
            _closed([here, folder / "mlruns", folder / "mlflow_artifacts"])
            if settings.operator_secrets
            else ()
        ),
        backups[0].made_at if backups else None,
        holes(settings.backups_dir),
        dict(LOCKED.findall(lock.read_text())) if lock.is_file() else {},
    )


def _digest(manifest: Path) -> str:
    try:
        told = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # of which the data's own problem tells
        return ""
    return str(told.get("digest", "")) if isinstance(told, dict) else ""


def _closed(folders: list[Path]) -> Iterator[str]:
    """Folders two deep that user 1000 may not write to; a few are enough."""
    found = 0
    for folder in folders:
        for path in [folder, *sorted(folder.glob("*/")), *sorted(folder.glob("*/*/"))]:
            if found < FEW and path.is_dir() and not _open(path):
                found += 1
                yield str(path)


def _open(path: Path) -> bool:
    try:
        about = path.stat()
        return writable(path) or (about.st_gid == GROUP and bool(about.st_mode & 0o020))
    except FileNotFoundError:  # removed meanwhile
        return True
