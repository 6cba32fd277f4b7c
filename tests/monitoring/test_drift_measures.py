"""Drift against the references that training logs: what must be seen is seen, what is noise stays silent."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from drift_seen import drifted, has_moved

from turo.errors import InputError
from turo.models.encoding import Field
from turo.monitoring.drift_measures import LIMIT_FLOOR, MINIMUM_SAMPLES, Drift, measure, psi
from turo.training.reports.reference_histograms import histograms

TRAINING_ROWS = 5000
FIELDS = (Field("otb_days", "number"), Field("list_price", "number"), Field("class", "category"))


def fleet(rng: np.random.Generator, rows: int) -> dict[str, np.ndarray]:
    """The shapes the platform has: zero-inflated counts, skewed money with gaps, a category with gaps."""
    otb = np.where(rng.random(rows) < 0.4, 0.0, rng.poisson(6, rows).astype(float))
    price = rng.lognormal(4, 0.4, rows)
    price[rng.random(rows) < 0.1] = np.nan
    kind = np.array(rng.choice(["suv", "van", "coupe"], rows, p=[0.6, 0.3, 0.1]), dtype=object)
    kind[rng.random(rows) < 0.05] = None
    return {"otb_days": otb, "list_price": price, "class": kind}


def reference_of(fields: tuple[Field, ...], columns: dict[str, np.ndarray]) -> dict[str, Any]:
    """A run's `reference.json`, through JSON as it is stored; the prediction is twice the first column."""
    first = columns[fields[0].name]
    stored: dict[str, Any] = json.loads(json.dumps(histograms(fields, columns, 2 * first)))
    return stored


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    return reference_of(FIELDS, fleet(np.random.default_rng(1), TRAINING_ROWS))


def by_name(drifts: list[Drift]) -> dict[str, Drift]:
    return {drift.feature: drift for drift in drifts}


def test_unshifted_rows_stay_silent_in_twenty_repeats(reference: dict[str, Any]) -> None:
    for repeat in range(20):
        found = measure(reference, fleet(np.random.default_rng(100 + repeat), MINIMUM_SAMPLES))
        assert {drift.feature for drift in found} == {"otb_days", "list_price", "class"}
        assert drifted(found) == []


@pytest.mark.parametrize("seed", range(5))
def test_a_shift_of_two_deviations_is_seen_and_only_there(reference: dict[str, Any], seed: int) -> None:
    rows = fleet(np.random.default_rng(200 + seed), MINIMUM_SAMPLES)
    rows["list_price"] += 2 * np.nanstd(rows["list_price"])
    found = by_name(measure(reference, rows))
    assert drifted(found.values()) == ["list_price"]
    assert found["list_price"].ks is not None and found["list_price"].ks > 0.5


def test_the_models_own_output_is_compared_too(reference: dict[str, Any]) -> None:
    rows = fleet(np.random.default_rng(2), MINIMUM_SAMPLES)
    same = by_name(measure(reference, rows | {"prediction": 2 * rows["otb_days"]}))
    moved = by_name(measure(reference, rows | {"prediction": 2 * rows["otb_days"] + 5}))
    assert not has_moved(same["prediction"])
    assert has_moved(moved["prediction"])


def test_missing_values_and_new_categories_count_as_drift(reference: dict[str, Any]) -> None:
    rows = fleet(np.random.default_rng(3), MINIMUM_SAMPLES)
    rows["list_price"][:500] = np.nan
    rows["class"][:300] = "convertible"
    found = by_name(measure(reference, rows))
    assert has_moved(found["list_price"]) and has_moved(found["class"]) and not has_moved(found["otb_days"])
    assert found["class"].ks is None


def test_few_rows_are_counted_not_judged(reference: dict[str, Any]) -> None:
    rows = fleet(np.random.default_rng(4), MINIMUM_SAMPLES - 1)
    rows["list_price"] *= 10
    for drift in measure(reference, rows):
        assert (drift.samples, drift.psi, drift.limit, drift.ks) == (MINIMUM_SAMPLES - 1, None, None, None)
        assert not has_moved(drift)


def test_limit_grows_where_the_reference_is_small() -> None:
    x = (Field("x", "number"),)
    draw = np.random.default_rng(5).normal
    rows = {"x": np.random.default_rng(6).normal(size=MINIMUM_SAMPLES)}
    (few,) = measure(reference_of(x, {"x": draw(size=100)}), rows)
    (many,) = measure(reference_of(x, {"x": draw(size=TRAINING_ROWS)}), rows)
    assert few.limit is not None and few.limit > LIMIT_FLOOR
    assert many.limit == LIMIT_FLOOR


def test_psi_of_known_shares() -> None:
    # (0.7 - 0.5) * ln(0.7 / 0.5) + (0.3 - 0.5) * ln(0.3 / 0.5) = 0.16946
    assert psi(np.array([500_000, 500_000]), np.array([700_000, 300_000])) == pytest.approx(0.16946, abs=1e-4)


def test_ks_is_the_gap_at_the_training_deciles() -> None:
    """All values below the lowest decile: nine tenths of the training rows lie above them."""
    x = (Field("x", "number"),)
    reference = reference_of(x, {"x": np.arange(10_000.0)})
    (drift,) = measure(reference, {"x": np.zeros(MINIMUM_SAMPLES)})
    assert drift.ks == pytest.approx(0.9, abs=1e-3)


def test_a_feature_without_any_value_and_unknown_columns_do_no_harm() -> None:
    fields = (Field("empty", "number"), Field("gone", "number"))
    empty = np.full(TRAINING_ROWS, np.nan)
    reference = reference_of(fields, {"empty": empty, "gone": np.zeros(TRAINING_ROWS)})
    (same,) = measure(reference, {"empty": empty[:MINIMUM_SAMPLES], "new": np.zeros(MINIMUM_SAMPLES)})
    assert not has_moved(same) and same.ks is None
    (filled,) = measure(reference, {"empty": np.zeros(MINIMUM_SAMPLES)})
    assert has_moved(filled)


def test_an_older_reference_is_shown_but_not_judged(reference: dict[str, Any]) -> None:
    """It does not say how much single Mondays differ."""

    def older(part: dict[str, Any]) -> dict[str, Any]:
        return {name: {k: v for k, v in facts.items() if k != "single"} for name, facts in part.items()}

    prediction = older({"prediction": reference["prediction"]})["prediction"]
    first = {"schema": 1, "numbers": older(reference["numbers"]), "prediction": prediction}
    first["categories"] = older(reference["categories"])
    rows = fleet(np.random.default_rng(7), MINIMUM_SAMPLES)
    rows["list_price"] *= 3
    found = by_name(measure(first, rows))
    assert found["list_price"].psi is not None and found["list_price"].psi > 1
    assert [drift.feature for drift in found.values() if drift.limit is not None or has_moved(drift)] == []


def test_one_row_asked_a_thousand_times_is_little_evidence(reference: dict[str, Any]) -> None:
    many = fleet(np.random.default_rng(8), MINIMUM_SAMPLES)
    few = {name: np.repeat(values[:20], MINIMUM_SAMPLES // 20) for name, values in many.items()}
    assert drifted(measure(reference, few)) == []
    few["list_price"] = few["list_price"] * 10
    assert drifted(measure(reference, few)) == ["list_price"]


def test_a_reference_of_another_schema_is_refused() -> None:
    with pytest.raises(InputError, match="schema 3"):
        measure({"schema": 3}, {})
