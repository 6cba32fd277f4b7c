"""What is said of distance below the league table: whose profit it is in, and what it rests on."""

from __future__ import annotations

import polars as pl

from turo.forecast.answers.earnings.driven import LEAST_TRIPS, RATES, Driven
from turo.words import by_number, counted

BY = {
    "own": "by the vehicle's own of the past 365 days",
    "past": "by the vehicle's own of all its past",
    "class": "by that of the others of its class",
    "fleet": "by that of the others of the fleet",
}
BEFORE = "profit, break-even use and payback are before what distance costs"


def distance_words(distance: Driven, costs: pl.DataFrame) -> list[str]:
    """Sentences; of the vehicles of costs.csv that have a monthly cost, as others have no profit."""
    kept = costs.filter(pl.col("monthly_cost").is_not_null())
    untold = kept.filter(pl.col("vehicle_id").is_in(distance.unknown)).height
    blank = kept["cost_per_distance"].null_count()
    found = []
    if count := kept.height - blank - untold:
        sentence = (
            f"What distance costs is in profit, break-even use and payback of {counted(count, 'vehicle')}."
        )
        found.append(sentence + _filled(distance))
    if blank:
        found.append(
            f"costs.csv does not have cost_per_distance of {counted(blank, 'vehicle')}: "
            f"{by_number(blank, 'its', 'their')} {BEFORE}."
        )
    if untold:
        found.append(
            f"The distance (column distance) of {counted(untold, 'vehicle')} is not known of trips of the "
            f"past 365 days, nor of {LEAST_TRIPS} trips by which to fill it in: "
            f"{by_number(untold, 'its', 'their')} {BEFORE}."
        )
    if count := distance.unmarked:
        found.append(
            f"{counted(count, 'trip')} that {by_number(count, 'is', 'are')} over "
            f"{by_number(count, 'is', 'are')} not marked completed in the export, so what was driven in "
            f"{by_number(count, 'it', 'them')} is not taken from the file."
        )
    return found


def _filled(distance: Driven) -> str:
    used = [(distance.filled[key], BY[key]) for key in RATES if distance.filled.get(key)]
    if not used:
        return ""
    count = sum(number for number, _ in used)
    how = [by for _, by in used] if len(used) == 1 else [f"of {number} {by}" for number, by in used]
    few = distance.filled.keys() & {"class", "fleet"}
    return (
        f" The distance of {count} of {counted(distance.trips, 'trip')} is not in the file and is filled in "
        f"by a distance a booked day: {', '.join(how)}"
        + (f", where fewer than {LEAST_TRIPS} of its own trips have one." if few else ".")
    )
