"""The report: everything the host needs is there, it is valid HTML, and it needs nothing from outside."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hand_fleet import ORIGIN, make_champion, make_ranged_champion, prepared, weeks, write_table
from html_nesting import check_nesting

from turo.forecast.fleet_forecast import forecast_fleet
from turo.settings import Settings

NOW = datetime(2026, 11, 24, 6)


@pytest.fixture
def page(settings: Settings) -> str:
    weak = make_champion(7, below_baseline=True, version="9")
    write_table(Path(settings.data_dir), prepared(ORIGIN, 28), warnings=["3 trips overlap"])
    forecast_fleet(settings, [weak, make_champion(28)], NOW)
    return (Path(settings.data_dir) / "report.html").read_text(encoding="utf-8")


def text_of(page: str) -> str:
    """What a reader sees."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.split("</style>")[1]))


def test_it_is_well_formed(page: str) -> None:
    check_nesting(page)
    for picture in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ElementTree.fromstring(picture)


def test_it_refers_to_nothing_outside(page: str) -> None:
    assert not re.search(r"(https?:)?//[a-z]", page)
    beside = re.sub(r'href="report/[a-z_]+\.csv"', "", page)  # the rows behind each answer
    assert not re.search(r"""\b(src|href|action|srcset)\s*=|url\(|@import|<script|<iframe|<object""", beside)


def test_it_shows_what_a_host_needs(page: str) -> None:
    seen = text_of(page)
    for needed in (
        "Fleet calendar",
        "Booked so far",
        "Expected",
        "Typical",
        "Fleet total off by",
        "80&#160;% interval",
        "Utilization",
        "Change on last year",
        "No vehicle of which enough is known is a day or more behind its own season and class",
        "no trip since 2026-10-08 and nothing booked: is it offered?",
        "Since last Monday From Monday, 16 November to Monday, 23 November",
        "the past 52",
        "Hold-out MAE",
        "On the books only 3.25",
        "Booking dates come from the file.",
        "feedc0ffee12",
        "3 trips overlap",
        "No forecast's window is over yet",
    ):
        assert needed in seen, needed
    assert page.count("<svg") == 4
    assert "below plan" not in seen
    assert "short of usual<" not in page  # nobody is


def test_one_day_and_one_vehicle_are_told_in_the_singular(settings: Settings) -> None:
    folder = Path(settings.data_dir)
    write_table(folder, prepared(ORIGIN, 1).filter(vehicle_id="A"))
    one_day = settings.model_copy(update={"horizon_days": 1, "forecast_horizons": [1]})
    forecast_fleet(one_day, [make_champion(1, below_baseline=True)], NOW)
    page = (folder / "report.html").read_text(encoding="utf-8")
    for told in ("for 1 active vehicle.", "<h3>Next 1 day</h3>", "(1 day) did not beat", ">1 day<"):
        assert told in page, told
    assert not re.search(r"\b1 (days|vehicles|active vehicles)\b", page)


def test_a_model_below_its_baseline_is_marked(page: str) -> None:
    seen = text_of(page)
    assert (
        "XGBoost-7d version 9 (7 days) did not beat the best baseline: on past weeks that it had not seen, a "
        "simple rule was closer." in seen
    )
    assert seen.count("a simple rule was closer") == 1
    assert re.search(r"XGBoost-7d below baseline 9", seen)


def test_the_gain_over_the_best_baseline_is_shown(page: str) -> None:
    assert "2.50 \N{MINUS SIGN}1.8 % 23 % On the books only 3.25" in text_of(page)


def test_errors_stand_beside_each_other_by_horizon(page: str) -> None:
    (picture,) = re.findall(r'<svg[^>]*aria-label="Mean absolute error.*?</svg>', page, re.DOTALL)
    told = re.sub(r"\s+", " ", re.sub(r"<title>.*?</title>|<[^>]*>", " ", picture)).strip()
    both = "model 2.50 best baseline 3.25"
    assert told == f"7 days {both} 28 days {both}"
    widths = [float(width) for width in re.findall(r'<rect [^>]*width="([\d.]+)"', picture)]
    assert widths[0] / widths[1] == pytest.approx(2.50 / 3.25, abs=0.01)


def test_it_speaks_of_bookings_only(page: str) -> None:
    assert "demand" not in text_of(page).lower()


def test_names_are_escaped(page: str) -> None:
    assert "<Wrangler>" not in page
    assert "&lt;Wrangler&gt; &amp; Co" in page


def test_booked_days_of_a_week_are_in_the_calendar(page: str) -> None:
    # A is booked from Tuesday noon to the end of the week, with one trip overlapping the other.
    assert "Kia Rio 2021 A, week of 23 Nov 2026: 5.5 of 7 days booked" in page


def test_changed_input_files_are_told(settings: Settings) -> None:
    inputs = {"reservations.csv": {"sha256": "0", "rows": 1}}
    write_table(Path(settings.data_dir), prepared(ORIGIN, 28), inputs=inputs)
    forecast_fleet(settings, [make_champion(28)], NOW)
    page = (Path(settings.data_dir) / "report.html").read_text(encoding="utf-8")
    assert "run prepare_data again" in text_of(page)


def test_an_old_origin_is_told(settings: Settings) -> None:
    forecast_fleet(settings, [make_champion(28)], datetime(2026, 12, 7))
    page = (Path(settings.data_dir) / "report.html").read_text(encoding="utf-8")
    assert "begins 14 days before it was made" in text_of(page)
    forecast_fleet(settings, [make_champion(28)], NOW)
    page = (Path(settings.data_dir) / "report.html").read_text(encoding="utf-8")
    assert "before it was made" not in text_of(page)


def test_the_fleet_and_its_classes_have_a_range_of_their_own(settings: Settings) -> None:
    forecast_fleet(settings, [make_ranged_champion(28, places=weeks(20))], NOW)
    page = (Path(settings.data_dir) / "report.html").read_text(encoding="utf-8")
    seen = text_of(page)
    check_nesting(page)
    # All low: 5.5 + 25 + 0; all high: 11.5 + 28 + 4 (half to even, as Python writes it).
    assert "37 days expected in 8 of 10 cases between 30 and 44" in seen
    assert "28 suv 1 27 27 25 \N{EN DASH} 28 28" in seen
    assert "the range of a total, where there is one, is from draws of all its vehicles together" in seen


def test_without_draws_no_range_is_shown(page: str) -> None:
    assert "in 8 of 10 cases between" not in text_of(page)
    assert "No range of the total for 28 days: XGBoost version 3" in text_of(page)


def test_it_links_to_the_track_record_beside_it(settings: Settings, page: str) -> None:
    folder = Path(settings.data_dir)
    assert "track record" not in page
    (folder / "track-record.html").write_text("replayed")
    forecast_fleet(settings, [make_champion(28)], NOW)
    shown = (folder / "report.html").read_text(encoding="utf-8")
    assert '<a href="track-record.html">track record</a>' in shown
    check_nesting(shown)
