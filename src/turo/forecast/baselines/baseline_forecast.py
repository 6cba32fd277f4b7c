"""The best baseline of one's own data: the forecast until there is a model of this fleet.

Which of them is best, and what came true around what it said, is learnt from the past: every origin is
forecast from the rows whose windows were over by then.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from turo.errors import InputError
from turo.forecast.baselines.baseline_places import out_of_sample
from turo.forecast.baselines.past_baselines import at_origins
from turo.forecast.horizon_tables import HorizonTable
from turo.models.derived import Derivation
from turo.models.distribution import Distribution, design
from turo.models.encoding import Columns, Field
from turo.models.outlook import Outlook
from turo.models.spread import Spread
from turo.table.model_columns import arrays, feature_columns, numbers
from turo.table.names import LOOKS_GONE, ORIGIN, VEHICLE
from turo.table.targets import BOOKED_DAYS, bound, on_the_books
from turo.training import fit_derived
from turo.training.evaluation.baselines import Forecasts, time_baselines
from turo.training.training_rows import TrainingTable
from turo.words import by_number, counted

MIN_ROWS = 30  # forecasts of the past from which a choice, a range can be learnt
LOOK_BACK = 52  # origins that are forecast to learn from
SEED = 0
FALLBACKS = ("books_and_pickup", "on_the_books")  # in order, where the past is too short to choose


@dataclass(frozen=True)
class Baseline:
    """A baseline that answers like a forecaster: `outlook`, `spread`, `derived`.

    Attributes:
        key: which one; a key of `turo.training.evaluation.baselines.NAMES`.
        train, y: the rows whose windows are over, which its means are taken from.
        distribution: what came true around what it said; None where too little of the past is known.
        places: of the forecasts of the past, as in `turo.forecast.champions.Champion`.
        past_rows: how many forecasts of the past are known.
        weeks, weeks_needed: Mondays whose windows are over, and how many of them a range takes.
        errors: MAE on the past, by key, of all that could be judged.
    """

    key: str
    target: str
    horizon_days: int
    train: Columns
    y: np.ndarray
    distribution: Distribution | None = None
    places: pl.DataFrame | None = None
    past_rows: int = 0
    weeks: int = 0
    weeks_needed: int = 0
    derivation: Derivation | None = None
    errors: dict[str, float] = field(default_factory=dict)
    fields: tuple[Field, ...] = ()  # it asks for no feature that must be there

    @property
    def no_range(self) -> str:
        """Why it has no distribution, nor what follows from one; empty where it has one."""
        if self.distribution:
            return ""
        nothing = "range, reservations or revenue" if self.target == BOOKED_DAYS else "range"
        days, past = counted(self.horizon_days, "day"), counted(self.past_rows, "past forecast")
        return (
            f"No {nothing} for {days}: {past} {by_number(self.past_rows, 'is', 'are')} known, {MIN_ROWS} are "
            f"needed. That takes {counted(self.weeks_needed, 'week')} whose {days} "
            f"{by_number(self.horizon_days, 'is', 'are')} over; the history has {self.weeks}."
        )

    def level(self, columns: Columns) -> np.ndarray:
        """What the baseline itself says (rows,)."""
        if not len(self.y):  # nothing to take a mean from: then only the books are chosen
            return np.clip(self.books(columns), 0.0, bound(self.target, self.horizon_days))
        return time_baselines(self.target, self.horizon_days, self.train, self.y, columns)[self.key]

    def spread(self, columns: Columns) -> Spread | None:
        """All that may come true of each row; None where too little of the past is known."""
        return self.around(self.level(columns), self.books(columns))

    def outlook(self, columns: Columns) -> Outlook:
        """Median, mean and interval; without a distribution the baseline itself, and NaN for the ends."""
        level = self.level(columns)
        spread = self.around(level, self.books(columns))
        if spread is None or self.distribution is None:
            unknown = np.full(len(level), np.nan)
            return Outlook(level, level, unknown, unknown)
        return Outlook.of(spread, self.distribution.level)

    def derived(self, columns: Columns, mean: np.ndarray) -> dict[str, np.ndarray]:
        """Reservations and revenue that follow from the mean, where the past could teach them."""
        return {} if self.derivation is None else self.derivation.of(columns, mean)

    def books(self, columns: Columns) -> np.ndarray:
        """What is on the books (rows,), 0 where that is not known."""
        name = on_the_books(self.target, columns)
        known = columns[name] if name in columns else np.zeros(len(next(iter(columns.values()))))
        return np.nan_to_num(known)

    def around(self, level: np.ndarray, books: np.ndarray) -> Spread | None:
        """The distribution around what the baseline says (rows,)."""
        if self.distribution is None:
            return None
        most = bound(self.target, self.horizon_days)
        return self.distribution.spread(_design(level, books), books, 0.0, most)


def _design(level: np.ndarray, books: np.ndarray) -> np.ndarray:
    return design(np.empty((len(level), 0)), level, books)  # a baseline has no features


def best(table: HorizonTable, target: str = BOOKED_DAYS) -> Baseline:
    """The baseline with the least absolute error on the table's past.

    Where that is too short to tell: the books with what comes to them on average, which is right in sum if
    not for each vehicle; the books alone where no window is over yet.

    Raises:
        InputError: no baseline can say anything of the newest rows.
    """
    rows = table.rows()
    features = tuple(feature_columns(rows.columns))
    if target not in rows.columns:
        raise InputError(f"The table has no {target}.", "Choose another TARGET.")
    labelled = rows.filter(pl.col(target).is_not_null())
    if LOOKS_GONE in rows.columns:
        labelled = labelled.filter(pl.col(LOOKS_GONE) == 0)
    newest = arrays(rows.filter(pl.col("origin_date") == table.newest_origin()), features)
    train, y = arrays(labelled, features), numbers(labelled[target])
    usable = _usable(target, table.horizon_days, train, y, newest)
    past, forecasts = _past(labelled, target, table.horizon_days)
    actual = numbers(past[target])
    known = {key: values for key, values in forecasts.items() if np.isfinite(values).all() and key in usable}
    errors = {key: float(np.abs(values - actual).mean()) for key, values in known.items()}
    if len(past) < MIN_ROWS or not errors:
        plain = next((name for name in FALLBACKS if name in usable), None)
        if plain is None:
            raise InputError(f"No baseline can say anything of {target}.", "Choose another TARGET.")
        weeks = _weeks(labelled, len(past), table)
        return Baseline(plain, target, table.horizon_days, train, y, None, None, len(past), *weeks)
    key = min(errors, key=lambda name: errors[name])
    plain_one = Baseline(key, target, table.horizon_days, train, y, past_rows=len(past), errors=errors)
    books = plain_one.books(arrays(past, features))
    told = _design(known[key], books)
    around = Distribution.fit(told, books, actual, SEED)
    most, facts = bound(target, table.horizon_days), table.manifest
    spread = around.spread(told, books, 0.0, most)
    profile, snapshot = str(facts.get("profile", "")), str(facts.get("snapshot", ""))
    judged = TrainingTable(past, features, target, table.horizon_days, profile, snapshot, table.digest, facts)
    derivation = fit_derived.learn(judged, on_the_books(target, features), np.arange(len(past)), spread.mean)
    origins = past[ORIGIN].to_numpy().astype("datetime64[D]")
    place = out_of_sample(told, books, actual, origins, table.horizon_days, most, SEED)
    places = past.select(VEHICLE, ORIGIN).with_columns(pl.Series("place", place))
    return replace(plain_one, distribution=around, derivation=derivation, places=places)


def _weeks(labelled: pl.DataFrame, past: int, table: HorizonTable) -> tuple[int, int]:
    """Mondays whose windows are over, and how many of them MIN_ROWS past forecasts take at today's fleet."""
    weeks, vehicles = labelled[ORIGIN].n_unique(), max(1, len(table.newest()))
    first = -(-table.horizon_days // 7)  # until then no window is over that a forecast could learn from
    return weeks, max(weeks, first) + max(0, -(-(MIN_ROWS - past) // vehicles))


def _usable(target: str, horizon: int, train: Columns, y: np.ndarray, newest: Columns) -> set[str]:
    """Baselines that have a number for every row to forecast."""
    if not len(y):
        books = newest.get(on_the_books(target, newest), np.full(1, np.nan))
        return {FALLBACKS[-1]} if np.isfinite(books).all() else set()
    found = time_baselines(target, horizon, train, y, newest)
    return {key for key, values in found.items() if np.isfinite(values).all()}


def _past(labelled: pl.DataFrame, target: str, horizon: int) -> tuple[pl.DataFrame, Forecasts]:
    """The newest labelled rows, and what each baseline would have said of them at their origins."""
    newest = labelled[ORIGIN].unique().sort().tail(LOOK_BACK)
    found = list(at_origins(labelled, target, horizon, newest))
    if not found:
        return labelled.clear(), {}
    rows, parts = zip(*found, strict=True)
    return labelled[np.concatenate(rows)], {
        key: np.concatenate([part[key] for part in parts]) for key in parts[0]
    }
