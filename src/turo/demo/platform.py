"""The whole platform on one machine without Docker: the same package, projects, registry and Serve app.

MLflow runs as a child process on SQLite, Ray as a local cluster behind the same HAProxy ingress as in the
containers. Everything ends with this process; files stay in the demo's folder.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from turo import settings as settings_module
from turo.demo import first_report
from turo.demo.guard import guarded
from turo.demo.progress import logs_to, progress_bar, step
from turo.demo.sample import sample_unless_given
from turo.demo.services import free_port, local_ray, tracking_server
from turo.errors import DeployError
from turo.patience import Patience
from turo.registry.client import use_mlflow
from turo.settings import Settings

SERVE_PORT, TRACKING_PORT = 8000, 5000
LOG = "demo.log"

logger = logging.getLogger(__name__)


def run(folder: Path, once: bool = False) -> None:
    """Sample, table, models, routes, one request, report; then serve until Ctrl-C. It ends in bounded time.

    Args:
        folder: keeps data, runs, artifacts and the log; a second demo in it starts where the first ended.
        once: end after the report.

    Raises:
        TuroError: a step failed; nothing is left running.
    """
    console, folder = Console(), folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    settings = _environment(folder)
    use_mlflow(settings)
    _end_orderly()
    with ExitStack() as running, guarded():
        running.enter_context(logs_to(folder / LOG))
        try:
            with progress_bar(console) as progress:
                settings = _pipeline(progress, settings, folder, running)
            _show(console, settings, folder)
            first_report.make(console, settings)
            if not once:
                _serve_on(console, settings)
        except KeyboardInterrupt:
            console.print("Stopping.")


def _end_orderly() -> None:
    """Make SIGTERM unwind the stack, like Ctrl-C."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def _environment(folder: Path) -> Settings:
    """Point every component, and the child processes that train, at the demo's own folder and free ports."""
    serve, tracking = free_port(SERVE_PORT), free_port(TRACKING_PORT)
    projects = Path(__file__).resolve().parents[3] / "mlflow" / "projects"
    os.environ.update(
        {
            "DATA_DIR": str(folder / "datas"),
            "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{tracking}",
            "BACKEND_URI": f"sqlite:///{folder / 'mlflow.db'}",
            "ARTIFACT_ROOT": str(folder / "mlflow_artifacts"),
            "TRACKING_PORT": str(tracking),
            "TRACKING_PUBLIC_PORT": str(tracking),
            "RAY_ADDRESS": "auto",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "RAY_HTTP_HOST": "127.0.0.1",
            "RAY_HTTP_PORT": str(serve),
            "SERVE_URL": f"http://127.0.0.1:{serve}",
            "STATUS_FILE": str(folder / "serve-status.json"),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MPLBACKEND": "agg",
        }
    )
    if projects.is_dir():
        os.environ["PROJECTS_DIR"] = str(projects)
    os.environ.setdefault("SERVE_MIN_REPLICAS", "1")  # the first answer comes sooner
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # spinning threads would hold up the rest of the demo
    return settings_module.load()


def _pipeline(progress: Progress, settings: Settings, folder: Path, running: ExitStack) -> Settings:
    """Every step, one line of progress each; returns the settings with Ray's address filled in."""
    from turo.gate import promote
    from turo.prepare.run import run as prepare
    from turo.training import mlflow_projects

    log = folder / LOG
    with step(progress, "sample data"):
        sample_unless_given(settings)
    with step(progress, f"MLflow on {settings.mlflow_tracking_uri}"):
        running.enter_context(tracking_server(settings, log))
    with step(progress, "local Ray"):
        dashboard = running.enter_context(local_ray(settings))
        os.environ["RAY_DASHBOARD_URL"] = dashboard  # for the processes that train
        _end_orderly()  # Ray's own way with SIGTERM would leave MLflow running
        settings = settings.model_copy(update={"ray_dashboard_url": dashboard})
    with step(progress, "table of features and targets"):
        key = f"demo-{prepare(settings)['digest'][:12]}"
    for name, path in mlflow_projects.configured(settings).items():
        with step(progress, f"{name}: train, hold against the baselines"):
            run_id = mlflow_projects.launch(name, str(path), {}, key, settings)
            logger.info("%s", promote.promote(name, run_id, key, settings))
    with step(progress, f"routes on {settings.serve_url}"):
        _deploy(settings)
    return settings


def _deploy(settings: Settings, deadline_s: float = 180.0) -> None:
    from turo.serving.control.reconcile import Reconciler
    from turo.serving.control.serve_client import Serve

    reconciler = Reconciler(settings, settings.model_names, Serve(settings))

    def serving() -> bool:
        reconciler.tick(time.monotonic())
        if refused := {n: list(r.refused.values()) for n, r in reconciler.routes.items() if r.refused}:
            raise DeployError(f"Serve refused {refused}.", "The demo's log says why.")
        return all(route.serving is not None for route in reconciler.routes.values())

    if not Patience(settings.reconcile_period_s / 4, deadline_s).poll(serving):
        raise DeployError(f"The routes did not answer within {deadline_s:.0f} s.", "See the demo's log.")


def _show(console: Console, settings: Settings, folder: Path) -> None:
    """Try one request on every route and print it as a command to repeat."""
    import httpx

    key = {"X-API-Key": settings.serve_api_key} if settings.serve_api_key else {}
    for name in settings.model_names:
        with httpx.Client(headers=key, timeout=30, trust_env=False) as client:
            about = client.get(f"{settings.serve_url}/{name}").json()
            answer = client.post(f"{settings.serve_url}/{name}", json=about["example"])
        if answer.status_code != httpx.codes.OK:
            raise DeployError(f"/{name} answers {answer.status_code}: {answer.text}", f"See {folder / LOG}.")
        console.print(f"[bold]{name}[/] version {answer.headers['X-Model-Version']}: {answer.text}")
    headers = "-H 'Content-Type: application/json'" + (' -H "X-API-Key: $SERVE_API_KEY"' if key else "")
    console.print("\nTry it yourself:")
    console.print(
        f"curl -s {settings.serve_url}/{name} {headers} -d '{json.dumps(about['example'])}'",
        soft_wrap=True, markup=False, highlight=False,
    )  # fmt: skip
    addresses = f"MLflow {settings.mlflow_tracking_uri}   Ray {settings.ray_dashboard_url}"
    console.print(f"\n{addresses}   log {folder / LOG}")


def _serve_on(console: Console, settings: Settings) -> None:
    from turo.monitoring.route_gauges import report_of
    from turo.serving.control.reconcile import Reconciler, run_for_ever
    from turo.serving.control.serve_client import Serve

    console.print("Serving until Ctrl-C. The front door is\n")
    # The last line, so that it is seen; nothing is opened by itself.
    console.print(f"{settings.serve_url}/", soft_wrap=True, markup=False, highlight=False)
    run_for_ever(Reconciler(settings, settings.model_names, Serve(settings)), report_of(settings))
