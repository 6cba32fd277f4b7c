"""From Turo's own export to the report: nobody's name or plate, and what the export cannot tell."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import export_factory
import polars as pl
import pytest
from hand_fleet import make_champion, write_table

from turo import settings as settings_module
from turo.data.load import load_tables
from turo.features.build import build
from turo.forecast.fleet_forecast import forecast_fleet
from turo.forecast.output.store import read_history

PRIVATE = re.compile(r"Guest \d|SYN\d|SYNTHETICVIN|nickname|Invented Street", re.IGNORECASE)
NOW = export_factory.EPOCH + timedelta(days=300)


@pytest.mark.parametrize("header", [export_factory.HEADER, export_factory.header_44()], ids=["47", "44"])
def test_the_outputs_name_no_person_and_the_limits_are_told(header: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "datas"
    folder.mkdir()
    export_factory.write(folder, export_factory.Fleet(days=330).rows(NOW), header=header)
    settings = settings_module.load(data_dir=str(folder), as_of=NOW.date().isoformat())
    tables = load_tables(settings)
    rows = build(tables.reservations, tables.vehicles, tables.blocks, tables.snapshot, 28)
    write_table(
        folder,
        rows.with_columns(pl.lit(28).alias("horizon_days")),
        profile=tables.profile,
        snapshot=tables.snapshot.isoformat(),
        inputs=tables.inputs,
        warnings=tables.warnings,
    )
    made = forecast_fleet(settings, [make_champion(28)], datetime(2025, 10, 28)).forecasts
    assert set(made["vehicle"]) == set(export_factory.VEHICLE_NAMES)
    assert set(made["booked_at_source"]) == {"id_bound"}

    names = (
        "forecasts.csv",
        "forecast-totals.csv",
        "report.html",
        "forecast-accuracy.csv",
        "forecast-live.csv",
    )
    written = {name: (folder / name).read_text() for name in names}
    written["history"] = read_history(folder).write_csv()
    assert len(written["history"].splitlines()) == len(made) + 1
    for name, text in written.items():
        assert not PRIVATE.search(text), name
    page = written["report.html"]
    assert "bounded by the order of the Reservation IDs" in page
    assert "dates that a guest changed after booking are not visible" in page
