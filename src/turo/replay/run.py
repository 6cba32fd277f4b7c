"""`turo replay`: past Mondays forecast by what was known then, and held against what came true."""

from __future__ import annotations

import logging
import runpy
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from turo.data.load import load_tables
from turo.data.tables import Tables
from turo.errors import ConfigError, InputError
from turo.features.known_trips.trips import books_priced
from turo.files import atomic_path
from turo.forecast.horizon_tables import data_folder, served_horizon
from turo.prepare import other_fleets
from turo.prepare.ray_tasks import connected
from turo.replay import limits, page
from turo.replay.columns import LEVELS
from turo.replay.figures import Figures
from turo.replay.outcome import partly_known, with_outcome
from turo.replay.past_mondays import WEEK, PastMondays
from turo.replay.ray_tasks import Fitted, Plan, rows
from turo.replay.refit import Method
from turo.settings import BEST_MODEL, Settings
from turo.table.names import TRACK_RECORD, TRACK_RECORD_PAGE
from turo.training import mlflow_projects
from turo.training.project import Project
from turo.words import by_number, counted

logger = logging.getLogger(__name__)

RETRAIN_WEEKS = 13
STEP = 5  # Mondays between two lines of progress


def run(
    settings: Settings,
    since: date | None = None,
    model: str = "",
    horizons: Sequence[int] = (),
    retrain_weeks: int = RETRAIN_WEEKS,
) -> dict[str, Any]:
    """Replay every Monday and write track-record.csv and track-record.html into the data folder.

    Args:
        since: the first Monday; of another day the next one. Default: a year before the newest.
        model: one of MODEL_NAMES; default FORECAST_MODEL, and where that is `auto` the first of MODEL_NAMES:
            which is best is known only afterwards.
        horizons: days; default FORECAST_HORIZONS.
        retrain_weeks: after so many Mondays the models are trained anew.

    Returns:
        What was replayed and what must be said of it, and the fleet's figures by horizon.

    Raises:
        ConfigError: no such model, or a DATA_DIR that is no folder.
        InputError: files or dates that cannot be replayed, or files of another fleet than the table's.
        ServiceError: no Ray.
    """
    folder, asked = data_folder(settings), sorted(set(horizons or settings.forecast_horizons))
    name, project = _project(settings, settings.asked_model(model))
    tables = load_tables(settings)
    days, notices = limits.days_to_replay(tables, since, asked)
    _make_room(folder, tables)
    notices += limits.undated(tables)
    served = served_horizon(settings)
    method = Method(name, project, books_priced(tables.reservations))
    plan = Plan(asked, served if served in asked else min(asked), retrain_weeks, method)
    mondays = counted(len(days), "Monday")
    logger.info("Replaying %s, %s to %s, with %s", mondays, days[0], days[-1], name)
    said, fitted = _replayed(settings, tables, days, plan)
    notices += _too_short(tables, fitted, asked, days)
    record = with_outcome(said, tables)
    if not record["actual"].count():
        notices.append("No window of these Mondays is over yet: there is nothing to compare with.")
    notices += partly_known(record)
    for text in notices:
        logger.warning("%s", text)
    figures = Figures.of(record)
    _write(record, folder / TRACK_RECORD)
    page.write(
        page.Facts(record, figures, notices, plan, days, tables, datetime.now(UTC), settings.code_version),
        folder / TRACK_RECORD_PAGE,
    )
    logger.info("Track record of %s: %s", mondays, folder / TRACK_RECORD_PAGE)
    return {
        "mondays": len(days),
        "first": days[0],
        "last": days[-1],
        "model": name,
        "rows": len(record),
        "figures": figures.plain(),
        "notices": notices,
    }


def _project(settings: Settings, asked: str) -> tuple[str, Project]:
    """The name of a model, and its project."""
    name = settings.model_names[0] if asked == BEST_MODEL else asked
    script = mlflow_projects.path_of(name, settings) / "train.py"
    try:
        return name, runpy.run_path(str(script))["PROJECT"]
    except (OSError, KeyError) as error:
        raise ConfigError(
            f"{name} cannot be replayed: {script} has no PROJECT.", "Choose another model with --model."
        ) from error


def _make_room(folder: Path, tables: Tables) -> None:
    """Put away another fleet's track record; never mix two fleets in a folder.

    Raises:
        InputError: the prepared table is of another fleet than the files.
    """
    other_fleets.take_back(folder)
    fleet, current = tables.fleet, other_fleets.current(folder)
    if fleet is None:
        return
    if current and current != fleet.id:
        raise InputError(
            f"The reservations in {folder} are of another fleet than the prepared table there.",
            "Run the DAG prepare_data, or `turo prepare`, then replay.",
        )
    other_fleets.make_room(folder, fleet.id, tables.reservations["vehicle_id"].unique())


def _replayed(
    settings: Settings, tables: Tables, days: list[date], plan: Plan
) -> tuple[pl.DataFrame, list[Fitted]]:
    """The rows of all Mondays, the fleet's first; and what the trainings came to."""
    frames, fitted = list[pl.DataFrame](), list[Fitted]()
    history, past = limits.History.of(tables), PastMondays(settings, tables)
    firsts = {h: first for h in plan.horizons if (first := history.earliest(h)) is not None}
    with connected(settings.ray_address):
        for found in rows(past.at, days, firsts, plan):
            if isinstance(found, Fitted):
                fitted.append(found)
                logger.info(
                    "Trained %s as of %s%s", counted(found.horizon_days, "day"), found.day, _why(found)
                )
                continue
            frames.append(found)
            if len(frames) % STEP == 0 or len(frames) == len(days):
                logger.info("Replayed %d of %s", len(frames), counted(len(days), "Monday"))
    whole = pl.concat(frames, how="diagonal")
    if whole.is_empty():
        raise _empty(fitted)
    order = pl.col("level").replace_strict({name: at for at, name in enumerate(LEVELS)})
    return whole.sort("origin_date", "horizon_days", order, "vehicle_id", maintain_order=True), fitted


def _empty(fitted: Sequence[Fitted]) -> InputError:
    """Why there is no row of any Monday."""
    refused = [each.refused for each in fitted if each.refused]
    if len(refused) < len(fitted):
        return InputError(
            "On none of these Mondays was a vehicle in the fleet: there is nothing to replay.",
            "Check listed_from and listed_to in the vehicles file, or give another --since.",
        )
    return InputError(
        f"No model could be trained for these Mondays: {' '.join(refused[-1:])}", "Bring a longer history."
    )


def _why(found: Fitted) -> str:
    return f": refused, {found.refused}" if found.refused else ""


def _too_short(
    tables: Tables, fitted: Sequence[Fitted], horizons: Sequence[int], days: Sequence[date]
) -> list[str]:
    """Which horizons were not replayed, or not from the first Monday on."""
    found = []
    for horizon in horizons:
        mine = [each for each in fitted if each.horizon_days == horizon]
        trained = next((date.fromisoformat(each.day) for each in mine if not each.refused), None)
        if trained == days[0]:
            continue
        when = f"replayed from {trained} on only" if trained else "not replayed"
        before = trained - WEEK if trained else days[-1]
        refused = [each.refused for each in mine if each.refused and each.day <= str(before)]
        why = refused[-1] if refused else limits.not_replayed(tables, horizon, before)
        found.append(f"{counted(horizon, 'day')} {by_number(horizon, 'is', 'are')} {when}: {why}")
    return found


def _write(record: pl.DataFrame, path: Path) -> None:
    with atomic_path(path) as temporary:
        record.write_csv(temporary)
