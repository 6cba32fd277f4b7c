"""The prediction log: the newest predictions as parquet files, and the lookup of a request by its id.

One folder per model below `DATA_DIR/predictions`. Each replica writes a segment of its own; a growing segment
is replaced as a whole, so that readers never see half a file. Those with the oldest rows are removed before
newer ones are written: at no moment does a folder hold more rows than are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from turo.serving.api.model_info import About
from turo.serving.forms.rows import Columns
from turo.serving.replica import log_segments

FOLDER = "predictions"
SHARE = 20  # segments at the row limit: each holds 1/20 of it, and the oldest is removed as a whole
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
    """What one replica writes.

    Args:
        folder: of the model; other replicas write there too.
        max_rows: rows kept of this model; 0 keeps none.
    """

    folder: Path
    max_rows: int
    _fresh: list[pl.DataFrame] = field(default_factory=list)  # not written yet
    _segment: pl.DataFrame | None = None  # what the file at _path holds
    _path: Path | None = None

    @property
    def per_segment(self) -> int:
        """Rows with which a segment is full, and the most that wait to be written."""
        return max(1, self.max_rows // SHARE)

    def keep(self, seen: Sequence[Seen]) -> None:
        """Remember the newest rows of these requests in a compact form."""
        if not self.max_rows or not seen:
            return
        self._fresh.append(frame(seen).tail(self.per_segment))
        while sum(map(len, self._fresh[1:])) >= self.per_segment:
            del self._fresh[0]

    def write(self) -> None:
        """Bring what was kept into the segment's file.

        Raises:
            OSError: the folder cannot be written; what was kept waits on.
        """
        if not self._fresh:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with log_segments.alone(self.folder):
            path, before, old = self._path, self._segment, list[Path]()
            if path is None:
                log_segments.remove_leftovers(self.folder)
                path = log_segments.new_path(self.folder)
                old = log_segments.closed(self.folder, self.per_segment)
                before = log_segments.merged(old) if old else None
            parts = [*([] if before is None else [before]), *self._fresh]
            whole = pl.concat(parts, how="diagonal_relaxed").tail(self.max_rows)
            # Before the rows are there: whoever counts, or is killed in between, finds no more than may be.
            log_segments.make_room(self.folder, path, self.max_rows - len(whole))
            log_segments.write(path, whole)
            for merged in old:
                merged.unlink(missing_ok=True)
        self._path, self._segment, self._fresh = path, whole, []
        if len(whole) >= self.per_segment or log_segments.age(path) > log_segments.OPEN_FOR:
            self._segment, self._path = None, None

    def add(self, seen: Sequence[Seen]) -> None:
        """`keep`, then `write`."""
        self.keep(seen)
        self.write()


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


def read(data_dir: str, model: str) -> pl.LazyFrame:
    """The log of one model, lazily; without one an empty frame."""
    with log_segments.opened(Path(data_dir) / FOLDER / model) as files:
        if not files:
            return pl.LazyFrame(schema={"request_id": pl.String, "row": pl.Int32})
        # Polars holds the files open itself: a replica may remove any of them before the rows are collected.
        return pl.scan_parquet(files, missing_columns="insert", extra_columns="ignore")


def trace(data_dir: str, request_id: str) -> list[dict[str, Any]]:
    """Rows of one request in the log of any model: version, run, data, code, features, prediction."""
    folders = [f for f in (Path(data_dir) / FOLDER).glob("*") if f.is_dir()]
    found: list[dict[str, Any]] = []
    for folder in sorted(folders):
        known: dict[Any, dict[str, Any]] = {}  # a row is in two files while small ones become one
        with log_segments.opened(folder) as files:
            for file in reversed(files):
                rows = pl.scan_parquet(file).filter(pl.col("request_id") == request_id).sort("row").collect()
                for row in rows.to_dicts():
                    known.setdefault((row["at"], row["row"]), row)
        found += known.values()
    return found
