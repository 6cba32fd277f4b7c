"""Which of the three profiles a file has, by its header; and what to say of other files."""

from __future__ import annotations

from turo.data.csv.sheet import Sheet, underscored
from turo.errors import InputError
from turo.table.names import CANONICAL, EXPORT, TAKEHOME

CANONICAL_REQUIRED = ("reservation_id", "vehicle_id", "trip_start", "trip_end", "status")
EXPORT_REQUIRED = ("reservation id", "trip start", "trip end", "trip status")  # and one of the next
EXPORT_VEHICLE = ("vehicle", "vehicle name")
TAKEHOME_DATES = ("created_at", "reservation_type")
NAMES = frozenset({*EXPORT_REQUIRED, *EXPORT_VEHICLE, *CANONICAL_REQUIRED, *TAKEHOME_DATES})
TRIP_EXPORT = (
    "Download the trip earnings export instead (Turo on the web: Business > Earnings > "
    "Download CSV > Trip earnings) and put it in DATA_DIR."
)


def detect(sheet: Sheet) -> str:
    """`turo_export`, `canonical` or `turo_takehome`.

    Raises:
        InputError: another export of Turo (the error says which one is needed), or a missing required column,
            naming the columns found and missing.
    """
    keys = set(sheet.keys)
    if keys >= set(EXPORT_REQUIRED) and keys & set(EXPORT_VEHICLE):
        return EXPORT
    spelled = keys if keys & set(EXPORT_VEHICLE) else {*keys, *map(underscored, keys)}
    if spelled >= set(CANONICAL_REQUIRED):
        return CANONICAL
    if "vehicle_id" in keys and keys & set(TAKEHOME_DATES) and not keys & {"trip_start", "trip_end"}:
        return TAKEHOME
    _refuse_other_exports(sheet, keys)
    if not keys & NAMES:
        # not shown: it may be a title with somebody's name in it
        raise InputError(
            f"{sheet.source.name} has no header that is known: line {sheet.header_line} holds none of the "
            "columns of the three profiles.",
            "Remove what stands above the header; see datas/README.md for the columns.",
        )
    export = {*EXPORT_REQUIRED, "vehicle"}
    likely, required = (
        ("trip earnings export", export)
        if len(keys & export) > len(keys & set(CANONICAL_REQUIRED))
        else ("canonical reservations", set(CANONICAL_REQUIRED))
    )
    missing = sorted(required - keys)
    if likely == "trip earnings export" and keys & set(EXPORT_VEHICLE):
        missing = [name for name in missing if name != "vehicle"]
    raise InputError(
        f"{sheet.source.name} is not usable as {likely}: missing {', '.join(missing)}; "
        f"found {', '.join(sheet.columns)}.",
        "See datas/README.md for the columns of the three profiles.",
    )


def _refuse_other_exports(sheet: Sheet, keys: set[str]) -> None:
    if {"gross earnings", "net earnings"} <= keys or {"turo fee", "payment status"} <= keys:
        raise InputError(f"{sheet.source.name} is Turo's monthly earnings report.", TRIP_EXPORT)
    if {"type", "amount"} <= keys or {"transaction id", "amount"} <= keys:
        raise InputError(f"{sheet.source.name} is Turo's earnings (transactions) export.", TRIP_EXPORT)
