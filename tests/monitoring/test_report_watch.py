"""Whether this week's report is there, as the exporter hears of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turo.forecast.output.report_due import CRON, DUE, wanted_since
from turo.monitoring.report_watch import ReportWatch
from turo.monitoring.route_gauges import report_of
from turo.monitoring.statsd import lines
from turo.settings import load

ANGELES, BERLIN = ZoneInfo("America/Los_Angeles"), ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 11, 23, 7, tzinfo=BERLIN)  # 06:00 UTC


def told(folder: Path, now: datetime = MONDAY) -> list[str]:
    return lines(ReportWatch(str(folder), BERLIN, now.timestamp).samples())


def write_made(folder: Path, content: str) -> None:
    (folder / "report").mkdir(exist_ok=True)
    (folder / "report" / "made.json").write_text(content)


@pytest.mark.parametrize(
    ("now", "zone", "wanted"),
    [
        (datetime(2026, 11, 23, 6, 59, 59, tzinfo=BERLIN), BERLIN, datetime(2026, 11, 16, tzinfo=BERLIN)),
        (MONDAY, BERLIN, datetime(2026, 11, 23, tzinfo=BERLIN)),
        (datetime(2026, 11, 29, 23, 59, tzinfo=BERLIN), BERLIN, datetime(2026, 11, 23, tzinfo=BERLIN)),
        # Seven in Berlin is Sunday evening in Los Angeles.
        (MONDAY, ANGELES, datetime(2026, 11, 16, tzinfo=ANGELES)),
        # The night before, clocks went back: midnight is at 22:00 UTC before it and at 23:00 after.
        (datetime(2026, 10, 26, 6, tzinfo=UTC), BERLIN, datetime(2026, 10, 25, 23, tzinfo=UTC)),
        (datetime(2026, 10, 26, 5, 59, tzinfo=UTC), BERLIN, datetime(2026, 10, 18, 22, tzinfo=UTC)),
    ],
)
def test_a_monday_counts_from_seven_on_by_the_local_clock(
    now: datetime, zone: ZoneInfo, wanted: datetime
) -> None:
    assert wanted_since(now, zone).timestamp() == wanted.timestamp()


@settings(deadline=None)
@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(["America/Los_Angeles", "Europe/Berlin", "Pacific/Auckland", "Asia/Beirut", "UTC"]),
)
def test_it_is_always_a_monday_whose_seventh_hour_has_passed_and_no_newer_one(
    now: datetime, name: str
) -> None:
    wanted = wanted_since(now, ZoneInfo(name))
    assert (wanted.weekday(), wanted.hour) == (0, 0)
    hours = (now - wanted.astimezone(UTC)).total_seconds() / 3600
    assert 6 <= hours < 7 * 24 + 8  # an hour of summer time beside


def test_the_weekly_forecast_is_made_on_monday_before_it_is_due() -> None:
    minute, hour, day, month, weekday = CRON.split()
    assert (day, month, weekday) == ("*", "*", "MON")
    assert int(hour) * 60 + int(minute) <= (DUE.hour - 2) * 60


def test_the_report_is_told_with_what_is_wanted(tmp_path: Path) -> None:
    write_made(tmp_path, json.dumps({"made": "2026-11-23 04:00:10", "origin": "2026-11-23"}))
    assert told(tmp_path) == [
        "turo.report_wanted_since_timestamp_seconds:1795388400|g",
        "turo.report_made_timestamp_seconds:1795406410|g",
        "turo.report_origin_timestamp_seconds:1795392000|g",
    ]


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"made": 5, "origin": "soon"}', "[" * 100_000])
def test_without_a_report_that_can_be_read_only_what_is_wanted_is_told(tmp_path: Path, content: str) -> None:
    assert told(tmp_path) == ["turo.report_wanted_since_timestamp_seconds:1795388400|g"]
    write_made(tmp_path, content)
    assert told(tmp_path) == ["turo.report_wanted_since_timestamp_seconds:1795388400|g"]


def test_the_reconciler_looks_by_the_clock_of_timezone_where_the_data_lie_in_a_folder(tmp_path: Path) -> None:
    here = report_of(load(data_dir=str(tmp_path), timezone="Europe/Berlin")).report
    assert here == ReportWatch(str(tmp_path), BERLIN)
    assert report_of(load(data_dir="s3://bucket/datas")).report is None
