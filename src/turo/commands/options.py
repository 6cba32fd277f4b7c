"""What several commands are told in the same words."""

from __future__ import annotations

from turo.errors import ConfigError

LONGEST = 366  # days, as FORECAST_HORIZONS


def days(text: str) -> list[int]:
    """Horizons by comma; none where nothing is said, which means the settings' own.

    Raises:
        ConfigError: something else than numbers of days.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    if wrong := [word for word in words if not (word.isdecimal() and 1 <= int(word) <= LONGEST)]:
        raise ConfigError(
            f"--horizons {text!r}: {wrong[0]!r} is no number of days.",
            f"Give days from 1 to {LONGEST} by comma, like 7,28.",
        )
    return [int(word) for word in words]
