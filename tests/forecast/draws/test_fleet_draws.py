"""Draws of a whole fleet: what agrees by construction, and how wide what is added up becomes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hand_fleet import ORIGIN, make_champion, make_ranged_champion, prepared, weeks, write_table

from turo.forecast.baselines.baseline_forecast import MIN_ROWS, best
from turo.forecast.champions import Champion
from turo.forecast.draws.fleet_draws import Draws, draw, statistics
from turo.forecast.draws.window import Window
from turo.forecast.horizon_tables import open_folder
from turo.models.draws import DRAWS, MIN_ORIGINS


def window(champion: Champion, books: list[float], available: list[float] | None = None) -> Window:
    """Vehicles V000, V001, … with these days on the books."""
    ids = [f"V{number:03}" for number in range(len(books))]
    rows = pl.DataFrame(
        {
            "vehicle_id": ids,
            "origin_date": [ORIGIN] * len(books),
            "class": ["car"] * len(books),
            "otb_days": books,
            "otb_trips": [1.0] * len(books),
            "base_price_day": [50.0] * len(books),
            "mean_trip_days": [4.0] * len(books),
        }
    )
    days = available or [float(champion.horizon_days)] * len(books)
    vehicles = pl.DataFrame({"vehicle_id": ids, "available_days": days, "looks_gone": [False] * len(books)})
    return Window(rows, champion, vehicles)


def fleet(drawn: Draws, horizon: int = 28) -> dict[str, float]:
    summed = drawn.by_horizon[horizon].values.sum(axis=0)
    return {name: float(value) for name, value in statistics(summed).items()}


def test_a_window_holds_the_shorter_ones_in_every_draw() -> None:
    books = [5.0, 0.0, 7.0]
    windows = [
        window(make_ranged_champion(90, (-10, -5, 0, 70)), books),
        window(make_ranged_champion(7, (-4, 0, 2)), books),
        window(make_ranged_champion(28, (-6, 0, 22)), books),
    ]
    drawn = draw(windows, main=28).by_horizon
    days = {horizon: found.values for horizon, found in drawn.items()}
    for shorter, longer in ((7, 28), (28, 90)):
        more = days[longer] - days[shorter]
        assert more.min() == 0
        assert more.max() <= longer - shorter
        for name in ("reservations", "revenue"):
            assert (drawn[longer].derived[name] >= drawn[shorter].derived[name]).all()
    assert (days[28] - days[7]).max() == 21  # the bound was needed
    # Revenue of a draw is its days at 50 a day: what the days say, the revenue says.
    assert drawn[28].derived["revenue"] == pytest.approx(50 * days[28])


def test_no_draw_has_more_days_than_are_available_or_booked() -> None:
    champion = make_ranged_champion(28, (-2, 0, 2, 4))
    (found,) = draw([window(champion, [9.0, 9.0, 9.0], [10.0, 28.0, 5.0])], 28).by_horizon.values()
    # The third has nine days booked of five available: those stay, unless they are cancelled.
    assert [sorted(set(values)) for values in found.values] == [[7, 9, 10], [7, 9, 11, 13], [7, 9]]


def test_every_draw_of_a_vehicle_is_its_own_distribution() -> None:
    (found,) = draw([window(make_ranged_champion(28), [7.5, 7.5])], 28).by_horizon.values()
    for values in found.values:
        assert np.unique(values, return_counts=True)[1].tolist() == [250, 250, 249, 250]
        assert len(values) == DRAWS


def test_weeks_that_are_good_or_bad_for_all_widen_the_range_of_the_total() -> None:
    """A hundred vehicles to each of which come 0 or 2 days, as likely as not."""
    books = [1.0] * 100
    together = make_ranged_champion(28, (0, 2), weeks(20, vehicles=100))
    apart = make_ranged_champion(28, (0, 2), weeks(20, vehicles=100, alike=False))
    found = draw([window(together, books)], 28)
    assert found.notices == []
    assert (fleet(found)["q10"], fleet(found)["q90"]) == (100, 300)  # all or none
    assert fleet(found)["mean"] == pytest.approx(200, abs=0.2)
    balanced = fleet(draw([window(apart, books)], 28))
    # In each past week one half of the vehicles had a good one: then so it is now.
    assert balanced["q10"] == pytest.approx(200, abs=4)
    assert balanced["q90"] == pytest.approx(200, abs=4)
    unknown = fleet(draw([window(make_ranged_champion(28, (0, 2)), books)], 28))
    # Of 100 fair coins 44 to 56 come up heads in 8 of 10 cases.
    assert unknown["q10"] == pytest.approx(100 + 2 * 44, abs=4)
    assert unknown["q90"] == pytest.approx(100 + 2 * 56, abs=4)
    assert unknown["mean"] == pytest.approx(200, abs=0.2)


def test_windows_of_a_vehicle_are_good_together() -> None:
    """Known of both windows: low in one, low in the other; known of the main one only: the same."""
    for places in (weeks(20), None):
        windows = [
            window(make_ranged_champion(7, (0, 2), places), [1.0]),
            window(make_ranged_champion(28, (0, 8), weeks(20)), [4.0]),
        ]
        week, month = (draw(windows, 28).by_horizon[horizon].values[0] for horizon in (7, 28))
        assert np.corrcoef(week, month)[0, 1] > 0.98


def test_too_few_past_weeks_make_the_vehicles_independent_and_say_so() -> None:
    few = MIN_ORIGINS - 1
    champion = make_ranged_champion(28, (0, 2), weeks(few, vehicles=100))
    found = draw([window(champion, [1.0] * 100)], 28)
    assert found.notices == [
        "The range of the fleet's total takes the vehicles to be independent: "
        f"only {few} past weeks are known, {MIN_ORIGINS} are needed."
    ]
    assert fleet(found)["q10"] == pytest.approx(188, abs=4)
    enough = make_ranged_champion(28, (0, 2), weeks(MIN_ORIGINS, vehicles=100))
    assert draw([window(enough, [1.0] * 100)], 28).notices == []


def test_a_fleet_of_one_has_the_range_of_its_vehicle() -> None:
    found = draw([window(make_ranged_champion(28), [7.5])], 28)
    assert found.notices == []
    told = fleet(found)
    assert [told[name] for name in ("q05", "q25", "median", "q75", "q95")] == [5.5, 5.5, 7.5, 11.5, 11.5]
    assert told["mean"] == pytest.approx(8.5, abs=0.01)


def test_a_model_saved_without_a_distribution_draws_nothing() -> None:
    found = draw([window(make_champion(28), [1.0]), window(make_ranged_champion(7), [1.0])], 28)
    assert list(found.by_horizon) == [7]
    assert found.notices == [
        "No range of the total for 28 days: XGBoost version 3 was trained by an earlier release. "
        "Train it again."
    ]


def test_a_vehicle_that_one_horizon_does_not_know_is_drawn_for_the_others() -> None:
    books = [1.0, 1.0]
    found = draw(
        [window(make_ranged_champion(7), books), window(make_ranged_champion(28), books[:1])], 28
    ).by_horizon
    assert [len(found[horizon].vehicles) for horizon in (7, 28)] == [2, 1]
    assert np.isfinite(found[7].values).all()
    assert (found[28].values[0] >= found[7].values[0]).all()


def test_five_hundred_vehicles_get_the_same_draws_again() -> None:
    books = [float(number % 8) for number in range(500)]
    windows = [window(make_ranged_champion(horizon, places=weeks(20)), books) for horizon in (7, 28, 90)]
    once, again = draw(windows, 28).by_horizon, draw(windows, 28).by_horizon
    for horizon in (7, 28, 90):
        assert once[horizon].values.tobytes() == again[horizon].values.tobytes()


def history(folder: Path, count: int) -> None:
    """Windows that ended with 0 to 3 days more than was booked, on `count` Mondays, and the newest one."""
    past = [
        prepared(ORIGIN - timedelta(weeks=week + 4), 28).with_columns(
            y_booked_days=pl.min_horizontal(pl.col("otb_days") + (week % 4), 28.0)
        )
        for week in range(count)
    ]
    write_table(folder, pl.concat([*past, prepared(ORIGIN, 28)]))


def test_a_baseline_has_a_range_as_soon_as_enough_of_its_past_is_known(tmp_path: Path) -> None:
    history(tmp_path, 12)  # the first four Mondays have none before them whose windows are over
    found = best(open_folder(tmp_path, 28))
    assert found.past_rows == 8 * 4
    assert found.past_rows >= MIN_ROWS
    assert found.no_range == ""
    assert found.places is not None
    assert found.places["place"].is_nan().all(), "no place is known before enough weeks share no day with it"
    columns = {"otb_days": np.array([10.0])}
    told = found.outlook({**columns, "class": np.array(["car"], dtype=object)})
    assert 10 <= told.low[0] <= told.mean[0] <= told.high[0] <= 13
    assert told.quantiles is not None
    assert (np.diff(told.quantiles[0]) >= 0).all()


def test_places_of_a_baseline_are_known_with_a_longer_past(tmp_path: Path) -> None:
    history(tmp_path, 32)
    found = best(open_folder(tmp_path, 28)).places
    assert found is not None
    assert found["origin_date"].n_unique() == 28
    assert found["place"].is_between(0, 1).all()


def test_a_baseline_with_too_short_a_past_says_how_much_is_missing(tmp_path: Path) -> None:
    history(tmp_path, 6)
    found = best(open_folder(tmp_path, 28))
    assert found.no_range == (
        f"No range, reservations or revenue for 28 days: 8 past forecasts are known, {MIN_ROWS} are needed. "
        "That takes 12 weeks whose 28 days are over; the history has 6."
    )
    assert found.spread({"otb_days": np.array([10.0])}) is None
    history(tmp_path, 11)
    assert best(open_folder(tmp_path, 28)).weeks_needed == 12
    history(tmp_path, 12)
    assert best(open_folder(tmp_path, 28)).no_range == ""  # as was said
