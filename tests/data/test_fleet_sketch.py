"""Whose data is this? Told by what two folders of files have in common, whatever else changed."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from export_factory import Fleet, write

from turo.data import fleet_sketch
from turo.data.synthetic.generate import write_sample
from turo.errors import InputError
from turo.table import names

SPRING, SUMMER = datetime(2025, 6, 1, 12), datetime(2025, 8, 1, 12)


@pytest.fixture
def seen(tmp_path, load):
    """Read the folder, remember what it held as a run of prepare does, and return the tables."""

    def read(**overrides):
        tables = load(**overrides)
        (tmp_path / names.FLEETS).write_bytes(fleet_sketch.text(tables.known_fleets))
        return tables

    return read


def sample(folder, seed=3, end=SUMMER + timedelta(days=400), vehicles=6):
    for old in folder.glob("*.csv"):
        old.unlink()
    write_sample(folder, vehicles=vehicles, years=1, seed=seed, end=end, horizons=())


def export(folder, rows):
    for old in folder.glob("*.csv"):
        old.unlink()
    write(folder, rows)


def test_a_fleet_keeps_its_name_while_it_grows(tmp_path, seen):
    fleet = Fleet(days=300)
    export(tmp_path, fleet.rows(SPRING))
    first = seen(as_of="2025-06-01").fleet
    export(tmp_path, fleet.rows(SUMMER))
    second = seen(as_of="2025-08-01").fleet
    assert second.id == first.id
    assert second.reservations > first.reservations
    assert second.snapshot.startswith("2025-08-01")


def test_two_years_of_one_fleet_share_its_vehicles_only(tmp_path, seen):
    rows = Fleet(days=500).rows(datetime(2026, 6, 1))
    export(tmp_path, [row for row in rows if row["Trip end"] < "2026-01-01"])
    first = seen(as_of="2026-01-01").fleet
    export(tmp_path, [row for row in rows if row["Trip start"] >= "2026-01-02"])
    assert seen(as_of="2026-06-01").fleet.id == first.id


@pytest.mark.parametrize("other", ["another generated fleet", "an export"])
def test_another_fleet_is_told_apart_and_known_again(tmp_path, seen, other):
    sample(tmp_path)
    first = seen().fleet
    if other == "an export":
        export(tmp_path, Fleet(days=240).rows(SPRING))
    else:
        sample(tmp_path, seed=4)
    tables = seen(as_of="2025-06-01" if other == "an export" else None)
    assert tables.fleet.id != first.id
    assert [fleet.id for fleet in tables.known_fleets] == [first.id, tables.fleet.id]
    sample(tmp_path)
    assert seen().fleet == first


def test_equal_vehicle_ids_do_not_make_one_fleet(tmp_path, seen):
    """Small fleets are often numbered 1, 2, 3: their reservations tell them apart."""
    export(tmp_path, Fleet(days=240, seed=5).rows(SPRING))
    first = seen(as_of="2025-06-01")
    export(tmp_path, Fleet(days=240, seed=6).rows(SPRING))
    second = seen(as_of="2025-06-01")
    assert set(second.vehicles["vehicle_id"]) == set(first.vehicles["vehicle_id"])
    assert second.fleet.id != first.fleet.id


def test_numbers_that_hosts_gave_their_vehicles_do_not_join_two_histories(tmp_path, seen):
    """Own files number vehicles as they like: an older history with the same numbers is another fleet."""

    def put(first, day):
        rows = ["reservation_id,vehicle_id,trip_start,trip_end,status,booked_at"]
        rows += [
            f"{first + n},{1 + n % 2},2026-{month:02}-{day}T10:00,2026-{month:02}-{day + 2}T10:00,completed,"
            f"2026-{month:02}-{day - 5:02}T10:00"
            for n, month in enumerate((9, 10, 11) if first > 50 else (5, 6, 7))
        ]
        (tmp_path / "reservations.csv").write_text("\n".join([*rows, ""]))
        text = "vehicle_id,make,model,year\n1,Kia,Rio,2021\n2,Ford,Focus,2019\n"
        (tmp_path / "vehicles.csv").write_text(text)

    put(100, 12)
    newer = seen().fleet
    put(1, 10)
    older = seen().fleet
    assert older.snapshot < newer.snapshot
    assert older.id != newer.id


def test_vehicles_left_over_from_another_fleet_do_not_count(tmp_path, seen):
    sample(tmp_path)
    first = seen()
    vehicles = (tmp_path / "vehicles.csv").read_text()
    rows = ["reservation_id,vehicle_id,trip_start,trip_end,status"]
    own = first.vehicles["vehicle_id"][0]
    rows += [f"{n},77,2026-0{n}-01T10:00,2026-0{n}-04T10:00,completed" for n in range(1, 7)]
    (tmp_path / "reservations.csv").write_text("\n".join([*rows, ""]))
    (tmp_path / "vehicles.csv").write_text(vehicles + "77" + "," * vehicles.split("\n")[0].count(",") + "\n")
    assert own != "77"
    assert seen().fleet.id != first.fleet.id


def test_the_same_files_have_the_same_name_in_any_folder(tmp_path, load):
    sample(tmp_path)
    assert load().fleet == load().fleet
    assert not (tmp_path / names.FLEETS).exists()


def test_a_model_s_tag_is_enough_to_know_its_fleet(tmp_path, load):
    """Where the folder's memory is gone and the data have grown, the name differs and the content tells."""
    fleet = Fleet(days=300)
    export(tmp_path, fleet.rows(SPRING))
    tag = {fleet_sketch.TAG: fleet_sketch.as_tag(load(as_of="2025-06-01").fleet)}
    assert len(tag[fleet_sketch.TAG]) < 5000
    export(tmp_path, fleet.rows(SUMMER))
    grown = load(as_of="2025-08-01").fleet
    assert fleet_sketch.same(fleet_sketch.of_tags(tag), grown)
    sample(tmp_path)
    assert not fleet_sketch.same(fleet_sketch.of_tags(tag), load().fleet)
    assert fleet_sketch.of_tags({}) is None
    assert not fleet_sketch.same(None, grown)


def test_an_older_history_of_another_fleet_is_taken_and_said(tmp_path, seen):
    sample(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({"fleet": seen().fleet.plain()}))
    export(tmp_path, Fleet(days=240).rows(SPRING))
    tables = seen(as_of="2025-06-01")
    assert any(
        warning.startswith("Another fleet than the last run's: 4 vehicles") for warning in tables.warnings
    )


def test_the_guard_against_stepping_back_holds_within_a_fleet_whatever_came_between(tmp_path, seen):
    fleet = Fleet(days=300)
    export(tmp_path, fleet.rows(SUMMER))
    seen(as_of="2025-08-01")
    sample(tmp_path)
    seen()
    export(tmp_path, fleet.rows(SPRING))
    with pytest.raises(
        InputError, match="of 2025-06-01, older than the last one used of this fleet, of 2025-08-01"
    ):
        seen(as_of="2025-06-01")
    assert seen(as_of="2025-06-01", accept_older_snapshot=True).snapshot.date() == SPRING.date()


def test_nothing_of_a_reservation_stands_in_the_memory(tmp_path, seen):
    rows = Fleet(days=240).rows(SPRING)
    export(tmp_path, rows)
    seen(as_of="2025-06-01")
    memory = (tmp_path / names.FLEETS).read_text()
    for name in ("Reservation ID", "Vehicle id", "VIN", "Guest", "Vehicle"):
        assert not any(row[name] in memory for row in rows)
