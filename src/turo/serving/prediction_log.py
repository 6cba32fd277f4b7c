"""The newest predictions as parquet files beside the data, and the way from a request id to its origin.

One folder a model below `DATA_DIR/predictions`. Each replica writes segments of its own; a growing segment is
replaced as a whole, so that readers never see half a file, and the oldest segments are removed.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from turo.files import atomic_path
from turo.serving.describe import About
from turo.serving.table import Columns

FOLDER = "predictions"
SEGMENTS = 10  # files the cap is divided into; one goes when a new one is begun
TIME = pl.Datetime("us", "UTC")


@dataclass(frozen=True, slots=True)
class Seen:
    """One answered request: its first rows, their places in the request, and what answered."""

    at: float  # seconds since 1970
    request_id: str
    about: About
    rows: np.ndarray  # positions in the request
    columns: Columns
    predictions: np.ndarray


@dataclass
class PredictionLog:
    """Segments of one replica.

    Args:
        folder: of the model.
        max_rows: rows kept of this model; 0 keeps none.
    """

    folder: Path
    max_rows: int
    _parts: list[pl.DataFrame] = field(default_factory=list)
    _path: Path | None = None

    def add(self, seen: Sequence[Seen]) -> None:
        """Append requests and write the segment.

        Raises:
            OSError: the folder cannot be written.
        """
        if not self.max_rows or not seen:
            return
        per_segment = max(1, self.max_rows // SEGMENTS)
        self._parts.append(frame(seen).tail(per_segment))
        whole = pl.concat(self._parts, how="diagonal_relaxed")
        self._parts = [whole]
        with atomic_path(self._segment()) as temporary:
            whole.write_parquet(temporary, compression="zstd")
        if len(whole) >= per_segment:
            self._parts, self._path = [], None

    def _segment(self) -> Path:
        if self._path is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
            self._path = self.folder / f"{stamp}-{uuid.uuid4().hex[:6]}.parquet"
            for old in segments(self.folder)[: -(SEGMENTS - 1)]:
                old.unlink(missing_ok=True)
        return self._path


def frame(seen: Sequence[Seen]) -> pl.DataFrame:
    """Requests as rows of the log: when, who, what answered, the prediction, then the features by name."""
    groups: dict[tuple[int, tuple[str, ...]], list[Seen]] = {}
    for one in seen:  # one version, so one set of columns, but for the moment of a change
        groups.setdefault((id(one.about), tuple(one.columns)), []).append(one)
    return pl.concat([_group(group) for group in groups.values()], how="diagonal_relaxed")


def _group(seen: Sequence[Seen]) -> pl.DataFrame:
    """Column by column over all requests: a frame a request would cost more than the predictions."""
    about, lengths = seen[0].about, [len(one.rows) for one in seen]
    places = np.repeat(np.arange(len(seen)), lengths)
    fixed = {
        "at": pl.Series((np.array([one.at for one in seen]) * 1e6).astype(np.int64)[places]).cast(TIME),
        "request_id": pl.Series([one.request_id for one in seen])[places],
        "row": np.concatenate([one.rows for one in seen]).astype(np.int32),
    }
    names = {
        "model": about.name,
        "version": about.version,
        "run_id": about.run_id,
        "data_digest": about.tags.get("turo.data_digest", ""),
        "code_version": about.tags.get("turo.code_version", ""),
    }
    features = {
        name: _series(np.concatenate([one.columns[name] for one in seen])) for name in seen[0].columns
    }
    predictions = np.concatenate([one.predictions for one in seen])
    return pl.DataFrame({**fixed, **features}).select(
        *fixed,
        *(pl.lit(value).alias(name) for name, value in names.items()),
        pl.Series("prediction", predictions),
        *features,
    )


def _series(values: np.ndarray) -> pl.Series:
    if values.dtype == object:
        return pl.Series(values.tolist(), dtype=pl.String)
    return pl.Series(values).fill_nan(None)


def segments(folder: Path) -> list[Path]:
    """Files of one model, oldest first."""
    return sorted(folder.glob("*.parquet"))


def read(data_dir: str, model: str) -> pl.LazyFrame:
    """The log of one model, lazily; without one an empty frame."""
    files = segments(Path(data_dir) / FOLDER / model)
    if not files:
        return pl.LazyFrame(schema={"request_id": pl.String, "row": pl.Int32})
    return pl.scan_parquet(files, missing_columns="insert", extra_columns="ignore")


def trace(data_dir: str, request_id: str) -> list[dict[str, Any]]:
    """Rows of one request in the log of any model: version, run, data, code, features, prediction."""
    folders = [f for f in (Path(data_dir) / FOLDER).glob("*") if f.is_dir()]
    found = []
    for folder in sorted(folders):
        for path in reversed(segments(folder)):
            rows = pl.scan_parquet(path).filter(pl.col("request_id") == request_id).sort("row").collect()
            found += rows.to_dicts()
    return found
