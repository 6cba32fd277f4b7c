"""The fast code agrees with plain loops over rows, for any timing of bookings, cancellations and trips."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest
from feature_reference import DAY, Reference, newest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_fleet import build, trip

SNAPSHOT = datetime(2026, 3, 1)
STATUSES = ("completed", "booked", "in_progress", "guest_cancellation", "host_cancellation")
HOURS = 24 * 400


@st.composite
def rows(draw):
    start = datetime(2025, 1, 20) + timedelta(hours=draw(st.integers(0, HOURS)))
    length = timedelta(minutes=30 * draw(st.integers(1, 48 * 40)))
    lead = timedelta(hours=draw(st.one_of(st.integers(-200, 2_000), st.just(0))))
    status = draw(st.sampled_from(STATUSES))
    known = draw(st.booleans())
    row = trip("abc"[draw(st.integers(0, 2))], start.isoformat(), (start + length).isoformat(), None, status)
    if known:
        row |= {"booked_at": start - lead, "booked_at_source": "exact"}
    if "cancellation" in status and draw(st.booleans()):
        row["cancelled_at"] = start + timedelta(hours=draw(st.integers(-400, 400)))
    return row | {
        "trip_price": float(draw(st.integers(1, 900))),
        "discounts": -float(draw(st.integers(0, 1))),
    }


@pytest.mark.parametrize("horizon", [7, 28, 90])
@given(fleet=st.lists(rows(), min_size=1, max_size=14))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_sum_is_what_the_definition_says(fleet, horizon):
    early = trip("a", "2025-01-01T00:00", "2025-01-02T00:00", "2025-01-01T00:00")
    table = build([early, *fleet], SNAPSHOT.isoformat(), horizon)
    whole = Reference([early, *fleet])
    length = horizon * DAY
    last = table.filter(pl.col("origin_date") == table["origin_date"].max())
    for row in pl.concat([table.sample(min(30, len(table)), seed=1), last]).iter_rows(named=True):
        at = datetime.combine(row["origin_date"], datetime.min.time())
        known = whole.of(row["vehicle_id"]).known(at)
        books = whole.of(row["vehicle_id"]).shown(at, at, SNAPSHOT, length)
        final = whole.of(row["vehicle_id"]).counted()
        expected = {
            "otb_days": books.days(at, at + length),
            "otb_trips": books.started(at, at + length),
            "otb_revenue": books.revenue(at, at + length),
            "pickup_7": books.days(at, at + length) - _then(whole, row, 7, at, length),
            "pickup_14": books.days(at, at + length) - _then(whole, row, 14, at, length),
            "lag_1": known.days(at - length, at),
            "lag_3": known.days(at - 3 * length, at - 2 * length),
            "lag_52w": known.days(at - 364 * DAY, at - 364 * DAY + length),
            "lag_52w_revenue": known.revenue(at - 364 * DAY, at - 364 * DAY + length),
            "hist_trips_91": known.started(at - 91 * DAY, at),
            "hist_revenue_28": known.revenue(at - 28 * DAY, at),
            **{f"hist_days_{days}": known.days(at - days * DAY, at) for days in (7, 28, 91)},
        }
        if "otb_days_alive" in table.columns:
            expected |= _alive(whole, books, at, length)
        if "otb_days_kept" in table.columns:
            expected |= _kept(whole, books, at, length)
        if at + length <= SNAPSHOT:
            expected["y_booked_days"] = final.days(at, at + length)
            expected["y_reservations"] = final.started(at, at + length)
        if at + length <= SNAPSHOT - DAY:
            expected["y_revenue"] = final.revenue(at, at + length)
        for name, value in expected.items():
            if row[name] is None:
                assert name.startswith("lag_"), name
            else:
                assert row[name] == pytest.approx(value, abs=1e-6), (name, row["vehicle_id"], at)


def _then(whole, row, back, at, length):
    then = whole.of(row["vehicle_id"]).shown(at - back * DAY, at, SNAPSHOT, length)
    return then.days(at, at + length)


def _alive(whole, books, at, length):
    """Each trip by the chance that it is still booked."""

    def chance(row):
        return 1.0 if newest(at, SNAPSHOT, length) or not _open(whole) else whole.chance(row, at)

    return _by_chance(books, at, length, chance, "alive")


def _kept(whole, books, at, length):
    """Each trip by the chance that it is still booked and will be kept."""

    def chance(row):
        booked = 1.0 if newest(at, SNAPSHOT, length) or not _open(whole) else whole.chance(row, at)
        return booked * whole.kept(row, at)

    return _by_chance(books, at, length, chance, "kept")


def _open(whole):
    return any("cancellation" in row["status"] and not row["cancelled_at"] for row in whole.rows)


def _by_chance(books, at, length, chance_of, suffix):
    """The days no more than all that is on the books."""
    days = trips = revenue = 0.0
    for row in books.rows:
        one = Reference([row])
        chance = chance_of(row)
        days += chance * one.days(at, at + length)
        trips += chance * one.started(at, at + length)
        revenue += chance * one.revenue(at, at + length)
    on_the_books = books.days(at, at + length)
    return {
        f"otb_days_{suffix}": min(days, on_the_books),
        f"otb_trips_{suffix}": trips,
        f"otb_revenue_{suffix}": revenue,
    }
