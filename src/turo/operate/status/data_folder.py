"""What the data folder tells: the prepared table, the newest forecast, and how their makers ended last."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from turo import last_runs
from turo.last_runs import LastRun
from turo.table.names import MANIFEST, REPORT, REPORT_MADE

PREPARE, FORECAST = "prepare", "forecast"  # steps, as their last runs are noted


@dataclass(frozen=True)
class DataState:
    """The prepared table; texts are empty and numbers None where they are not known.

    Attributes:
        snapshot: the instant of the data, ISO, without zone.
        prepared_at: UTC, ISO.
        rows, vehicles: of the table, and of the input.
        warnings: how many its manifest has.
        last_run: of `turo prepare`, None before the first.
        problem: why the rest is not known, or what is wrong with it.
    """

    snapshot: str = ""
    prepared_at: str = ""
    profile: str = ""
    rows: int | None = None
    vehicles: int | None = None
    warnings: int = 0
    last_run: LastRun | None = None
    problem: str = ""


@dataclass(frozen=True)
class ForecastState:
    """The newest forecast.

    Attributes:
        origin: the Monday that it begins with, ISO.
        made_at: UTC, ISO.
        snapshot: of the data that it was made from.
        present: whether it was made from the table as it is now; None where that is not known.
        last_run: of `turo forecast`, None before the first.
        problem: why the rest is not known.
    """

    origin: str = ""
    made_at: str = ""
    snapshot: str = ""
    present: bool | None = None
    last_run: LastRun | None = None
    problem: str = ""


def read(data_dir: str) -> tuple[DataState, ForecastState]:
    """Both, from notes of a few kilobytes: no table is opened."""
    folder = Path(data_dir)
    if "://" in data_dir:
        said = f"DATA_DIR={data_dir} is no folder of this machine: what lies there is not looked at."
        return DataState(problem=said), ForecastState(problem=said)
    if not folder.is_dir():
        said = f"DATA_DIR={data_dir} is no folder: set it to the one with the reservations."
        return DataState(problem=said), ForecastState(problem=said)
    runs = {run.step: run for run in reversed(last_runs.read(folder))}
    manifest, wrong = _members(
        folder / MANIFEST, "No table was prepared yet: run the DAG prepare_data (`turo prepare`)."
    )
    made, missing = _members(
        folder / REPORT / REPORT_MADE,
        "No forecast was made yet: run the DAG forecast_fleet (`turo forecast`).",
    )
    counts = manifest.get("rows")
    rows = counts if isinstance(counts, dict) else {}
    warnings = manifest.get("warnings")
    data = DataState(
        _text(manifest, "snapshot"),
        _text(manifest, "created_at"),
        _text(manifest, "profile"),
        _number(rows, "prepared"),
        _number(rows, "vehicles"),
        len(warnings) if isinstance(warnings, list) else 0,
        runs.get(PREPARE),
        wrong,
    )
    digests = made.get("data_digest"), manifest.get("digest")
    present = digests[0] == digests[1] if all(digests) else None
    forecast = ForecastState(
        _text(made, "origin"),
        _text(made, "made"),
        _text(made, "snapshot"),
        present,
        runs.get(FORECAST),
        missing,
    )
    return data, forecast


def _members(path: Path, none: str) -> tuple[dict[str, Any], str]:
    """What a file of JSON holds, and what is wrong with it; `none` is said where there is no such file."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}, none
    except OSError as error:
        return {}, f"{path} cannot be read ({error.strerror}): give the folder's owner access to it."
    except (ValueError, RecursionError):
        return {}, f"{path} is damaged: {none.partition(': ')[2]}"
    return (told, "") if isinstance(told, dict) else ({}, f"{path} is damaged: {none.partition(': ')[2]}")


def _text(told: dict[str, Any], name: str) -> str:
    return told[name] if isinstance(told.get(name), str) else ""


def _number(told: dict[str, Any], name: str) -> int | None:
    return told[name] if isinstance(told.get(name), int) else None
