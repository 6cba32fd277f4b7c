"""Whatever happens, in whatever order: what serves is the champion, or the reason why not is written."""

from __future__ import annotations

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test
from platform_machine import SEARCH, PlatformMachine

AT_RANDOM = settings(SEARCH, derandomize=False, max_examples=300)  # other examples each time


def test_what_serves_is_the_champion_or_a_reason_is_written(machine: type[PlatformMachine]) -> None:
    at_random = settings.get_current_profile_name() == "at-random"  # make random
    run_state_machine_as_test(machine, settings=AT_RANDOM if at_random else SEARCH)
