"""Every decision of the gate, on runs whose quality is known."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from gate_runs import finished
from training_table import frame, write

from turo import ledger, registry
from turo.errors import RegistryError
from turo.training.compare import by_horizon
from turo.training.gate import promote
from turo.training.paired import compare

WORSE, USELESS = 1.5, 9.0  # days of bias: worse than a champion; below the baselines


@pytest.fixture
def folder(tracking):
    write(tracking / "datas", frame())
    return tracking


def versions(name="M"):
    champion, previous = registry.champion(name), registry.alias(name, "previous")
    return champion and champion.version, previous and previous.version


def champion_tags():
    champion = registry.champion("M")
    assert champion is not None
    return champion.tags


def test_the_first_candidate_is_taken(folder):
    decision = promote("M", finished("M", folder), "k")
    assert decision.promoted
    assert not decision.below_baseline
    assert versions() == ("1", None)
    tags = champion_tags()
    assert tags["turo.below_baseline"] == "false"
    assert tags["turo.gate_reason"].startswith("first candidate of M, beats the baseline")


def test_the_first_candidate_is_taken_even_below_the_baseline_but_marked(folder):
    decision = promote("M", finished("M", folder, bias=USELESS), "k")
    assert decision.promoted
    assert decision.below_baseline
    assert champion_tags()["turo.below_baseline"] == "true"
    (entry,) = ledger.ledger_read("M")
    assert (entry["event"], entry["below_baseline"]) == ("promoted", "true")


def test_later_candidates_must_beat_the_baseline(folder):
    promote("M", finished("M", folder, bias=USELESS), "k")
    decision = promote("M", finished("M", folder, bias=USELESS + 1), "k2")
    assert not decision.promoted
    assert "does not beat the best baseline; version 1 stays" in decision.reason
    assert versions() == ("1", None)
    challenger = registry.alias("M", "challenger")
    assert challenger is not None
    assert challenger.version == "2"
    assert [entry["event"] for entry in ledger.ledger_read("M")] == ["kept", "promoted"]


def test_a_candidate_that_loses_to_the_champion_is_kept_out_with_the_reason(folder):
    promote("M", finished("M", folder), "k")
    decision = promote("M", finished("M", folder, bias=WORSE), "k2")
    assert not decision.promoted
    assert decision.value < decision.baseline
    assert "loses to champion 1" in decision.reason
    assert decision.champion == "1"
    assert versions() == ("1", None)


def test_a_better_one_takes_over_and_the_old_one_is_remembered(folder):
    promote("M", finished("M", folder, bias=WORSE), "k")
    decision = promote("M", finished("M", folder), "k2")
    assert decision.promoted
    assert "does not lose to champion 1" in decision.reason
    assert versions() == ("2", "1")


def test_a_challenger_leaves_when_a_newer_version_takes_over(folder):
    promote("M", finished("M", folder), "k")
    promote("M", finished("M", folder, bias=WORSE), "k2")
    assert registry.alias("M", "challenger") is not None
    promote("M", finished("M", folder), "k3")
    assert versions() == ("3", "1")
    assert registry.alias("M", "challenger") is None


def test_a_tie_passes_so_that_a_retraining_on_the_same_data_moves_the_version(folder):
    promote("M", finished("M", folder), "k")
    decision = promote("M", finished("M", folder), "k2")
    assert decision.promoted
    assert "worse in 0% of resamples" in decision.reason
    assert versions() == ("2", "1")


def test_what_is_judged_is_the_model_that_has_not_seen_the_holdout(folder):
    """The served model of the champion is good, but was fitted to the hold-out; its honest twin is bad."""
    promote("M", finished("M", folder, bias=WORSE, served_bias=0.0), "k")
    decision = promote("M", finished("M", folder, served_bias=WORSE), "k2")
    assert decision.promoted


def test_newer_data_are_compared_on_the_candidates_holdout(folder):
    promote("M", finished("M", folder), "k")
    newer = frame().with_columns(pl.col("origin_date").dt.offset_by("3w"))
    write(folder / "datas", newer)
    assert not promote("M", finished("M", folder, bias=WORSE), "k2").promoted
    assert promote("M", finished("M", folder), "k3").promoted


def test_rows_the_champion_may_have_seen_are_left_out(folder):
    promote("M", finished("M", folder), "k")
    older = frame().with_columns(pl.col("origin_date").dt.offset_by("-30w"))
    write(folder / "datas", older)
    decision = promote("M", finished("M", folder, bias=WORSE), "k2")
    assert "not comparable with champion 1: only 0 hold-out rows" in decision.reason
    other_fleet = older.with_columns("other-" + pl.col("vehicle_id"))
    write(folder / "datas", other_fleet)
    assert "common rows" in promote("M", finished("M", folder), "k3").reason


def test_a_champion_of_another_target_gives_way_to_what_beats_the_baseline(folder):
    promote("M", finished("M", folder), "k")
    decision = promote("M", finished("M", folder, target="y_reservations"), "k2")
    assert decision.promoted
    assert "was made for target y_booked_days" in decision.reason


def test_a_tampered_evaluation_model_of_the_champion_is_not_believed(folder):
    promote("M", finished("M", folder), "k")
    (stored,) = folder.rglob("artifacts/evaluation_model/forecaster.json")
    stored.write_text(stored.read_text().replace('"maximum": null', '"maximum": 0.0'))
    decision = promote("M", finished("M", folder, bias=WORSE), "k2")
    assert "is not the one it logged" in decision.reason


def test_asking_again_repeats_the_answer_and_changes_nothing(folder):
    run_id = finished("M", folder, run_key="k")
    first = promote("M", None, "k")
    assert promote("M", run_id, "k") == first
    assert promote("M", None, "k") == first
    assert len(ledger.ledger_read("M")) == 1
    registry.set_champion(registry.register(finished("M", folder), "M"))
    assert promote("M", run_id, "k").champion == "2"
    assert versions() == ("2", "1")


def test_an_interrupted_decision_is_completed(folder, monkeypatch):
    run_id = finished("M", folder)
    with monkeypatch.context() as broken:
        broken.setattr(
            "turo.training.gate.ledger_append", lambda *_: (_ for _ in ()).throw(ConnectionError())
        )
        with pytest.raises(ConnectionError):
            promote("M", run_id, "k")
    decision = promote("M", run_id, "k")
    assert decision.promoted
    assert decision.reason.startswith("first candidate of M")
    assert versions() == ("1", None)
    assert len(ledger.ledger_read("M")) == 1


def test_two_at_once_end_in_one_whole_state(folder):
    promote("M", finished("M", folder, bias=WORSE), "k")
    runs = [finished("M", folder, run_key=f"k{n}") for n in range(2)]
    with ThreadPoolExecutor(2) as pool:
        decisions = list(pool.map(lambda run_id: promote("M", run_id, "k"), runs))
    assert all(decision.promoted for decision in decisions)
    champion, previous = versions()
    assert champion in {"2", "3"}
    assert previous in {"1", "2", "3"} - {champion}
    assert len(ledger.ledger_read("M")) == 3


def test_no_finished_run_is_an_error_that_says_what_to_do(folder):
    with pytest.raises(RegistryError, match=r"No finished run of M with key k.*turo train M"):
        promote("M", None, "k")
    finished("M", folder, run_key="other")
    with pytest.raises(RegistryError, match="No finished run of M with key k"):
        promote("M", None, "k")


def test_all_models_of_one_table_stand_in_one_artifact(folder):
    promote("A", finished("A", folder), "k")
    run_id = finished("B", folder, bias=WORSE)
    promote("B", run_id, "k")
    path = registry.client().download_artifacts(run_id, "all_models/comparison.json")
    lines = json.loads(Path(path).read_text())
    assert [line["name"] for line in lines if line["key"] == "model"] == ["A", "B"]
    assert len(lines) == 2 + 5
    assert [line["mae"] for line in lines] == sorted(line["mae"] for line in lines)


def test_the_error_by_horizon_is_drawn_for_the_models_of_all_horizons(folder):
    monthly = finished("M", folder)
    promote("M", monthly, "k")
    write(folder / "datas", frame(horizon=7))
    weekly = finished("M-7d", folder)
    promote("M-7d", weekly, "k")
    family = [version for name in ("M", "M-7d") if (version := registry.champion(name))]
    by_days = {28: family[0].metrics, 7: family[1].metrics}
    assert by_horizon(family, "mae") == {
        "M": {days: metrics["mae"] for days, metrics in by_days.items()},
        "Best baseline": {days: metrics["baseline_best_mae"] for days, metrics in by_days.items()},
    }
    for run_id in (monthly, weekly):
        picture = registry.client().download_artifacts(run_id, "all_models/error_by_horizon.png")
        assert Path(picture).read_bytes().startswith(b"\x89PNG")


def test_the_bootstrap_draws_whole_cars():
    generator = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 12)
    champion = generator.uniform(1, 3, 480)
    same = compare(champion, champion, groups)
    assert (same.share_worse, same.loses, same.rows) == (0.0, False, 480)
    assert compare(champion + 0.1, champion, groups).loses
    assert not compare(champion - 0.1, champion, groups).loses
    # One car alone makes the difference: rows would call it certain, cars do not.
    one_car = champion + np.where(groups == 7, 5.0, -0.1)
    found = compare(one_car, champion, groups)
    assert found.candidate > found.champion
    assert not found.loses
