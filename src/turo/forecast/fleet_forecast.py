"""`turo forecast`: score the fleet at the newest origin, write files and report, look back at older ones."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl

from turo.data.load import load_tables
from turo.data.tables import Tables
from turo.errors import InputError
from turo.forecast import listed_vehicles, monday_report, unknown_vehicles
from turo.forecast.advising import week_list
from turo.forecast.answers import past_year
from turo.forecast.answers.answer import Facts
from turo.forecast.answers.gap_history.gaps_now import GapsNow
from turo.forecast.champions import Champion, check_features
from turo.forecast.draws import fleet_draws, totals
from turo.forecast.draws.window import Window
from turo.forecast.forecast_columns import BASELINE, MODEL
from turo.forecast.forecaster_choice import choose
from turo.forecast.freshness import changed_inputs
from turo.forecast.further_horizons import open_further
from turo.forecast.horizon_tables import HorizonTable, data_folder, open_table, served_horizon
from turo.forecast.live import accuracy, track
from turo.forecast.occupied_days import trips
from turo.forecast.output import database, draws_file, inputs_file, live_errors, store
from turo.forecast.report.reasons import compared_with
from turo.forecast.score import Stamp, score
from turo.prepare import other_fleets
from turo.settings import Settings
from turo.table.lock import A_FORECAST, FORECAST, exclusive
from turo.words import counted

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fleet:
    """A forecast that was made and written: tables, errors of earlier ones, and what must be said of it."""

    forecasts: pl.DataFrame
    totals: pl.DataFrame
    accuracy: pl.DataFrame
    notices: list[str]
    live: track.Live


def run(settings: Settings, model: str = "", horizons: Sequence[int] = ()) -> dict[str, Any]:
    """Forecast with the champions of `model`, or what `choose` takes instead; tell MLflow and PostgreSQL.

    Args:
        model: one of MODEL_NAMES, or `auto` for the best of each horizon; default FORECAST_MODEL.
        horizons: days; default FORECAST_HORIZONS.

    Returns:
        What was written: vehicles, rows, models and baselines by name and horizon, why they were chosen,
        measured rows, notices.

    Raises:
        ConfigError: no such model.
        InputError: see `choose`; a forecast of other data than the table's does not stay in its place then.
        ServiceError: another forecast wrote there for too long; or, the files written, the database refused.
    """
    asked = sorted(set(horizons or settings.forecast_horizons))
    name = settings.asked_model(model)
    with exclusive(data_folder(settings), FORECAST, A_FORECAST):  # first start, a DAG, a person
        other_fleets.take_back(data_folder(settings))
        try:
            source = load_tables(settings)
            choice = choose(settings, name, asked, source)
            fleet = forecast_fleet(settings, choice.found, notes=choice.notices, source=source)
        except InputError:
            other_fleets.withdraw(data_folder(settings))
            raise
        live_errors.log(fleet.accuracy.filter(pl.col("run_id") != ""))  # baselines have no run
        live, tables = fleet.live, (fleet.forecasts, fleet.totals, fleet.accuracy)
        database.save(settings.forecasts_uri, *tables, live.summary, live.mondays)
        columns = ("model", "version", "horizon_days", "method", "chosen_because")
        used = fleet.forecasts.select(columns).unique(maintain_order=True)
        return {
            "origin": fleet.forecasts["origin_date"][0],
            "vehicles": fleet.forecasts["vehicle_id"].n_unique(),
            "rows": len(fleet.forecasts),
            "models": {name: version for name, version, _, method, _ in used.rows() if method == MODEL},
            "baselines": {days: version for _, version, days, method, _ in used.rows() if method == BASELINE},
            "chosen": dict(used.select("horizon_days", "chosen_because").rows()),
            "measured": len(fleet.accuracy),
            "notices": fleet.notices,
        }


def forecast_fleet(
    settings: Settings,
    found: Sequence[Champion],
    now: datetime | None = None,
    notes: Sequence[str] = (),
    source: Tables | None = None,
) -> Fleet:
    """Score every active vehicle with each champion; write tables, draws, history, accuracy and report.

    A horizon that has no table of these data is left out.

    Args:
        found: one champion a horizon.
        now: when the forecast is made, UTC without zone; default the clock.
        notes: what else the report must say.
        source: the input as it is now; default: it is read.

    Raises:
        InputError: no horizon can be forecast, or no vehicle is listed; nothing is written then.
    """
    folder = data_folder(settings)
    moment = now or datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    source = source or load_tables(settings)
    ready, left_out = _ready(settings, found)
    tables, found = [table for table, _ in ready], [champion for _, champion in ready]
    shown = [champion.horizon_days for champion in found]
    main = served if (served := served_horizon(settings)) in shown else min(shown)
    windows = [_window(table, champion, source) for table, champion in ready]
    draws = fleet_draws.draw(windows, main)
    sources = "+".join(source.reservations["booked_at_source"].drop_nulls().unique().sort())
    made = pl.concat(
        [
            score(window, Stamp(sources, table.digest, moment), draws.by_horizon.get(window.horizon_days))
            for table, window in zip(tables, windows, strict=True)
        ]
    )
    past = past_year.of_forecast(source, made, main)
    gaps = GapsNow.of(source, made)
    named = week_list.to_act_on(made, source, windows[shown.index(main)], past, gaps.rows)
    made = week_list.with_advice(made, named, main)
    summed = totals.totals(windows, made, draws)
    store.write_csv(made, folder / store.CSV)
    store.write_csv(summed, folder / store.TOTALS_CSV)
    draws_file.write(windows, draws, folder / draws_file.FILE)
    inputs_file.write(windows, folder / inputs_file.FILE)
    store.append_history(made, folder)
    measured = accuracy.of_history(settings, tables)
    store.write_csv(measured, folder / store.ACCURACY_CSV)
    live = track.record(settings, tables, source, summed)
    origin = made["origin_date"][0]
    unknown = unknown_vehicles.notices(source, made["vehicle_id"].unique().to_list(), origin)
    notices = [*notes, *left_out, *draws.notices, *live.problems, *unknown]
    kept = store.read_kept(folder)
    known = Facts(
        tables=source,
        origin=origin,
        main=main,
        forecasts=made,
        totals=summed,
        history=kept.forecasts,
        history_totals=kept.totals,
        live=live,
        horizon_tables=tables,
        windows=windows,
        past=past,
        gaps=gaps,
        named=named,
        folder=folder,
    )
    monday_report.write(settings, known, found, measured, [*notices, *changed_inputs(tables, source)])
    logger.info("Forecast %s at %s", counted(made["vehicle_id"].n_unique(), "vehicle"), origin)
    return Fleet(made, summed, measured, notices, live)


def _ready(
    settings: Settings, found: Sequence[Champion]
) -> tuple[list[tuple[HorizonTable, Champion]], list[str]]:
    """The horizons that have a table of the main one's data and all features, and why others have not."""
    main = open_table(settings, served_horizon(settings))
    ready, problems = [], list[InputError]()
    for champion in found:
        horizon = champion.horizon_days
        try:
            table = main if horizon == main.horizon_days else open_further(settings, horizon, main)
            check_features(champion.forecaster, table, f"{champion.name} version {champion.version}")
            ready.append((table, champion))
        except InputError as error:
            problems.append(error)
    if not ready:
        raise problems[0]
    return ready, [f"Left out: {error}" for error in problems]


def _window(table: HorizonTable, champion: Champion, source: Tables) -> Window:
    rows, origin = table.newest(), table.newest_origin()
    rows = listed_vehicles.active(rows, source.vehicles, origin)
    if rows.is_empty():
        raise InputError(
            f"No vehicle is listed on {origin}, the newest Monday.",
            "Check listed_to in vehicles.csv, and the snapshot.",
        )
    taken = trips(source.reservations)
    described = listed_vehicles.describe(rows, source.vehicles, source.blocks, taken, table.horizon_days)
    return Window(rows, champion, described, *compared_with(table, champion.forecaster))
