"""How long a year of track record takes: the sample fleet, every Monday since 2025-11-24, on a local Ray.

    python benchmarks/replay_bench.py
    python benchmarks/replay_bench.py --model CatBoost --since 2026-05-25

Told are the seconds that pass, the seconds of processors (this process, Ray's workers), and the figures of
the record by horizon. Aimed at: 52 Mondays in ten minutes on two processors.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
from datetime import date
from pathlib import Path

import psutil

from turo.data.synthetic.generate import write_sample
from turo.prepare.ray_tasks import connected
from turo.replay.run import run
from turo.settings import load


def main() -> None:
    """Generate, replay, tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--since", type=date.fromisoformat, default=date(2025, 11, 24))
    parser.add_argument("--model", default="")
    parser.add_argument("--vehicles", type=int, default=120)
    asked = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    with tempfile.TemporaryDirectory() as folder, connected("local"):
        write_sample(Path(folder), vehicles=asked.vehicles, horizons=())
        begun = time.monotonic()
        made = run(load(data_dir=folder, ray_address="local"), asked.since, asked.model)
        passed, busy = time.monotonic() - begun, processor_seconds()
    print(f"{made['mondays']} Mondays with {made['model']}: {passed:.0f} s, {busy:.0f} s of processors")
    for horizon, methods in made["figures"].items():
        for name, told in methods.items():
            print(horizon, name, {key: told[key] for key in ("bias", "off_share", "money", "coverage")})


def processor_seconds() -> float:
    """Of this process and of all below it that still live."""
    here = psutil.Process()
    times = [process.cpu_times() for process in [here, *here.children(recursive=True)]]
    return sum(each.user + each.system for each in times)


if __name__ == "__main__":
    main()
