"""From when to when each vehicle could be booked, and the class it is compared within."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import polars as pl

from turo.data.tables import Tables
from turo.features.time import NEVER, Ints
from turo.features.vehicles import one_line
from turo.forecast.occupied_days import trips


@dataclass(frozen=True)
class ListedSpans:
    """Arrays of one length, in the order of `ids`, which are sorted and unique.

    Attributes:
        names: make, model and year.
        group: number of each vehicle's class in `classes`; -1 without a class.
        since, until: instants in µs; listed in [since, until).
    """

    ids: list[str]
    names: list[str]
    classes: list[str]
    group: Ints
    since: Ints
    until: Ints


def has_classes(vehicles: pl.DataFrame) -> bool:
    """Does any vehicle have a class? Else each is compared with the fleet."""
    return "class" in vehicles.columns and vehicles["class"].count() > 0


def listed_spans(tables: Tables, gone: Collection[str]) -> ListedSpans:
    """Of every vehicle that has a line or a reservation.

    Without `listed_from` a vehicle counts from its first booking, and not from after it where it has one. One
    that is `gone`, though no listed_to says so, counts until its last trip ended.
    """
    columns = {"make": pl.String, "model": pl.String, "year": pl.Int64, "class": pl.String}
    known = tables.vehicles.with_columns(
        pl.lit(None, kind).alias(name)
        for name, kind in (
            columns | {"listed_from": pl.Date, "listed_to": pl.Date, "valid_from": pl.Date}
        ).items()
        if name not in tables.vehicles.columns
    )
    lines = one_line(known, (*columns, "listed_from"))
    booked = tables.reservations.group_by("vehicle_id").agg(
        pl.min_horizontal(pl.col("booked_at").min(), pl.col("trip_start").min()).alias("first")
    )
    driven = trips(tables.reservations).group_by("vehicle_id").agg(pl.col("end").max().alias("last"))
    rows = lines.join(booked, "vehicle_id", how="full", coalesce=True).join(driven, "vehicle_id", how="left")
    rows = rows.sort("vehicle_id")
    moment = pl.Datetime("us")
    since = pl.min_horizontal(pl.col("listed_from").cast(moment), "first").dt.epoch("us").fill_null(NEVER)
    left = pl.when(pl.col("vehicle_id").is_in(list(gone))).then("last")
    until = pl.coalesce(pl.col("listed_to").cast(moment), left).dt.epoch("us").fill_null(NEVER)
    classes = rows["class"].drop_nulls().unique().sort().to_list()
    number = {name: place for place, name in enumerate(classes)}
    label = pl.concat_str("make", "model", pl.col("year").cast(pl.String), separator=" ", ignore_nulls=True)
    return ListedSpans(
        ids=rows["vehicle_id"].to_list(),
        names=rows.select(label.fill_null("")).to_series().to_list(),
        classes=classes,
        group=np.array([number.get(name, -1) for name in rows["class"]], dtype=np.int64),
        since=rows.select(since).to_series().to_numpy().astype(np.int64),
        until=rows.select(until).to_series().to_numpy().astype(np.int64),
    )
