"""A platform that answers, a data folder with a prepared table and a forecast, a small deployment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from asked_services import Services, services
from small_deployment import backed_up, deployment, refused, server

from turo import last_runs

__all__ = ["backed_up", "deployment", "refused", "server"]


@pytest.fixture
def platform() -> Iterator[Services]:
    with services() as found:
        yield found


@pytest.fixture
def datas(tmp_path: Path) -> Path:
    folder = tmp_path / "datas"
    (folder / "report").mkdir(parents=True)
    manifest = {
        "profile": "canonical",
        "snapshot": "2026-11-24T00:00:00",
        "created_at": "2026-11-24T06:00:00+00:00",
        "rows": {"prepared": 18720, "vehicles": 120},
        "warnings": ["no blocks"],
        "digest": "abc",
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    made = {
        "origin": "2026-11-23",
        "made": "2026-11-24 06:10:00",
        "snapshot": "2026-11-24 00:00:00",
        "data_digest": "abc",
    }
    (folder / "report" / "made.json").write_text(json.dumps(made))
    for step in ("prepare", "forecast"):
        with last_runs.noted(folder, step):
            pass
    return folder
