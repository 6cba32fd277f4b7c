"""`turo forecast`: score the fleet at the newest origin, write files and report, look back at older ones."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from turo.data.load import load_tables
from turo.data.tables import Tables
from turo.errors import InputError
from turo.forecast import accuracy, cars, database, live, report, store
from turo.forecast.champions import Champion, champions
from turo.forecast.outlook import outlook
from turo.forecast.score import Stamp, score
from turo.forecast.tables import Table, data_folder, open_table, served_horizon
from turo.settings import Settings

logger = logging.getLogger(__name__)

ACCURACY_CSV = "forecast-accuracy.csv"
FRESH_DAYS = 13  # a newer Monday exists after 7 days; a week of grace


@dataclass(frozen=True)
class Fleet:
    """A forecast that was made and written: the table, and the errors of earlier ones."""

    forecasts: pl.DataFrame
    accuracy: pl.DataFrame


def run(settings: Settings, model: str = "", horizons: Sequence[int] = ()) -> dict[str, Any]:
    """Forecast with the champions of `model`, and tell MLflow and PostgreSQL.

    Args:
        model: a registered name; default FORECAST_MODEL, else the first of MODEL_NAMES.
        horizons: days; default FORECAST_HORIZONS.

    Returns:
        What was written: vehicles, rows, models by horizon, measured rows.

    Raises:
        InputError, RegistryError, ConfigError: tables and champions are missing or unfit; nothing is written.
        ServiceError: the database refused; the files are written by then.
    """
    asked = sorted(set(horizons or settings.forecast_horizons))
    name = model or settings.forecast_model or settings.model_names[0]
    found, left_out = champions(settings, name, asked)
    fleet = forecast_fleet(settings, found, notes=left_out)
    live.log(fleet.accuracy)
    database.save(settings.forecasts_uri, fleet.forecasts, fleet.accuracy)
    return {
        "origin": fleet.forecasts["origin_date"][0],
        "vehicles": fleet.forecasts["vehicle_id"].n_unique(),
        "rows": len(fleet.forecasts),
        "models": {champion.name: champion.version for champion in found},
        "measured": len(fleet.accuracy),
    }


def forecast_fleet(
    settings: Settings, found: Sequence[Champion], now: datetime | None = None, notes: Sequence[str] = ()
) -> Fleet:
    """Score every active car with each champion; write forecasts.csv, history, accuracy and report.

    Args:
        found: one champion a horizon.
        now: when the forecast is made, UTC without zone; default the clock.
        notes: what else the report must say.
    """
    folder = data_folder(settings)
    moment = now or datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    tables = [open_table(settings, champion.horizon_days) for champion in found]
    source = load_tables(settings)
    made = pl.concat(
        [_score(table, champion, source, moment) for table, champion in zip(tables, found, strict=True)]
    )
    _check_origins(made)
    store.write_csv(made, folder / store.CSV)
    store.remember(made, folder)
    measured = _measured(settings, tables)
    store.write_csv(measured, folder / ACCURACY_CSV)
    shown = [champion.horizon_days for champion in found]
    main = served if (served := served_horizon(settings)) in shown else min(shown)
    origin = made["origin_date"][0]
    facts = report.Facts(
        forecasts=made,
        outlook=outlook(source.reservations, made["vehicle_id"].unique().sort().to_list(), origin),
        champions=found,
        accuracy=measured,
        manifest=tables[shown.index(main)].manifest,
        main=main,
        notes=[*notes, *_notes(tables, source), *_late(origin, moment)],
    )
    report.write(facts, folder / report.FILE)
    logger.info("Forecast %d cars at %s: %s", made["vehicle_id"].n_unique(), origin, folder / report.FILE)
    return Fleet(made, measured)


def _score(table: Table, champion: Champion, source: Tables, now: datetime) -> pl.DataFrame:
    rows, origin = table.newest(), table.newest_origin()
    rows = cars.active(rows, source.vehicles, origin)
    if rows.is_empty():
        raise InputError(
            f"No car is listed on {origin}, the newest origin.",
            "Check listed_to in vehicles.csv, and the snapshot.",
        )
    described = cars.describe(
        rows["vehicle_id"].to_list(), source.vehicles, source.blocks, origin, table.horizon_days
    )
    sources = source.reservations["booked_at_source"].drop_nulls().unique().sort().to_list()
    return score(rows, champion, described, Stamp("+".join(sources), table.digest, now))


def _check_origins(made: pl.DataFrame) -> None:
    newest = dict(made.select("horizon_days", "origin_date").unique().rows())
    if len(set(newest.values())) > 1:
        told = ", ".join(f"{horizon} days: {origin}" for horizon, origin in sorted(newest.items()))
        raise InputError(
            f"The tables end at different origins ({told}).",
            "Run the DAG forecast_fleet, which prepares them anew.",
        )


def _measured(settings: Settings, tables: Sequence[Table]) -> pl.DataFrame:
    """Errors of all kept forecasts, of whatever horizon, and what was measured before."""
    folder = data_folder(settings)
    kept = store.recall(folder)
    known = {table.horizon_days: table for table in tables}
    for horizon in set(kept["horizon_days"]) - set(known):
        try:
            known[horizon] = open_table(settings, horizon)
        except InputError as error:
            logger.info("Forecasts of %d days are not measured: %s", horizon, error)
    return accuracy.merge(accuracy.measure(kept, list(known.values())), folder / ACCURACY_CSV)


def _late(origin: date, now: datetime) -> list[str]:
    days = (now.date() - origin).days
    if days <= FRESH_DAYS:
        return []
    return [
        f"The forecast begins {days} days before it was made: bring newer reservations and run prepare_data."
    ]


def _notes(tables: Sequence[Table], source: Tables) -> list[str]:
    """What is wrong between the files as they are and the tables made from them."""
    digests = {name: facts["sha256"] for name, facts in source.inputs.items()}
    for table in tables:
        prepared = {name: facts["sha256"] for name, facts in table.manifest.get("inputs", {}).items()}
        if prepared and prepared != digests:
            return ["The input files changed after the table was prepared: run prepare_data again."]
    return []
