"""The peer: the same table by a straightforward pandas script, for fleets without dirty rows.

Daily totals per vehicle as one wide frame, the books origin by origin, joins for the rest.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from holidays import country_holidays

DAY = pd.Timedelta(days=1)
HISTORY = (7, 28, 91)
SILENT, SILENT_WITH_FEW, FEW_TRIPS = 56, 91, 3  # days without a trip after which a vehicle looks gone


def prepare(folder: Path, horizon: int, snapshot: pd.Timestamp) -> pd.DataFrame:
    """Read reservations.csv and vehicles.csv, return the table in the order of `turo.prepare.run`."""
    dates = ["trip_start", "trip_end", "booked_at", "cancelled_at"]
    trips = pd.read_csv(folder / "reservations.csv", parse_dates=dates, dtype={"vehicle_id": str})
    vehicles = pd.read_csv(folder / "vehicles.csv", parse_dates=["listed_from"], dtype={"vehicle_id": str})
    trips["base"] = trips["trip_price"] + trips["discounts"]
    trips = trips.sort_values(["vehicle_id", "trip_start", "trip_end"])
    origins = pd.date_range(trips["booked_at"].min().normalize(), snapshot, freq="W-MON")
    table = vehicles[["vehicle_id", "listed_from"]].merge(pd.DataFrame({"origin_date": origins}), how="cross")
    table = table[table["origin_date"] >= table["listed_from"]].drop(columns="listed_from")
    final = trips[trips["cancelled_at"].isna()]
    span = pd.date_range(origins[0] - 4 * horizon * DAY - 364 * DAY, origins[-1] + (horizon + 7) * DAY)
    table = _attributes(table, vehicles, trips)
    table = _windows(table, final, span, horizon, snapshot)
    table = _ended(table, final, origins)
    table = _books(table, trips, origins, horizon)
    table = _fleet(table, horizon)
    table = _calendar(table, origins, horizon)
    table["horizon_days"] = horizon
    since = table["tenure_days"].clip(upper=table.pop("_file_days"))
    table["history_days"] = since.clip(lower=0)
    table["looks_gone"] = _gone(table, final, since)
    kept = table["y_booked_days"].notna() & (table["looks_gone"] == 0)
    table["in_training"] = ((since >= 91) & kept).astype(int)
    for k in range(1, 5):
        table[f"lag_{k}"] = table[f"lag_{k}"].where(since >= k * horizon)
    for name in ("lag_52w", "lag_52w_trips", "lag_52w_revenue"):
        table[name] = table[name].where(since >= 364)
    lags = table[[f"lag_{k}" for k in range(1, 5)]]
    table["lag_mean"], table["lag_sd"] = lags.mean(axis=1), lags.std(axis=1, ddof=0)
    names = [name for name in table.columns if not name.startswith("_")]
    marks = ["in_training", "looks_gone"]
    keys = ["vehicle_id", "origin_date", "horizon_days", *marks, "class", "fuel", "make"]
    targets = ["y_booked_days", "y_reservations", "y_revenue"]
    order = keys + sorted(set(names) - set(keys) - set(targets)) + targets
    return table.sort_values(["vehicle_id", "origin_date"])[order].reset_index(drop=True)


def _attributes(table: pd.DataFrame, vehicles: pd.DataFrame, trips: pd.DataFrame) -> pd.DataFrame:
    table = table.merge(vehicles, on="vehicle_id")
    epoch = (table["origin_date"] - pd.Timestamp(1970, 1, 1)) / DAY
    table["age_years"] = 1970 + epoch / 365.25 - table["year"]
    table["tenure_days"] = (table["origin_date"] - table["listed_from"]) / DAY
    known = trips[["booked_at", "trip_end"]].sort_values("booked_at")
    known["first"] = known["trip_end"].cummin()
    table = pd.merge_asof(
        table.sort_values("origin_date"),
        known[["booked_at", "first"]],
        left_on="origin_date",
        right_on="booked_at",
    )
    table["_file_days"] = (table["origin_date"] - table["first"]) / DAY
    return table.drop(columns=["year", "timezone", "listed_from", "booked_at", "first"])


def _daily(rows: pd.DataFrame, start: pd.Series, amount: pd.Series, span: pd.DatetimeIndex) -> pd.DataFrame:
    """Days by vehicles: `amount` a day of each trip from `start` to its end, as prefix sums at midnight."""
    first, last = start.dt.normalize(), (rows["trip_end"] - pd.Timedelta(microseconds=1)).dt.normalize()
    count = ((last - first) / DAY + 1).clip(lower=0).astype(int)
    count[rows["trip_end"] <= start] = 0
    each = rows.index.repeat(count)
    day = first.loc[each] + pd.to_timedelta(
        pd.Series(count.map(np.arange).explode().dropna().values, each), unit="D"
    )
    part = np.minimum(rows["trip_end"].loc[each], day + DAY) - np.maximum(start.loc[each], day)
    frame = pd.DataFrame(
        {"vehicle": rows["vehicle_id"].loc[each], "day": day, "value": part / DAY * amount.loc[each]}
    )
    return _before(frame, span)


def _before(frame: pd.DataFrame, span: pd.DatetimeIndex) -> pd.DataFrame:
    wide = frame.pivot_table(index="day", columns="vehicle", values="value", aggfunc="sum")
    return wide.reindex(span).fillna(0.0).cumsum().shift(1).fillna(0.0)


def _at(wide: pd.DataFrame, table: pd.DataFrame, days: int) -> np.ndarray:
    """The totals of each row's vehicle `days` after its origin."""
    row = wide.index.get_indexer(table["origin_date"] + days * DAY)
    column = wide.columns.get_indexer(table["vehicle_id"])
    return np.where(column >= 0, wide.to_numpy()[row, column], 0.0)


def _windows(
    table: pd.DataFrame, final: pd.DataFrame, span: pd.DatetimeIndex, horizon: int, snapshot: pd.Timestamp
) -> pd.DataFrame:
    final = final.reset_index(drop=True)
    reached = final.groupby("vehicle_id")["trip_end"].cummax().groupby(final["vehicle_id"]).shift(1)
    length = (final["trip_end"] - final["trip_start"]) / DAY
    one = pd.Series(1.0, final.index)
    begun = pd.DataFrame(
        {"vehicle": final["vehicle_id"], "day": final["trip_start"].dt.normalize(), "value": 1.0}
    )
    totals = {
        "days": _daily(
            final, np.maximum(final["trip_start"], reached.fillna(final["trip_start"])), one, span
        ),
        "trips": _before(begun, span),
        "revenue": _daily(final, final["trip_start"], final["base"] / length, span),
    }

    def window(name: str, start: int, end: int) -> np.ndarray:
        return _at(totals[name], table, end) - _at(totals[name], table, start)

    for days in HISTORY:
        table[f"hist_days_{days}"] = window("days", -days, 0)
    for days in HISTORY[1:]:
        table[f"hist_trips_{days}"] = window("trips", -days, 0)
        table[f"hist_revenue_{days}"] = window("revenue", -days, 0)
    for k in range(1, 5):
        table[f"lag_{k}"] = window("days", -k * horizon, (1 - k) * horizon)
    for name, ending in (("days", ""), ("trips", "_trips"), ("revenue", "_revenue")):
        table[f"lag_52w{ending}"] = window(name, -364, horizon - 364)
    weeks = -(-horizon // 7)
    table["_realised"] = window("days", -7 * weeks, horizon - 7 * weeks)
    end = table["origin_date"] + horizon * DAY
    table["y_booked_days"] = np.where(end <= snapshot, window("days", 0, horizon), np.nan)
    table["y_reservations"] = np.where(end <= snapshot, window("trips", 0, horizon), np.nan)
    table["y_revenue"] = np.where(end <= snapshot - DAY, window("revenue", 0, horizon), np.nan)
    return table


def _ended(table: pd.DataFrame, final: pd.DataFrame, origins: pd.DatetimeIndex) -> pd.DataFrame:
    rows = final.assign(length=(final["trip_end"] - final["trip_start"]) / DAY).sort_values("trip_end")
    by = rows.groupby("vehicle_id")
    rows["trips_ended"] = by.cumcount() + 1.0
    rows["_length"], rows["_paid"] = by["length"].cumsum(), by["base"].cumsum()
    names = ["vehicle_id", "trip_end", "trips_ended", "_length", "_paid"]
    table = pd.merge_asof(
        table.sort_values("origin_date"), rows[names], left_on="origin_date", right_on="trip_end",
        by="vehicle_id", allow_exact_matches=False,
    ).drop(columns="trip_end")  # fmt: skip
    started = final.sort_values("trip_start")[["vehicle_id", "trip_start", "trip_end"]]
    started["trip_end"] = started.groupby("vehicle_id")["trip_end"].cummax()
    table = pd.merge_asof(
        table,
        started,
        left_on="origin_date",
        right_on="trip_start",
        by="vehicle_id",
        allow_exact_matches=False,
    )
    table["days_since_return"] = ((table["origin_date"] - table["trip_end"]) / DAY).clip(lower=0)
    table["trips_ended"] = table["trips_ended"].fillna(0.0)
    table["mean_trip_days"] = table["_length"] / table["trips_ended"].where(table["trips_ended"] > 0)
    table["base_price_day"] = table["_paid"] / table["_length"]
    return table.drop(columns=["trip_start", "trip_end"])


def _gone(table: pd.DataFrame, final: pd.DataFrame, since: pd.Series) -> pd.Series:
    """Nothing ahead, and no trip for longer than the vehicle's own rhythm explains; no listing has an end."""
    rows = final.sort_values("trip_start")[["vehicle_id", "trip_start", "trip_end"]]
    by = rows.groupby("vehicle_id")
    rows["count"], rows["first"] = by.cumcount() + 1, by["trip_start"].transform("min")
    rows["last"], rows["returned"] = rows["trip_start"], by["trip_end"].cummax()
    begun = pd.merge_asof(
        table[["vehicle_id", "origin_date"]].reset_index().sort_values("origin_date"),
        rows,
        left_on="origin_date",
        right_on="trip_start",
        by="vehicle_id",
    ).set_index("index")
    begun = begun.reindex(table.index)
    mean = (begun["last"] - begun["first"]) / DAY / (begun["count"] - 1).clip(lower=1)
    patience = np.maximum(SILENT, 3 * mean).where(begun["count"] >= FEW_TRIPS, SILENT_WITH_FEW)
    silent = np.fmin((table["origin_date"] - begun["returned"]) / DAY, since)
    return ((silent > patience) & (table["_ahead"] == 0)).astype(int)


def _union(rows: pd.DataFrame) -> pd.Series:
    """Booked days by vehicle: overlapping trips count once."""
    by = rows["vehicle_id"]
    reached = rows.groupby("vehicle_id")["end"].cummax().groupby(by).shift(1).fillna(rows["start"])
    return ((rows["end"] - np.maximum(rows["start"], reached)).clip(lower=0)).groupby(by).sum()


def _books(table: pd.DataFrame, trips: pd.DataFrame, origins: pd.DatetimeIndex, horizon: int) -> pd.DataFrame:
    left = trips["cancelled_at"].fillna(pd.Timestamp.max)
    found = []
    for origin in origins:
        end = origin + horizon * DAY
        near = trips[
            (trips["trip_start"] < end) & (trips["trip_end"] > origin) & (trips["booked_at"] <= origin)
        ]
        near = near.assign(
            left=left.loc[near.index],
            start=((near["trip_start"] - origin) / DAY).clip(0, horizon),
            end=((near["trip_end"] - origin) / DAY).clip(0, horizon),
        )
        now = near[near["left"] > origin]
        books = pd.DataFrame({"otb_days": _union(now)})
        inside = now[now["trip_start"] >= origin]
        books["otb_trips"] = inside.groupby("vehicle_id").size()
        share = (now["end"] - now["start"]) / ((now["trip_end"] - now["trip_start"]) / DAY)
        books["otb_revenue"] = (now["base"] * share).groupby(now["vehicle_id"]).sum()
        books["days_to_next_start"] = inside.groupby("vehicle_id")["start"].min()
        for days in (d for d in (7, 14) if d < horizon):
            cut = now.assign(start=now["start"].clip(upper=days), end=now["end"].clip(upper=days))
            books[f"otb_days_first_{days}"] = _union(cut)
        for days in (7, 14):
            before = _union(
                near[(near["booked_at"] <= origin - days * DAY) & (near["left"] > origin - days * DAY)]
            )
            books = books.join(before.rename(f"pickup_{days}"), how="outer")
        lost = trips[(left < origin) & (left >= origin - 91 * DAY) & (trips["booked_at"] < left)]
        books = books.join(lost.groupby("vehicle_id").size().rename("hist_cancels_91"), how="outer")
        ahead = trips[(trips["booked_at"] <= origin) & (left > origin) & (trips["trip_end"] > origin)]
        books = books.join(ahead.groupby("vehicle_id").size().rename("_ahead"), how="outer")
        found.append(books.assign(origin_date=origin).rename_axis("vehicle_id").reset_index())
    table = table.merge(pd.concat(found), on=["vehicle_id", "origin_date"], how="left")
    next_start = table.pop("days_to_next_start")
    names = [name for name in table.columns if name.startswith(("otb_", "pickup_", "hist_cancels", "_ahead"))]
    table[names] = table[names].fillna(0.0)
    table["days_to_next_start"] = next_start
    for days in (7, 14):
        table[f"pickup_{days}"] = table["otb_days"] - table[f"pickup_{days}"]
    table["otb_share"] = table["otb_days"] / horizon
    return table


def _fleet(table: pd.DataFrame, horizon: int) -> pd.DataFrame:
    weeks = -(-horizon // 7)
    table = table.sort_values(["vehicle_id", "origin_date"]).reset_index(drop=True)
    by_vehicle = table.groupby("vehicle_id")
    pickup = table["_realised"] - by_vehicle["otb_days"].shift(weeks)
    table["_pickup"] = pickup
    shifted = pd.concat([table.groupby("vehicle_id")["_pickup"].shift(k * weeks) for k in range(4)], axis=1)
    table["past_pickup"] = shifted.mean(axis=1)
    by_origin, by_class = table.groupby("origin_date"), table.groupby(["origin_date", "class"])
    others = by_origin["vehicle_id"].transform("size") - 1.0
    peers = by_class["vehicle_id"].transform("size") - 1.0
    table["fleet_active"] = others
    occupied = table["hist_days_28"]
    table["fleet_util_28"] = (
        (by_origin["hist_days_28"].transform("sum") - occupied) / others.where(others > 0) / 28
    )
    table["class_util_28"] = (
        (by_class["hist_days_28"].transform("sum") - occupied) / peers.where(peers > 0) / 28
    )
    booked = by_origin["otb_days"].transform("sum") - table["otb_days"]
    table["fleet_otb_share"] = booked / others.where(others > 0) / horizon
    picked = by_origin["_pickup"].transform("count") - pickup.notna()
    gained = by_origin["_pickup"].transform("sum") - pickup.fillna(0.0)
    table["fleet_pickup"] = gained / picked.where(picked > 0)
    table["fleet_otb_share_52w"] = table.groupby("vehicle_id")["fleet_otb_share"].shift(52)
    table["fleet_pickup_52w"] = table.groupby("vehicle_id")["fleet_pickup"].shift(52 - weeks)
    paid = by_class["_paid"].transform("sum") - table["_paid"].fillna(0.0)
    length = by_class["_length"].transform("sum") - table["_length"].fillna(0.0)
    table["price_ratio_class"] = table["base_price_day"] / (paid / length.where(length > 0)).where(
        lambda x: x > 0
    )
    return table


def _calendar(table: pd.DataFrame, origins: pd.DatetimeIndex, horizon: int) -> pd.DataFrame:
    years = range(origins[0].year, origins[-1].year + 3)
    kept = sorted(pd.Timestamp(day) for day in country_holidays("US", years=years))
    rows = []
    for origin in origins:
        window = pd.date_range(origin, periods=horizon)
        middle = origin + (horizon // 2) * DAY
        month = middle.month - 1 + (middle.day - 1) / 31
        inside = [day for day in kept if origin <= day < origin + horizon * DAY]
        rows.append({
            "origin_date": origin,
            "month_sin": np.sin(2 * np.pi * month / 12),
            "month_cos": np.cos(2 * np.pi * month / 12),
            "week_sin": np.sin(2 * np.pi * middle.dayofyear / 365.25),
            "week_cos": np.cos(2 * np.pi * middle.dayofyear / 365.25),
            "weekend_days": float((window.dayofweek >= 5).sum()),
            "holidays": float(len(inside)),
            "long_weekend": float(any(day.dayofweek in (0, 4) for day in inside)),
            "days_to_holiday": float(min((day - origin).days for day in kept if day >= origin)),
            "year_trend": (origin - pd.Timestamp(2020, 1, 1)).days / 365.25,
        })  # fmt: skip
    return table.merge(pd.DataFrame(rows), on="origin_date")
