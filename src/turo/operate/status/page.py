"""`turo status` for people: a screen of tables, without lines and colours where it is piped."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from turo.last_runs import LastRun
from turo.operate.status.ages import NOT_KNOWN, age, moment
from turo.operate.status.machine import Room
from turo.operate.status.routes import RouteState
from turo.operate.status.stack import Status
from turo.words import counted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WIDE = 160  # columns of what is piped: a sentence more seldom breaks
GIB = 1 << 30
NO_REQUEST = "none in a day"
UP, DOWN = "up", "DOWN"
STYLES = {UP: "green", DOWN: "bold red"}


def show(status: Status, console: Console) -> None:
    """Print it."""
    if console.is_terminal:
        _print(status, console)
        return
    console.width = max(console.width, WIDE)
    with console.capture() as told:
        _print(status, console)
    for line in told.get().splitlines():  # tables fill every line up with blanks
        print(line.rstrip(), file=console.file)


def _print(status: Status, console: Console) -> None:
    plain = not console.is_terminal
    for make in (_services, _routes, _facts, _schedule):
        table = make(status, plain)
        if table.row_count:
            console.print(table)
    for line in notes(status):
        console.print(line, style="yellow", markup=False, highlight=False)


def notes(status: Status) -> Iterator[str]:
    """What is to be done or known, a sentence each; what a service's own line says already is left out."""
    said = {one.said for one in status.services}
    for alert in status.alerts:
        severity, runbook = (f" ({one})" if one else "" for one in (alert.severity, alert.runbook))
        yield f"Alert {alert.name}{severity}: {alert.summary}{runbook}"
    for route in status.routes:
        yield from (
            f"{route.name}: {note}" if not note.startswith(route.name) else note
            for note in route.notes
            if note not in said
        )
    yield from dict.fromkeys(filter(None, (status.data.problem, status.forecast.problem)))
    if status.forecast.present is False:
        yield "The table was prepared anew after the forecast: run the DAG forecast_fleet (`turo forecast`)."
    for run in (status.data.last_run, status.forecast.last_run):
        if run and run.problem:
            yield f"The last {run.step} failed: {run.problem}"


def _services(status: Status, plain: bool) -> Table:
    table = _table(plain, "service", "", "")
    for one in status.services:
        _row(table, one.name, _word(one.answers), one.said)
    return table


def _routes(status: Status, plain: bool) -> Table:
    columns = "version", "trained", "data of", "last request", "last refused", "last version refused"
    table = _table(plain, "route", "", *columns)
    for route in status.routes:
        _row(
            table,
            f"/{route.name}",
            _word(route.answers),
            route.version or NOT_KNOWN,
            age(route.trained_at, status.at),
            route.snapshot or NOT_KNOWN,
            *_requests(route, status.at),
            _refusal(route, status.at),
        )
    return table


def _requests(route: RouteState, now: datetime) -> tuple[str, str]:
    """The last one, and the last one refused; none in a day is other than not known."""
    none = NO_REQUEST if route.counted else NOT_KNOWN
    asked = age(route.last_request, now) if route.last_request else none
    refused = f"{age(route.last_refused, now)} ({route.outcome})" if route.last_refused else none
    return asked, refused


def _refusal(route: RouteState, now: datetime) -> str:
    if route.refusal is None:
        return "none" if route.logged else NOT_KNOWN
    return f"{route.refusal.version}, {age(moment(route.refusal.at), now)}"


def _facts(status: Status, plain: bool) -> Table:
    table = _table(plain, "what there is", "", "")
    data, forecast, now = status.data, status.forecast, status.at
    rows = f"{data.rows:,} rows" if data.rows is not None else NOT_KNOWN
    warned = f", {counted(data.warnings, 'warning')}" if data.warnings else ""
    _row(
        table,
        "data",
        f"as of {data.snapshot[:10] or NOT_KNOWN}",
        f"{rows}{warned}; {_run(data.last_run, now, 'prepared')}",
    )
    made = age(moment(forecast.made_at), now)
    _row(
        table,
        "forecast",
        f"from {forecast.origin[:10] or NOT_KNOWN}",
        f"made {made}; {_run(forecast.last_run, now, 'last run')}",
    )
    for room in status.rooms:
        _row(table, room.name, *_room(room))
    return table


def _run(run: LastRun | None, now: datetime, word: str) -> str:
    if run is None:
        return f"{word} never"
    if not run.ended:
        return f"a run of {run.step} began {age(moment(run.began), now)} and has not told its end"
    how = "failed " if run.problem else ""
    return f"{word} {how}{age(moment(run.ended), now)}"


def _room(room: Room) -> tuple[str, str]:
    total = f"of {room.total / GIB:.1f} GiB" if room.total else ""
    if room.free is None:
        return NOT_KNOWN, f"what is left of it is not told here, {total}".rstrip(", ")
    share = f" ({room.free / room.total:.0%})" if room.total else ""
    return f"{room.free / GIB:.1f} GiB left", f"{total}{share}"


def _schedule(status: Status, plain: bool) -> Table:
    table = _table(plain, "DAG", "next run", "when")
    for dag in status.schedule:
        following = "paused" if dag.paused else age(dag.next_run, status.at)
        _row(table, dag.dag_id, following, dag.schedule or NOT_KNOWN)
    return table


def _word(answers: bool) -> str:
    return UP if answers else DOWN


def _table(plain: bool, *columns: str) -> Table:
    from rich import box
    from rich.table import Table

    return Table(*columns, box=None if plain else box.SIMPLE_HEAD, header_style="bold", pad_edge=False)


def _row(table: Table, *cells: str) -> None:
    """Add them as they are: what services say is no markup of ours."""
    from rich.text import Text

    table.add_row(*(Text(cell, STYLES.get(cell, "")) for cell in cells))
