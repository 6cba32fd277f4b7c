"""How fast prepare is, beside a pandas script and beside the same code in one process; its peak memory.

    python benchmarks/prepare_bench.py            # 5,000 vehicles, 300,000 reservations, file to file
    python benchmarks/prepare_bench.py --memory   # the peak of every process at 3 million reservations
    python benchmarks/prepare_bench.py --quick    # a small fleet, to see that it runs

Each variant reads the same CSV files and writes a CSV; those of this package write the parquet file too. Ray
is up before it is timed, as in the platform; its start is timed apart. Rounds are interleaved; medians count.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import polars as pl
import prepare_fleet
import prepare_pandas
import psutil

from turo import settings
from turo.data.load import load_tables
from turo.features import build
from turo.prepare.ray_tasks import connected
from turo.prepare.run import run

HORIZON = 28
AS_OF = f"{prepare_fleet.END:%Y-%m-%d}"  # a small fleet proves a snapshot that is hours older
MEMORY_CHILD = """
import sys
from turo import settings
from turo.prepare.run import run
run(settings.load(data_dir=sys.argv[1], ray_address="local"))
"""


def by_pandas(folder: Path) -> None:
    """The peer: read, prepare, write."""
    table = prepare_pandas.prepare(folder, HORIZON, pd.Timestamp(prepare_fleet.END))
    table.to_csv(folder / "pandas.csv", index=False)


def in_one_process(folder: Path) -> None:
    """The pure functions without Ray: read, prepare, write."""
    tables = load_tables(settings.load(data_dir=str(folder), as_of=AS_OF))
    table = build.build(tables.reservations, tables.vehicles, tables.blocks, tables.snapshot, HORIZON)
    table.write_csv(folder / "one.csv")
    table.write_parquet(folder / "one.parquet")


def on_ray(folder: Path) -> None:
    """What `turo prepare` does."""
    run(settings.load(data_dir=str(folder), as_of=AS_OF, ray_address="local"))


def same(folder: Path) -> None:
    """The three results agree in every column: 1e-6 of a day or of the currency against pandas."""
    ours, alone = pl.read_parquet(folder / "datas.parquet"), pl.read_parquet(folder / "one.parquet")
    assert ours.equals(alone, null_equal=True)
    peer = pd.read_csv(folder / "pandas.csv", dtype={"vehicle_id": str}, parse_dates=["origin_date"])
    mine = ours.to_pandas().astype({"origin_date": "datetime64[us]"})
    pd.testing.assert_frame_equal(
        mine, peer, check_dtype=False, check_column_type=False, rtol=1e-9, atol=1e-6
    )


def timed(action: Callable[[Path], None], folder: Path) -> float:
    """Wall seconds of one run."""
    begin = time.perf_counter()
    action(folder)
    return time.perf_counter() - begin


def speed(vehicles: int, reservations: int, rounds: int) -> dict[str, float]:
    """Median seconds by variant, and ratios."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        prepare_fleet.write(folder, vehicles, reservations)
        begin = time.perf_counter()
        with connected("local"):
            seconds = {"ray_start": [time.perf_counter() - begin], "ray_first": [timed(on_ray, folder)]}
            for name, action in (("one_process", in_one_process), ("ray", on_ray)) * rounds:
                seconds.setdefault(name, []).append(timed(action, folder))
        seconds["pandas"] = [timed(by_pandas, folder) for _ in range(max(1, rounds // 2))]
        same(folder)
        rows = pl.scan_parquet(folder / "datas.parquet").select(pl.len()).collect().item()
        size = (folder / "datas.csv").stat().st_size / 1e6
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    return {
        "rows": rows,
        "csv_mb": size,
        **medians,
        "pandas_over_ray": medians["pandas"] / medians["ray"],
        "ray_over_one_process": medians["ray"] / medians["one_process"],
    }


def memory(vehicles: int, reservations: int) -> dict[str, float]:
    """Highest resident memory in MB of the driver and of any Ray process (shared memory included)."""
    with tempfile.TemporaryDirectory() as place:
        prepare_fleet.write(Path(place), vehicles, reservations)
        begin = time.perf_counter()
        child = subprocess.Popen([sys.executable, "-c", MEMORY_CHILD, place])
        peaks: dict[str, float] = {}
        watcher = threading.Thread(target=_watch, args=(child.pid, peaks))
        watcher.start()
        assert child.wait() == 0
        watcher.join()
        return {
            "seconds": time.perf_counter() - begin,
            **dict(sorted(peaks.items(), key=lambda item: -item[1])),
        }


def _watch(pid: int, peaks: dict[str, float]) -> None:
    driver = psutil.Process(pid)
    while driver.is_running() and driver.status() != psutil.STATUS_ZOMBIE:
        for process in (driver, *driver.children(recursive=True)):
            try:
                name = "driver" if process == driver else process.name()
                peaks[name] = max(peaks.get(name, 0.0), process.memory_info().rss / 1e6)
            except psutil.NoSuchProcess:
                continue
        time.sleep(0.05)


def main() -> None:
    """Run, print, and keep the figures in benchmarks/results/."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--memory", action="store_true", help="only the memory figures")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    scale = 50 if options.quick else 1
    if options.memory:
        figures = memory(50_000 // scale, 3_000_000 // scale)
    else:
        figures = speed(5_000 // scale, 300_000 // scale, options.rounds)
    for name, value in figures.items():
        print(f"{name:24}{value:12,.2f}")
    target = Path(__file__).parent / "results" / ("prepare_memory.json" if options.memory else "prepare.json")
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
