"""A fleet of four vehicles that can be checked by hand: tables on disk, and models that add a constant."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl

from turo import settings as settings_module
from turo.data.fleet_sketch import Identity
from turo.forecast.champions import Champion
from turo.models.derived import Derivation
from turo.models.distribution import Distribution
from turo.models.encoding import Field
from turo.models.forecaster import Forecaster
from turo.models.interval import Interval
from turo.models.mean_shift import MeanShift
from turo.settings import Settings

ORIGIN = date(2026, 11, 23)
HEADER = "reservation_id,vehicle_id,trip_start,trip_end,status,booked_at,cancelled_at,trip_price,discounts"
RESERVATIONS = f"""{HEADER}
1,A,2025-11-24T00:00,2025-12-01T00:00,completed,2025-11-01T09:00,,350,0
2,A,2026-11-02T00:00,2026-11-06T00:00,completed,2026-10-20T09:00,,200,0
3,A,2026-11-24T12:00,2026-11-26T12:00,booked,2026-11-10T09:00,,100,0
4,A,2026-11-26T00:00,2026-12-02T00:00,booked,2026-11-12T09:00,,300,0
5,B,2026-11-23T00:00,2026-12-20T00:00,in_progress,2026-11-01T09:00,,1350,0
6,B,2026-12-21T00:00,2026-12-24T00:00,guest_cancellation,2026-11-01T09:00,2026-11-02T09:00,150,0
7,C,2026-10-06T00:00,2026-10-08T00:00,completed,2026-10-01T09:00,,90,0
8,D,2026-10-07T00:00,2026-10-09T00:00,completed,2026-10-01T09:00,,90,0
"""
VEHICLES = """vehicle_id,make,model,year,class,fuel,list_price,listed_from,listed_to
A,Kia,Rio,2021,car,gas,50,2025-01-01,
B,Jeep,"<Wrangler> & Co",2022,suv,gas,70,2025-01-01,
C,Ford,Focus,2019,car,gas,40,2025-01-01,2026-12-07
D,Fiat,500,2018,car,gas,40,2025-01-01,2026-11-01
"""
BLOCKS = """vehicle_id,start,end,created_at
A,2026-12-10T00:00,2026-12-14T00:00,2026-11-01T00:00
A,2026-12-15T00:00,2026-12-19T00:00,2026-11-30T00:00
"""
SKETCH = (  # of the reservations above, as prepare notes it
    "ZZqT9NxGPAsaiaOZynxQRv+0worYS9py06h/qgBc/ng=.6lJ0HK0SnxxtodtsQV+SJKE9hDClS+lNtl+lPcUdGo8"
    "QsbU6oxAHm4luwhyBA/Sm7mhKRlGjV8giAcIF7eXk9A=="
)
FLEET = Identity("abcd", "canonical", 4, 8, "2026-11-24T00:00:00", "2025-11-24", "2026-12-21", SKETCH)
# on the books, last year, own price a day, own trip length, trips on the books
VEHICLE_FACTS: dict[str, tuple[float, float | None, float | None, float, float]] = {
    "A": (7.5, 7.0, 50.0, 4.0, 2.0),
    "B": (27.0, 20.0, 50.0, 9.0, 1.0),
    "C": (0.0, None, None, 2.0, 0.0),
    "D": (0.0, 3.0, 45.0, 2.0, 0.0),
}


class Extra:
    """A regressor that expects the same number of days on top of the books for every vehicle."""

    def __init__(self, extra: float = 2.0, **_: Any) -> None:
        self.extra = extra

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.full(len(X), self.extra)

    def save(self, folder: Path) -> None:
        raise NotImplementedError

    @classmethod
    def load(cls, folder: Path) -> Self:
        raise NotImplementedError


def make_champion(horizon: int = 28, **changes: Any) -> Champion:
    """Adds two days to the books, two and a half on average; the interval is one day either side."""
    forecaster = Forecaster(
        kind="extra",
        target="y_booked_days",
        horizon_days=horizon,
        profile="canonical",
        fields=(Field("otb_days", "number"), Field("class", "category", True, ("car", "suv"))),
        model=Extra(),
        interval_offsets=Interval(np.empty(0), np.array([-1.0]), np.array([1.0])),
        offset="otb_days",
        maximum=float(horizon),
        mean_shift=MeanShift(np.empty(0), np.array([0.5])),
        derivation=Derivation(
            "otb_days", "otb_trips", None, 4.0, 45.0, reservations=(0.0, 0.0, 1.0, 0.0), revenue=(1.0, 0.0)
        ),
    )
    facts = {
        "name": "XGBoost" if horizon == 28 else f"XGBoost-{horizon}d",
        "version": "3",
        "run_id": "0123456789abcdef",
        "forecaster": forecaster,
        "data_digest": "feedc0ffee123456",
        "metrics": {
            "mae": 2.5,
            "fleet_bias": -0.018,
            "baseline_on_the_books_mae": 3.25,
            "baseline_last_28_days_mae": 4.5,
        },
    }
    return Champion(**{**facts, **changes})


def make_ranged_champion(
    horizon: int = 28, added: tuple[float, ...] = (-2, 0, 2, 4), places: pl.DataFrame | None = None
) -> Champion:
    """Says of every vehicle that each of `added` is as likely as any other to come to its books."""
    champion = make_champion(horizon, places=places)
    assert isinstance(champion.forecaster, Forecaster)
    rows = 400 // len(added)
    y = np.tile(np.array(added, dtype=np.float64), rows)
    distribution = Distribution.fit(np.zeros((len(y), 1)), np.zeros(len(y)), y)
    return replace(champion, forecaster=replace(champion.forecaster, distribution=distribution))


def weeks(count: int, vehicles: int = 3, alike: bool = True) -> pl.DataFrame:
    """Places of past weeks: all vehicles of a week at the same one, or in every week one at each."""
    rows = [
        {
            "vehicle_id": f"P{vehicle}",
            "origin_date": ORIGIN - timedelta(weeks=week + 20),
            "place": (week + 0.5) / count if alike else (vehicle + 0.5) / vehicles,
        }
        for week in range(count)
        for vehicle in range(vehicles)
    ]
    return pl.DataFrame(rows)


def prepared(origin: date, horizon: int, actual: float | None = None) -> pl.DataFrame:
    """Rows of all four vehicles at one origin; the books of a week are a quarter of those of four weeks."""
    share = horizon / 28
    rows = [
        {
            "vehicle_id": vehicle,
            "origin_date": origin,
            "horizon_days": horizon,
            "class": "suv" if vehicle == "B" else "car",
            "otb_days": books * share,
            "otb_trips": trips,
            "lag_52w": None if last_year is None else last_year * share,
            "base_price_day": price,
            "mean_trip_days": length,
            "in_training": 1,
            "y_booked_days": actual,
        }
        for vehicle, (books, last_year, price, length, trips) in VEHICLE_FACTS.items()
    ]
    types = {"lag_52w": pl.Float64, "base_price_day": pl.Float64, "y_booked_days": pl.Float64}
    return pl.DataFrame(rows, schema_overrides=types)


def write_table(folder: Path, table: pl.DataFrame, **manifest: Any) -> None:
    """datas.parquet and manifest.json as `turo prepare` leaves them."""
    folder.mkdir(parents=True, exist_ok=True)
    table.write_parquet(folder / "datas.parquet")
    facts = {
        "schema": 1,
        "profile": "canonical",
        "snapshot": "2026-11-24T00:00:00",
        "horizon_days": table["horizon_days"][0],
        "fleet": FLEET.plain(),
        "inputs": {},
        "warnings": [],
        "digest": hashlib.sha256((folder / "datas.parquet").read_bytes()).hexdigest(),
    }
    (folder / "manifest.json").write_text(json.dumps({**facts, **manifest}))


def write_fleet(folder: Path) -> Settings:
    """A data folder with input files and the tables for 28 and 7 days, and the settings that name it."""
    folder.mkdir()
    for name, text in (
        ("reservations.csv", RESERVATIONS),
        ("vehicles.csv", VEHICLES),
        ("blocks.csv", BLOCKS),
    ):
        (folder / name).write_text(text)
    for horizon, place in ((28, folder), (7, folder / "horizon-7")):
        rows = pl.concat([prepared(ORIGIN - timedelta(weeks=1), horizon), prepared(ORIGIN, horizon)])
        write_table(place, rows)
    return settings_module.load(data_dir=str(folder), as_of="2026-11-24")
