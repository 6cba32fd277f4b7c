"""Upgrades that neither ended nor went back."""

from __future__ import annotations

from collections.abc import Iterator

from turo.operate.doctor.facts import Facts
from turo.operate.doctor.finding import Trouble


def upgrade_unfinished(facts: Facts) -> Iterator[Trouble]:
    """None is under way; who runs one sees it, who does not had it interrupted."""
    if facts.upgrade:
        target, phase = facts.upgrade
        yield Trouble(
            f"An upgrade to {target} is under way, in the step {phase}.",
            "Unless ./upgrade.sh runs right now, it was interrupted: files, images, databases may be of two "
            "versions.",
            "./upgrade.sh goes on with it, ./upgrade.sh --back returns to the old version.",
        )
