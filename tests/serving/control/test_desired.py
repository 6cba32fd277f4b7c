"""What is known of versions after a restart of everything: from the registry and the decision log."""

from __future__ import annotations

from pathlib import Path

import pytest
from serving_stack import log_model

from turo.registry import aliases, versions
from turo.registry.client import client
from turo.registry.decision_log import append_entry, read_entries
from turo.serving.control.decision_entries import record_refusal, record_serving
from turo.serving.control.desired import look_up


@pytest.fixture
def five(tracking: Path) -> None:
    """Five versions of A; 5 is the champion, 4 the one before."""
    for _ in range(5):
        version = versions.version("A", log_model("A", "svr", rows=60))
        assert version is not None
        aliases.set_champion(version)


def test_versions_that_served_are_known_and_refused_ones_are_told_from_good_ones(five: None) -> None:
    record_serving("A", "1", "")
    append_entry("promoted", "A", "2", "better")
    record_serving("A", "2", "")
    record_refusal("A", "2", "DeployError: it fails")
    append_entry("promoted", "A", "3", "better")
    record_serving("A", "3", "")
    record_serving("A", "4", "")
    record_refusal("A", "5", "RegistryError: SHA-256")
    record_refusal("A", "4", "DeployError: it fails")
    state = look_up("A")
    assert state is not None
    assert state.previous is not None
    assert (state.spec.version, state.previous.version) == ("5", "4")
    assert state.suspects == {"2", "4", "5"}
    assert [spec.version for spec in state.older] == ["3", "1"]
    client().delete_model_version("A", "3")
    found = look_up("A")
    assert found is not None
    assert [spec.version for spec in found.older] == ["1"]


def test_each_line_is_written_once_however_often_the_same_is_found(five: None) -> None:
    for _ in range(3):  # three restarts: the good one comes up, the champion is refused
        record_serving("A", "4", "Every replica serves it.")
        record_refusal("A", "5", "RegistryError: SHA-256")
    assert [(e["event"], e["version"]) for e in reversed(read_entries("A"))] == [
        ("serving", "4"),
        ("refused", "5"),
    ]
    record_serving("A", "5", "Its files were put back.")
    record_refusal("A", "5", "RegistryError: SHA-256")
    assert [(e["event"], e["version"]) for e in read_entries("A")][:2] == [("refused", "5"), ("serving", "5")]
