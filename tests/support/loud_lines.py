"""Lines of a log that would worry a reader, but for a short list of those that may be there."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

QUIET = Path(__file__).resolve().parents[1] / "stack" / "quiet.toml"
# As the services write them: words of Python, PostgreSQL, Redis, Gunicorn and HAProxy; what Python says of an
# exception, also of one without a traceback; Airflow's brackets; key=value and JSON of what is written in Go;
# Ray's letter and date.
LOUD = re.compile(
    r"Traceback \(most recent call last\)"
    r"|\b(?:WARN|WARNING|ERROR|CRITICAL|FATAL|PANIC|ALERT|EMERG)\b"
    r"|\bException ignored\b"
    r"|^[\w.]*(?:Error|Exception)\b.*:"
    r"|\b[A-Z]\w*Warning:"
    r"|\[(?:warn|warning|error|critical) *\]"
    r"|\b(?:level|lvl)=\"?(?:warn|warning|error|fatal|panic|crit)\b"
    r'|"(?:level|log_level|severity)": ?"(?:warn|warning|error|fatal|critical)"'
    r"|^\[?[WEF]\d{4} \d\d:\d\d|\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ [WEF] "
)
# More than a warning.
FAILED = re.compile(
    r"Traceback \(most recent call last\)|\b(?:ERROR|CRITICAL|FATAL|PANIC)\b|^[\w.]*(?:Error|Exception)\b.*:"
    r"|^\[?[EF]\d{4} \d\d:\d\d|\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ [EF] "
)

# Writes every file below a folder, its path before it; what is no text does not stop it.
READER = """
import pathlib, sys
folder = pathlib.Path(sys.argv[1]).resolve()
for path in sorted(one for one in folder.rglob("*") if one.is_file()):
    try:
        text = path.read_bytes().decode("utf-8", "replace").replace(chr(12), " ")
    except FileNotFoundError:  # renamed meanwhile, as logs are
        continue
    sys.stdout.buffer.write((chr(12) + str(path.relative_to(folder)) + chr(10) + text + chr(10)).encode())
"""

NUMBERS = re.compile(r"[0-9a-f]{8,}|\d+")


@dataclass(frozen=True)
class Allowed:
    """A line that may be there.

    Attributes:
        services: whose log; of the compose file.
        pattern: what the line has.
        reason: why it cannot be helped, for whoever reads the list.
    """

    services: frozenset[str]
    pattern: re.Pattern[str]
    reason: str


def allowed(kind: str = "line") -> list[Allowed]:
    """A list in `tests/stack/quiet.toml`: each `line`, or what comes `late` on a busy machine."""
    return [
        Allowed(frozenset(one["service"].split()), re.compile(one["pattern"]), one["reason"])
        for one in tomllib.loads(QUIET.read_text())[kind]
    ]


def parted(log: str, at: datetime) -> tuple[str, str]:
    """What was said before a moment of UTC and from it on; Docker put its timestamp before each line."""
    moment, sides = f"{at:%Y-%m-%dT%H:%M:%S}", (list[str](), list[str]())
    for line in log.splitlines():
        said, _, words = line.partition(" ")
        sides[said >= moment].append(words)
    return "\n".join(sides[0]), "\n".join(sides[1])


def shapes(lines: list[str]) -> dict[str, int]:
    """Lines that differ in numbers and names of runs only, told once: the first of each, and how many."""
    first, number = dict[str, str](), dict[str, int]()
    for line in lines:
        shape = NUMBERS.sub("#", line)
        number[shape] = number.get(shape, 0) + 1
        first.setdefault(shape, line)
    return {first[shape]: count for shape, count in number.items()}


def loud(service: str, log: str, may_be: list[Allowed]) -> list[str]:
    """Lines that warn, fail or begin a traceback and are not on the list."""
    mine = [one.pattern for one in may_be if service in one.services]
    found = [line for line in log.splitlines() if LOUD.search(line)]
    return [line for line in found if not any(pattern.search(line) for pattern in mine)]


def files(told: str) -> dict[str, str]:
    """What `READER` wrote, by path."""
    parts = (part.partition("\n") for part in told.split("\f")[1:])
    return {path: text for path, _, text in parts}
