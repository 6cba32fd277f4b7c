"""Trips of one vehicle that overlap, as pieces of time that do not: no day counts twice, nor its amount."""

from __future__ import annotations

import polars as pl

from turo.features.time import Ints
from turo.forecast.answers.listed_spans import ListedSpans

COLUMNS = ("vehicle_id", "start", "end", "money")


def single_days(trips: pl.DataFrame) -> pl.DataFrame:
    """`COLUMNS` (µs; money null where unknown) to the same: their union.

    A trip that is alone in its time stays as it is. Where several have a moment, it has the mean of the
    amounts a day that are known.
    """
    rows = trips.sort("vehicle_id", "start", "end")
    before = pl.col("end").cum_max().shift().over("vehicle_id")
    rows = rows.with_columns((pl.col("start") >= before).fill_null(value=True).cum_sum().alias("run"))
    rows = rows.with_columns(pl.len().over("run").alias("trips"))
    shared = rows.filter(pl.col("trips") > 1)
    alone = rows.filter(pl.col("trips") == 1).select(COLUMNS)
    if shared.is_empty():
        return alone
    rate = (pl.col("money") / (pl.col("end") - pl.col("start"))).fill_null(0.0)
    known = pl.col("money").is_not_null().cast(pl.Int64)
    changes = pl.concat(
        shared.select(
            "vehicle_id",
            "run",
            at=at,
            rate=sign * rate,
            known=sign * known,
            there=pl.lit(sign, pl.Int64),
        )
        for at, sign in (("start", 1), ("end", -1))
    )
    moments = changes.group_by("vehicle_id", "run", "at").agg(pl.col("rate", "known", "there").sum())
    moments = moments.sort("run", "at").with_columns(
        pl.col("rate", "known", "there").cum_sum().over("run"),
        pl.col("at").shift(-1).over("run").alias("end"),
    )
    length = pl.col("end") - pl.col("at")
    money = pl.when(pl.col("known") > 0).then(pl.col("rate") / pl.col("known") * length)
    pieces = moments.filter(pl.col("there") > 0).select("vehicle_id", start="at", end="end", money=money)
    return pl.concat([alone, pieces])


def since(pieces: pl.DataFrame, fleet: ListedSpans, begin: Ints | None) -> pl.DataFrame:
    """What of `COLUMNS` lies after the instants `begin` (vehicles,): amounts by their days."""
    if begin is None:
        return pieces
    places = pl.DataFrame(
        {"vehicle_id": fleet.ids, "begin": begin}, schema_overrides={"vehicle_id": pl.String}
    )
    rows = pieces.join(places, "vehicle_id", maintain_order="left").filter(pl.col("end") > pl.col("begin"))
    start = pl.max_horizontal("start", "begin")
    share = (pl.col("end") - start) / (pl.col("end") - pl.col("start"))
    return rows.select("vehicle_id", start=start, end="end", money=pl.col("money") * share)
