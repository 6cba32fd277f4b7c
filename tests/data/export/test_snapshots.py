"""Several exports of one host: merged by Reservation ID, the newest wins, older ones prove booking times."""

import stat
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from export_factory import EPOCH, Fleet, header_44, row, write

from turo.data import fleet_sketch
from turo.errors import InputError
from turo.table import names

FILES = "trip_earnings_export_*.csv"
START, END = datetime(2025, 3, 1, 10), datetime(2025, 3, 4, 9)


@pytest.fixture
def fleet():
    return Fleet(days=240)


def export(folder, fleet, day, **kwargs):
    rows = fleet.rows(datetime.combine(day, datetime.min.time()) + timedelta(hours=12))
    return write(folder, rows, f"trip_earnings_export_{day:%Y%m%d}.csv", **kwargs)


def status(tables, number):
    return tables.reservations.filter(pl.col("reservation_id") == str(20_000_000 + number))["status"].item()


def test_newest_wins_and_all_are_kept(tmp_path, load, fleet):
    export(tmp_path, fleet, datetime(2025, 6, 1))
    export(tmp_path, fleet, datetime(2025, 8, 1))
    both = load(reservations_file=FILES)
    (tmp_path / "trip_earnings_export_20250601.csv").unlink()
    newest = load(reservations_file=FILES)
    columns = ["reservation_id", "status", "trip_start", "trip_end", "total_earnings"]
    assert both.reservations.select(columns).equals(newest.reservations.select(columns))
    assert both.snapshot.date() == datetime(2025, 8, 1).date()


def test_a_row_that_left_the_newest_export_stays(tmp_path, load, fleet):
    export(tmp_path, fleet, datetime(2025, 6, 1))
    kept = [r for r in fleet.rows(datetime(2025, 8, 1, 12)) if r["Trip end"] >= "2025-04-01"]
    write(tmp_path, kept, "trip_earnings_export_20250801.csv")
    everything = len(fleet.rows(datetime(2025, 8, 1, 12)))
    assert len(load(reservations_file=FILES).reservations) == everything


def test_an_older_export_proves_bookings_that_the_bound_sees_late(tmp_path, load, fleet):
    export(tmp_path, fleet, datetime(2025, 8, 1))
    alone = load(reservations_file=FILES).reservations
    export(tmp_path, fleet, datetime(2025, 6, 10))
    both = load(reservations_file=FILES).reservations
    pairs = alone.join(both, on="reservation_id", suffix="_both")
    assert (pairs["booked_at_both"] <= pairs["booked_at"]).all()
    proven = pairs.filter(pl.col("booked_at_source_both") == "snapshot")
    assert 0 < len(proven) < len(pairs)
    assert (proven["booked_at_both"] == datetime(2025, 6, 11)).all()
    truth = {str(20_000_000 + b[0]): b[2] for b in fleet.bookings}
    late = both.with_columns(true=pl.col("reservation_id").replace_strict(truth))
    assert (late["booked_at"] >= late["true"]).all()


def test_a_cancelled_trip_keeps_the_price_an_older_export_knows(tmp_path, load):
    later = row(9, datetime(2025, 3, 2), datetime(2025, 3, 3), vehicle=1)
    write(tmp_path, [row(1, START, END, "Booked"), later], "trip_earnings_export_20250301.csv")
    write(tmp_path, [row(1, START, END, "Guest cancellation"), later], "trip_earnings_export_20250310.csv")
    kept = load(reservations_file=FILES).reservations.filter(pl.col("reservation_id") == "20000001")
    assert kept["status"].item() == "guest_cancellation"
    assert kept["trip_price"].item() == 121.5
    assert kept["discounts"].item() == -2.25


def test_a_known_distance_is_not_lost_by_a_later_blank_nor_is_a_corrected_one(tmp_path, load):
    cells = {"0301": ("", "310"), "0310": ("250", "320"), "0401": ("", "325")}
    for day, (one, other) in cells.items():
        rows = [row(1, START, END), row(2, START, END, vehicle=1)]
        rows = [each | {"Distance traveled": text} for each, text in zip(rows, (one, other), strict=True)]
        write(tmp_path, rows, f"trip_earnings_export_2025{day}.csv")
    found = load(reservations_file=FILES).reservations.sort("reservation_id")
    assert found["distance"].to_list() == [250.0, 325.0]


def test_two_downloads_of_a_day_that_differ_in_a_distance_alone_are_merged(tmp_path, load):
    for name, text in (("a", ""), ("b", "250")):
        rows = [row(1, START, END) | {"Distance traveled": text}]
        write(tmp_path, rows, f"trip_earnings_export_20250310_{name}.csv")
    assert load(reservations_file=FILES).reservations["distance"].to_list() == [250.0]


def test_two_downloads_of_a_day_with_other_distances_are_told(tmp_path, load):
    for name, text in (("a", "100"), ("b", "250")):
        rows = [row(1, START, END) | {"Distance traveled": text}]
        write(tmp_path, rows, f"trip_earnings_export_20250310_{name}.csv")
    tables = load(reservations_file=FILES)
    assert tables.reservations["distance"].to_list() == [250.0]
    told = [text for text in tables.warnings if "distance" in text]
    assert told == [
        "1 reservation has another distance in another export of the same day; the last one counts "
        "(20000001)."
    ]


def test_the_distance_so_far_of_a_running_trip_is_not_that_of_the_whole_trip(tmp_path, load):
    for day, status, text in (("0302", "In-progress", "40"), ("0401", "Completed", "")):
        rows = [row(1, START, END, status) | {"Distance traveled": text}]
        write(tmp_path, rows, f"trip_earnings_export_2025{day}.csv")
    assert load(reservations_file=FILES).reservations["distance"].to_list() == [None]


def test_changed_dates_are_reported(tmp_path, load):
    write(tmp_path, [row(1, START, END, "Booked")], "trip_earnings_export_20250220.csv")
    write(tmp_path, [row(1, START, END + timedelta(days=1))], "trip_earnings_export_20250310.csv")
    tables = load(reservations_file=FILES)
    assert tables.reservations["trip_end"].to_list() == [END + timedelta(days=1)]
    assert any("1 reservation changed its dates" in w and "20000001" in w for w in tables.warnings)


def test_changed_dates_are_kept_with_the_days_they_were_known(tmp_path, load):
    day = timedelta(days=1)
    shown = {
        "0125": (0, "Booked"),
        "0210": (0, "Booked"),
        "0303": (1, "In-progress"),
        "0401": (2, "Completed"),
    }
    for month, (longer, status) in shown.items():
        rows = [row(1, START, END + longer * day, status), row(2, START, END, status, vehicle=1)]
        write(tmp_path, rows, f"trip_earnings_export_2025{month}.csv")
    tables = load(reservations_file=FILES)
    assert tables.revisions.select("reservation_id", "trip_end", "since", "until").rows() == [
        ("20000001", END, None, datetime(2025, 3, 4)),
        # At its new end the trip is over for all to see, before the last export was taken.
        ("20000001", END + day, datetime(2025, 3, 4), END + 2 * day),
    ]
    assert tables.revisions["trip_price"].to_list() == [40.5 * 3, 40.5 * 4]
    assert tables.reservations.height == 2


@pytest.mark.parametrize(
    ("shown", "cancelled_at"),
    [
        ({"0210": "Booked", "0220": "Guest cancellation"}, datetime(2025, 2, 21)),
        ({"0210": "Booked", "0220": "Host cancellation", "0225": "Host cancellation"}, datetime(2025, 2, 21)),
        ({"0210": "Guest cancellation", "0220": "Guest cancellation"}, datetime(2025, 2, 11)),
        ({"0220": "Guest cancellation"}, datetime(2025, 2, 21)),
        # Booked once more in between: what counts is the last time it went.
        (
            {"0205": "Guest cancellation", "0210": "Booked", "0220": "Guest cancellation"},
            datetime(2025, 2, 21),
        ),
        ({"0210": "Guest cancellation", "0220": "Booked"}, None),
        # Seen only after the trip's start, by when it is known anyway.
        ({"0210": "Booked", "0310": "Guest cancellation"}, None),
        ({"0210": "Booked", "0301": "Guest cancellation"}, None),
    ],
)
def test_the_first_export_that_shows_a_cancellation_bounds_it(tmp_path, load, shown, cancelled_at):
    for month, status in shown.items():
        rows = [row(1, START, END, status), row(2, START, END, "Booked", vehicle=1)]
        write(tmp_path, rows, f"trip_earnings_export_2025{month}.csv")
    tables = load(reservations_file=FILES)
    assert tables.reservations["cancelled_at"].to_list() == [cancelled_at, None]


def test_exports_that_show_a_trip_booked_before_its_start_are_kept(tmp_path, load):
    for month, status in {
        "0210": "Booked",
        "0220": "Guest cancellation",
        "0303": "Guest cancellation",
    }.items():
        rows = [row(1, START, END, status), row(2, START, END, "Booked", vehicle=1)]
        write(tmp_path, rows, f"trip_earnings_export_2025{month}.csv")
    assert load(reservations_file=FILES).sightings.sort("reservation_id", "seen").rows() == [
        ("20000001", datetime(2025, 2, 11)),
        ("20000002", datetime(2025, 2, 11)),
        ("20000002", datetime(2025, 2, 21)),
    ]


def test_one_snapshot_says_what_it_cannot_show(tmp_path, load, fleet):
    export(tmp_path, fleet, datetime(2025, 8, 1))
    assert any(w.startswith("One snapshot cannot show dates") for w in load(reservations_file=FILES).warnings)
    export(tmp_path, fleet, datetime(2025, 7, 1))
    assert not any(w.startswith("One snapshot") for w in load(reservations_file=FILES).warnings)


@pytest.mark.parametrize("accept", [False, True])
def test_completed_that_became_booked_is_refused_unless_told(tmp_path, load, accept):
    write(tmp_path, [row(1, START, END)], "trip_earnings_export_20250320.csv")
    write(tmp_path, [row(1, START, END, "Booked")], "trip_earnings_export_20250401.csv")
    if not accept:
        with pytest.raises(
            InputError, match=r"1 completed trips became booked \(20000001\).*ACCEPT_OLDER_SNAPSHOT"
        ):
            load(reservations_file=FILES)
        return
    tables = load(reservations_file=FILES, accept_older_snapshot=True)
    assert status(tables, 1) == "booked"
    assert any("Accepted although 1 completed trips became booked" in w for w in tables.warnings)


def test_many_vanished_ids_are_refused(tmp_path, load, fleet):
    rows = fleet.rows(datetime(2025, 6, 1, 12))
    write(tmp_path, rows, "trip_earnings_export_20250601.csv")
    write(tmp_path, [r for i, r in enumerate(rows) if i % 7 != 3], "trip_earnings_export_20250602.csv")
    load(reservations_file=FILES)
    write(tmp_path, [r for i, r in enumerate(rows) if i % 4 != 3], "trip_earnings_export_20250602.csv")
    with pytest.raises(InputError, match="of the older one are missing"):
        load(reservations_file=FILES)


def test_exports_of_one_day_may_cover_different_years_but_not_differ(tmp_path, load):
    write(tmp_path, [row(1, START, END)], "trip_earnings_export_20250320.csv")
    write(
        tmp_path, [row(1, START, END), row(2, START, END, vehicle=1)], "trip_earnings_export_20250320_b.csv"
    )
    assert len(load(reservations_file=FILES).reservations) == 2
    write(tmp_path, [row(1, START, END, "Booked")], "trip_earnings_export_20250320_b.csv")
    with pytest.raises(InputError, match="differ between exports of the same day"):
        load(reservations_file=FILES)


# --- the day of a snapshot --------------------------------------------------------------------------------


def test_the_day_comes_from_the_name_else_the_setting_else_the_rows(tmp_path, load, fleet):
    rows = fleet.rows(datetime(2025, 8, 1, 12))
    write(tmp_path, rows, "reservations.csv")
    ended = [b[4] for b in fleet.bookings if b[4] <= datetime(2025, 8, 1, 12) and b[5] is None]
    begun = [b[3] for b in fleet.bookings if b[3] <= datetime(2025, 8, 1, 12) < b[4] and b[5] is None]
    assert load().snapshot == max(ended + begun)
    assert load(as_of="2025-08-02").snapshot == datetime(2025, 8, 2)
    export(tmp_path, fleet, datetime(2025, 8, 1))
    assert load(reservations_file=FILES, as_of="2025-08-05").snapshot.date() == datetime(2025, 8, 1).date()


def test_no_row_that_proves_a_day_asks_for_it(tmp_path, load):
    write(tmp_path, [row(1, START, END, "Booked")])
    with pytest.raises(InputError, match="set AS_OF"):
        load()


def test_a_name_that_the_rows_contradict_is_refused(tmp_path, load, fleet):
    write(tmp_path, fleet.rows(datetime(2025, 8, 1, 12)), "trip_earnings_export_20250201.csv")
    with pytest.raises(InputError, match="exported on 2025-02-01, but"):
        load(reservations_file=FILES)


def test_one_slip_in_a_year_does_not_move_the_snapshot(tmp_path, load, fleet):
    rows = fleet.rows(datetime(2025, 8, 1, 12))
    write(tmp_path, rows)
    before = load().snapshot
    slip = row(99_000_000, datetime(2031, 3, 1, 10), datetime(2031, 3, 4, 9))
    write(tmp_path, [*rows, slip])
    tables = load()
    assert tables.snapshot == before
    assert any("far after all others" in w for w in tables.warnings)


def test_in_a_small_file_only_what_is_still_to_come_is_a_slip(tmp_path, load):
    rows = [row(n, START + timedelta(days=7 * n), END + timedelta(days=7 * n)) for n in range(8)]
    write(tmp_path, [*rows, row(9, datetime(2099, 3, 1, 10), datetime(2099, 3, 4, 9))])
    tables = load()
    assert tables.snapshot == END + timedelta(days=49)
    assert any("1 row tells of 2099-03-04 or later, far after all others" in w for w in tables.warnings)
    write(tmp_path, [*rows, row(9, datetime(2026, 3, 1, 10), datetime(2026, 3, 4, 9))])
    assert load().snapshot == datetime(2026, 3, 4, 9)


def test_many_trips_that_end_at_one_instant_prove_it(tmp_path, load):
    write(tmp_path, [row(n, START, END, vehicle=n) for n in range(120)])
    assert load().snapshot == END


def test_a_day_that_is_still_to_come_is_refused(tmp_path, load, fleet):
    write(tmp_path, fleet.rows(datetime(2025, 8, 1, 12)))
    day = (datetime.now(UTC) + timedelta(days=2)).date()
    with pytest.raises(InputError, match=rf"by AS_OF it was exported on {day}, which is still to come"):
        load(as_of=str(day))
    write(tmp_path, fleet.rows(datetime(2025, 8, 1, 12)), f"trip_earnings_export_{day:%Y%m%d}.csv")
    with pytest.raises(InputError, match=rf"by the name of .* exported on {day}, which is still to come"):
        load(reservations_file=FILES)
    assert load(as_of=str(day - timedelta(days=3))).snapshot.date() == day - timedelta(days=3)


@pytest.mark.parametrize("as_of", ["yesterday", "2025-13-01"])
def test_an_as_of_that_is_no_date_is_named(tmp_path, load, fleet, as_of):
    write(tmp_path, fleet.rows(datetime(2025, 8, 1, 12)))
    with pytest.raises(InputError, match=f"AS_OF='{as_of}'"):
        load(as_of=as_of)


def test_a_snapshot_older_than_the_last_one_of_its_fleet_is_refused_unless_told(tmp_path, load, fleet):
    newer = export(tmp_path, fleet, datetime(2025, 8, 1))
    (tmp_path / names.FLEETS).write_bytes(fleet_sketch.text(load(reservations_file=FILES).known_fleets))
    newer.unlink()
    export(tmp_path, fleet, datetime(2025, 6, 1))
    with pytest.raises(
        InputError,
        match="snapshot of 2025-06-01, older than the last one used of this fleet, of 2025-08-01",
    ):
        load(reservations_file=FILES)
    assert (
        load(reservations_file=FILES, accept_older_snapshot=True).snapshot.date()
        == datetime(2025, 6, 1).date()
    )


# --- vehicles over several snapshots ----------------------------------------------------------------------


def test_a_newer_export_tells_the_vehicle_ids_of_older_ones_without(tmp_path, load, fleet):
    export(tmp_path, fleet, datetime(2025, 6, 1), header=header_44())
    export(tmp_path, fleet, datetime(2025, 8, 1))
    tables = load(reservations_file=FILES)
    assert tables.vehicles["vehicle_id"].to_list() == ["1000000", "1000001", "1000002", "1000003"]
    assert not (tmp_path / "vehicle_keys.csv").exists()


def replated(rows, old, new):
    return [r | {"Vehicle": r["Vehicle"].replace(old, new)} for r in rows]


def test_a_vehicle_that_was_replated_between_exports_stays_one(tmp_path, load, fleet):
    export(tmp_path, fleet, datetime(2025, 6, 1), header=header_44())
    newer = replated(fleet.rows(datetime(2025, 8, 1, 12)), "SYN0002", "SYN0777")
    write(tmp_path, newer, "trip_earnings_export_20250801.csv", header=header_44())
    tables = load(reservations_file=FILES)
    assert len(tables.vehicles) == 4
    keys = pl.read_csv(tmp_path / "vehicle_keys.csv")
    assert keys.filter(pl.col("key").is_in(["SYN0002", "SYN0777"]))["vehicle_id"].n_unique() == 1


def test_surrogate_ids_last_and_can_be_edited(tmp_path, load, fleet):
    export(tmp_path, fleet, datetime(2025, 6, 1), header=header_44())
    first = load(reservations_file=FILES)
    path = tmp_path / "vehicle_keys.csv"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (tmp_path / "trip_earnings_export_20250601.csv").unlink()
    newer = replated(fleet.rows(datetime(2025, 8, 1, 12)), "SYN0002", "SYN0777")
    write(tmp_path, newer, "trip_earnings_export_20250801.csv", header=header_44())
    old = dict(pl.read_csv(path).select("key", "vehicle_id").iter_rows())
    path.write_text(path.read_text() + f"plate,SYN0777,{old['SYN0002']}\n")
    second = load(reservations_file=FILES)
    assert second.vehicles["vehicle_id"].to_list() == first.vehicles["vehicle_id"].to_list()


def test_a_key_file_that_is_no_table_is_refused_without_its_content(tmp_path, load, fleet):
    export(tmp_path, fleet, datetime(2025, 6, 1), header=header_44())
    for content in ("SECRET1,x\n", "kind,key,vehicle_id\nplate,SECRET1\rplate,SECRET1,car-0001\n"):
        (tmp_path / "vehicle_keys.csv").write_text(content)
        with pytest.raises(InputError, match=r"vehicle_keys\.csv is not a table") as caught:
            load(reservations_file=FILES)
        assert "SECRET1" not in str(caught.value)


def test_vehicles_known_by_vin_only_get_surrogate_ids(tmp_path, load, fleet):
    rows = [r | {"Vehicle id": ""} for r in fleet.rows(EPOCH + timedelta(days=200))]
    write(tmp_path, rows)
    tables = load()
    assert tables.vehicles["vehicle_id"].to_list() == ["car-0001", "car-0002", "car-0003", "car-0004"]
