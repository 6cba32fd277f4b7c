"""Files shaped like Turo's trip earnings export, with invented content, for tests.

Guests are `Guest 1`, plates `(TX #SYN0001)`, addresses and VINs strings that no real file holds: a test
can look for them in everything a run has written.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

HEADER = (
    """
Reservation ID, Guest, Vehicle, Vehicle name, Vehicle id, VIN, Trip start, Trip end, Pickup
location, Return location, Trip status, Check-in odometer, Check-out odometer, Distance traveled,
Trip days, Trip price, Boost price, 3-day discount, 1-week discount, 2-week discount, 3-week
discount, 1-month discount, 2-month discount, 3-month discount, Non-refundable discount, Early bird
discount, Host promotional credit, Delivery, Excess distance, Extras, Cancellation fee, Additional
usage, Late fee, Improper return fee, Airport operations fee, Airport parking credit, Tolls &
tickets, On-trip EV charging, Post-trip EV charging, Smoking, Cleaning, Fines (paid to host), Gas
reimbursement, Gas fee, Other fees, Sales tax, Total earnings
""".replace("\n", " ")
    .strip()
    .split(", ")
)
NOT_IN_44 = ("Vehicle id", "VIN", "Airport parking credit")
MONEY = HEADER[HEADER.index("Trip price") : -1]
VEHICLE_NAMES = ("Honda Civic 2021", "Land Rover Discovery 2019", "Toyota RAV4 2022", "Tesla Model 3 2023")
IDS_PER_DAY = 35_000
EPOCH = datetime(2025, 1, 1)
Row = dict[str, str]


def dollars(amount: float) -> str:
    """As the export writes it: `$1,006.20`, `- $154.26`."""
    return f"- ${-amount:,.2f}" if amount < 0 else f"${amount:,.2f}"


def clock(instant: datetime) -> str:
    """As the export writes it: `2026-04-01 06:00 PM`."""
    return instant.strftime("%Y-%m-%d %I:%M %p")


def row(
    number: int, start: datetime, end: datetime, status: str = "Completed", vehicle: int = 0, **cells: str
) -> Row:
    """One reservation; `cells` overrides columns by name, `_` for blanks (`Trip_status`), after the sum."""
    made: Row = dict.fromkeys(HEADER, "")
    days = math.ceil((end - start) / timedelta(days=1))
    made |= dict.fromkeys(MONEY, "$0.00")
    made |= {
        "Reservation ID": str(20_000_000 + number),
        "Guest": f"Guest {number}",
        "Vehicle": f"Sunny nickname {vehicle} (TX #SYN{vehicle:04d})",
        "Vehicle name": VEHICLE_NAMES[vehicle % len(VEHICLE_NAMES)],
        "Vehicle id": str(1_000_000 + vehicle),
        "VIN": f"1SYNTHETICVIN{vehicle:04d}",
        "Trip start": clock(start),
        "Trip end": clock(end),
        "Pickup location": "12 Invented Street, Nowhere TX",
        "Return location": "12 Invented Street, Nowhere TX",
        "Trip status": status,
        "Trip days": str(days),
    }
    if "cancellation" not in status.lower():
        made |= {"Trip price": dollars(40.5 * days), "3-day discount": dollars(-2.25 * (days > 2))}
    made |= {
        name.replace("_", " "): value for name, value in cells.items() if name.replace("_", " ") in MONEY
    }
    made["Total earnings"] = dollars(sum(cents(made[name]) for name in MONEY) / 100)
    return made | {name.replace("_", " "): value for name, value in cells.items()}


def cents(text: str) -> int:
    digits = text.replace("$", "").replace(",", "").replace("- ", "-")
    return round(float(digits or 0) * 100)


@dataclass
class Fleet:
    """A random fleet: bookings with their true times, from which exports of any day can be written."""

    vehicles: int = 4
    days: int = 365
    seed: int = 5
    bookings: list[tuple[int, int, datetime, datetime, datetime, datetime | None]] = field(
        default_factory=list
    )

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        free = [EPOCH + timedelta(days=int(d)) for d in rng.integers(5, 12, self.vehicles)]
        while min(free) < EPOCH + timedelta(self.days):
            vehicle = free.index(min(free))
            start = free[vehicle] + timedelta(hours=int(rng.integers(6, 60)))
            end = start + timedelta(hours=int(rng.choice([48, 72, 78, 120, 168])))
            since = start - EPOCH
            lead = since * min(float(rng.exponential(14)) / (since.days + 1), float(rng.random()))
            booked = start - lead
            cancelled = booked + lead * float(rng.random()) if rng.random() < 0.2 else None
            number = int((booked - EPOCH) / timedelta(days=1) * IDS_PER_DAY) + 1_000_000
            self.bookings.append((number, vehicle, booked, start, end, cancelled))
            free[vehicle] = end if cancelled is None else free[vehicle] + timedelta(hours=24)
        self.bookings.sort()

    def rows(self, now: datetime) -> list[Row]:
        """What an export of the instant `now` shows."""
        made = []
        for number, vehicle, booked, start, end, cancelled in self.bookings:
            if booked > now:
                continue
            status = "Completed" if end <= now else "In-progress" if start <= now else "Booked"
            if cancelled is not None and cancelled <= now:
                status = "Guest cancellation"
            made.append(row(number, start, end, status, vehicle))
        return made


def text(rows: list[Row], header: list[str] = HEADER, newline: str = "\n") -> str:
    """CSV with every cell quoted, as Turo writes it."""
    out = io.StringIO()
    writer = csv.DictWriter(out, header, quoting=csv.QUOTE_ALL, lineterminator=newline, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def header_44() -> list[str]:
    """The columns of exports up to 2025."""
    return [name for name in HEADER if name not in NOT_IN_44]


def write(
    folder: Path, rows: list[Row], name: str = "reservations.csv", header: list[str] | None = None
) -> Path:
    """Write an export; the fleet's own vehicles file is not part of it."""
    path = folder / name
    path.write_text(text(rows, header or HEADER), encoding="utf-8")
    return path
