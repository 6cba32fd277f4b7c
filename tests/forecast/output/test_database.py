"""The forecasts in a real PostgreSQL: the stack's image, on a port of its own, removed afterwards."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import polars as pl
import psycopg2
import pytest
from hand_fleet import ORIGIN, make_champion, make_ranged_champion

from turo.errors import ServiceError
from turo.forecast.fleet_forecast import forecast_fleet
from turo.forecast.forecast_columns import ACCURACY, FORECASTS, KEY, LIVE, MONDAYS, TOTALS
from turo.forecast.output.database import save
from turo.settings import Settings

IMAGE = "postgres:17.12-trixie"
PATIENCE_S = 300.0  # with the engine of a busy machine, and a server that makes its files
NOW = datetime(2026, 11, 24, 6)
pytestmark = pytest.mark.timeout(3 * PATIENCE_S)
NO_TOTALS, NO_ACCURACY = pl.DataFrame(schema=TOTALS), pl.DataFrame(schema=ACCURACY)


def docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=PATIENCE_S)
    return done.stdout.strip() if done.returncode == 0 else ""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """URI of an empty server without its database name."""
    try:
        present = docker("image", "inspect", "--format", "{{.Id}}", IMAGE)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        present = ""
    if not present:
        pytest.skip(f"needs a Docker engine that has {IMAGE}")
    options = [
        "-e",
        "POSTGRES_PASSWORD=only-for-tests",
        "-p",
        "127.0.0.1::5432",
        "--tmpfs",
        "/var/lib/postgresql/data",
    ]
    container = docker("run", "-d", "--rm", *options, IMAGE)
    assert container
    try:
        port = docker("port", container, "5432/tcp").splitlines()[0].rsplit(":", 1)[1]
        uri = f"postgresql://postgres:only-for-tests@127.0.0.1:{port}"
        _wait(f"{uri}/postgres")
        yield uri
    finally:
        docker("rm", "-f", container)


def _wait(uri: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            psycopg2.connect(uri).close()
        except psycopg2.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


@pytest.fixture
def database(server: str, request: pytest.FixtureRequest) -> str:
    """A database of the test's own."""
    name = f"test_{abs(hash(request.node.name))}"
    connection = psycopg2.connect(f"{server}/postgres")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    connection.close()
    return f"{server}/{name}"


def ask(uri: str, query: str) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(uri)
    try:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchall()
    finally:
        connection.close()


def test_forecasts_arrive_with_their_types(settings: Settings, database: str) -> None:
    made = forecast_fleet(settings, [make_champion(28)], NOW).forecasts
    save(database.replace("postgresql://", "postgresql+psycopg2://"), made, NO_TOTALS, NO_ACCURACY)
    columns = ask(
        database, "SELECT column_name FROM information_schema.columns WHERE table_name = 'forecasts'"
    )
    assert {name for (name,) in columns} == set(FORECASTS)
    asked = "origin_date, mean, median, low, high, below_baseline, flag, created_at"
    row = ask(database, f"SELECT {asked} FROM forecasts WHERE vehicle_id = 'A'")
    assert row == [(ORIGIN, 10.0, 9.5, 8.5, 10.5, False, "below_plan", NOW)]
    assert ask(database, "SELECT last_year FROM forecasts WHERE vehicle_id = 'C'") == [(None,)]


def test_a_repeat_replaces_and_a_new_version_adds(settings: Settings, database: str) -> None:
    made = forecast_fleet(settings, [make_champion(28)], NOW).forecasts
    save(database, made, NO_TOTALS, NO_ACCURACY)
    save(database, made.with_columns(mean=pl.lit(1.25)), NO_TOTALS, NO_ACCURACY)
    assert ask(database, "SELECT count(*), avg(mean) FROM forecasts") == [(3, 1.25)]
    save(database, made.with_columns(version=pl.lit("4")), NO_TOTALS, NO_ACCURACY)
    assert ask(database, "SELECT version, count(*) FROM forecasts GROUP BY 1 ORDER BY 1") == [
        ("3", 3),
        ("4", 3),
    ]


def test_a_table_of_an_older_release_gains_what_was_added_since(settings: Settings, database: str) -> None:
    made = forecast_fleet(settings, [make_champion(28)], NOW).forecasts
    old = ", ".join(
        f"{name} {'text' if kind == pl.String else 'date' if kind == pl.Date else 'bigint'}"
        for name, kind in FORECASTS.items()
        if name in KEY
    )
    connection = psycopg2.connect(database)
    with connection, connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE forecasts ({old}, expected double precision, PRIMARY KEY ({', '.join(KEY)}))"
        )
        cursor.execute(
            "INSERT INTO forecasts VALUES ('A', '2026-11-16', 28, 'y_booked_days', 'XGBoost', '3', 9.25)"
        )
    connection.close()
    for _ in range(2):
        save(database, made, NO_TOTALS, NO_ACCURACY)
    assert ask(
        database, "SELECT expected, mean FROM forecasts WHERE vehicle_id = 'A' ORDER BY origin_date"
    ) == [
        (9.25, None),
        (None, 10.0),
    ]


def test_totals_are_written_beside_and_replaced(settings: Settings, database: str) -> None:
    fleet = forecast_fleet(settings, [make_ranged_champion(28)], NOW)
    for _ in range(2):
        save(database, fleet.forecasts, fleet.totals, NO_ACCURACY)
    told = ask(
        database, "SELECT level, name, vehicles, q10 < mean, mean < q90 FROM forecast_totals ORDER BY 2"
    )
    assert told == [
        ("fleet", "", 3, True, True),
        ("class", "car", 2, True, True),
        ("class", "suv", 1, True, True),
    ]
    assert ask(database, "SELECT q05, q95 FROM forecasts WHERE vehicle_id = 'A'") == [(5.5, 11.5)]
    # Made again without a class, the classes of a window still add up to its fleet.
    save(database, fleet.forecasts, fleet.totals.filter(pl.col("name") != "suv"), NO_ACCURACY)
    assert ask(database, "SELECT name FROM forecast_totals ORDER BY 1") == [("",), ("car",)]


def test_accuracy_is_written_beside(database: str) -> None:
    row = {
        "model": "XGBoost", "version": "3", "run_id": "r", "target": "y_booked_days", "horizon_days": 28,
        "origin_date": date(2026, 10, 5), "rows": 3, "mae": 1.5, "bias": -0.5, "wape": None, "coverage": 0.75,
        "on_books_mae": 2.5, "total_bias": -0.1,
    }  # fmt: skip
    save(database, pl.DataFrame(schema=FORECASTS), NO_TOTALS, pl.DataFrame([row], schema=ACCURACY))
    assert ask(database, "SELECT mae, wape, coverage FROM forecast_accuracy") == [(1.5, None, 0.75)]


def test_the_last_mondays_are_written_beside_and_replaced(database: str) -> None:
    row = {"target": "y_booked_days", "horizon_days": 28, "model": "all", "last": date(2026, 10, 26)}
    live = pl.DataFrame([row | {"first": date(2026, 8, 3), "rows": 1560, "coverage": 0.8}], schema=LIVE)
    day = {"target": "y_booked_days", "horizon_days": 28, "origin_date": date(2026, 10, 26), "volume": -3.5}
    mondays = pl.DataFrame([day], schema=MONDAYS)
    none = pl.DataFrame(schema=FORECASTS)
    for coverage in (0.7, 0.8):
        said = live.with_columns(coverage=pl.lit(coverage))
        save(database, none, NO_TOTALS, NO_ACCURACY, said, mondays)
    assert ask(database, "SELECT coverage, rows, total_coverage FROM forecast_live") == [(0.8, 1560, None)]
    assert ask(database, "SELECT volume, not_split FROM forecast_live_mondays") == [(-3.5, None)]


def test_a_failed_write_leaves_nothing_half_written(settings: Settings, database: str) -> None:
    made = forecast_fleet(settings, [make_champion(28)], NOW).forecasts
    save(database, made, NO_TOTALS, NO_ACCURACY)
    broken = pl.DataFrame([dict.fromkeys(ACCURACY)], schema=ACCURACY)  # keys may not be null
    with pytest.raises(ServiceError, match="not written"):
        save(database, made.with_columns(mean=pl.lit(99.0)), NO_TOTALS, broken)
    assert ask(database, "SELECT max(mean) FROM forecasts") == [(28.0,)]


def test_an_absent_server_is_told_without_the_password() -> None:
    empty = pl.DataFrame(schema=FORECASTS)
    with pytest.raises(ServiceError) as caught:
        save("postgresql://turo:secret-word@127.0.0.1:9/forecasts", empty, NO_TOTALS, NO_ACCURACY)
    assert "FORECASTS_URI" in str(caught.value)
    assert "secret-word" not in str(caught.value)


def test_without_a_uri_nothing_is_written_and_the_log_says_so(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    save("", pl.DataFrame(schema=FORECASTS), NO_TOTALS, NO_ACCURACY)
    assert "FORECASTS_URI is empty" in caplog.text
