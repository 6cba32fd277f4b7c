"""Every decision of the gate, on runs whose quality is known."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from gate_runs import finished, fleet
from training_table import frame
from training_table import write as write_table

from turo import settings
from turo.errors import RegistryError
from turo.gate import promote as gate
from turo.gate.rules import decide
from turo.registry import aliases, decision_log, versions
from turo.registry.client import Version, client
from turo.training.reports.all_models import FAMILY, by_horizon, newest, publish

WORSE, USELESS = 1.15, 9.0  # days of bias: worse than a champion; below the baselines


def write(folder, table, number=1, **manifest):
    """A prepared table of one fleet, or of another."""
    return write_table(folder, table, fleet=fleet(number), **manifest)


def promote(name, run_id, run_key):
    return gate.promote(name, run_id, run_key, settings.load())


@pytest.fixture
def folder(tracking):
    write(tracking / "datas", frame())
    return tracking


def served_versions(name="M"):
    champion, previous = aliases.champion(name), aliases.alias(name, "previous")
    return champion and champion.version, previous and previous.version


def made():
    """What came of decisions; without the entries that one was about to be carried out."""
    return [entry for entry in decision_log.read_entries("M") if entry["event"] != decision_log.DECIDED]


def champion_tags():
    champion = aliases.champion("M")
    assert champion is not None
    return champion.tags


def test_the_first_candidate_is_taken(folder):
    decision = promote("M", finished("M", folder), "k")
    assert decision.promoted
    assert not decision.below_baseline
    assert served_versions() == ("1", None)
    tags = champion_tags()
    assert tags["turo.below_baseline"] == "false"
    assert tags["turo.gate_reason"].startswith("first candidate of M, beats the baseline")


def test_the_first_candidate_is_taken_even_below_the_baseline_but_marked(folder):
    decision = promote("M", finished("M", folder, bias=USELESS), "k")
    assert decision.promoted
    assert decision.below_baseline
    assert champion_tags()["turo.below_baseline"] == "true"
    (entry,) = made()
    assert (entry["event"], entry["below_baseline"]) == ("promoted", "true")


def test_later_candidates_must_beat_the_baseline(folder):
    promote("M", finished("M", folder, bias=USELESS), "k")
    decision = promote("M", finished("M", folder, bias=USELESS + 1), "k2")
    assert not decision.promoted
    assert "does not beat the best baseline; version 1 stays" in decision.reason
    assert served_versions() == ("1", None)
    challenger = aliases.alias("M", "challenger")
    assert challenger is not None
    assert challenger.version == "2"
    told = [entry["event"] for entry in decision_log.read_entries("M")]
    assert told == ["kept", "decided", "promoted", "decided"], "each with its intent before"


def test_a_candidate_that_loses_to_the_champion_is_kept_out_with_the_reason(folder):
    promote("M", finished("M", folder), "k")
    decision = promote("M", finished("M", folder, bias=WORSE), "k2")
    assert not decision.promoted
    assert decision.value < decision.baseline
    assert "loses to champion 1" in decision.reason
    assert decision.champion == "1"
    assert served_versions() == ("1", None)


def test_a_better_one_takes_over_and_the_old_one_is_remembered(folder):
    promote("M", finished("M", folder, bias=WORSE), "k")
    decision = promote("M", finished("M", folder), "k2")
    assert decision.promoted
    assert "does not lose to champion 1" in decision.reason
    assert served_versions() == ("2", "1")


def test_a_challenger_leaves_when_a_newer_version_takes_over(folder):
    promote("M", finished("M", folder), "k")
    promote("M", finished("M", folder, bias=WORSE), "k2")
    assert aliases.alias("M", "challenger") is not None
    promote("M", finished("M", folder, seed=2), "k3")
    assert served_versions() == ("3", "1")
    assert aliases.alias("M", "challenger") is None


def test_a_tie_passes_so_that_a_retraining_moves_the_version(folder):
    promote("M", finished("M", folder), "k")
    decision = promote("M", finished("M", folder, seed=2), "k2")
    assert decision.promoted
    assert "worse by more than 2% in 0% of resamples" in decision.reason
    assert served_versions() == ("2", "1")


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
    assert "not comparable with champion 1: no hold-out row that it has not seen" in decision.reason
    new_vehicles = older.with_columns("new-" + pl.col("vehicle_id"))
    write(folder / "datas", new_vehicles)
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
    assert len(made()) == 1
    aliases.set_champion(versions.register(finished("M", folder, seed=2), "M"))
    assert promote("M", run_id, "k").champion == "2"
    assert served_versions() == ("2", "1")


def test_an_interrupted_decision_is_completed(folder, monkeypatch):
    run_id = finished("M", folder)
    with monkeypatch.context() as broken:
        broken.setattr("turo.gate.promote.append_entry", lambda *_: (_ for _ in ()).throw(ConnectionError()))
        with pytest.raises(ConnectionError):
            promote("M", run_id, "k")
    decision = promote("M", run_id, "k")
    assert decision.promoted
    assert decision.reason.startswith("first candidate of M")
    assert served_versions() == ("1", None)
    assert len(made()) == 1


@pytest.mark.parametrize(("bias", "moved"), [(0.0, "champion"), (WORSE, "challenger")])
def test_an_alias_that_moved_has_an_entry_though_the_process_died_then(folder, monkeypatch, bias, moved):
    promote("M", finished("M", folder), "k")

    def die(version, alias):
        client().set_registered_model_alias(version.name, alias, version.version)
        if alias == moved:
            raise KeyboardInterrupt

    run_id = finished("M", folder, bias=bias, seed=2)
    with monkeypatch.context() as dying:
        dying.setattr(aliases, "set_alias", die)
        with pytest.raises(KeyboardInterrupt):
            promote("M", run_id, "k2")
    found = aliases.alias("M", moved)
    newest = decision_log.read_entries("M")[0]
    assert found is not None
    assert (newest["event"], newest["version"], newest["from"]) == ("decided", found.version, "1")
    assert promote("M", run_id, "k2").version == found.version
    assert [entry["version"] for entry in made()] == ["2", "1"]


def test_two_at_once_end_in_one_whole_state(folder):
    promote("M", finished("M", folder, bias=WORSE), "k")
    runs = [finished("M", folder, run_key=f"k{n}", seed=n) for n in range(2)]
    with ThreadPoolExecutor(2) as pool:
        decisions = list(pool.map(lambda run_id: promote("M", run_id, "k"), runs))
    assert all(decision.promoted for decision in decisions)
    champion, previous = served_versions()
    assert champion in {"2", "3"}
    assert previous in {"1", "2", "3"} - {champion}
    assert len(made()) == 3


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
    path = client().download_artifacts(run_id, "all_models/comparison.json")
    lines = json.loads(Path(path).read_text())
    assert [line["name"] for line in lines if line["key"] == "model"] == ["A", "B"]
    assert len(lines) == 2 + 8  # eight baselines
    assert [line["mae"] for line in lines] == sorted(line["mae"] for line in lines)


def test_lines_without_a_figure_come_last_and_the_others_in_their_order(folder):
    run_id = finished("A", folder)
    champion = promote("A", run_id, "k").version
    own = Path(client().download_artifacts(run_id, "comparison.json"))
    lines = json.loads(own.read_text())
    left_out = [line["name"] for line in lines if line["key"] != "model"][:2]
    told = [line | ({"mae": float("nan")} if line["name"] in left_out else {}) for line in lines]
    own.write_text(json.dumps(told))
    client().log_artifact(run_id, str(own))
    found = publish(next(version for version in versions.search("name = 'A'") if version.version == champion))
    figures = [line["mae"] for line in found if line["name"] not in left_out]
    assert figures == sorted(figures)
    assert [line["name"] for line in found[-2:]] == left_out


def test_the_error_by_horizon_is_drawn_for_the_models_of_all_horizons(folder):
    monthly = finished("M", folder)
    promote("M", monthly, "k")
    write(folder / "datas", frame(horizon=7))
    weekly = finished("M-7d", folder)
    promote("M-7d", weekly, "k")
    family = [version for name in ("M", "M-7d") if (version := aliases.champion(name))]
    by_days = {28: family[0].metrics, 7: family[1].metrics}
    assert by_horizon(family, "mae") == {
        "M": {days: metrics["mae"] for days, metrics in by_days.items()},
        "Best baseline": {days: metrics["baseline_best_mae"] for days, metrics in by_days.items()},
    }
    write(folder / "datas", frame(horizon=90, seed=8), number=2)  # of the same day, but another fleet
    promote("M-90d", finished("M-90d", folder), "k")
    assert [line["name"] for line in publish(family[0]) if line["key"] == "model"] == ["M"]
    assert {version.name for version in newest(family[0], FAMILY)} == {"M", "M-7d"}
    for run_id in (monthly, weekly):
        picture = client().download_artifacts(run_id, "all_models/error_by_horizon.png")
        assert Path(picture).read_bytes().startswith(b"\x89PNG")


def test_a_champion_of_another_fleet_is_as_good_as_none(folder):
    promote("M", finished("M", folder), "k")
    promote("M", finished("M", folder, bias=WORSE), "k2")
    write(folder / "datas", frame(seed=8), number=2)
    decision = promote("M", finished("M", folder, bias=USELESS), "k3")
    assert decision.promoted
    assert decision.below_baseline
    assert decision.reason.startswith(
        "first candidate of this fleet, below the baseline; champion 1 was trained on another fleet: "
        "12 vehicles with 39 reservations (canonical, trips from 2025-10-06 to 2026-11-23)"
    )
    assert served_versions() == ("3", "1")
    assert champion_tags()["turo.below_baseline"] == "true"
    assert aliases.alias("M", "challenger") is None
    decision = promote("M", finished("M", folder, bias=USELESS + 1), "k4")
    assert "does not beat the best baseline; version 3 stays" in decision.reason


def test_a_version_that_names_no_fleet_is_of_this_one_only_by_its_table(folder):
    table = frame()
    write_table(folder / "datas", table)
    promote("M", finished("M", folder), "k")
    write_table(folder / "datas", table, fleet=fleet(1))
    decision = promote("M", finished("M", folder, bias=WORSE), "k2")
    assert "loses to champion 1" in decision.reason
    write(folder / "datas", frame(seed=8))
    decision = promote("M", finished("M", folder, bias=WORSE), "k3")
    assert decision.promoted
    assert "champion 1 was trained on another fleet: a fleet it does not name" in decision.reason


def test_an_old_run_of_another_fleet_replaces_no_champion_of_the_present_one(folder):
    old = finished("M", folder)
    write(folder / "datas", frame(seed=8), number=2)
    promote("M", finished("M", folder, bias=WORSE), "k")
    decision = promote("M", old, "")
    assert not decision.promoted
    assert "the table now is of 12 vehicles with 39 reservations" in decision.reason
    assert decision.reason.endswith("1.6667)")
    assert "version 1 stays" in decision.reason
    assert served_versions() == ("1", None)
    assert aliases.alias("M", "challenger") is None
    write(folder / "datas", frame())  # that fleet's files are back
    assert promote("M", old, "").promoted
    assert served_versions() == ("2", "1")


def test_what_would_only_repeat_a_version_makes_no_new_one(folder):
    first = promote("M", finished("M", folder), "k")
    again = promote("M", finished("M", folder), "k2")
    assert again.reason == (
        "version 1 is the same: trained on the same data with the same parameters and code; nothing new is "
        f"registered; decided before: {first.reason}"
    )
    assert (again.version, again.promoted, again.champion) == ("1", True, "1")
    assert len(versions.search("name = 'M'")) == 1
    assert len(made()) == 1


@pytest.mark.parametrize("code", ["another", ""])
def test_other_code_or_code_that_is_not_told_repeats_nothing(folder, code):
    promote("M", finished("M", folder, code=code and "one"), "k")
    assert promote("M", finished("M", folder, code=code), "k2").version == "2"


def test_back_to_the_first_fleet_its_version_is_champion_again_without_training(folder):
    table = frame()
    run_id = finished("M", folder, run_key="k")
    promote("M", run_id, "k")
    write(folder / "datas", frame(seed=8), number=2)
    promote("M", finished("M", folder), "k2")
    write(folder / "datas", table)
    assert promote("M", run_id, "k").champion == "2"  # a job tried again changes nothing
    decision = promote("M", run_id, "k3")
    assert decision.promoted
    assert decision.reason.startswith("version 1 is the same: trained on the same data")
    assert "champion 2 was trained on another fleet" in decision.reason
    assert served_versions() == ("1", "2")
    assert promote("M", run_id, "k4").champion == "1"
    assert [entry["version"] for entry in made()] == ["1", "2", "1"]


def test_steps_too_small_to_refuse_one_are_noticed_by_the_best_of_the_last_year(folder, monkeypatch):
    promote("M", finished("M", folder), "k")
    worse = versions.register(finished("M", folder, bias=WORSE), "M")
    aliases.set_champion(worse)
    decision = promote("M", finished("M", folder, bias=WORSE, seed=2), "k3")
    assert not decision.promoted
    assert "loses to version 1, the best of the last year: " in decision.reason
    assert served_versions() == ("2", "1")
    monkeypatch.setattr("turo.gate.best_champion.REMEMBERED", timedelta(seconds=-60))
    assert promote("M", finished("M", folder, bias=WORSE, seed=3), "k4").promoted


def test_a_total_that_is_further_off_than_the_champions_does_not_replace_it(folder):
    promote("M", finished("M", folder, of_total=1.3), "k")
    assert "its fleet total is off by +30.0% on the hold-out" in champion_tags()["turo.gate_reason"]
    assert champion_tags()["turo.fleet_bias"] == "0.3000"
    decision = promote("M", finished("M", folder, of_total=1.4, seed=2), "k2")
    assert not decision.promoted
    assert decision.reason.startswith("its fleet total is off by +40.0% against ")
    (kept, _) = made()
    assert float(kept["fleet_bias"]) == pytest.approx(0.4)
    assert promote("M", finished("M", folder, of_total=1.02, seed=2), "k3").promoted


def test_a_baseline_without_error_is_a_result():
    tags = {"turo.metric": "mae", "turo.best_baseline": "books", "turo.data_digest": "d"}
    exact = Version("M", "2", "run", "models:/m", tags, {"mae": 1.5, "baseline_best_mae": 0.0})
    first = decide(exact, None)
    assert (first.promoted, first.below_baseline, first.baseline) == (True, True, 0.0)
    later = decide(exact, replace(exact, version="1"))
    assert not later.promoted
    assert "does not beat the best baseline; version 1 stays" in later.reason


def described(version="1"):
    """What MLflow's pages say of M and of one of its versions."""
    model = client().get_registered_model("M").description or ""
    return model, client().get_model_version("M", version).description or ""


def test_the_card_describes_the_version_and_the_model_whose_champion_it_is(folder):
    runs = [finished("M", folder), finished("M", folder, bias=USELESS)]
    for number, run_id in enumerate(runs, start=1):
        client().log_text(run_id, f"# Card {number}\n\nGood on *suv*.\n", "model_card.md")
    for run_id in runs:
        promote("M", run_id, "k")
    model, first = described()
    assert first == "# Card 1\n\nGood on *suv*.\n"
    assert described("2")[1].startswith("# Card 2"), "a version that only challenges has its card as well"
    assert model.startswith("The champion is version 1: `POST /M` answers with it.")
    assert model.endswith("# Card 1\n\nGood on *suv*.")


def test_a_description_that_is_too_long_ends_with_where_the_rest_is(folder):
    run_id = finished("M", folder)
    client().log_text(run_id, "# Card\n" + "| a row | of a table |\n" * 1000, "model_card.md")
    promote("M", run_id, "k")
    for text in described():
        assert 4900 < len(text) <= 5000
        kept, end = text.rsplit("\n\n", 1)
        assert kept.endswith("\n| a row | of a table |")
        assert end == f"The rest is in `model_card.md` of run {run_id}."


def test_what_somebody_wrote_of_a_version_stays_and_a_run_without_a_card_is_no_obstacle(folder):
    version = versions.register(finished("M", folder), "M")
    client().update_model_version("M", version.version, "Ours since May.")
    assert promote("M", version.run_id, "k").promoted
    model, told = described()
    assert told == "Ours since May."
    assert model == "The champion is version 1: `POST /M` answers with it."


def test_what_somebody_wrote_of_a_model_stays_and_our_own_words_follow_the_champion(folder):
    first, second = finished("M", folder), finished("M", folder, mae=0.5)
    promote("M", first, "k")
    promote("M", second, "k")
    assert described()[0].startswith("The champion is version 2: ")
    client().update_registered_model("M", "Ours since May.")
    third = finished("M", folder, mae=0.25)
    assert promote("M", third, "k").promoted
    assert described()[0] == "Ours since May."


def test_a_description_that_could_not_be_written_is_written_when_asked_again(folder):
    run_id = finished("M", folder)
    promote("M", run_id, "k")
    client().update_registered_model("M", "")
    promote("M", run_id, "k")
    assert described()[0].startswith("The champion is version 1: ")
