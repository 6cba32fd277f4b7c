"""Pictures of a track record as inline SVG: forecast, its range and what came true, Monday by Monday."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from turo.forecast.report.pictures import picture, tag
from turo.words import counted

WIDTH, HEIGHT, LEFT, TOP = 860.0, 190.0, 50.0, 12.0
SMALL_WIDTH, SMALL_HEIGHT = 260.0, 34.0
LABELS = 12  # dates below a picture, at most
Row = dict[str, Any]
Place = Callable[[float], float]


def fleet(rows: Sequence[Row]) -> str:
    """Booked days of the fleet: range, forecast and books of each Monday, and what came true."""
    top = _top(rows)
    base = TOP + HEIGHT
    step = WIDTH / max(len(rows) - 1, 1)

    def y(value: float) -> float:
        return base - HEIGHT * value / top

    parts = []
    for share in (0.0, 0.5, 1.0):
        at = y(top * share)
        parts.append(tag("line", x1=LEFT, x2=LEFT + WIDTH, y1=at, y2=at, class_="grid"))
        parts.append(tag("text", f"{top * share:.0f}", x=LEFT - 6, y=at + 4, class_="axis end"))
    every = -(-len(rows) // LABELS)
    for number, row in enumerate(rows):
        if number % every == 0:
            x = LEFT + step * number
            parts.append(tag("text", f"{row['origin_date']:%d %b %y}", x=x, y=base + 15, class_="axis mid"))
    parts += _lines(rows, LEFT, step, y)
    for number, row in enumerate(rows):
        if row["actual"] is not None:
            title = f"{row['origin_date']:%d %b %Y}: expected {row['mean']:.0f}"
            title += f", {row['low']:.0f} to {row['high']:.0f}" if row["low"] is not None else ""
            title += "; came true " + counted(f"{row['actual']:.0f}", "day")
            place: dict[str, object] = {"cx": LEFT + step * number, "cy": y(row["actual"]), "r": 3}
            parts.append(tag("circle", "", title, **place, class_="booked"))
    window = counted(rows[0]["horizon_days"], "day")
    about = f"Booked days of the fleet in the {window} after each Monday"
    return picture(parts, LEFT + WIDTH + 40, base + 24, about)


def vehicle(rows: Sequence[Row]) -> str:
    """The same in small, for one vehicle."""
    top, step = _top(rows), SMALL_WIDTH / max(len(rows) - 1, 1)

    def y(value: float) -> float:
        return 2 + SMALL_HEIGHT * (1 - value / top)

    parts = _lines(rows, 3, step, y)
    parts += [
        tag("circle", cx=3 + step * number, cy=y(row["actual"]), r=1.6, class_="booked")
        for number, row in enumerate(rows)
        if row["actual"] is not None
    ]
    return picture(
        parts, SMALL_WIDTH + 6, SMALL_HEIGHT + 4, f"Forecast and actual of {rows[0]['vehicle_id']}"
    )


def _top(rows: Sequence[Row]) -> float:
    names = ("high", "mean", "actual", "on_books")
    return max([1.0, *(row[name] for row in rows for name in names if row[name] is not None)])


def _lines(rows: Sequence[Row], left: float, step: float, y: Place) -> list[str]:
    """The band of the range, the line of the forecast and that of the books."""
    ranged = [(left + step * at, row) for at, row in enumerate(rows) if row["low"] is not None]
    upper = [f"{x:.1f},{y(row['high']):.1f}" for x, row in ranged]
    lower = [f"{x:.1f},{y(row['low']):.1f}" for x, row in reversed(ranged)]
    parts = [tag("polygon", points=" ".join(upper + lower), class_="expected")] if ranged else []
    for name, kind in (("on_books", "yearline"), ("mean", "range")):
        points = [
            f"{left + step * at:.1f},{y(row[name]):.1f}"
            for at, row in enumerate(rows)
            if row[name] is not None
        ]
        parts.append(tag("polyline", points=" ".join(points), class_=kind, fill="none"))
    return parts
