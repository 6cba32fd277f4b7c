"""The statuses a trip earnings export knows (lower case), and what each is called in the canonical tables."""

from __future__ import annotations

from turo.data.canonical_statuses import GUEST, HOST

CANONICAL_STATUS = {
    "completed": "completed",
    "booked": "booked",
    "in-progress": "in_progress",
    "guest cancellation": GUEST,
    "host cancellation": HOST,
}
