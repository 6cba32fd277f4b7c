"""What a track record says of the forecast, and of each baseline by the same measure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from turo.models.spread import TOLERANCE
from turo.replay.columns import BASELINE, FLEET, VEHICLE
from turo.table.names import LOOKS_GONE
from turo.training.evaluation.baselines import NAMES

FORECAST = "forecast"
SPEAKS = 0.5  # share of the windows that must stay for the methods to be compared on
INSIDE = pl.col("actual").is_between(pl.col("low") - TOLERANCE, pl.col("high") + TOLERANCE)


@dataclass(frozen=True)
class Measured:
    """One method at one horizon; shares of 1, days, and money in the currency of the files.

    Attributes:
        windows: Mondays whose window is over, and of which all methods of the horizon say something.
        actual: booked days of the fleet in a window, on average.
        bias: sum of the fleet's forecasts over the sum of what came true, less 1.
        off: by how many days the fleet's forecast missed, on average.
        off_share: that in sum, as a share of what came true.
        money: what planning with the fleet's forecast missed in a window: `off` times what a booked day
            brought, on average of the horizon; None where prices are unknown.
        coverage: windows whose fleet total lay in the 80 % range; None of baselines, which have none.
        vehicle_mae, vehicle_coverage, vehicle_bias: the same of single vehicles: error of the median, share
            inside the interval, mean of forecast less actual in days.
    """

    horizon_days: int
    method: str
    windows: int
    actual: float
    bias: float | None
    off: float
    off_share: float | None
    money: float | None
    coverage: float | None
    vehicle_mae: float
    vehicle_bias: float
    vehicle_coverage: float | None

    @property
    def title(self) -> str:
        """As the page calls it."""
        key = self.method.removeprefix(BASELINE)
        return "Forecast" if key == FORECAST else NAMES.get(key, key)


@dataclass(frozen=True)
class Figures:
    """All that was measured.

    Attributes:
        vehicles: a row a vehicle and horizon: windows, actual, mean, bias, mae, coverage.
        gone: rows of vehicles that looked gone, which are in no figure, and days that came true in them.
    """

    methods: list[Measured]
    vehicles: pl.DataFrame
    gone: tuple[int, float]

    @classmethod
    def of(cls, record: pl.DataFrame) -> Figures:
        """Of the rows whose window is over."""
        over = record.filter(pl.col("actual").is_not_null())
        gone = over.filter(LOOKS_GONE)
        here = over.filter(~pl.col(LOOKS_GONE))
        return cls(list(_methods(here)), _vehicles(here), (len(gone), float(gone["actual"].sum())))

    def of_horizon(self, horizon: int) -> list[Measured]:
        """The forecast, then the baselines from the best to the worst fleet total."""
        mine = [one for one in self.methods if one.horizon_days == horizon]
        return sorted(mine, key=lambda one: (one.method != FORECAST, one.off))

    def plain(self) -> dict[int, dict[str, dict[str, Any]]]:
        """Figures by horizon and method, rounded."""
        found: dict[int, dict[str, dict[str, Any]]] = {}
        for one in self.methods:
            told = {name: _short(value) for name, value in asdict(one).items()}
            found.setdefault(one.horizon_days, {})[one.method] = told
        return found


def _methods(over: pl.DataFrame) -> Iterator[Measured]:
    for (horizon,), rows in over.group_by(["horizon_days"], maintain_order=True):
        fleet, vehicles = rows.filter(level=FLEET), rows.filter(level=VEHICLE)
        if fleet.is_empty() or vehicles.is_empty():
            continue
        compared = _compared(fleet)
        price = _price(vehicles)
        fleet = fleet.drop_nulls(compared)
        vehicles = vehicles.drop_nulls(compared).join(fleet, "origin_date", how="semi")
        if fleet.is_empty() or vehicles.is_empty():
            continue
        for total in compared:
            yield _measured(int(str(horizon)), total, fleet, vehicles, price)


def _compared(fleet: pl.DataFrame) -> list[str]:
    """Columns of the methods; a baseline that would leave too few windows to compare on is left out."""
    found = ["mean"]
    for name in (name for name in fleet.columns if name.startswith(BASELINE)):
        if len(fleet.drop_nulls([*found, name])) >= SPEAKS * len(fleet):
            found.append(name)
    return found


def _price(vehicles: pl.DataFrame) -> float | None:
    """What a booked day brought, of all windows and vehicles whose prices are known.

    One price for all windows: a window in which nothing was booked has none of its own, and its miss is the
    dearest of all.
    """
    known = vehicles.drop_nulls("actual_revenue")
    days = float(known["actual"].sum())
    return float(known["actual_revenue"].sum()) / days if days else None


def _measured(
    horizon: int, total: str, fleet: pl.DataFrame, vehicles: pl.DataFrame, price: float | None
) -> Measured:
    method, typical = (FORECAST, "median") if total == "mean" else (total, total)
    said, came = fleet[total], fleet["actual"]
    off = (said - came).abs()
    ranged = method == FORECAST
    booked = float(came.sum())
    return Measured(
        horizon_days=horizon,
        method=method,
        windows=len(fleet),
        actual=booked / len(fleet),
        bias=float(said.sum()) / booked - 1 if booked else None,
        off=float(off.sum()) / len(fleet),
        off_share=float(off.sum()) / booked if booked else None,
        money=None if price is None else float(off.sum()) / len(fleet) * price,
        coverage=_inside(fleet) if ranged else None,
        vehicle_mae=float((vehicles[typical] - vehicles["actual"]).abs().sum()) / len(vehicles),
        vehicle_bias=float((vehicles[total] - vehicles["actual"]).sum()) / len(vehicles),
        vehicle_coverage=_inside(vehicles) if ranged else None,
    )


def _inside(rows: pl.DataFrame) -> float | None:
    """Share of what came true between low and high; their ends belong to it."""
    known = rows.drop_nulls(["low", "high"])
    if known.is_empty():
        return None
    return float(known.select(INSIDE.mean()).item())


def _vehicles(over: pl.DataFrame) -> pl.DataFrame:
    miss = pl.col("mean") - pl.col("actual")
    return (
        over.filter(level=VEHICLE)
        .group_by("horizon_days", "vehicle_id")
        .agg(
            pl.col("vehicle").last(),
            pl.len().alias("windows"),
            pl.col("actual", "mean").mean(),
            miss.mean().alias("bias"),
            (pl.col("median") - pl.col("actual")).abs().mean().alias("mae"),
            INSIDE.mean().alias("coverage"),
        )
        .sort("horizon_days", "mae", "vehicle_id", descending=[False, True, False])
    )


def _short(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value
