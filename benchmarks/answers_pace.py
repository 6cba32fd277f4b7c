"""How often the pace is wrong, and how often it sees a true change, on fleets whose demand never changes.

    python benchmarks/answers_pace.py                      # a minute
    python benchmarks/answers_pace.py --seeds 901 902

Of each fleet every Monday of the last year and a half is asked as if it were the last, with what was known
then. Without a change every verdict but "usual" is wrong; at most 10 % of the weeks may be. For what it sees,
30 % of the bookings made in the last eight weeks before a Monday are taken away: then "behind" is right.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from turo.data.load import load_tables
from turo.data.synthetic.generate import END, write_sample
from turo.data.tables import Tables
from turo.features.time import instant
from turo.forecast.answers.booking_pace.lead_books import lead_books
from turo.forecast.answers.booking_pace.usual_books import MONDAYS, usual_books
from turo.forecast.answers.listed_spans import listed_spans
from turo.settings import load

SEEDS, VEHICLES, YEARS, ASKED = (901, 902, 903, 904, 905), 120, 4, 78
LEVELS = {"fleet": slice(0, 1), "classes": slice(1, None)}
CUT, CUT_WEEKS = 0.3, 8
LAST = datetime(END.year, END.month, END.day) - timedelta(days=END.weekday())


def outside(tables: Tables, asked: int) -> tuple[np.ndarray, np.ndarray]:
    """Shares (groups, leads) of Mondays ahead and behind."""
    books = lead_books(tables, listed_spans(tables, []), instant(LAST), MONDAYS + asked)
    ahead, behind = [], []
    for back in range(asked):
        until = books.until(len(books.origins) - 1 - back)
        usual = usual_books(until)
        off = until.days[:, -1] - usual.usual
        ahead.append(off > usual.high)
        behind.append(off < usual.low)
    return np.mean(ahead, axis=0), np.mean(behind, axis=0)


def thinned(tables: Tables, seed: int) -> Tables:
    """Without some of the newest bookings."""
    rows = tables.reservations
    new = pl.col("booked_at") > LAST - timedelta(weeks=CUT_WEEKS)
    lost = pl.Series(np.random.default_rng(seed).random(rows.height) < CUT)
    return replace(tables, reservations=rows.filter(~(new & lost)))


def main() -> None:
    """Print shares by level, and by lead for the fleet."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    wrong, seen = [], []
    for seed in options.parse_args().seeds:
        with tempfile.TemporaryDirectory() as place:
            write_sample(Path(place), VEHICLES, YEARS, seed, horizons=())
            tables = load_tables(load(data_dir=place))
        wrong.append(np.stack(outside(tables, ASKED)))
        seen.append(outside(thinned(tables, seed), 1)[1])
    mean = np.mean(wrong, axis=0)
    for level, groups in LEVELS.items():
        ahead, behind = mean[:, groups].mean(axis=(1, 2))
        found = np.mean([each[groups] for each in seen])
        print(
            f"{level}: wrong in {ahead + behind:.1%} of weeks (ahead {ahead:.1%}, behind {behind:.1%}); ",
            end="",
        )
        print(f"{CUT:.0%} fewer bookings for {CUT_WEEKS} weeks seen in {found:.0%} of the 13 weeks")
    leads = " ".join(f"{share:.1%}" for share in mean[:, 0].sum(axis=0))
    print(f"fleet, wrong by weeks ahead (0 to 12): {leads}")


if __name__ == "__main__":
    main()
