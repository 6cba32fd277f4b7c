"""A host's own bookings among Turo's: off the ID clock, unknown until they start, and no bound for others."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from export_factory import EPOCH, IDS_PER_DAY, Fleet, row, write
from hypothesis import given, settings
from hypothesis import strategies as st

from turo.data.export.booking_times import with_booking_times
from turo.data.read_context import ReadContext
from turo.features.build import build

NOW = datetime(2025, 9, 1, 12)
BASE = 50_000_000  # the first ID of the fleets here, as Turo gave them out in 2025
WEEK = timedelta(days=7)


def turo_rows(vehicles=4, days=240, seed=5):
    rows = Fleet(vehicles=vehicles, days=days, seed=seed).rows(NOW)
    return [r | {"Reservation ID": str(int(r["Reservation ID"]) - 20_000_000 + BASE)} for r in rows]


def own_numbers(kind, count, starts):
    """Numbers as hosts give them."""
    return {
        "from one": [n + 1 for n in range(count)],
        "in no order": [int(n) + 1 for n in np.random.default_rng(count).permutation(count)],
        "a book of 100": [100 + 7 * n for n in range(count)],
        "by date": [int(f"{start:%Y%m%d}") for start in starts],
        "by date and day": [int(f"{start:%Y%m%d}") * 100 + n for n, start in enumerate(starts)],
        "phone": [5_551_000_000 + 73_456_789 * n % 999_999_937 for n in range(count)],
        "a clock of its own": [1_000_000 + 17 * n for n in range(count)],
        "among Turo's": [BASE + 5_000_017 + 3 * n for n in range(count)],
        "just above Turo's": [BASE + 11_000_000 + n for n in range(count)],
    }[kind]


KINDS = (
    "from one",
    "in no order",
    "a book of 100",
    "by date",
    "by date and day",
    "phone",
    "a clock of its own",
    "among Turo's",
    "just above Turo's",
)


def own_starts(count):
    """Tuesdays to Thursdays of half a year: the trips are over before the next origin."""
    tuesday = datetime(2025, 2, 11)
    return [tuesday + (n * 5 % 26) * WEEK + timedelta(days=n // 26, hours=8) for n in range(count)]


def own_rows(kind, count):
    starts = sorted(own_starts(count))
    return [
        row(0, start, start + timedelta(hours=30), vehicle=n % 4) | {"Reservation ID": str(number)}
        for n, (number, start) in enumerate(zip(own_numbers(kind, count, starts), starts, strict=True))
    ]


def books(tables, horizon=28):
    table = build(tables.reservations, tables.vehicles, None, tables.snapshot, horizon)
    return table.select("vehicle_id", "origin_date", pl.selectors.starts_with("otb"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [8, 60])
def test_own_bookings_are_on_no_books_before_they_start_and_change_no_others(tmp_path, load, kind, count):
    clean_rows, mixed = turo_rows(), own_rows(kind, count)
    assert 0.02 < count / (count + len(clean_rows)) < 0.45
    write(tmp_path, clean_rows)
    clean = load(as_of="2025-09-01")
    write(tmp_path, [*mixed, *clean_rows])
    tables = load(as_of="2025-09-01")
    numbers = [r["Reservation ID"] for r in mixed]
    own = tables.reservations.filter(pl.col("reservation_id").is_in(numbers))
    assert own.height == count
    assert (own["booked_at"] == own["trip_start"]).all()
    assert set(own["booked_at_source"]) == {"id_bound"}
    others = tables.reservations.filter(~pl.col("reservation_id").is_in(numbers))
    assert others.sort("reservation_id").equals(clean.reservations.sort("reservation_id"))
    assert len(books(clean).columns) > 3
    assert books(tables).equals(books(clean))
    ahead = kind in ("phone", "by date and day")  # Turo will give such numbers out in years
    what = "start before their ID was given out" if ahead else "have numbers that are not on Turo's clock"
    (said,) = [w for w in tables.warnings if what in w]
    assert said.startswith(f"{count} reservations {what}")
    assert count > 20 or all(number in said for number in numbers)


def test_the_sample_of_numbers_in_the_warning_is_short(tmp_path, load):
    write(tmp_path, [*own_rows("from one", 60), *turo_rows()])
    (said,) = [w for w in load().warnings if "not on Turo's clock" in w]
    assert said.startswith("60 reservations have numbers")
    assert "and 40 more" in said


def test_an_export_that_shows_an_own_booking_proves_it(tmp_path, load):
    start = datetime(2025, 8, 12, 8)
    own = row(0, start, start + timedelta(hours=30)) | {"Reservation ID": "7"}
    for month, status in (("0801", "Booked"), ("0901", "Completed")):
        rows = Fleet(days=240).rows(datetime.strptime(f"2025{month}", "%Y%m%d") + timedelta(hours=12))
        write(tmp_path, [own | {"Trip status": status}, *rows], f"trip_earnings_export_2025{month}.csv")
    shown = load(reservations_file="trip_*.csv").reservations.filter(pl.col("reservation_id") == "7")
    assert shown["booked_at"].item() == datetime(2025, 8, 2)
    assert shown["booked_at_source"].item() == "snapshot"


# --- what the numbers tell --------------------------------------------------------------------------------


def bounded(ids, days, seen=2000):
    frame = pl.DataFrame(
        {
            "reservation_id": [str(int(i)) for i in ids],
            "trip_start": [EPOCH + timedelta(hours=round(24 * float(d))) for d in days],
            "first_seen": [EPOCH + timedelta(days=seen)] * len(ids),
        },
        schema_overrides={"trip_start": pl.Datetime("us"), "first_seen": pl.Datetime("us")},
    )
    context = ReadContext("America/Los_Angeles")
    return with_booking_times(frame, context), context.warnings


@pytest.mark.parametrize(
    ("turo", "own"),
    [
        ([BASE + IDS_PER_DAY * d for d in (5, 30, 60)], [1, 2]),
        ([BASE + IDS_PER_DAY * d for d in (5, 30, 60)], [1, 2, 3]),  # as many: Turo's have 8 digits
        ([BASE + IDS_PER_DAY * d for d in (5, 30, 60)], [5_551_234_567, 5_559_876_543, 5_550_000_001]),
        ([BASE + IDS_PER_DAY * d for d in (5, 30, 60, 90, 95)], [20_250_301, 20_250_415]),
        ([BASE + IDS_PER_DAY * d for d in range(0, 120, 14)], [3, 2, 1, 900]),
    ],
)
def test_a_few_rows_are_enough_to_tell_whose_numbers_they_are(turo, own):
    starts = [(i - BASE) / IDS_PER_DAY + 9 for i in turo]
    own_days = [20.0 + 15 * n for n in range(len(own))]
    alone, quiet = bounded(turo, starts)
    assert quiet == []
    rows, warnings = bounded([*own, *turo], [*own_days, *starts])
    assert rows["booked_at"][: len(own)].to_list() == rows["trip_start"][: len(own)].to_list()
    assert rows["booked_at"][len(own) :].equals(alone["booked_at"])
    assert len(warnings) == 1
    assert all(str(number) in warnings[0] for number in own)


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 10_000),
    st.integers(5, 150),
    st.sampled_from([90, 365, 900]),
    st.floats(0.02, 0.4),
    st.integers(1, 50),
)
def test_small_numbers_mixed_in_never_move_the_bound_of_others(seed, count, days, share, step):
    rng = np.random.default_rng(seed)
    booked = np.sort(rng.uniform(0, days, count))
    ids = np.unique((BASE + IDS_PER_DAY * booked).astype(int))
    starts = booked[: len(ids)] + np.minimum(rng.exponential(15, len(ids)), 300)
    amount = max(1, int(share / (1 - share) * len(ids)))
    alone, _ = bounded(ids, starts)
    rows, _ = bounded(
        [*(1 + step * np.arange(amount)), *ids], [*rng.uniform(days / 10, days, amount), *starts]
    )
    assert rows["booked_at"][amount:].equals(alone["booked_at"])
    assert rows["booked_at"][:amount].equals(rows["trip_start"][:amount])


@pytest.mark.parametrize("rate", [28_000, 35_000, 42_000])
@pytest.mark.parametrize("years", [1, 4])
@pytest.mark.parametrize("count", [9, 60, 1500])
def test_a_file_of_turo_s_numbers_alone_is_all_on_the_clock(rate, years, count):
    rng = np.random.default_rng(count)
    booked = np.sort(rng.uniform(0, 365 * years, count))
    season = booked + 10 * np.sin(2 * np.pi * booked / 365)
    ids = (BASE + rate * season).astype(int) + np.arange(count)
    starts = booked + np.minimum(rng.exponential(20, count), 200)
    rows, warnings = bounded(ids, starts)
    assert not any("not on Turo's clock" in w for w in warnings)
    late = (rows["booked_at"] - EPOCH).dt.total_seconds().to_numpy() / 86_400 - booked
    assert late.min() > -0.1


def test_a_guest_who_books_many_vehicles_at_once_is_on_the_clock():
    ids = [BASE + IDS_PER_DAY * d for d in range(0, 200, 2)]
    starts = [d + 20.0 for d in range(0, 200, 2)]
    crew = [BASE + IDS_PER_DAY * 61 + n for n in range(6)]
    rows, warnings = bounded([*ids, *crew], [*starts, *[150.0] * 6])
    assert warnings == []
    assert rows["booked_at"][-1] == EPOCH + timedelta(days=82)  # the start of the next trip to be booked
