"""What is said of the first report where it cannot be made, and where to look."""

from __future__ import annotations

import logging

import pytest

from turo import first_forecast, settings
from turo.mlflow_container import first_report


def test_the_address_is_the_published_one() -> None:
    assert first_report.address(settings.load(serve_public_port=8123)) == "http://localhost:8123/"
    own = settings.load(serve_url="http://127.0.0.1:8001/")
    assert first_report.address(own) == "http://127.0.0.1:8001/"


def test_a_report_that_cannot_be_made_is_told_and_the_address_is_the_last_line(
    tmp_path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    (tmp_path / "status.json").write_text('{"routes": {}}')
    made = settings.load(data_dir="s3://bucket/datas", status_file=tmp_path / "status.json")
    first_report.make([], made)
    assert "DATA_DIR=s3://bucket/datas is a URL" in caplog.text
    assert caplog.messages[-1].endswith("\nhttp://127.0.0.1:8000/")


def test_no_report_is_there_before_the_first(tmp_path) -> None:
    assert not first_forecast.is_there(settings.load(data_dir=str(tmp_path)))
