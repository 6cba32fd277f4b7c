"""What the prepared table's files, profiles and columns are called; imports no other module."""

from __future__ import annotations

CSV, PARQUET, REJECTED = "datas.csv", "datas.parquet", "rejected.csv"
MANIFEST, REMEMBERED, FLEETS = "manifest.json", "last_export.parquet", "fleets.json"
OUTPUTS = (PARQUET, CSV, REJECTED, REMEMBERED, FLEETS, MANIFEST)  # in the order they take their final names
# beside synthetic input: what is true of each vehicle, and of the fleet's and classes' sums
ORACLE, ORACLE_TOTALS = "oracle.csv", "oracle_totals.csv"
TRACK_RECORD, TRACK_RECORD_PAGE = "track-record.csv", "track-record.html"  # of replayed Mondays
REPORT = "report"  # folder of the rows behind the report's answers
REPORT_MADE = "made.json"  # in it: what the report was made of, written last
COSTS = "costs.csv"  # optional input of the report alone: what vehicles cost to buy and to keep
FURTHER_HORIZON = "horizon-"  # folder of the table of a horizon that is not served, before its days
VEHICLE_KEYS = "vehicle_keys.csv"  # private: which plate or VIN has which surrogate id
OTHER_FLEETS = "other-fleets"  # folder of what was made of fleets that are not in the data folder now
# What else is made of a fleet's table, in the data folder; names and patterns.
TRACES = (
    "forecasts.csv",
    "forecast-totals.csv",
    "forecast-draws.parquet",
    "forecast-inputs.parquet",
    "report.html",
    REPORT,
    "forecast-accuracy.csv",
    "forecast-live.csv",
    "forecast-live-mondays.csv",
    "forecasts-history",
    TRACK_RECORD,
    TRACK_RECORD_PAGE,
    "forecast-totals-history",
    f"{FURTHER_HORIZON}*",
)

EXPORT, CANONICAL, TAKEHOME = "turo_export", "canonical", "turo_takehome"  # profiles of the input

VEHICLE, ORIGIN, HORIZON = "vehicle_id", "origin_date", "horizon_days"
IN_TRAINING, LOOKS_GONE = "in_training", "looks_gone"
KEYS = (VEHICLE, ORIGIN, HORIZON)
META = (IN_TRAINING, LOOKS_GONE)
CATEGORIES = ("class", "fuel", "make")

QUANTILES = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)  # by which every distribution is told
QUANTILE_NAMES = tuple(f"q{round(100 * level):02d}" for level in QUANTILES)  # columns
# Where forecasts are told, the middle one is the column `median`, and these stand beside it.
MEDIAN_QUANTILE = "q50"
OTHER_QUANTILES = tuple(name for name in QUANTILE_NAMES if name != MEDIAN_QUANTILE)
