"""The doctor in a process of its own, in a folder that holds anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from turo.operate.server.findings import ask_doctor


def test_what_lies_in_the_checkout_is_no_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That process holds every secret."""
    for name in ("json", "httpx", "typer"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    monkeypatch.setenv("PROJECT_DIR", str(tmp_path))
    with pytest.raises(ValueError, match=r"env\.example"):
        ask_doctor(tmp_path)
    assert not (tmp_path / "ran").exists()
