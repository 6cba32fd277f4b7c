"""Pictures as inline SVG, every text escaped. Colours are classes of the report's style."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from html import escape

from turo.forecast.report.booked_weeks import BookedWeeks
from turo.words import counted

ROW, LABEL, CELL, TOP = 18, 230, 46, 26
BAR_WIDTH = 620


def tag(name: str, text: str = "", title: str = "", **attributes: object) -> str:
    """One element; `class_` means class, `_` in other names means `-`, numbers keep one decimal."""
    pairs = " ".join(
        f'{key.rstrip("_").replace("_", "-")}="{escape(_plain(value))}"' for key, value in attributes.items()
    )
    inside = (f"<title>{escape(title)}</title>" if title else "") + escape(text)
    return f"<{name} {pairs}>{inside}</{name}>"


def picture(parts: Sequence[str], width: float, height: float, label: str) -> str:
    """The parts in one scalable picture with a text for readers who do not see it."""
    head = f'<svg viewBox="0 0 {_plain(width)} {_plain(height)}" role="img" aria-label="{escape(label)}">'
    return head + "".join(parts) + "</svg>"


def calendar(booked: BookedWeeks, labels: Sequence[str]) -> str:
    """Booked days of each vehicle in each coming week; the darker the fuller."""
    parts = [
        tag("text", f"{week:%d %b}", x=LABEL + CELL * (column + 0.5), y=TOP - 9, class_="axis mid")
        for column, week in enumerate(booked.weeks)
    ]
    for row, label in enumerate(labels):
        y = TOP + ROW * row
        parts.append(tag("text", label, x=LABEL - 8, y=y + 13, class_="label end"))
        for column, (week, value) in enumerate(zip(booked.weeks, booked.by_vehicle[row], strict=True)):
            days, x = round(float(value), 1), LABEL + CELL * column
            title = f"{label}, week of {week:%d %b %Y}: {days:g} of 7 days booked"
            parts.append(tag("rect", x=x, y=y, width=CELL - 2, height=ROW - 2, class_="empty"))
            if days:
                share = f"{0.15 + 0.85 * min(days / 7, 1):.2f}"
                box: dict[str, object] = {"x": x, "y": y, "width": CELL - 2, "height": ROW - 2}
                parts.append(tag("rect", "", title, **box, class_="booked", fill_opacity=share))
                ink = "mid onfull" if days > 4 else "mid label"
                parts.append(tag("text", f"{days:g}", x=x + CELL / 2 - 1, y=y + 12, class_=ink))
    width = LABEL + CELL * len(booked.weeks)
    return picture(parts, width, TOP + ROW * len(labels), "Booked days of each vehicle in the coming weeks")


def bars(rows: Sequence[dict[str, object]], labels: Sequence[str], full: float) -> str:
    """Each vehicle's booked part, expected part, interval and last year, on a scale from 0 to `full`."""
    full = full or 1.0
    scale = BAR_WIDTH / full
    bottom = TOP + ROW * len(rows)
    parts = []
    for step in range(5):
        x, value = LABEL + BAR_WIDTH * step / 4, full * step / 4
        parts.append(tag("line", x1=x, x2=x, y1=TOP - 4, y2=bottom, class_="grid"))
        parts.append(tag("text", f"{value:g}", x=x, y=TOP - 9, class_="axis mid"))
    for row, (vehicle, label) in enumerate(zip(rows, labels, strict=True)):
        y = TOP + ROW * row
        mean, low, high, books = (_number(vehicle[name]) for name in ("mean", "low", "high", "on_books"))
        known = vehicle["low"] is not None
        title = f"{label}: booked {books:.1f}, expected {mean:.1f}"
        title += f", interval {low:.1f} to {high:.1f}" if known else ""
        parts += [
            tag("text", label, x=LABEL - 8, y=y + 13, class_="label end"),
            tag("rect", title=title, x=LABEL, y=y + 3, width=mean * scale, height=11, class_="expected"),
            tag("rect", title=title, x=LABEL, y=y + 3, width=books * scale, height=11, class_="booked"),
        ]
        if known:
            line = f"M{LABEL + low * scale:.1f} {y + 8.5}H{LABEL + high * scale:.1f}"
            parts.append(tag("path", d=line, class_="range"))
        if vehicle["last_year"] is not None:
            x = LABEL + min(_number(vehicle["last_year"]), full) * scale
            parts.append(tag("line", title="last year", x1=x, x2=x, y1=y + 1, y2=y + 16, class_="year"))
    about = "Booked, expected, interval and last year by vehicle"
    return picture(parts, LABEL + BAR_WIDTH + 20, bottom + 6, about)


def fleet_weeks(booked: BookedWeeks, first: date) -> str:
    """Booked days of the whole fleet, a bar a week, with last year's line; a mark at the origin."""
    values = [*booked.past, *booked.coming]
    year_ago = [*booked.past_year_ago, *booked.coming_year_ago]
    height, width, left, base = 170.0, 30.0, 44.0, 190.0
    top = max([*values, *year_ago, 1.0])
    parts = []
    for step in (0.0, 0.5, 1.0):
        y = base - height * step
        parts.append(tag("line", x1=left, x2=left + width * len(values), y1=y, y2=y, class_="grid"))
        parts.append(tag("text", f"{top * step:.0f}", x=left - 6, y=y + 4, class_="axis end"))
    for number, value in enumerate(values):
        week = date.fromordinal(first.toordinal() + 7 * number)
        tall, x = height * float(value) / top, left + width * number
        kind = "past" if number < len(booked.past) else "booked"
        title = f"Week of {week:%d %b %Y}: {value:.1f} days; a year before {year_ago[number]:.1f}"
        box: dict[str, object] = {
            "x": x + 3,
            "y": base - tall,
            "width": width - 6,
            "height": tall,
            "class_": kind,
        }
        parts.append(tag("rect", "", title, **box))
        if number % 2 == 0:
            parts.append(tag("text", f"{week:%d %b}", x=x + width / 2, y=base + 14, class_="axis mid"))
    line = " ".join(
        f"{left + width * (number + 0.5):.1f},{base - height * float(value) / top:.1f}"
        for number, value in enumerate(year_ago)
    )
    parts.append(tag("polyline", points=line, class_="yearline"))
    now = left + width * len(booked.past)
    parts.append(tag("line", x1=now, x2=now, y1=base - height, y2=base, class_="now"))
    return picture(parts, left + width * len(values) + 10, base + 22, "Booked days of the fleet by week")


def errors(models: Sequence[tuple[int, float, float]], unit: str) -> str:
    """Hold-out errors by horizon: (days, the model's MAE, the best baseline's MAE), one pair of bars each."""
    top = max([*(max(mae, baseline) for _, mae, baseline in models), 0.01])
    parts = []
    for row, (days, mae, baseline) in enumerate(models):
        y = TOP + 2.5 * ROW * row
        parts.append(tag("text", counted(days, "day"), x=LABEL - 8, y=y + ROW, class_="label end"))
        for place, (kind, value, name) in enumerate(
            (("booked", mae, "model"), ("past", baseline, "best baseline"))
        ):
            width, top_edge = BAR_WIDTH * 0.8 * value / top, y + ROW * place
            title = f"{counted(days, 'day')}, {name}: {value:.2f} {unit}"
            box: dict[str, object] = {"x": LABEL, "y": top_edge, "width": width, "height": ROW - 3}
            parts.append(tag("rect", "", title, **box, class_=kind))
            told = f"{name} {value:.2f}"
            parts.append(tag("text", told, x=LABEL + width + 6, y=top_edge + 12, class_="label"))
    height = TOP + 2.5 * ROW * len(models)
    return picture(
        parts, LABEL + BAR_WIDTH + 120, height, "Mean absolute error on the hold-out weeks by horizon"
    )


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _plain(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
