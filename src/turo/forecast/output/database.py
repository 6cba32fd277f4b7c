"""The forecasts in PostgreSQL: five tables, rows under their keys, so that a repeat changes nothing."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import polars as pl

from turo.errors import ServiceError
from turo.forecast.forecast_columns import (
    ACCURACY,
    ACCURACY_KEY,
    FORECASTS,
    KEY,
    LIVE,
    LIVE_KEY,
    MONDAYS,
    MONDAYS_KEY,
    TOTALS,
    TOTALS_KEY,
    Types,
)

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 10
PAGE = 1000
SQL_TYPES = {
    "String": "text",
    "Date": "date",
    "Int64": "bigint",
    "Float64": "double precision",
    "Boolean": "boolean",
}
TIMESTAMP = "timestamp"  # polars names its instants with a unit; ours are UTC without a zone


def save(  # noqa: PLR0913, PLR0917 - the tables of one forecast
    uri: str,
    forecasts: pl.DataFrame,
    totals: pl.DataFrame,
    accuracy: pl.DataFrame,
    live: pl.DataFrame | None = None,
    mondays: pl.DataFrame | None = None,
) -> None:
    """Write all tables in one transaction; without a URI say so and do nothing.

    Args:
        live: columns of LIVE; `mondays`: of MONDAYS. None writes none.

    Raises:
        ServiceError: the database does not answer or refuses; nothing was written then.
    """
    if not uri:
        logger.info("FORECASTS_URI is empty: no database table is written")
        return
    import psycopg2

    # SQLAlchemy's way to name the driver means nothing to libpq.
    address = uri.replace("postgresql+psycopg2://", "postgresql://", 1)
    try:
        connection = psycopg2.connect(address, connect_timeout=CONNECT_TIMEOUT_S)
        try:
            with connection, connection.cursor() as cursor:
                _upsert(cursor, "forecasts", forecasts, FORECASTS, KEY)
                _upsert(cursor, "forecast_totals", totals, TOTALS, TOTALS_KEY)
                _forget_classes(cursor, totals)
                _upsert(cursor, "forecast_accuracy", accuracy, ACCURACY, ACCURACY_KEY)
                if live is not None:
                    _upsert(cursor, "forecast_live", live, LIVE, LIVE_KEY)
                if mondays is not None:
                    _upsert(cursor, "forecast_live_mondays", mondays, MONDAYS, MONDAYS_KEY)
        finally:
            connection.close()
    except psycopg2.Error as error:
        raise ServiceError(
            f"The forecasts were not written to the database of FORECASTS_URI: {str(error).strip()}",
            "Check that it answers and that its user may create tables, or leave FORECASTS_URI empty.",
        ) from error
    logger.info("Wrote %d forecasts and %d accuracy rows to PostgreSQL", len(forecasts), len(accuracy))


def _forget_classes(cursor: Any, totals: pl.DataFrame) -> None:
    """Remove what an earlier run of the same origin said of classes that are no more."""
    from psycopg2.extras import execute_values

    window = ["origin_date", "horizon_days", "target"]
    named = totals.group_by(window).agg("name").rows()
    execute_values(
        cursor,
        "DELETE FROM forecast_totals AS old "
        "USING (VALUES %s) AS new (origin_date, horizon_days, target, names) "
        "WHERE old.origin_date = new.origin_date AND old.horizon_days = new.horizon_days "
        "AND old.target = new.target AND old.name <> ALL (new.names)",
        named,
        template="(%s::date, %s::bigint, %s::text, %s::text[])",
    )


def _upsert(cursor: Any, table: str, rows: pl.DataFrame, types: Types, key: Sequence[str]) -> None:
    from psycopg2 import sql
    from psycopg2.extras import execute_values

    def names(columns: Sequence[str]) -> sql.Composed:
        return sql.SQL(", ").join(map(sql.Identifier, columns))

    definitions = [
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(SQL_TYPES.get(str(kind), TIMESTAMP)))
        for name, kind in types.items()
    ]
    cursor.execute(
        sql.SQL("CREATE TABLE IF NOT EXISTS {} ({}, PRIMARY KEY ({}))").format(
            sql.Identifier(table), sql.SQL(", ").join(definitions), names(key)
        )
    )
    # A table of an older release lacks what was added since; what it has beyond is left empty.
    columns = "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema()"
    cursor.execute(f"{columns} AND table_name = %s", (table,))
    present = {name for (name,) in cursor.fetchall()}
    for name, definition in zip(types, definitions, strict=True):
        if name not in present:
            cursor.execute(
                sql.SQL("ALTER TABLE {} ADD COLUMN IF NOT EXISTS {}").format(
                    sql.Identifier(table), definition
                )
            )
    others = [name for name in types if name not in key]
    update = sql.SQL(", ").join(sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(name)) for name in others)
    statement = sql.SQL("INSERT INTO {} ({}) VALUES %s ON CONFLICT ({}) DO UPDATE SET {}").format(
        sql.Identifier(table), names(list(types)), names(key), update
    )
    execute_values(cursor, statement, rows.select(list(types)).rows(), page_size=PAGE)
