"""A vehicle's two pictures as SVG: booked days by week, and what is expected as days add up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from turo.forecast.report.pictures import picture, tag

WIDE, HIGH, LEFT, TOP = 760.0, 210.0, 40.0, 12.0
BANDS = (("q05", "q95", "0.25"), ("q10", "q90", "0.45"), ("q25", "q75", "0.8"))


def weeks_picture(weeks: Sequence[dict[str, Any]], origin: date) -> str:
    """A bar a week, the past ones and what is on the books; last year's line; a mark at the origin."""
    base, step = TOP + HIGH, WIDE / max(len(weeks), 1)
    parts = _scale(7.0, (0, 7), "days")
    for number, row in enumerate(weeks):
        week, booked, year_ago = row["week"], float(row["booked"]), row["year_ago"]
        tall, x = HIGH * min(booked, 7.0) / 7, LEFT + step * number
        before = "" if year_ago is None else f"; a year before {year_ago:.1f}"
        title = f"Week of {week:%d %b %Y}: {booked:.1f} of 7 days{before}"
        box: dict[str, object] = {"x": x + 2, "y": base - tall, "width": step - 4, "height": tall}
        parts.append(tag("rect", "", title, **box, class_="past" if week < origin else "booked"))
        if week == origin:
            parts.append(tag("line", x1=x, x2=x, y1=TOP, y2=base, class_="now"))
        if number % 4 == 2:
            kind = "axis mid spare" if number % 8 == 6 else "axis mid"  # a telephone has room for every other
            parts.append(tag("text", f"{week:%d %b}", x=x + step / 2, y=base + 15, class_=kind))
    line = " ".join(
        f"{LEFT + step * (number + 0.5):.1f},{base - HIGH * min(row['year_ago'], 7.0) / 7:.1f}"
        for number, row in enumerate(weeks)
        if row["year_ago"] is not None
    )
    parts.append(tag("polyline", points=line, class_="yearline"))
    return picture(parts, LEFT + WIDE + 10, base + 22, "Booked days by week, past and on the books")


def fan_picture(rows: Sequence[dict[str, Any]], unit: str) -> str:
    """How what is expected adds up over the horizons: bands of likely outcomes around the median.

    Args:
        rows: columns of FORECASTS, one a horizon, ascending; those without quantiles have their interval.
    """
    days = max(row["horizon_days"] for row in rows)
    most = max([1.0, *(_high(row) for row in rows), *(row["last_year"] or 0.0 for row in rows)])
    base = TOP + HIGH

    def place(day: float, value: float) -> str:
        return f"{LEFT + WIDE * day / days:.1f},{base - HIGH * value / most:.1f}"

    parts = _scale(most, (0, most / 2, most), unit)
    for low, high, opacity in BANDS:
        known = [(r["horizon_days"], r[low], r[high]) for r in rows if r[low] is not None]
        if not known and low == "q10":
            known = [(r["horizon_days"], r["low"], r["high"]) for r in rows if r["low"] is not None]
        if known:
            up = [place(day, top) for day, _, top in known]
            down = [place(day, bottom) for day, bottom, _ in reversed(known)]
            corners = " ".join([place(0, 0), *up, *down])
            parts.append(tag("polygon", points=corners, class_="expected", fill_opacity=opacity))
    for name, kind in (("on_books", "books"), ("median", "typical")):
        line = [place(r["horizon_days"], r[name]) for r in rows if r[name] is not None]
        parts.append(tag("polyline", points=" ".join([place(0, 0), *line]), class_=f"line {kind}"))
    for row in rows:
        day = row["horizon_days"]
        x = LEFT + WIDE * day / days
        title = f"{day} days: typical {_one(row['median'])}, expected {_one(row['mean'])}, "
        title += (
            f"on the books {_one(row['on_books'])}, range {_one(row['low'])} to {_one(row['high'])} {unit}"
        )
        y = base - HIGH * float(row["median"] or 0.0) / most
        parts.append(tag("circle", "", title, cx=x, cy=y, r=4.5, class_="booked"))
        if row["last_year"] is not None:
            y = base - HIGH * row["last_year"] / most
            last = f"the same {day} days last year: {row['last_year']:.1f} {unit}"
            parts.append(tag("line", "", last, x1=x - 9, x2=x + 9, y1=y, y2=y, class_="year"))
        until = row["origin_date"] + timedelta(days=day)
        anchor = "end" if day == days else "mid"
        parts.append(tag("text", f"{until:%d %b}", x=x, y=base + 15, class_=f"axis {anchor}"))
    return picture(parts, LEFT + WIDE + 14, base + 22, f"Expected {unit} from the Monday of the forecast on")


def _scale(most: float, steps: Sequence[float], unit: str) -> list[str]:
    base, parts = TOP + HIGH, []
    for value in steps:
        y = base - HIGH * value / most
        parts.append(tag("line", x1=LEFT, x2=LEFT + WIDE, y1=y, y2=y, class_="grid"))
        parts.append(tag("text", f"{value:,.0f}", x=LEFT - 6, y=y + 4, class_="axis end"))
    parts.append(tag("text", unit, x=LEFT + 4, y=TOP + 10, class_="axis"))
    return parts


def _high(row: dict[str, Any]) -> float:
    known = [row[name] for name in ("q95", "high", "median", "on_books") if row[name] is not None]
    return float(max(known, default=0.0))


def _one(value: float | None) -> str:
    return "unknown" if value is None else f"{value:,.1f}"
