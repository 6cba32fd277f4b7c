"""Some of the exports of a host, read once more beside a read of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from turo.data.csv.input_files import Source
from turo.data.csv.sheet import Sheet, open_sheet
from turo.data.export import one_file
from turo.data.export.vehicle_keys import KeyFile
from turo.data.read_context import ReadContext


@dataclass(frozen=True)
class SomeFiles:
    """Which exports to read; files that were parsed for an earlier subset are not parsed again.

    Attributes:
        sources: the files.
        vehicle_ids: reservation_id -> vehicle_id as the read of all files tells it.
    """

    sources: Sequence[Source]
    vehicle_ids: Mapping[str, str]
    _sheets: dict[str, Sheet] = field(default_factory=dict)
    _rows: dict[str, pl.DataFrame] = field(default_factory=dict)

    def of(self, sources: Sequence[Source]) -> SomeFiles:
        """Another subset; what was parsed is shared."""
        return replace(self, sources=sources)

    def sheets(self) -> list[Sheet]:
        """The files, opened."""
        for source in self.sources:
            if source.path not in self._sheets:
                self._sheets[source.path] = open_sheet(source)
        return [self._sheets[source.path] for source in self.sources]

    def read(self, sheet: Sheet, context: ReadContext) -> pl.DataFrame:
        """As `one_file.read`; what is to be said of a file is said the first time only."""
        path = sheet.source.path
        if path not in self._rows:
            self._rows[path] = one_file.read(sheet, context)
        return self._rows[path]

    def as_in_all(self, rows: pl.DataFrame, keys: KeyFile) -> pl.DataFrame:
        """Vehicles that these files know by plate or VIN only, under the id that the read of all gives them.

        A newer export may tell the Vehicle id of a plate; older ones alone would make a surrogate of it.
        """
        surrogates = pl.Series(sorted(set(keys.ids.values())), dtype=pl.String).implode()
        told = pl.col("reservation_id").replace_strict(self.vehicle_ids, default=None, return_dtype=pl.String)
        mine = pl.col("vehicle_id")
        known = pl.when(mine.is_in(surrogates)).then(pl.coalesce(told, mine)).otherwise(mine)
        return rows.with_columns(known.alias("vehicle_id"))
