"""The statuses a trip earnings export knows (lower case), and what each is called in the canonical tables."""

from __future__ import annotations

from turo.data.profiles.statuses import GUEST, HOST

STATUSES = {
    "completed": "completed",
    "booked": "booked",
    "in-progress": "in_progress",
    "guest cancellation": GUEST,
    "host cancellation": HOST,
}
