"""Are the chances in the report right? Generated fleets, whose future is known, looked at week by week.

    python benchmarks/answers_calibration.py               # half a minute
    python benchmarks/answers_calibration.py --seeds 911 912
    python benchmarks/answers_calibration.py --undated     # the report sees no date of a cancellation

Each of the last 52 weeks of each fleet is told as its report would have told it, with nothing known but what
was known then: the chance that a gap is filled, that it gets any booking, the share of it that stays empty,
and the risk that a booking is cancelled. Each is ordered, cut into ten equal parts, and compared with what
came; the risk also with the true chance, by the process that generated the fleet. No part may be off by more
than 5 points. No class or threshold was chosen on fleets of these seeds.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from turo.data.load import load_tables
from turo.data.synthetic.demand import cancel_share
from turo.data.synthetic.generate import write_sample
from turo.data.tables import INSTANT, Tables
from turo.features.time import DAY
from turo.forecast.answers.gap_history.base_rates import likely, outcomes, rates
from turo.forecast.answers.gap_history.kept_bookings import waiting
from turo.forecast.answers.gap_history.open_gaps import gaps
from turo.forecast.answers.gap_history.weekly_view import WEEKS, YEAR, WeeklyView
from turo.settings import load

SEEDS = (911, 912, 913, 914, 915, 916)
VEHICLES, YEARS = 120, 3
BINS, LIMIT = 10, 0.05


def fleet(seed: int, folder: Path) -> Tables:
    """A generated fleet, read as a user's would be."""
    write_sample(folder, VEHICLES, YEARS, seed, horizons=())
    return load_tables(load(data_dir=str(folder)))


def without_dates(tables: Tables) -> Tables:
    """The same, of a host whose file does not say when trips were cancelled."""
    return replace(tables, reservations=tables.reservations.with_columns(cancelled_at=pl.lit(None, INSTANT)))


def told_gaps(tables: Tables, seen: Tables) -> pl.DataFrame:
    """Gaps of the last year that were really open, with what `seen` told of them then and what came."""
    past, real = (_outcomes(each) for each in (seen, tables))
    weeks = real.select("look", "at").unique().sort("look").tail(YEAR).rows()
    return pl.concat([likely(real.filter(look=look), rates(past, at)) for look, at in weeks])


def _outcomes(tables: Tables) -> pl.DataFrame:
    view = WeeklyView.of(tables, WEEKS + YEAR)
    return outcomes(gaps(view, tables.blocks), view, tables.blocks)


def told_risks(view: WeeklyView) -> pl.DataFrame:
    """Bookings of the last year with the risk told then, what came, and the true risk."""
    row, look = view.on_books()
    some = view.trips.start[row] > view.looks[look]
    trips, at = view.trips.take(row[some]), view.looks[look[some]]
    lead = (trips.start - trips.known) / DAY
    passed = (at - trips.known) / DAY / lead
    share = cancel_share(lead)
    truth = share * (1 - passed) / (1 - share * passed)
    table = waiting(view).with_columns(pl.Series("truth", truth), risk=1 - pl.col("kept"))
    judged = table.filter(pl.col("came").is_not_null(), pl.col("look") >= len(view.looks) - YEAR)
    return judged.with_columns(lost=~pl.col("came"))


def tenths(table: pl.DataFrame, said: str, came: str) -> pl.DataFrame:
    """tenth, rows, said, came."""
    known = table.filter(pl.col(said).is_not_null()).sort(said, maintain_order=True)
    place = pl.int_range(pl.len()) * BINS // pl.len() + 1
    parts = known.with_columns(tenth=place).group_by("tenth")
    return parts.agg(rows=pl.len(), said=pl.col(said).mean(), came=pl.col(came).mean()).sort("tenth")


def show(title: str, table: pl.DataFrame) -> float:
    """Print the ten parts; returns by how much the worst is off."""
    off = float(np.abs(table["said"].to_numpy() - table["came"].to_numpy()).max())
    print(f"\n{title}: {'within' if off <= LIMIT else 'NOT within'} 5 points, at most {100 * off:.1f} off")
    print("tenth   rows   said   came")
    for tenth, rows, said, came in table.iter_rows():
        print(f"{tenth:5} {rows:6} {100 * said:5.1f}% {100 * came:5.1f}%")
    return off


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--undated", action="store_true")
    asked = parser.parse_args()
    seeds = asked.seeds
    found_gaps, found_risks = [], []
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            tables = fleet(seed, Path(folder))
        seen = without_dates(tables) if asked.undated else tables
        found_gaps.append(told_gaps(tables, seen))
        found_risks.append(told_risks(WeeklyView.of(seen, WEEKS + YEAR)))
    every_gap, every_risk = pl.concat(found_gaps), pl.concat(found_risks)
    hidden = every_gap["chance"].null_count() / len(every_gap)
    print(f"{len(seeds)} fleets of {VEHICLES} vehicles, {YEAR} weeks each")
    print(f"{100 * hidden:.1f} % of the gaps have too few cases")
    worst = [
        show("Gap is filled", tenths(every_gap, "chance", "filled")),
        show("Gap gets any booking", tenths(every_gap, "any_booking", "touched")),
        show("Share of the gap that stays empty", tenths(every_gap, "empty_share", "empty")),
        show("Booking is cancelled", tenths(every_risk, "risk", "lost")),
    ]
    if not asked.undated:  # else the books hold cancelled trips, and the process knows them
        worst.append(show("Booking is cancelled, true chance", tenths(every_risk, "risk", "truth")))
    if max(worst) > LIMIT:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
