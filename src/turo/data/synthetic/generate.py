"""Write a synthetic fleet in the canonical profile, with what is true of every row and of sums beside it.

No person, address, plate or VIN is drawn. The process is described in `turo.data.synthetic.demand`; unlike in
real exports, dates are never changed after booking.
"""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path

from turo.files import atomic_path
from turo.table.names import ORACLE, ORACLE_TOTALS

logger = logging.getLogger(__name__)

END = datetime(2026, 11, 24)
ORACLE_HORIZONS = (28,)
MINUTES = "%Y-%m-%dT%H:%M"


def write_sample(  # noqa: PLR0913, PLR0917 - the command's options, one to one
    folder: Path,
    vehicles: int = 120,
    years: float = 3,
    seed: int = 7,
    end: datetime = END,
    horizons: tuple[int, ...] = ORACLE_HORIZONS,
) -> dict[str, int]:
    """Write reservations, vehicles, blocks, oracle.csv and oracle_totals.csv; returns rows by file.

    Args:
        vehicles: number of vehicles that were ever listed.
        years: length of the history before `end`, the instant of the snapshot.
        horizons: windows in days for which the oracle is computed; empty writes no oracle.
    """
    from turo.data.synthetic import files, history, oracle, world

    model = world.make(vehicles, years, seed, end)
    made = [history.bookings(model, vehicle) for vehicle in range(vehicles)]
    tables = {
        "reservations.csv": files.reservations(model, made),
        "vehicles.csv": files.vehicles(model),
        "blocks.csv": files.blocks(model, made),
    }
    if horizons:
        tables[ORACLE], tables[ORACLE_TOTALS] = oracle.expectations(model, made, horizons)
    for name, table in tables.items():
        with atomic_path(Path(folder) / name) as path:
            table.write_csv(path, datetime_format=MINUTES)
        logger.info("Wrote %s: %d rows", name, len(table))
    return {name: len(table) for name, table in tables.items()}
