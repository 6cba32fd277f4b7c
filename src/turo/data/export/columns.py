"""The trip earnings export: its columns (lower case, single blanks) and what each is used for."""

from __future__ import annotations

ID, STATUS, START, END = "reservation id", "trip status", "trip start", "trip end"
VEHICLE_ID, VIN, VEHICLE, NAME = "vehicle id", "vin", "vehicle", "vehicle name"
TRIP_DAYS, DISTANCE, ODOMETER_OUT, ODOMETER_IN = (
    "trip days",
    "distance traveled",
    "check-in odometer",
    "check-out odometer",
)
# Never turned into values, not even to be thrown away.
PERSONAL = frozenset({"guest", "pickup location", "return location"})

PRICE = ("trip price", "boost price")
DISCOUNTS = (
    "3-day discount",
    "1-week discount",
    "2-week discount",
    "3-week discount",
    "1-month discount",
    "2-month discount",
    "3-month discount",
    "non-refundable discount",
    "early bird discount",
)
FEES = (
    "host promotional credit",
    "delivery",
    "excess distance",
    "extras",
    "cancellation fee",
    "additional usage",
    "late fee",
    "improper return fee",
    "airport operations fee",
    "airport parking credit",
    "tolls & tickets",
    "on-trip ev charging",
    "post-trip ev charging",
    "smoking",
    "cleaning",
    "fines (paid to host)",
    "gas reimbursement",
    "gas fee",
    "other fees",
    "sales tax",
)
TOTAL = "total earnings"
MONEY = (*PRICE, *DISCOUNTS, *FEES, TOTAL)
USED = frozenset(
    {
        ID,
        STATUS,
        START,
        END,
        VEHICLE_ID,
        VIN,
        VEHICLE,
        NAME,
        TRIP_DAYS,
        DISTANCE,
        ODOMETER_OUT,
        ODOMETER_IN,
        *MONEY,
    }
)
# Since about the end of 2025; without them a vehicle is known by its plate only.
IDENTITY = (VEHICLE_ID, VIN)
