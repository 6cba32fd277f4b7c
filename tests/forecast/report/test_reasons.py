"""The two reasons of each vehicle: the model's own contributions, in words that do not speak against them."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hand_fleet import ORIGIN, make_champion, prepared, write_table
from html_nesting import check_nesting

from turo.data.load import load_tables
from turo.data.synthetic.generate import write_sample
from turo.features.build import build
from turo.forecast.champions import Champion
from turo.forecast.draws.window import Window
from turo.forecast.fleet_forecast import forecast_fleet
from turo.forecast.horizon_tables import open_table
from turo.forecast.report import sampled_effects
from turo.forecast.report.reason_words import TOPICS, Topic, in_unit_of, sentence, topic_of, without_classes
from turo.forecast.report.reasons import compared_with, effects
from turo.html.numbers import MINUS
from turo.models.encoding import Field, encode
from turo.models.estimators.ensemble import Member
from turo.models.explanation import explain
from turo.models.forecaster import Forecaster
from turo.models.kinds import regressor
from turo.settings import Settings, load
from turo.table.model_columns import feature_columns

NOW = datetime(2026, 11, 24, 6)
FIELDS = (Field("lag_52w", "number", True), Field("otb_days", "number"), Field("wheels", "number"))
SMALL_MEMBERS: dict[str, dict[str, Any]] = {"xgboost": {"rounds": 40, "max_depth": 3}}
SMALL: dict[str, dict[str, Any]] = {
    "xgboost": {"rounds": 40, "max_depth": 3},
    "catboost": {"iterations": 60, "depth": 3},
    "svr": {},
    "knn": {},
    "ensemble": {
        "members": {name: Member(name, 0.5, SMALL_MEMBERS.get(name, {})) for name in ("xgboost", "svr")}
    },
}


def explaining(kind: str) -> Champion:
    """Learnt that last year's days come again in part; its unbounded level is the prediction."""
    generator = np.random.default_rng(3)
    columns = {field.name: generator.uniform(0, 28, 500) for field in FIELDS}
    y = 0.5 * columns["lag_52w"] - 0.2 * columns["otb_days"] + 0.001 * columns["wheels"]
    model = regressor(kind)(seed=1, **SMALL[kind]).fit(encode(FIELDS, columns), y)
    champion = make_champion(28)
    assert isinstance(champion.forecaster, Forecaster)
    plain = replace(champion.forecaster, kind=kind, fields=FIELDS, model=model, mean_shift=None)
    return replace(champion, forecaster=plain)


def with_wheels(settings: Settings) -> None:
    """The hand-made tables with a feature that has no words, and a past to learn what is usual from."""
    past = prepared(ORIGIN - timedelta(weeks=5), 28, actual=9.0)
    newest = prepared(ORIGIN, 28).with_columns(in_training=pl.lit(0, pl.Int64))
    table = pl.concat([past, newest]).with_columns(wheels=pl.lit(4.0))
    write_table(Path(settings.data_dir), table)


@pytest.mark.parametrize("kind", ["xgboost", "catboost"])
def test_each_vehicle_has_the_two_effects_that_are_largest(kind: str, settings: Settings) -> None:
    with_wheels(settings)
    champion = explaining(kind)
    made = forecast_fleet(settings, [champion], NOW).forecasts
    told = {row["vehicle_id"]: (row["reason_1"], row["reason_2"]) for row in made.to_dicts()}
    # Means of the four vehicles of the past: 34.5 / 4 days on the books, 30 / 3 last year.
    books, last_year = told["B"]
    assert re.fullmatch(r"\+1\d\.\d days: 18\.4 days more on the books than usual at this lead", books)
    assert re.fullmatch(
        r"\+\d\.\d days: 10 days more booked in the same weeks a year ago than usual", last_year
    )
    books, last_year = told["C"]
    assert re.fullmatch(MINUS + r"\d\.\d days: nothing on the books \(usual: 8\.6 days\)", books)
    assert last_year.endswith(" days: not known: days booked in the same weeks a year ago")
    page = (Path(settings.data_dir) / "report.html").read_text(encoding="utf-8")
    check_nesting(page)
    assert "What moves it most" in page
    assert "18.4 days more on the books than usual at this lead" in page


@pytest.mark.parametrize("kind", ["xgboost", "catboost"])
def test_effects_add_up_from_the_average_row_to_what_the_model_expects(kind: str, settings: Settings) -> None:
    with_wheels(settings)
    champion, table = explaining(kind), open_table(settings, 28)
    model = champion.forecaster
    assert isinstance(model, Forecaster)
    average, past = compared_with(table, model)
    assert past == {}
    assert average == {"lag_52w": 10.0, "otb_days": 34.5 / 4, "wheels": 4.0}
    window = Window(table.newest(), champion, pl.DataFrame(), average)
    found = explain(model, window.features)
    total = found.base + average["otb_days"] + sum(effects(model, window).values())
    expected = model.model.predict(encode(FIELDS, window.features)) + window.features["otb_days"]
    np.testing.assert_allclose(total, expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["svr", "knn", "ensemble"])
def test_models_without_contributions_give_reasons_as_well(kind: str, settings: Settings) -> None:
    with_wheels(settings)
    made = forecast_fleet(settings, [explaining(kind)], NOW).forecasts
    told = {row["vehicle_id"]: (row["reason_1"], row["reason_2"]) for row in made.to_dicts()}
    books, last_year = told["B"]
    # 0.8 of the 18.4 days more than usual; half of the 10 days more of last year
    assert re.fullmatch(r"\+1[2-7]\.\d days: 18\.4 days more on the books than usual at this lead", books)
    assert re.fullmatch(
        r"\+[3-7]\.\d days: 10 days more booked in the same weeks a year ago than usual", last_year
    )
    assert "No reason" not in (Path(settings.data_dir) / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["svr", "knn", "ensemble"])
def test_sampled_effects_add_up_from_the_average_row(kind: str, settings: Settings) -> None:
    with_wheels(settings)
    champion, table = explaining(kind), open_table(settings, 28)
    model = champion.forecaster
    assert isinstance(model, Forecaster)
    average, past = compared_with(table, model)
    window = Window(table.newest(), champion, pl.DataFrame(), average, past)
    # Three of the four vehicles of the past have a last year.
    np.testing.assert_array_equal(sampled_effects.average(encode(FIELDS, past)), [10.0, 34.5 / 4, 4.0])
    start = model.model.predict(np.array([[10.0, 34.5 / 4, 4.0]]))
    expected = model.model.predict(encode(FIELDS, window.features)) + window.features["otb_days"]
    total = start + average["otb_days"] + sum(effects(model, window).values())
    np.testing.assert_allclose(total, expected, atol=1e-9)


def test_what_two_topics_do_together_is_shared_between_them() -> None:
    found = sampled_effects.effects(
        lambda X: X[:, 0] * X[:, 1] + 5 * X[:, 2] - X[:, 3],
        np.array([[2.0, 3.0, 1.0, 1.0], [4.0, 0.0, 2.0, 0.0]]),
        np.array([0.0, 1.0, 0.0, 0.0]),
        [np.array([0]), np.array([1]), np.array([2, 3])],
    )
    # x * y from (0, 1) to (2, 3): x adds 2 if it comes first, 6 if second; y adds 4 or 0.
    np.testing.assert_allclose(found, np.array([[4.0, 2.0], [2.0, -2.0], [4.0, 10.0]]))


def test_where_nothing_is_known_of_the_past_the_report_says_so_once(settings: Settings) -> None:
    write_table(Path(settings.data_dir), prepared(ORIGIN, 28).with_columns(in_training=pl.lit(0, pl.Int64)))
    made = forecast_fleet(settings, [make_champion(28)], NOW).forecasts
    assert made["reason_1"].null_count() == made["reason_2"].null_count() == len(made)
    page = (Path(settings.data_dir) / "report.html").read_text(encoding="utf-8")
    assert page.count("No reason stands out for the numbers of XGBoost") == 1
    assert "What moves it most" not in page


UP, DOWN = (" more ", "higher"), (" less ", "lower", "nothing")


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.features[0])
def test_no_word_speaks_against_its_effect(topic: Topic) -> None:
    values = (-3.0, 0.0, 0.04, 0.5, 2.0, 30.0)
    for effect in (-1.5, 1.5):
        for value in values:
            for known in (*values, math.nan):
                told = sentence(topic, effect, value, known)
                if topic.more:
                    assert told == (topic.more if effect > 0 else topic.less)
                    continue
                said_more = any(word in told for word in UP)
                said_less = any(word in told for word in DOWN)
                if not (said_more or said_less):
                    assert str(known) == "nan" or "(usual: " in told
                    continue
                assert not (said_more and said_less)
                assert said_more == (value > known)
                assert (effect > 0) == (said_more == (topic.rises > 0)) and topic.rises


def test_every_feature_of_a_prepared_table_has_words(tmp_path: Path) -> None:
    write_sample(tmp_path, vehicles=6, years=1.5, seed=3, end=NOW, horizons=())
    found = load_tables(load(data_dir=str(tmp_path)))
    table = build(
        found.reservations, found.vehicles, found.blocks, found.snapshot, 28, revisions=found.revisions
    )
    features = feature_columns(table.columns)
    assert {"otb_days_kept", "otb_trips_kept", "otb_revenue_kept", "class"} <= set(features)
    assert [name for name in features if topic_of(name) not in TOPICS] == []
    for books in ("otb_days", "otb_trips", "otb_revenue"):
        assert topic_of(f"{books}_kept") is topic_of(books)


def test_words_are_those_of_a_host() -> None:
    said = [
        sentence(topic_of("otb_days"), -2.0, 2.0, 5.0),
        sentence(topic_of("pickup_14"), -0.5, 0.0, 2.0),
        sentence(topic_of("otb_days"), 0.5, 2.0, 5.0),  # the model takes it the other way
        sentence(topic_of("lag_52w"), -0.5, math.nan, 5.0),
        sentence(topic_of("fleet_util_28"), -0.5, 0.41, 0.52),
        sentence(topic_of("week_sin"), -0.5, 0.1, 0.0),
        sentence(topic_of("class"), 0.5, "suv", math.nan),
        sentence(in_unit_of(topic_of("otb_trips"), "otb_trips"), 0.5, 2.0, 1.0),
        sentence(topic_of("wheels"), 0.5, 4.0, 3.5),
        sentence(topic_of("otb_revenue"), -30.0, 100.0, 1400.4),
        sentence(in_unit_of(topic_of("hist_revenue_28"), "hist_revenue_28"), 9.0, 100.0, 1400.0),
        sentence(topic_of("otb_revenue"), -30.0, math.nan, 1400.0),
        sentence(topic_of("list_price"), -30.0, 55.0, 40.0),
        sentence(without_classes(topic_of("price_ratio_class")), -0.5, 1.2, 1.0),
    ]
    assert said == [
        "3 days less on the books than usual at this lead",
        "nothing gained on the books in the last 14 days (usual: 2 days)",
        "2 days on the books (usual: 5 days)",
        "not known: days booked in the same weeks a year ago",
        "booked share of the other vehicles' last 28 days lower than usual: 41 % (usual: 52 %)",
        "a time of year with fewer bookings",
        "its class: suv",
        "1 trip more on the books beginning in these weeks than usual at this lead",
        "wheels: 4 (usual: 3.5)",
        "1,300 less in money on the books than usual at this lead",  # in the unit of the host's file
        "100 in money booked in the last 28 days (usual: 1,400)",
        "not known: money on the books",
        "its list price: 55 (usual: 40)",
        "its price against others of the fleet: 120 % (usual: 100 %)",
    ]


def test_a_trip_that_runs_already_is_not_denied_by_the_count_of_those_that_begin() -> None:
    """Nine days of a running trip on the books, and no trip that begins: one is about the other's rest."""
    trips = topic_of("otb_trips")
    assert sentence(trips, -0.9, 0.0, 1.3) == (
        "no trip on the books beginning in these weeks (usual: 1.3 trips)"
    )
    assert (
        sentence(trips, 0.9, 0.0, 1.3) == "0 trips on the books beginning in these weeks (usual: 1.3 trips)"
    )
    assert sentence(topic_of("otb_days"), -0.7, 9.4, 12.3) == (
        "2.9 days less on the books than usual at this lead"
    )
