"""Booking curves and survival against values worked out by hand, through the public `time_baselines`."""

from __future__ import annotations

import numpy as np
import pytest

from turo.table.targets import TARGETS
from turo.training.evaluation.baselines import NAMES, time_baselines

NAN = float("nan")
CURVES = ("curve_additive", "curve_multiplicative", "curve_survival")


def season(*turns: float) -> dict[str, np.ndarray]:
    """Columns of the place in the year, in turns of it."""
    angle = 2 * np.pi * np.array(turns)
    return {"week_sin": np.sin(angle), "week_cos": np.cos(angle)}


def classes(*names: str | None) -> np.ndarray:
    return np.array(names, dtype=object)


def test_a_small_class_leans_on_all():
    train = {"otb_days": np.array([2.0, 4.0, 6.0]), "class": classes("suv", "suv", None)}
    test = {"otb_days": np.array([10.0, 6.5]), "class": classes("suv", "van")}
    found = time_baselines("y_booked_days", 14, train, np.array([5.0, 7.0, 12.0]), test)
    # Windows of 14 days overlap by half, so 25 of them are 50 rows. Survival: the mean pickup of all is 4,
    # of the two SUV (3 + 3 + 50 * 4) / 52; of a van nothing is known.
    assert found["curve_survival"] == pytest.approx([10 + 206 / 52, 6.5 + 4])
    # Additive: 12 days of pickup in 30 / 14 free windows, of 10 / 14 each.
    k, suv, rooms = 50 * 10 / 14, 12 / 14 + 10 / 14, 30 / 14
    rate = (6 + k * 12 / rooms) / (suv + k)
    assert found["curve_additive"] == pytest.approx([10 + rate * 4 / 14, 6.5 + 12 / rooms * 7.5 / 14])
    # Multiplicative: half is usually booked by now, a SUV usually ends with (12 + 50 * 8) / 52, all with 8.
    usual = 412 / 52
    grown = np.array([4 - usual, 8 - usual, 12 - 8])  # books / share, above what is usual
    rest = np.array([5 - usual, 7 - usual, 12 - 8])
    held = 25 * (grown**2).mean()
    trust = (grown @ rest / 2 + held / 2) / (grown @ grown / 2 + held)
    assert found["curve_multiplicative"] == pytest.approx([14.0, 8 + trust * (13 - 8)])


def test_season_counts_as_far_as_it_was_seen():
    train = {"otb_days": np.zeros(100), **season(*[0.05] * 50, *[0.55] * 50)}
    y = np.repeat([2.0, 6.0], 50)
    test = {"otb_days": np.zeros(4), **season(0.05, 0.55, 0.3, 0.1)}
    found = time_baselines("y_booked_days", 7, train, y, test)["curve_additive"]
    winter, summer = (100 + 25 * 4) / 75, (300 + 25 * 4) / 75
    assert found[:3] == pytest.approx([winter, summer, 4.0])  # no spring was seen: as all the year
    near = 50 * (1 - 3 / 52 * 6)  # three weeks later, rows count for less
    assert found[3] == pytest.approx((2 * near + 25 * 4) / (near + 25))


def test_a_class_in_its_season_leans_on_class_and_season():
    train = {
        "otb_days": np.zeros(80),
        "class": classes(*["suv", "car"] * 40),
        **season(*[0.0] * 40, *[0.5] * 40),
    }
    y = np.array([4.0, 1.0] * 20 + [6.0, 1.0] * 20)
    test = {"otb_days": np.zeros(1), "class": classes("suv"), **season(0.5)}
    suv, summer = (200 + 25 * 3) / 65, (140 + 25 * 3) / 65
    expected = (120 + 25 * (suv + summer - 3)) / 45
    found = time_baselines("y_booked_days", 7, train, y, test)
    assert found["curve_additive"] == pytest.approx([expected])


def test_a_vehicle_that_always_picks_up_more_than_its_like_is_expected_to():
    own = np.tile([1.0, 5.0], 100)
    train = {"otb_days": np.full(200, 7.0), "past_pickup": own}
    test = {"otb_days": np.array([7.0, 7.0, 7.0]), "past_pickup": np.array([1.0, 5.0, NAN])}
    found = time_baselines("y_booked_days", 28, train, 7 + own, test)["curve_survival"]
    slope = 200 / 4 / (200 / 4 + 25)  # what came true is 2 days off the mean, as the past was
    assert found == pytest.approx([10 - 2 * slope, 10 + 2 * slope, 10])


def test_survival_adds_to_what_is_expected_to_be_kept():
    train = {"otb_days": np.array([10.0, 10.0]), "otb_days_kept": np.array([8.0, 6.0])}
    test = {"otb_days": np.array([12.0, 12.0]), "otb_days_kept": np.array([11.0, 4.0])}
    found = time_baselines("y_booked_days", 28, train, np.array([9.0, 9.0]), test)
    assert found["curve_survival"] == pytest.approx([13.0, 6.0])  # mean pickup (1 + 3) / 2
    assert found["on_the_books"].tolist() == [12.0, 12.0]


def test_a_full_vehicle_picks_up_nothing():
    train = {"otb_days": np.array([0.0, 14.0])}
    test = {"otb_days": np.array([28.0, 0.0])}
    found = time_baselines("y_booked_days", 28, train, np.array([12.0, 20.0]), test)["curve_additive"]
    assert found == pytest.approx([28.0, (12 + 6) / 1.5])


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("horizon", [7, 28, 90])
def test_nothing_on_the_books_and_hardly_any_usually_is_still_a_sensible_number(target, horizon):
    names = {"y_booked_days": "otb_days", "y_reservations": "otb_trips", "y_revenue": "otb_revenue"}
    books = np.zeros(60)
    books[0] = 0.01
    y = np.linspace(0, 5, 60)
    columns = {names[target]: books}
    for train, true in ((columns, y), (columns, np.zeros(60)), ({names[target]: books[:1]}, y[:1])):
        for most in (0.0, 2.0):
            test = {names[target]: np.array([0.0, most])}
            found = time_baselines(target, horizon, train, true, test)
            for curve in CURVES:
                assert np.isfinite(found[curve]).all(), curve
                assert (found[curve] >= 0).all()
                assert (found[curve] <= 5 + 2 * most).all()


@pytest.mark.filterwarnings("error")
def test_a_table_without_class_season_or_history_falls_back_and_books_suffice():
    bare = {"otb_days": np.array([3.0, 5.0])}
    rich = {
        **bare, **season(0.1, 0.6), "class": classes(None, None), "past_pickup": np.array([NAN, NAN]),
        "lag_mean": np.array([NAN, 3.0]), "lag_52w": np.array([NAN, NAN]),
        "hist_days_28": np.array([4.0, 4.0]),
    }  # fmt: skip
    y = np.array([4.0, 8.0])
    for train in (bare, rich):
        for test in (bare, rich):
            found = time_baselines("y_booked_days", 28, train, y, test)
            assert all(np.isfinite(found[curve]).all() for curve in CURVES)
    known = time_baselines("y_booked_days", 28, {"otb_days": np.array([NAN, 5.0])}, y, bare)
    assert known["curve_survival"] == pytest.approx([6.0, 8.0])  # a row without books teaches nothing
    silent = time_baselines("y_booked_days", 28, bare, y, {"otb_days": np.array([NAN])})
    assert all(np.isnan(silent[curve]).all() for curve in CURVES)


def test_each_baseline_has_a_title():
    columns = {"otb_days": np.array([1.0])}
    assert set(time_baselines("y_booked_days", 28, columns, np.array([2.0]), columns)) <= set(NAMES)
