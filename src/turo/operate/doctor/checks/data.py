"""Input files, dates and horizons, as `.env` names them; the ends of life of what is pinned."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from zoneinfo import available_timezones

from turo.operate.doctor.checks.choices import names_of
from turo.operate.doctor.facts import Facts
from turo.operate.doctor.finding import Severity, Trouble
from turo.words import counted

NOTICE = timedelta(days=60)
OLD = timedelta(days=7)
EXPORT = "trip_earnings_export_*.csv"


def input_files(facts: Facts) -> Iterator[Trouble]:
    """What RESERVATIONS_FILE and the others name lies in datas/."""
    if not facts.whole:
        return
    watched = facts.chosen("WATCH_FILES").lower() not in ("0", "false", "no", "off")
    for name in ("RESERVATIONS_FILE", "VEHICLES_FILE", "BLOCKS_FILE"):
        if name != "RESERVATIONS_FILE" and facts.chosen(name) == facts.offered.get(name):
            continue  # an export needs neither
        for pattern in names_of(facts, name):
            if _matching(facts, pattern):
                continue
            exports = _matching(facts, EXPORT)
            yield Trouble(
                f"{name}: nothing in datas/ is called {pattern}.",
                "new_files waits for it, and prepare_data is refused."
                if watched
                else "prepare_data is refused.",
                f"Set {name}={EXPORT} in .env: {exports[-1]} lies there."
                if exports and name == "RESERVATIONS_FILE"
                else f"Put the file there, or correct {name}; letters count as they are written.",
            )


def _matching(facts: Facts, pattern: str) -> list[str]:
    return sorted(name for name in facts.inputs if fnmatchcase(name, pattern.removeprefix("./")))


def as_of(facts: Facts) -> Iterator[Trouble]:
    """AS_OF is a day, not one to come, and not one long before the newest file."""
    text = facts.chosen("AS_OF")
    if not text:
        return
    try:
        day = datetime.fromisoformat(text).date()
    except ValueError:
        yield Trouble(f"AS_OF={text} is no date.", "prepare_data is refused.", "Write it as 2026-11-23.")
        return
    today = datetime.fromtimestamp(facts.now, UTC).date()
    changed = [
        when
        for pattern in names_of(facts, "RESERVATIONS_FILE")
        for name, when in facts.inputs.items()
        if fnmatchcase(name, pattern)
    ]
    if day > today + timedelta(days=1):
        yield Trouble(
            f"AS_OF={text} is in the future.",
            "Days that nobody knows yet are taken for days without a booking.",
            "Set it to the day on which the files were exported.",
        )
    elif changed and datetime.fromtimestamp(max(changed), UTC).date() - day > OLD:
        yield Trouble(
            f"AS_OF={text}, but the newest reservations came "
            f"{datetime.fromtimestamp(max(changed), UTC):%Y-%m-%d}.",
            "Each new file is still taken as of the old day: what was booked since is left out.",
            "Set it to the day of the newest export, or take it out and let the file's name tell.",
            Severity.WARNING,
        )


def timezone(facts: Facts) -> Iterator[Trouble]:
    """TIMEZONE is the name of a zone."""
    name, known = facts.chosen("TIMEZONE"), available_timezones()
    if name and known and name not in known:
        yield Trouble(
            f"TIMEZONE={name} is not the name of a time zone.",
            "prepare_data is refused.",
            "Write it as America/Los_Angeles or Europe/Berlin.",
        )


def horizons(facts: Facts) -> Iterator[Trouble]:
    """The models' own horizon is one of those that are forecast."""
    days, ahead = facts.chosen("HORIZON_DAYS"), names_of(facts, "FORECAST_HORIZONS")
    if days and ahead and days not in ahead:
        yield Trouble(
            f"HORIZON_DAYS={days} is not among FORECAST_HORIZONS={','.join(ahead)}.",
            f"Models for {counted(days, 'day')} are trained and served, and the report has no such column.",
            f"Add {days} to FORECAST_HORIZONS, or set HORIZON_DAYS to one of them.",
        )


def older_snapshot(facts: Facts) -> Iterator[Trouble]:
    """The permission to go back in time is not left on."""
    if facts.chosen("ACCEPT_OLDER_SNAPSHOT").lower() in ("1", "true", "yes", "on"):
        yield Trouble(
            "ACCEPT_OLDER_SNAPSHOT is on.",
            "An old file put into datas/ by mistake replaces the newer state without a word.",
            "Take it out once the older files are prepared.",
        )


def end_of_life(facts: Facts) -> Iterator[Trouble]:
    """What is pinned is still mended by those who make it."""
    today = datetime.fromtimestamp(facts.now, UTC).date()
    for part in facts.components:
        if part.ends is None or part.ends - today > NOTICE:
            continue
        over = part.ends < today
        yield Trouble(
            f"{part.name} {part.line} {'ended' if over else 'ends'} {part.ends} "
            f"({_until(part.ends, today)}).",
            "Holes that are found in it stay open.",
            "Upgrade to a release of this platform with a newer line, or move the pin and its "
            "entry in versions.toml.",
            Severity.ERROR if over else Severity.WARNING,
        )


def _until(ends: date, today: date) -> str:
    days = (ends - today).days
    return f"in {counted(days, 'day')}" if days >= 0 else f"{counted(-days, 'day')} ago"
