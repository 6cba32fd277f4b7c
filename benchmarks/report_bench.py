"""How long the report takes to make from forecasts that are there, and how large it is.

    python benchmarks/report_bench.py                    # 100 and 5,000 vehicles, some minutes
    python benchmarks/report_bench.py --vehicles 100 --keep /tmp/fleet

The fleet is generated, the best baseline forecasts it. Told are the seconds of the answers and of the page,
the size of the page and of the files beside it. Aimed at: 100 vehicles in 3 s and 1.5 MB, 5,000 in 30 s.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from turo.data.load import load_tables
from turo.data.synthetic.generate import write_sample
from turo.features import build
from turo.forecast import fleet_forecast, monday_report
from turo.forecast.answers.all_answers import all_answers
from turo.forecast.baselines import baseline_forecast
from turo.forecast.champions import Champion
from turo.forecast.forecast_columns import BASELINE
from turo.forecast.horizon_tables import open_folder
from turo.forecast.report import page
from turo.settings import Settings, load
from turo.table.names import MANIFEST, PARQUET

HORIZONS, MAIN = (7, 28, 90), 28


def prepared(folder: Path, vehicles: int) -> Settings:
    """A generated fleet and its three tables, made in this process."""
    write_sample(folder, vehicles=vehicles, horizons=())
    settings = load(data_dir=str(folder))
    source = load_tables(settings)
    for horizon in HORIZONS:
        place = folder if horizon == MAIN else folder / f"horizon-{horizon}"
        place.mkdir(exist_ok=True)
        table = build.build(source.reservations, source.vehicles, source.blocks, source.snapshot, horizon)
        table.write_parquet(place / PARQUET)
        facts = {
            "schema": 1,
            "profile": source.profile,
            "snapshot": source.snapshot.isoformat(),
            "horizon_days": horizon,
            "fleet": source.fleet.plain() if source.fleet else None,
            "inputs": source.inputs,
            "warnings": [],
            "digest": hashlib.sha256((place / PARQUET).read_bytes()).hexdigest(),
        }
        (place / MANIFEST).write_text(json.dumps(facts))
    return settings


def champions(folder: Path) -> list[Champion]:
    """The best baseline of each horizon."""
    found = []
    for horizon in HORIZONS:
        place = folder if horizon == MAIN else folder / f"horizon-{horizon}"
        best = baseline_forecast.best(open_folder(place, horizon))
        found.append(Champion("baseline", best.key, "", best, method=BASELINE, places=best.places))
    return found


def main() -> None:
    """Generate, forecast, tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vehicles", type=int, nargs="+", default=[100, 5000])
    parser.add_argument("--keep", type=Path, help="folder that the last fleet stays in")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    for vehicles in asked.vehicles:
        with tempfile.TemporaryDirectory() as temporary:
            folder = asked.keep or Path(temporary)
            folder.mkdir(exist_ok=True)
            tell(folder, vehicles)


def tell(folder: Path, vehicles: int) -> None:
    """One fleet."""
    settings = prepared(folder, vehicles)
    found = champions(folder)
    seconds: dict[str, float] = {}

    def timed(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def inner(*args: Any, **named: Any) -> Any:
            begun = time.monotonic()
            try:
                return call(*args, **named)
            finally:
                seconds[name] = time.monotonic() - begun

        return inner

    begun = time.monotonic()
    with (
        mock.patch.object(monday_report, "all_answers", timed("answers", all_answers)),
        mock.patch.object(page, "write", timed("page", page.write)),
    ):
        fleet_forecast.forecast_fleet(settings, found)
    passed = time.monotonic() - begun
    size = (folder / page.FILE).stat().st_size
    beside = sum(path.stat().st_size for path in (folder / "report").glob("*.csv"))
    print(
        f"{vehicles} vehicles: answers {seconds['answers']:.1f} s, page {seconds['page']:.1f} s of "
        f"{passed:.1f} s in all; page {size / 1e6:.2f} MB, files beside it {beside / 1e6:.2f} MB"
    )


if __name__ == "__main__":
    main()
