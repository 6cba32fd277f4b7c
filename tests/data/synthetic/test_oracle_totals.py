"""True distributions: quantiles of each vehicle, and of the fleet's total, against what really happened.

Vehicles share nothing that is drawn: in the process itself and in the oracle's draws of it.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from turo.cli import app
from turo.data.synthetic import history, oracle, world
from turo.data.synthetic.generate import END, write_sample
from turo.table.names import QUANTILE_NAMES, QUANTILES

HORIZON = 7  # windows of a week do not overlap: each tests the intervals by itself
MONDAY = ["origin_date", "horizon_days"]
PARTS = [*MONDAY, "level", "name"]
LEVELS = list(zip(QUANTILE_NAMES, QUANTILES, strict=True))
ROUNDED = 0.0006  # files hold three digits


@dataclass(frozen=True)
class Fleet:
    folder: Path
    vehicles: int
    years: float
    seed: int

    def table(self, name):
        return read(self.folder, name)

    def totals(self):
        """Of the whole fleet, every Monday."""
        return self.table("oracle_totals").filter(level="fleet")

    def draws(self, mondays, seed):
        """Draws (vehicles, Mondays, draws) given this fleet's own books; 0 where a vehicle is not listed."""
        model = world.make(self.vehicles, self.years, self.seed, END)
        days = np.array([(monday - model.calendar.first).days for monday in mondays])
        found = np.zeros((self.vehicles, len(days), oracle.SIMULATIONS))
        for vehicle in range(self.vehicles):
            known = (days >= model.vehicles.listed[vehicle]) & (days <= model.vehicles.left[vehicle])
            if known.any():
                task = oracle.Task(replace(model, seed=seed), vehicle, days[known], HORIZON)
                found[vehicle, known] = oracle.simulate(task, history.bookings(model, vehicle))[:, :, 0]
        return found


def read(folder, name):
    text = {"vehicle_id": pl.String, "name": pl.String}
    return pl.read_csv(folder / f"{name}.csv", try_parse_dates=True, schema_overrides=text)


def generated(folder, vehicles, years, seed):
    write_sample(folder, vehicles=vehicles, years=years, seed=seed, horizons=(HORIZON,))
    return Fleet(folder, vehicles, years, seed)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return generated(tmp_path_factory.mktemp("small"), 15, 1, seed=4)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Large enough for a shock common to all vehicles to show beside what each meets by itself."""
    return generated(tmp_path_factory.mktemp("large"), 120, 2, seed=3)


@pytest.fixture(scope="module")
def passed(large):
    """Each Monday whose window is over: the true distribution of the total, and what came true."""
    over = pl.col("origin_date") <= date(2026, 11, 23) - timedelta(HORIZON)
    trips = large.table("reservations").filter(pl.col("cancelled_at").is_null())
    low = pl.col("origin_date").cast(pl.Datetime("us"))
    inside = pl.min_horizontal("trip_end", low + timedelta(HORIZON)) - pl.max_horizontal("trip_start", low)
    met = large.table("oracle").filter(over).join(trips, on="vehicle_id")
    actual = met.group_by("origin_date").agg(actual=(inside.dt.total_minutes() / 1440).clip(0).sum())
    return large.totals().filter(over).join(actual, on="origin_date", how="left", validate="1:1")


@pytest.fixture(scope="module")
def other(large):
    """Draws of the same process, independent of those behind the files: every fourth Monday."""
    return large.draws(large.totals()["origin_date"][::4], seed=99)


def test_quantiles_of_each_vehicle_rise_to_the_horizon_and_the_middle_one_is_the_median(large):
    rows = large.table("oracle")
    levels = rows.select(QUANTILE_NAMES).to_numpy()
    assert (np.diff(levels, axis=1) >= 0).all()
    assert (levels.min(), levels.max()) == (0, HORIZON)
    assert rows["q50"].to_list() == rows["y_booked_days_median"].to_list()


def test_totals_are_those_of_the_same_vehicles(large):
    classes = large.table("vehicles").select("vehicle_id", name="class")
    rows = large.table("oracle").join(classes, on="vehicle_id").with_columns(level=pl.lit("class"))
    fleet = rows.with_columns(level=pl.lit("fleet"), name=pl.lit(""))
    added = pl.concat([fleet, rows]).group_by(PARTS).agg(pl.len(), added=pl.col("y_booked_days").sum())
    totals = large.table("oracle_totals")
    both = totals.join(added, on=PARTS, how="full", validate="1:1")
    assert both["vehicles"].to_list() == both["len"].to_list()
    assert (both["mean"] - both["added"]).abs().max() <= 0.0005 * (large.vehicles + 1)
    assert (np.diff(totals.select(QUANTILE_NAMES).to_numpy(), axis=1) >= 0).all()
    assert totals["draws"].unique().to_list() == [oracle.SIMULATIONS]
    assert totals.equals(totals.sort(*MONDAY, pl.col("level") != "fleet", "name"))


def test_a_total_adds_up_vehicles_within_each_draw(small):
    told = small.totals()
    total = np.sort(small.draws(told["origin_date"], small.seed).sum(axis=0), axis=1)
    assert told["mean"].to_numpy() == pytest.approx(total.mean(axis=1), abs=ROUNDED)
    assert told["q50"].to_numpy() == pytest.approx((total[:, 49] + total[:, 50]) / 2, abs=ROUNDED)
    for name, level in LEVELS:
        found, place = told[name].to_numpy(), round(level * oracle.SIMULATIONS)
        assert (found >= total[:, place - 1] - ROUNDED).all()
        assert (found <= total[:, place] + ROUNDED).all()


def test_other_draws_fall_below_each_quantile_of_the_total_as_often_as_it_says(large, other):
    told = large.totals()[::4]
    for name, level in LEVELS:
        assert (other.sum(axis=0) < told[name].to_numpy()[:, None]).mean() == pytest.approx(level, abs=0.03)


def test_other_draws_fall_below_each_quantile_of_a_vehicle_as_often_as_it_says(large, other):
    """Often one value of a vehicle has a large probability, or all of it."""
    place = {monday: at for at, monday in enumerate(large.totals()["origin_date"][::4])}
    rows = large.table("oracle").filter(pl.col("origin_date").is_in(list(place)))
    ids = large.table("vehicles")["vehicle_id"].to_list()
    single = np.stack([other[ids.index(row[0]), place[row[1]]] for row in rows.iter_rows()])
    for name, level in LEVELS:
        told = rows[name].to_numpy()[:, None]
        assert (single < told - ROUNDED).mean() < level + 0.01
        assert (single <= told + ROUNDED).mean() > level - 0.01


def test_vehicles_share_no_shock_in_the_draws(other):
    alone = other.var(axis=2, ddof=1).sum(axis=0)
    together = other.sum(axis=0).var(axis=1, ddof=1)
    assert together.mean() == pytest.approx(alone.mean(), rel=0.1)


def test_totals_miss_their_means_by_no_more_than_their_range_says(passed):
    """If weeks were good or bad for all vehicles at once, they would."""
    width = (passed["q90"] - passed["q10"]) / (2 * 1.2816)  # standard deviations of a sum of many
    missed = (passed["actual"] - passed["mean"]) / width
    assert (missed**2).mean() == pytest.approx(1, abs=0.35)
    assert missed.mean() == pytest.approx(0, abs=0.25)


@pytest.mark.parametrize(
    ("low", "high", "share"), [("q05", "q95", 0.9), ("q10", "q90", 0.8), ("q25", "q75", 0.5)]
)
def test_what_happened_lies_in_an_interval_of_the_total_as_often_as_it_should(passed, low, high, share):
    assert len(passed) > 100
    held = passed["actual"].is_between(passed[low], passed[high]).mean()
    assert held == pytest.approx(share, abs=0.1)


def test_the_command_writes_totals_of_every_horizon_once(tmp_path):
    asked = [word for days in ("7", "28", "7") for word in ("--horizon", days)]
    wanted = ["generate", "--out", str(tmp_path), "--vehicles", "3", "--years", "1", *asked]
    told = CliRunner().invoke(app, wanted)
    assert told.exit_code == 0, told.output
    totals = read(tmp_path, "oracle_totals")
    assert set(totals["horizon_days"].to_list()) == {7, 28}
    assert totals.select(PARTS).is_duplicated().sum() == 0
    assert read(tmp_path, "oracle").select("vehicle_id", *MONDAY).is_duplicated().sum() == 0
