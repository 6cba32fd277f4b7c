"""Sizes as Docker writes them: 512m, 1g, 7gb."""

from __future__ import annotations

import re

UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def bytes_of(text: str) -> int | None:
    """Bytes of `7g`; None where that is no size."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([kmgt]?)(?:i?b)?", text.strip().lower())
    return int(float(found[1]) * UNITS[found[2]]) if found else None
