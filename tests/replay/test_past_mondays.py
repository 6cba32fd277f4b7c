"""What exports tell of past Mondays: each read once, whatever its name, with the vehicles of all of them."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from pathlib import Path

import pytest
from export_factory import Fleet, header_44, write

from turo.data.export import one_file
from turo.data.export.vehicle_keys import FILE
from turo.data.load import load_tables
from turo.replay.past_mondays import BY_EXPORT, BY_LATER_EXPORT, PastMondays
from turo.settings import Settings, load

TAKEN = [date(2025, 9, 1), date(2025, 10, 6), date(2025, 11, 12)]
MONDAYS = [date(2025, 9, 1), date(2025, 9, 8), date(2025, 10, 6), date(2025, 9, 29), date(2025, 11, 10)]


def exports(folder: Path, name: str, headers: list[list[str] | None]) -> Settings:
    """An export of each day of TAKEN."""
    fleet = Fleet(vehicles=5, days=330)
    for day, header in zip(TAKEN, headers, strict=True):
        rows = fleet.rows(datetime(day.year, day.month, day.day, 9))
        write(folder, rows, name.format(f"{day:%Y%m%d}"), header)
    return load(data_dir=str(folder), reservations_file="trip_export_*.csv")


def test_older_exports_without_vehicle_ids_name_the_vehicles_as_all_do_and_leave_no_key_file(tmp_path):
    settings = exports(tmp_path, "trip_export_{}.csv", [header_44(), header_44(), None])
    tables = load_tables(settings)
    known = dict(tables.reservations.select("reservation_id", "vehicle_id").iter_rows())
    assert all(vehicle.isdecimal() for vehicle in known.values())
    before = {path.name for path in tmp_path.iterdir()}
    past = PastMondays(settings, tables)
    for day in MONDAYS:
        then = past.at(day).tables
        rows = dict(then.reservations.select("reservation_id", "vehicle_id").iter_rows())
        assert rows
        assert rows.items() <= known.items()
        assert set(then.vehicles["vehicle_id"]) <= set(tables.vehicles["vehicle_id"])
    assert {path.name for path in tmp_path.iterdir()} == before
    assert FILE not in before


@pytest.mark.parametrize("name", ["trip_export_{}, all.csv", "trip_export_{} [1].csv"])
def test_files_of_any_name_are_read_once_for_all_mondays(tmp_path, monkeypatch, name):
    settings = exports(tmp_path, name, [None, None, None])
    tables = load_tables(settings)
    parsed, read = Counter[str](), one_file.read

    def counted(sheet, context):
        parsed[sheet.source.name] += 1
        return read(sheet, context)

    monkeypatch.setattr(one_file, "read", counted)
    past = PastMondays(settings, tables)
    told = [past.at(day) for day in MONDAYS]
    assert [monday.known_by for monday in told] == [
        BY_EXPORT,
        BY_LATER_EXPORT,
        BY_EXPORT,
        BY_LATER_EXPORT,
        BY_LATER_EXPORT,
    ]
    assert told[0].tables.snapshot.date() == MONDAYS[0]
    assert parsed == {name.format(f"{day:%Y%m%d}"): 1 for day in TAKEN[:2]}
