"""The demo reads what a host put into its folder, and adds no sample to it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from export_factory import Fleet, header_44, write
from typer.testing import CliRunner

from turo import settings
from turo.cli import app
from turo.demo.sample import sample_unless_given


@pytest.mark.parametrize("named", ["reservations.csv", "trip_earnings_export_*.csv"])
def test_an_export_under_its_own_name_is_given_whether_the_setting_names_it_or_not(
    tmp_path: Path, named: str
) -> None:
    export = write(tmp_path, Fleet(days=60).rows(datetime(2025, 8, 1)), header=header_44())
    mine = export.rename(tmp_path / "trip_earnings_export_20250801.csv")
    assert not sample_unless_given(settings.load(data_dir=str(tmp_path), reservations_file=named))
    assert list(tmp_path.iterdir()) == [mine]


@pytest.mark.parametrize("name", ["vehicles.csv", "blocks.csv", "reservations.xlsx"])
def test_no_file_of_the_host_is_written_over(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    assert not sample_unless_given(settings.load(data_dir=str(tmp_path)))
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_the_help_says_where_own_data_belong_and_what_happens_to_taken_ports() -> None:
    said = " ".join(CliRunner().invoke(app, ["demo", "--help"]).output.replace("│", " ").split())
    assert "put your files into FOLDER/datas" in said
    assert "RESERVATIONS_FILE" in said
    assert "where one is taken, at a free one" in said
