"""An upgrade that was interrupted is named, with both ways out of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Doctor = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (
            "phase=migrating\nfrom=1\ntarget=v0.2.0\n",
            "An upgrade to v0.2.0 is under way, in the step migrating.",
        ),
        ("", "An upgrade to an unknown version is under way, in the step unknown."),
    ],
)
def test_one_that_was_interrupted_is_named(doctor: Doctor, project: Path, state: str, words: str) -> None:
    (project / "backups/upgrade.state").write_text(state)
    (found,) = [each for each in doctor()["findings"] if each["check"] == "upgrade-unfinished"]
    assert found["what"] == words
    assert found["severity"] == "warning"
    assert "./upgrade.sh --back" in found["remedy"]


def test_without_one_nothing_is_said(doctor: Doctor) -> None:
    told = doctor()
    assert "upgrade-unfinished" in told["checked"]
    assert told["findings"] == []
