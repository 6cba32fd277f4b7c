"""The features in words of a host: one table, and the sentences that are made of it.

Features that say nearly the same are one topic: what they add to a number is told as one. No sentence speaks
against its effect: "less" and "lower" stand where a value is below usual and that lowers the number. Where a
model takes a value the other way, or a topic has no direction, value and usual value stand side by side.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from turo.words import counted

DAYS, TRIPS, SHARE, PLAIN = "day", "trip", "%", ""
MONEY = "in money"  # whatever unit the file of the host has
MONTHS = ("month_sin", "month_cos", "week_sin", "week_cos")


@dataclass(frozen=True)
class Topic:
    """What a host would call one thing.

    Attributes:
        features: whose contributions are its effect; the value of the first one present is told.
        noun: what is counted, after a number of `unit`; what is measured, if `measured`.
        rises: 1 or -1 where more of it is expected to raise or lower bookings, 0 where that is open.
        measured: "noun lower than usual: value", not "so many days less noun".
        none: said of a value of 0.
        more, less: said in place of any value, which would mean nothing.
        tail: after "than usual".
    """

    features: tuple[str, ...]
    noun: str
    unit: str = DAYS
    rises: int = 0
    measured: bool = False
    none: str = ""
    more: str = ""
    less: str = ""
    tail: str = ""


def _books(unit: str, *features: str) -> Topic:
    return Topic(features, "on the books", unit, 1, none="nothing on the books", tail=" at this lead")


def _measure(noun: str, unit: str, *features: str, rises: int = 0) -> Topic:
    return Topic(features, noun, unit, rises, measured=True)


TOPICS = (
    _books(
        DAYS,
        *("otb_days_alive", "otb_days", "otb_days_kept", "otb_share"),
        *("otb_days_first_7", "otb_days_first_14"),
    ),
    Topic(  # one that runs already has days on the books, and does not count here
        ("otb_trips_alive", "otb_trips", "otb_trips_kept"),
        "on the books beginning in these weeks",
        TRIPS,
        1,
        none="no trip on the books beginning in these weeks",
        tail=" at this lead",
    ),
    _books(MONEY, "otb_revenue_alive", "otb_revenue", "otb_revenue_kept"),
    *(
        Topic(
            (f"pickup_{days}",),
            f"gained on the books in the last {days} days",
            rises=1,
            none=f"nothing gained on the books in the last {days} days",
        )
        for days in (7, 14)
    ),
    *(
        Topic(
            (f"hist_days_{days}", f"hist_trips_{days}", f"hist_revenue_{days}"),
            f"booked in the last {days} days",
            rises=1,
            none=f"nothing booked in the last {days} days",
        )
        for days in (7, 28, 91)
    ),
    Topic(
        ("lag_mean", "lag_1", "lag_2", "lag_3", "lag_4"),
        "booked on average in the last windows of this length",
        rises=1,
        none="nothing booked in the last windows of this length",
    ),
    Topic(
        ("lag_52w", "lag_52w_trips", "lag_52w_revenue"),
        "booked in the same weeks a year ago",
        rises=1,
        none="nothing booked in the same weeks a year ago",
    ),
    Topic(("past_pickup",), "gained on average on top of the books in its earlier windows", rises=1),
    Topic(MONTHS, "", more="a time of year with more bookings", less="a time of year with fewer bookings"),
    Topic(
        ("year_trend",), "", more="more bookings than in earlier years", less="fewer than in earlier years"
    ),
    Topic(
        ("weekend_days", "holidays", "long_weekend", "days_to_holiday"),
        "",
        more="weekends and holidays in these weeks that bring bookings",
        less="weekends and holidays in these weeks that bring fewer bookings",
    ),
    _measure("booked share of the other vehicles' last 28 days", SHARE, "fleet_util_28", rises=1),
    _measure("booked share of the last 28 days in its class", SHARE, "class_util_28", rises=1),
    _measure("share on the books of the other vehicles", SHARE, "fleet_otb_share", rises=1),
    _measure("share on the books of the other vehicles a year ago", SHARE, "fleet_otb_share_52w", rises=1),
    _measure("days the other vehicles gained on top of their books", DAYS, "fleet_pickup", rises=1),
    _measure("the same a year ago, of the other vehicles", DAYS, "fleet_pickup_52w", rises=1),
    _measure("time since its last trip ended", DAYS, "days_since_return", rises=-1),
    _measure("time until its next trip begins", DAYS, "days_to_next_start", rises=-1),
    _measure("time blocked by its owner in these weeks", DAYS, "own_days_ahead", rises=-1),
    _measure("time its owner kept it in the last 28 days", DAYS, "own_days_28"),
    _measure("cancelled bookings in the last 91 days", PLAIN, "hist_cancels_91"),
    _measure("how much its windows differ", DAYS, "lag_sd"),
    _measure("average length of its trips", DAYS, "mean_trip_days"),
    _measure("its trips so far", PLAIN, "trips_ended"),
    _measure("its price per day", MONEY, "base_price_day"),
    _measure("its price against others of its class", SHARE, "price_ratio_class"),
    _measure("its list price", MONEY, "list_price"),
    _measure("its minimum trip", DAYS, "min_trip_days"),
    _measure("number of other vehicles", PLAIN, "fleet_active"),
    _measure("time in the fleet", DAYS, "tenure_days", "history_days"),
    _measure("age in years", PLAIN, "age_years"),
    *(_measure(f"its {name}", PLAIN, name) for name in ("class", "make", "fuel")),
)


def in_unit_of(topic: Topic, feature: str) -> Topic:
    """The topic as it is told by that one of its features."""
    for part, unit in (("trips", TRIPS), ("revenue", MONEY), ("share", SHARE)):
        if topic.unit == DAYS and not topic.measured and part in feature:
            return replace(topic, unit=unit)
    return topic


def without_classes(topic: Topic) -> Topic:
    """The topic of a fleet that has no classes: there the others are all of the fleet."""
    return replace(topic, noun=topic.noun.replace("its class", "the fleet"))


def topic_of(feature: str) -> Topic:
    """The topic of a feature; one without words is told by its name and value."""
    found = next((topic for topic in TOPICS if feature in topic.features), None)
    return found or _measure(feature, PLAIN, feature)


def sentence(topic: Topic, effect: float, value: float | str, usual: float) -> str:
    """What a host reads of one topic.

    Args:
        effect: what it adds to the forecast; only its sign is told here.
        value: of the feature that is told; NaN = not known.
        usual: of the same feature; NaN = not known.
    """
    if topic.more:
        return topic.more if effect > 0 else topic.less
    noun = topic.noun if topic.measured or topic.unit != MONEY else f"{MONEY} {topic.noun}"
    if isinstance(value, str):
        return f"{noun}: {value}"
    if math.isnan(value):
        counts = "" if topic.measured else "money " if topic.unit == MONEY else f"{topic.unit}s "
        return f"not known: {counts}{topic.noun}"
    differs = amount(value, topic.unit) != amount(usual, topic.unit)
    agrees = differs and topic.rises * (value - usual) * effect > 0
    beside = "" if math.isnan(usual) else f" (usual: {amount(usual, topic.unit)})"
    if topic.measured:
        told = f" {'higher' if value > usual else 'lower'} than usual" if agrees else ""
        return f"{noun}{told}: {amount(value, topic.unit)}{beside}"
    nothing = agrees and topic.none and value < usual and amount(value, DAYS) == amount(0.0, DAYS)
    if agrees and not nothing:
        word = "more" if value > usual else "less"
        return f"{amount(abs(value - usual), topic.unit)} {word} {noun} than usual{topic.tail}"
    return (topic.none if nothing else f"{amount(value, topic.unit)} {noun}") + beside


def amount(value: float, unit: str) -> str:
    """A number as one says it: 3 days, 1 trip, 12 %; money as a plain number."""
    number = 100 * value if unit == SHARE else value
    digits = 0 if unit in {MONEY, SHARE} else 1
    told = f"{number:,.{digits}f}".removesuffix(".0")
    told = "0" if told == "-0" else told.replace("-", "\N{MINUS SIGN}")
    return counted(told, unit) if unit in {DAYS, TRIPS} else f"{told} {'' if unit == MONEY else unit}".strip()
