"""Candidate against champion where the truth is known: how often the rules of resampling are wrong."""

from __future__ import annotations

import numpy as np
import pytest

from turo.gate.paired_bootstrap import TOTAL_OFF, Resamples, compare, totals

WEEKS, HORIZON = 12, 28
WORLDS = 200


def world(generator, vehicles, worse=0.0):
    """Losses of a champion and of a candidate that is `worse` by that share: vehicles, weeks, overlap."""

    def overlapping(rows):
        steps = generator.normal(size=(rows, WEEKS + HORIZON // 7))
        return sum(steps[:, start : start + WEEKS] for start in range(HORIZON // 7)) / 2

    champion = np.exp(0.4 * overlapping(vehicles)) * generator.gamma(4, 0.5, size=(vehicles, 1))
    effects = (
        0.10 * generator.normal(size=(vehicles, 1)) + 0.05 * overlapping(1) + 0.25 * overlapping(vehicles)
    )
    candidate = champion + (effects + worse) * champion.mean()
    return candidate.ravel(), champion.ravel()


def share_lost(vehicles, worse=0.0):
    generator = np.random.default_rng(3)
    names, weeks = np.repeat(np.arange(vehicles), WEEKS), np.tile(np.arange(WEEKS), vehicles)
    lost = 0
    for number in range(WORLDS):
        candidate, champion = world(generator, vehicles, worse)
        resamples = Resamples(names, weeks, HORIZON, seed=number)
        lost += compare(candidate, champion, resamples).loses
    return lost / WORLDS


@pytest.mark.parametrize("vehicles", [2, 3, 5, 40])
def test_an_equally_good_candidate_seldom_loses(vehicles):
    assert share_lost(vehicles) <= 0.10


def test_a_clearly_worse_candidate_loses_where_there_are_vehicles_enough():
    assert share_lost(40, worse=0.15) >= 0.95


def test_whole_vehicles_are_drawn():
    generator = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 12)
    champion = generator.uniform(1, 3, 480)
    drawn = Resamples(groups)
    same = compare(champion, champion, drawn)
    assert (same.share_worse, same.loses, same.rows, same.vehicles) == (0.0, False, 480, 40)
    assert compare(champion + 0.1, champion, drawn).loses
    assert not compare(champion + 0.01, champion, drawn).loses  # half a per cent does not count
    assert not compare(champion - 0.1, champion, drawn).loses
    # One vehicle alone makes the difference: rows would call it certain, vehicles do not.
    found = compare(champion + np.where(groups == 7, 5.0, -0.05), champion, drawn)
    assert found.candidate > found.champion * 1.02
    assert not found.loses


def test_whole_weeks_are_drawn():
    groups, weeks = np.repeat(np.arange(40), 12), np.tile(np.arange(12), 40)
    champion = np.full(480, 2.0)
    # One week alone makes the difference, for all vehicles: these would call it certain, weeks do not.
    candidate = champion + np.where(weeks == 7, 2.0, -0.05)
    assert compare(candidate, champion, Resamples(groups)).loses
    assert not compare(candidate, champion, Resamples(groups, weeks, HORIZON)).loses


def test_little_evidence_takes_the_wide_margin():
    def found(vehicles, worse):
        groups, weeks = np.repeat(np.arange(vehicles), 12), np.tile(np.arange(12), vehicles)
        champion = np.full(len(groups), 2.0)
        return compare(champion * (1 + worse), champion, Resamples(groups, weeks, HORIZON))

    assert [found(2, worse).loses for worse in (0.05, 0.15)] == [False, True]
    assert [found(3, worse).loses for worse in (0.01, 0.05)] == [False, True]
    assert found(3, 0.05).evidence == ""
    assert found(2, 0.05).evidence == (
        " (only 2 vehicles and 24 rows, at least 3 and 30 are needed: compared with a margin of 10% instead)"
    )


def test_a_champion_without_error_is_not_divided_by():
    nothing, drawn = np.zeros(48), Resamples(np.repeat(np.arange(4), 12))
    assert not compare(nothing, nothing, drawn).loses
    assert compare(nothing + 0.5, nothing, drawn).loses


def test_rows_that_no_resample_holds_do_not_break_it():
    # Each vehicle has a week of its own: many draws of vehicles and weeks hold no row at all.
    drawn = Resamples(np.arange(4), np.arange(4), 7)
    found = compare(np.full(4, 3.0), np.full(4, 2.0), drawn)
    assert found.loses
    assert found.share_worse == 1.0


def test_totals_lose_when_far_off_for_sure_and_further_than_the_champions():
    groups, weeks = np.repeat(np.arange(20), 12), np.tile(np.arange(12), 20)
    y = np.random.default_rng(1).uniform(0, 20, 240)
    drawn = Resamples(groups, weeks, HORIZON)

    def found(candidate, champion):
        result = totals(y, y * candidate, y * champion, drawn)
        assert result is not None
        return result

    assert found(1.2, 1.0).loses
    assert found(0.8, 1.1).loses
    assert not found(1.2, 0.7).loses
    assert found(1.08, 1.0).loses
    assert not found(1.02, 1.0).loses
    assert found(1.2, 1.0).candidate == pytest.approx(0.2)
    assert totals(np.zeros(240), y, y, drawn) is None


@pytest.mark.parametrize(("champion", "candidate", "passes"), [
    (0.0, 0.031, False), (-0.029, -0.031, False), (0.0, -0.2, False), (0.0, 0.029, True),
    (0.05, 0.04, True), (-0.05, 0.051, False),
])  # fmt: skip
def test_a_total_may_be_off_by_three_percent(champion, candidate, passes):
    """The same error of every vehicle in every week: no resample says otherwise."""
    y, vehicles = np.full(80, 10.0), np.repeat(np.arange(8), 10)
    found = totals(y, y * (1 + candidate), y * (1 + champion), Resamples(vehicles))
    assert found is not None
    assert found.loses is not passes


def test_where_both_totals_are_off_chance_is_left_out():
    y, vehicles = np.full(80, 10.0), np.repeat(np.arange(8), 10)
    one_vehicle = np.where(vehicles == 0, 15.0, 10.0)  # in no resample without it is the total off
    found = totals(y, one_vehicle, y * 1.05, Resamples(vehicles))
    assert found is not None
    assert found.candidate > found.champion > TOTAL_OFF
    assert not found.loses
