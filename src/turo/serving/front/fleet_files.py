"""The files that the forecast wrote, held in memory as one set that belongs together."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from turo.files import sha256
from turo.forecast.flags import LOOKS_GONE
from turo.forecast.forecast_columns import FORECASTS, TOTALS, with_columns
from turo.forecast.output.report_files import FORM, MADE
from turo.forecast.output.store import CSV, TOTALS_CSV
from turo.serving.front.csv_table import read_table
from turo.serving.front.made_file import MixedError, made_of
from turo.table.names import REPORT

ADDRESS = (
    "The front door shows forecasts from a folder, and DATA_DIR={} is a URL: mount the store and set "
    "DATA_DIR to where it is mounted. The models' routes answer all the same."
)
BEING_WRITTEN = (
    "The newest forecast is being written, or {} was changed by hand: what is shown is the one before. "
    "If this stays, run the DAG forecast_fleet (`turo forecast`) again."
)
NOT_WHOLE = (
    "The forecast in the data folder is not whole ({}): it may be being written just now. If this stays, "
    "run the DAG forecast_fleet (`turo forecast`) again."
)
OLDER = (
    "The report was made by an older version: pages may lack what that one did not write. Run the DAG "
    "forecast_fleet (`turo forecast`) to make it anew."
)
NEEDED = ("vehicle_id", "origin_date", "horizon_days", "target")  # what every row of the forecast has
UNREADABLE = (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError)

State = tuple[tuple[str, int, int] | None, ...]
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FleetFiles:
    """One set.

    Attributes:
        forecasts, totals: columns of FORECASTS and TOTALS.
        reports: the rows behind the answers, by the files' names without their ending.
        made: what `report/made.json` says; empty where a release before it made the forecast.
    """

    forecasts: pl.DataFrame
    totals: pl.DataFrame
    reports: dict[str, pl.DataFrame] = field(default_factory=dict)
    made: dict[str, Any] = field(default_factory=dict)

    @property
    def origin(self) -> date:
        """The Monday that the forecast begins with."""
        found: date = self.forecasts["origin_date"][0]
        return found

    @cached_property
    def ids(self) -> frozenset[str]:
        """Every vehicle of the forecast."""
        return frozenset(self.forecasts["vehicle_id"])

    @cached_property
    def active(self) -> int:
        """How many of them do not look gone: those that totals and report are about."""
        return self.forecasts.filter(pl.col("flag").ne_missing(LOOKS_GONE))["vehicle_id"].n_unique()

    @property
    def made_at(self) -> datetime | None:
        """UTC without zone; None where the file does not tell."""
        found: datetime | None = self.forecasts["created_at"].max()  # type: ignore[assignment]
        return found

    @property
    def main(self) -> int:
        """Days of the horizon that lists are sorted by."""
        horizons = self.forecasts["horizon_days"].unique().sort().to_list()
        told = self.made.get("main")
        return told if isinstance(told, int) and told in horizons else int(horizons[len(horizons) // 2])

    def rows(self, name: str, **where: Any) -> list[dict[str, Any]]:
        """Rows of a report file, none where it is not there or lacks a column."""
        table = self.reports.get(name)
        if table is None or not set(where) <= set(table.columns):
            return []
        return table.filter(**where).to_dicts()


class FleetFolder:
    """Looks for a newer set whenever it is asked; one that is not whole yet does not replace the one held.

    Args:
        data_dir: the data folder.
        code_version: of this process, to tell a report of another one.
    """

    def __init__(self, data_dir: str, code_version: str = "") -> None:
        self.folder = Path(data_dir)
        self.is_address = "://" in data_dir
        self.code_version = code_version
        self.held: FleetFiles | None = None
        self.problems = [ADDRESS.format(data_dir)] if self.is_address else []
        self._seen: State | None = None
        self._loading = threading.Lock()

    def now(self) -> FleetFiles | None:
        """The newest whole set, None before the first; `problems` says what is wrong with a newer one."""
        if self.is_address:
            return None
        # While one request reads a newer set, the others go on with the one held.
        if self._loading.acquire(blocking=self.held is None):
            try:
                seen = self._state()
                if seen != self._seen:
                    self._load()
                    self._seen = seen
            finally:
                self._loading.release()
        return self.held

    def report(self) -> bytes | None:
        """The report's page, None before the first."""
        return self.content("report.html")

    def content(self, name: str) -> bytes | None:
        """A file of the data folder as it is now, None where there is none. `name`: no caller's word."""
        try:
            return None if self.is_address else (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        return not self.is_address and (self.folder / name).is_file()

    def _state(self) -> State:
        rows = sorted((self.folder / REPORT).glob("*.csv"))
        named = (self.folder / name for name in (f"{REPORT}/{MADE}", CSV, TOTALS_CSV))
        return tuple(map(_state, (*named, *rows)))

    def _load(self) -> None:
        try:
            self.held = self._read() if (self.folder / CSV).is_file() else None
            self.problems = [OLDER] if self.held and self._is_older(self.held.made) else []
        except MixedError as error:
            self.problems = [(BEING_WRITTEN if self.held else NOT_WHOLE).format(error)]
        except UNREADABLE as error:
            logger.warning("the forecast in %s cannot be read", self.folder, exc_info=True)
            self.problems = [(BEING_WRITTEN if self.held else NOT_WHOLE).format(type(error).__name__)]

    def _is_older(self, made: dict[str, Any]) -> bool:
        return made.get("form") != FORM or (
            bool(self.code_version) and made.get("code_version") != self.code_version
        )

    def _read(self) -> FleetFiles:
        """The whole set.

        Raises:
            MixedError: files of two sets.
        """
        about = self.content(f"{REPORT}/{MADE}")
        made = made_of(about) if about else {}
        for name, digest in made.get("beside", {}).items():
            _check(self.folder / name, digest)
        reports = {}
        for name, digest in made.get("files", {}).items():
            path = self.folder / REPORT / Path(name).name
            _check(path, digest)
            reports[path.stem] = read_table(path)
        forecasts = with_columns(read_table(self.folder / CSV, FORECASTS), FORECASTS)
        if forecasts.is_empty() or forecasts.select(NEEDED).null_count().sum_horizontal().item():
            raise MixedError(CSV)
        totals = self.folder / TOTALS_CSV
        summed = read_table(totals, TOTALS) if totals.is_file() else pl.DataFrame(schema=TOTALS)
        return FleetFiles(forecasts, with_columns(summed, TOTALS), reports, made)


def _check(path: Path, digest: str) -> None:
    if not path.is_file() or sha256(path) != digest:
        raise MixedError(path.name)


def _state(path: Path) -> tuple[str, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return path.name, found.st_mtime_ns, found.st_size
