"""When a retraining is due: each of the rules, starting and not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from turo.operate.retrain.decide import Known, decide
from turo.operate.retrain.reasons import Reason

NOW = datetime(2026, 11, 24, 12, 17, tzinfo=UTC)
DRIFT = Reason("FeatureDrift", "2 inputs of KNN have moved", NOW - timedelta(hours=1))
WORSE = Reason("ForecastWorseThanBaseline", "The forecast errs 1.20 times as much", NOW - timedelta(days=2))
NOTHING = Known(lines=(), prepared=None, files="now", now=NOW, cool_down=timedelta(days=7))


def line(days_ago: float, files: str = "then", run: str = "retrain__before") -> dict[str, str]:
    at = (NOW - timedelta(days=days_ago)).isoformat(timespec="seconds")
    return {"at": at, "files": files, "run": run, "reason": "2 inputs of SVR have moved."}


def test_a_first_reason_starts_one() -> None:
    decision = decide("retrain__now", [DRIFT], NOTHING)
    assert (decision.start, decision.why) == (True, "2 inputs of KNN have moved.")


def test_two_reasons_at_once_are_one_retraining_that_names_both() -> None:
    decision = decide("retrain__now", [DRIFT, WORSE], NOTHING)
    assert decision.start
    assert DRIFT.what in decision.why
    assert WORSE.what in decision.why


def test_without_a_reason_nothing_starts() -> None:
    assert not decide("retrain__now", [], NOTHING).start


def test_what_began_before_the_last_preparation_is_answered_and_only_the_rest_counts() -> None:
    prepared = replace(NOTHING, prepared=NOW - timedelta(hours=2))
    assert not decide("retrain__now", [WORSE], prepared).start
    assert decide("retrain__now", [WORSE, DRIFT], prepared).why == "2 inputs of KNN have moved."


def test_a_preparation_that_failed_is_no_answer() -> None:
    failed = replace(NOTHING, prepared=NOW - timedelta(minutes=5), failed=True)
    decision = decide("retrain__now", [DRIFT], failed)
    assert (decision.start, decision.why) == (True, "2 inputs of KNN have moved.")
    assert not decide("retrain__now", [DRIFT], replace(failed, failed=False)).start
    waiting = decide("retrain__now", [DRIFT], replace(failed, lines=(line(1),)))
    assert "the next may start" in waiting.why


def test_the_run_to_start_or_else_the_one_that_was_is_named() -> None:
    """Whoever knows Airflow's runs sees whether that one ever began."""
    started = decide("retrain__now", [DRIFT], NOTHING)
    assert (started.run, started.reason) == ("retrain__now", "2 inputs of KNN have moved.")
    lately = replace(NOTHING, lines=(line(1, run="retrain__newest"), line(8, run="retrain__old")))
    same_files = replace(NOTHING, lines=(line(8, run="retrain__other"), line(30, "now", "retrain__newest")))
    for known in (lately, same_files):
        refused = decide("retrain__now", [DRIFT], known)
        assert (refused.start, refused.run) == (False, "retrain__newest")
        assert refused.reason == "2 inputs of SVR have moved."
    answered = decide("retrain__now", [DRIFT], replace(lately, prepared=NOW))
    assert (answered.start, answered.run) == (False, "")
    assert decide("retrain__now", [], lately).run == ""


def test_a_drift_that_a_retraining_did_not_end_starts_no_other() -> None:
    after = replace(NOTHING, prepared=NOW - timedelta(minutes=50), lines=(line(0.04, "now"),))
    month_later = replace(after, now=NOW + timedelta(days=30), files="others")
    assert not decide("retrain__now", [DRIFT], after).start
    assert not decide("retrain__now", [DRIFT], month_later).start


def test_a_new_drift_waits_for_the_cool_down() -> None:
    assert not decide("retrain__now", [DRIFT], replace(NOTHING, lines=(line(6.99),))).start
    assert decide("retrain__now", [DRIFT], replace(NOTHING, lines=(line(7),))).start


def test_a_clock_that_was_ahead_starts_no_storm() -> None:
    assert not decide("retrain__now", [DRIFT], replace(NOTHING, lines=(line(-5),))).start


def test_the_same_files_are_trained_on_again_only_once_however_long_ago() -> None:
    decision = decide("retrain__now", [DRIFT], replace(NOTHING, lines=(line(8), line(90, "now"))))
    assert not decision.start
    assert "2026-08-26" in decision.why
    unknown = replace(NOTHING, files="", lines=(line(90, ""),))
    assert decide("retrain__now", [DRIFT], unknown).start


def test_one_that_failed_is_tried_once_more_after_the_cool_down() -> None:
    died = replace(NOTHING, prepared=NOW, failed=True, lines=(line(6.99, "now"),))
    assert "the next may start" in decide("retrain__now", [DRIFT], died).why
    due = replace(died, lines=(line(7, "now"), line(40)))
    decision = decide("retrain__now", [DRIFT], due)
    assert decision.start
    assert decision.why == f"{DRIFT.what}; the one that was started for it failed, and is tried once more."
    assert not decide("retrain__now", [DRIFT], replace(due, failed=False)).start
    assert not decide("retrain__now", [], due).start
    twice = replace(due, lines=(line(7, "now"), line(14, "now")))
    assert not decide("retrain__now", [DRIFT], twice).start


def test_asked_again_for_the_same_run_the_answer_is_the_same() -> None:
    noted = replace(NOTHING, lines=(line(0, "now", "retrain__now"),), prepared=NOW)
    decision = decide("retrain__now", [DRIFT], noted)
    assert (decision.start, decision.why) == (True, "2 inputs of SVR have moved.")
