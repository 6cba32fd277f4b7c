"""Bugs planted in the product, one at a time: the machine must find each, or its silence means nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from platform_machine import SEARCH, PlatformMachine

from turo.errors import TuroError
from turo.gate import promote as gate
from turo.registry import decision_log
from turo.serving.control import decision_entries, reconcile, rollback_command, shelf
from turo.serving.control.desired import DesiredStates, look_up
from turo.serving.control.reconcile import Reconciler
from turo.serving.control.version_choice import Route

# Found is enough, it need not be made short. Which examples come depends on the modules that are loaded: more
# are granted than the clean search has, since the words of the invariant tell a fault from a false alarm.
FIRST_FAULT = settings(SEARCH, phases=[Phase.generate], max_examples=800)
Plant = Callable[[pytest.MonkeyPatch], None]


def only_what_was_decided_is_configured(patch: pytest.MonkeyPatch) -> None:
    """After a restart while MLflow is away nothing has been decided yet."""
    patch.setattr(Route, "adopt", lambda self, deployed, reported, now: None)
    whole = Reconciler._contents
    patch.setattr(Reconciler, "_contents", lambda self, _running: whole(self, {}))


def what_does_not_answer_is_left_out(patch: pytest.MonkeyPatch) -> None:
    """Replicas that start or have just died: their application goes before anything was refused."""
    whole = Reconciler._contents

    def contents(self: Reconciler, running: Any) -> list[Any]:
        silent = [name for name, there in running.items() if not there.answering]
        return [content for content in whole(self, running) if content.spec.name not in silent]

    patch.setattr(Reconciler, "_contents", contents)


def an_alias_moves_before_its_line(patch: pytest.MonkeyPatch) -> None:
    whole = gate.append_entry
    patch.setattr(
        gate, "append_entry", lambda event, *rest: event == decision_log.DECIDED or whole(event, *rest)
    )


def a_rollback_notes_no_intent(patch: pytest.MonkeyPatch) -> None:
    whole = rollback_command.append_entry
    begun = rollback_command.BEGUN
    patch.setattr(
        rollback_command, "append_entry", lambda event, *rest: event == begun or whole(event, *rest)
    )


def a_refusal_forgets_its_reason(patch: pytest.MonkeyPatch) -> None:
    def refuse(self: Route, _reason: str, now: float) -> None:
        self._give_up(now)

    patch.setattr(Route, "refuse", refuse)


def replicas_that_die_leave_no_reason(patch: pytest.MonkeyPatch) -> None:
    whole = Route.shelve_if_lost

    def shelve(self: Route, *arguments: Any) -> str:
        shelved = whole(self, *arguments)
        self.shelf.lost.clear()
        return shelved

    patch.setattr(Route, "shelve_if_lost", shelve)


def a_deadly_version_is_tried_beside_what_answers(patch: pytest.MonkeyPatch) -> None:
    """In truth what answers is told to load it, and dies: without a pause the plan never rests."""
    patch.setattr(shelf, "SHELVED_S", 0.0)


def a_desired_state_is_kept_though_the_alias_moved(patch: pytest.MonkeyPatch) -> None:
    def read(self: DesiredStates, names: tuple[str, ...]) -> dict[str, Any]:
        for name in names:
            if name not in self._known and (found := look_up(name)):
                self._known[name] = ({}, found)
        return {name: self._known[name][1] for name in names if name in self._known}

    patch.setattr(DesiredStates, "read", read)


def a_configuration_counts_as_applied_before_it_is(patch: pytest.MonkeyPatch) -> None:
    whole = Reconciler._apply

    def apply(self: Reconciler, running: Any, now: float) -> None:
        try:
            whole(self, running, now)
        except TuroError:
            wanted = reconcile.configuration(self._contents(running), self.settings)
            self._applied = json.dumps(wanted, sort_keys=True)
            raise

    patch.setattr(Reconciler, "_apply", apply)


def a_restart_tells_again_that_a_version_serves(patch: pytest.MonkeyPatch) -> None:
    def record(name: str, version: str, reason: str) -> None:
        decision_log.append_entry(decision_log.SERVING, name, version, reason)

    patch.setattr(Reconciler.__init__, "__defaults__", _defaults_with(record))


def _defaults_with(record: Callable[[str, str, str], None]) -> tuple[Any, ...]:
    before = Reconciler.__init__.__defaults__ or ()
    return tuple(record if one is decision_entries.record_serving else one for one in before)


DELETED = "deleted while configured"
NOT_BY_THE_LOG = r"moves to \w+(, the log says| before the log has a line)"
NO_REASON = "no reason is told"
# Of a sound champion, of one that is not.
NOT_THE_CHAMPION = "instead of the sound champion|no reason is told"
BUGS: tuple[tuple[Plant, str], ...] = (  # with the words of the invariant that each breaks
    (only_what_was_decided_is_configured, DELETED),
    (what_does_not_answer_is_left_out, DELETED),
    (an_alias_moves_before_its_line, NOT_BY_THE_LOG),
    (a_rollback_notes_no_intent, NOT_BY_THE_LOG),
    (a_refusal_forgets_its_reason, NO_REASON),
    (replicas_that_die_leave_no_reason, NO_REASON),
    (
        a_deadly_version_is_tried_beside_what_answers,
        "nothing serves, .* could|the plan does not come to rest",
    ),
    (a_desired_state_is_kept_though_the_alias_moved, NOT_THE_CHAMPION),
    (a_configuration_counts_as_applied_before_it_is, NOT_THE_CHAMPION),
    (a_restart_tells_again_that_a_version_serves, "told twice that it serves"),
)


@pytest.mark.parametrize(("plant", "broken"), BUGS)
def test_the_machine_finds(
    plant: Plant, broken: str, machine: type[PlatformMachine], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    with pytest.raises(AssertionError, match=broken):
        run_state_machine_as_test(machine, settings=FIRST_FAULT)
