"""The synthetic sample: reproducible, shaped like a fleet, its oracle an honest expectation."""

from datetime import date, datetime, timedelta

import polars as pl
import pytest
from typer.testing import CliRunner

from turo.cli import app
from turo.data.synthetic.generate import write_sample

HORIZON = 28
KEYS = ["vehicle_id", "origin_date"]
TEXT = {"vehicle_id": pl.String, "reservation_id": pl.String}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("sample")
    write_sample(path, vehicles=30, years=1.5, seed=3, horizons=(HORIZON,))
    return path


def table(folder, name):
    return pl.read_csv(folder / f"{name}.csv", try_parse_dates=True, schema_overrides=TEXT)


def labelled(folder):
    """Oracle rows whose window has passed, with what came true."""
    oracle = table(folder, "oracle").filter(pl.col("origin_date") <= date(2026, 11, 23) - timedelta(HORIZON))
    kept = table(folder, "reservations").filter(pl.col("cancelled_at").is_null())
    low = pl.col("origin_date").cast(pl.Datetime("us"))
    high = low + pl.duration(days=HORIZON)
    inside = pl.min_horizontal("trip_end", high) - pl.max_horizontal("trip_start", low)
    trips = oracle.select(KEYS).join(kept, on="vehicle_id", how="inner")
    actual = trips.group_by(KEYS).agg(
        days=(inside.dt.total_minutes() / 1440).clip(0).sum(),
        trips=((pl.col("trip_start") >= low) & (pl.col("trip_start") < high)).sum(),
    )
    return oracle.join(actual, on=KEYS, how="left").fill_null(0)


def test_same_seed_same_bytes_other_seed_other_bytes(tmp_path, folder):
    write_sample(tmp_path / "again", vehicles=30, years=1.5, seed=3, horizons=())
    write_sample(tmp_path / "other", vehicles=30, years=1.5, seed=4, horizons=())
    first = (folder / "reservations.csv").read_bytes()
    assert first == (tmp_path / "again" / "reservations.csv").read_bytes()
    assert first != (tmp_path / "other" / "reservations.csv").read_bytes()


def test_trips_of_a_vehicle_never_overlap_and_leave_three_hours(folder):
    rows = table(folder, "reservations").filter(pl.col("cancelled_at").is_null())
    gaps = rows.sort("trip_start").select(
        gap=(pl.col("trip_start") - pl.col("trip_end").shift(1)).over("vehicle_id")
    )
    assert gaps["gap"].min() >= timedelta(hours=3)


def test_rows_tell_nothing_that_came_after_the_snapshot(folder):
    rows, now = table(folder, "reservations"), datetime(2026, 11, 24)
    assert rows["booked_at"].max() <= now
    assert rows["cancelled_at"].drop_nulls().max() <= now
    assert rows.filter(pl.col("status") == "completed")["trip_end"].max() <= now
    assert rows.filter(pl.col("status") == "booked")["trip_start"].min() > now
    assert rows["trip_end"].max() > datetime(2026, 11, 23)


def test_reservation_ids_are_in_the_order_of_booking(folder):
    rows = table(folder, "reservations").sort(pl.col("reservation_id").cast(pl.Int64))
    assert rows["booked_at"].is_sorted()
    assert rows["reservation_id"].is_unique().all()


def test_cancellations_rise_with_lead(folder):
    rows = table(folder, "reservations").with_columns(
        lead=(pl.col("trip_start") - pl.col("booked_at")).dt.total_minutes() / 1440,
        gone=pl.col("status").str.ends_with("cancellation"),
    )
    near, far = (
        rows.filter(pl.col("lead") < 3)["gone"].mean(),
        rows.filter(pl.col("lead") > 50)["gone"].mean(),
    )
    assert 0.03 < near < 0.14
    assert 0.20 < far < 0.40


def test_total_earnings_add_up_and_cancelled_rows_keep_their_booked_price(folder):
    rows = table(folder, "reservations")
    kept = rows.filter(pl.col("cancelled_at").is_null())
    added = kept["trip_price"] + kept["discounts"] + kept["fees"]
    assert (added - kept["total_earnings"]).abs().max() < 0.006
    assert rows["trip_price"].min() > 0
    assert rows["discounts"].max() <= 0


def test_the_oracle_is_unbiased_and_calibrated(folder):
    rows = labelled(folder)
    for actual, expected in (("days", "y_booked_days"), ("trips", "y_reservations")):
        assert rows[expected].mean() == pytest.approx(rows[actual].mean(), rel=0.05)
    high = rows.filter(pl.col("y_booked_days") > 14)
    assert high["y_booked_days"].mean() == pytest.approx(high["days"].mean(), rel=0.08)


def test_the_oracle_beats_what_is_known_without_it(folder):
    rows = labelled(folder)
    oracle = (rows["days"] - rows["y_booked_days_median"]).abs().mean()
    mean = (rows["days"] - rows["days"].mean()).abs().mean()
    own_mean = rows.select((pl.col("days") - pl.col("days").mean().over("vehicle_id")).abs().mean()).item()
    assert oracle < 0.75 * own_mean < mean


def test_no_oracle_for_no_horizons(tmp_path):
    rows = write_sample(tmp_path, vehicles=2, years=0.5, horizons=())
    assert set(rows) == {"reservations.csv", "vehicles.csv", "blocks.csv"}
    assert not (tmp_path / "oracle.csv").exists()


def test_the_command_takes_several_horizons(tmp_path):
    wanted = ["--out", str(tmp_path), "--vehicles", "3", "--years", "1", "--horizon", "7", "--horizon", "90"]
    told = CliRunner().invoke(app, ["generate", *wanted])
    assert told.exit_code == 0, told.output
    assert set(table(tmp_path, "oracle")["horizon_days"].to_list()) == {7, 90}
