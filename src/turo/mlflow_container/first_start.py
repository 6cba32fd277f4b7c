"""What the mlflow container runs beside MLflow: trains missing models once, and the reconciler for ever.

The work runs on the Ray cluster, as jobs whose ids come from what they work on: a container that is restarted
meanwhile attaches to them. Routes come up one by one, each as soon as its model has a champion; once they
answer, the first forecast and its report are made (see `first_report`).
"""

from __future__ import annotations

import logging
import shlex
import signal
import sys
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from turo import settings as settings_module
from turo.cluster.job_ids import job_id
from turo.cluster.jobs import Jobs, connect
from turo.errors import InputError, TuroError
from turo.mlflow_container import first_report
from turo.mlflow_container.progress import Progress
from turo.registry import aliases
from turo.registry.client import use_mlflow
from turo.registry.decision_log import DECIDED, REFUSED, SERVING, read_entries
from turo.registry.fleet_match import foreign, label, table_manifest
from turo.settings import Settings
from turo.table import reader
from turo.table.names import MANIFEST, PARQUET
from turo.training import unfinished_runs
from turo.training.enough_history import shortfall
from turo.training.project import AT_ONCE

FAILED = 1

logger = logging.getLogger(__name__)


def main() -> None:
    """Entry point of `mlflow/serve_with_ray.py`: ends only by a signal or a mistake in the settings."""
    from turo.monitoring.route_gauges import report_of
    from turo.serving.control.decision_entries import record_refusal
    from turo.serving.control.reconcile import Reconciler, run_for_ever
    from turo.serving.control.serve_client import Serve
    from turo.training import mlflow_projects

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        settings = settings_module.load()
        logging.getLogger().setLevel(settings.log_level)
        use_mlflow(settings)
        configured = {name: str(path) for name, path in mlflow_projects.configured(settings).items()}
    except TuroError as error:
        logger.error("%s", error)  # noqa: TRY400 - a user's mistake, told in a sentence
        sys.exit(FAILED)
    threading.Thread(target=begin, args=(configured, settings), name="bootstrap", daemon=True).start()
    reconciler = Reconciler(settings, settings.model_names, Serve(settings), refused=record_refusal)
    run_for_ever(reconciler, report_of(settings))


def begin(configured: Mapping[str, str], settings: Settings) -> None:
    """The first models, then the first forecast, then where to look."""
    fill(configured, settings)
    first_report.make(configured, settings)


def fill(configured: Mapping[str, str], settings: Settings) -> None:
    """Train every configured model that has no champion of the table's fleet.

    The table is prepared first if there is none; one that is there is taken as it is, whatever the files have
    become since. One failing project is logged and does not stop the others.
    """
    progress = Progress(settings)
    progress.begin(configured)
    try:
        unfinished_runs.close_orphans_of_models(configured, settings)
        table = table_manifest(settings)
        missing = unfit(configured, table)
        for name in set(configured) - set(missing):
            progress.end(name)
        if not missing:
            logger.info("Every configured model has a champion of this fleet: nothing is trained.")
            return
        if table and (short := shortfall(table)):
            logger.warning("Nothing is trained: %s", short)
            end_all(progress, missing, str(short))
            return
        jobs = connect(settings)
        # Another target is another training, though the table is the same.
        target = "" if settings.target == "auto" else f"{settings.target}-"
        key = f"bootstrap-{target}{table_digest(settings, jobs)[:12]}"
    except Exception as error:
        logger.exception("The first models cannot be trained; restart the container once this is mended")
        end_all(progress, configured, str(error))
        return
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="train") as pool:
        for name, change in missing.items():
            pool.submit(train, jobs, name, configured[name], f"{key}{change}", progress)


def unfit(names: Iterable[str], table: Mapping[str, Any]) -> dict[str, str]:
    """Models without a champion of the table's fleet, and what to add to the key of their training.

    Fleets may come and go and come back: each change is a training of its own, to which a container that is
    restarted meanwhile attaches. The newest entry of the decision log tells one change from another; those
    which the reconciler writes whenever a version comes to serve do not count, nor what the gate only began.
    """
    found, uncounted = {}, (DECIDED, REFUSED, SERVING)
    for name in names:
        champion = aliases.champion(name)
        if champion is None:
            logger.info("%s has no champion: it is trained", name)
            found[name] = ""
        elif foreign(champion.tags, table):
            logger.info(
                "%s version %s was trained on another fleet than the table's (%s): it is trained anew",
                name, champion.version, label(champion.tags),
            )  # fmt: skip
            lines = (line for line in read_entries(name) if line["event"] not in uncounted)
            last = next(lines, None)
            found[name] = f"-{last['id'][:8] if last else champion.version}"
    return found


def table_digest(settings: Settings, jobs: Jobs) -> str:
    """Digest of the prepared table, which is made now if it is missing or not whole."""
    try:
        if "://" not in settings.data_dir:
            return reader.read(settings.data_dir).digest
    except InputError as error:
        logger.info("The table is prepared: %s", error.what)
    # A job that made the table before it was damaged is no cure: what lies there is part of the id.
    parts = ("bootstrap", "prepare", settings.code_version, *_remains(settings.data_dir))
    return str(jobs.run(job_id(*parts), ["turo", "prepare"]).result["digest"])


def _remains(location: str) -> list[int]:
    """Tells one unusable table from another: when its files were written. Empty where there are none."""
    paths = [] if "://" in location else [Path(location) / name for name in (MANIFEST, PARQUET)]
    return [path.stat().st_mtime_ns for path in paths if path.exists()]


def end_all(progress: Progress, names: Iterable[str], reason: str) -> None:
    """None of these is trained, for this reason; one that is served by an older version is not missed."""
    for name in names:
        progress.end(name, reason)


def train(jobs: Jobs, name: str, path: str, key: str, progress: Progress) -> None:
    """Train and promote one model; a failure is logged with the last lines of its job."""
    try:
        steps = ["train", name, "--path", path, "--run-key", key], ["promote", name, "--run-key", key]
        # One job: what Ray starts around each takes as long as the promotion itself.
        command = " && ".join(shlex.join(["turo", *step]) for step in steps)
        jobs.run(job_id("bootstrap", "train-and-promote", name, key), command)
        progress.end(name)
    except TuroError as error:
        logger.error("%s is not trained, the other models are not affected: %s", name, error)  # noqa: TRY400
        progress.end(name, str(error))
    except Exception as error:
        logger.exception("%s is not trained, the other models are not affected", name)
        progress.end(name, str(error))
