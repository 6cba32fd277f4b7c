"""Variables lent to a child process are there for it, and gone or as before afterwards."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from turo.environment import lent


def test_what_was_lent_is_taken_back_also_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNOWN", "before")
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.delenv("NEW", raising=False)
    before = dict(os.environ)
    with pytest.raises(KeyError), lent({"KNOWN": "now", "NEW": "now"}, first_on_path=Path("/opt/bin")):
        inside = {name: os.environ[name] for name in ("KNOWN", "NEW", "PATH")}
        raise KeyError
    assert inside == {"KNOWN": "now", "NEW": "now", "PATH": f"/opt/bin{os.pathsep}/usr/bin"}
    assert dict(os.environ) == before


def test_what_the_user_set_himself_is_kept_where_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHOSEN", "by the user")
    monkeypatch.delenv("NEW", raising=False)
    with lent({}, unless_set={"CHOSEN": "default", "NEW": "default"}):
        assert (os.environ["CHOSEN"], os.environ["NEW"]) == ("by the user", "default")
    assert "NEW" not in os.environ
