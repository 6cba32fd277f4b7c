"""`.env` as Docker Compose reads it: quotes, comments, `$NAME`, and what makes it refuse the file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

NAME = re.compile(r"(?:export\s+)?([A-Za-z_][\w.-]*)\s*[=:]\s*")
ALONE = re.compile(r"(?:export\s+)?[A-Za-z_][\w.-]*")
COMMENT = re.compile(r"\s+#.*$")
REFERENCE = re.compile(r"\$(?:\$|\{(\w+)(?::?-([^}]*))?[^}]*\}|([A-Za-z_]\w*))")
ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True)
class Entry:
    """One variable as written.

    Attributes:
        line: counted from 1.
        value: what containers get.
        vanished: names of `$NAME` in the value that stand for nothing, so that a part of it is lost.
    """

    line: int
    name: str
    value: str
    vanished: tuple[str, ...] = ()


@dataclass(frozen=True)
class EnvFile:
    """All entries in their order, and `(line, what is wrong)` of the lines that are none."""

    entries: tuple[Entry, ...] = ()
    faults: tuple[tuple[int, str], ...] = ()

    @property
    def values(self) -> dict[str, str]:
        """What each name stands for: the last line wins."""
        return {entry.name: entry.value for entry in self.entries}


def parse(text: str) -> EnvFile:
    """The file's entries and faults. Never raises: whatever is there is told."""
    entries: list[Entry] = []
    faults: list[tuple[int, str]] = []
    lines = text.removeprefix("\ufeff").splitlines()
    at = 0
    while at < len(lines):
        number, line = at + 1, lines[at].strip()
        at += 1
        if not line or line.startswith("#"):
            continue
        begun = NAME.match(line)
        if not begun:
            faults.append((number, _fault(line)))
            continue
        rest = line[begun.end() :]
        while rest[:1] in ("'", '"') and _closing(rest) < 0 and at < len(lines):
            rest += "\n" + lines[at]
            at += 1
        if rest[:1] in ("'", '"') and (end := _closing(rest)) < 0:
            faults.append((number, f"the {rest[0]} after {begun[1]} is never closed"))
            continue
        if rest[:1] in ("'", '"') and (after := rest[end + 1 :].strip()) and not after.startswith("#"):
            faults.append((number, f"{begun[1]} has text after its closing {rest[0]}"))
            continue
        known = {entry.name: entry.value for entry in entries}
        entries.append(Entry(number, begun[1], *_value(rest, known)))
    return EnvFile(tuple(entries), tuple(faults))


def _fault(line: str) -> str:
    if line.startswith("="):
        return "no name before the ="
    if ALONE.fullmatch(line):
        return "no = and no value"  # the line may be the rest of a secret
    return "not of the form NAME=value"


def _closing(rest: str) -> int:
    """Where the quote that opens `rest` is closed; -1 where it is not."""
    found = re.match(r"'[^']*'" if rest[0] == "'" else r'"(?:\\.|[^"\\])*"', rest, re.DOTALL)
    return found.end() - 1 if found else -1


def _value(rest: str, known: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    if rest[:1] == "'":
        return rest[1 : _closing(rest)], ()
    if rest[:1] != '"':
        return _referred(COMMENT.sub("", rest).rstrip(), known)
    inside, escaped = rest[1 : _closing(rest)], re.compile(r"\\(.)", re.DOTALL)
    inside = inside.replace("\\$", "$$")
    return _referred(escaped.sub(lambda found: ESCAPED.get(found[1], found[1]), inside), known)


def _referred(value: str, known: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    vanished: list[str] = []

    def meant(found: re.Match[str]) -> str:
        name = found[1] or found[3]
        if name is None:
            return "$"
        if known.get(name):
            return known[name]
        if found[2] is None:
            vanished.append(name)
        return found[2] or ""

    return REFERENCE.sub(meant, value), tuple(vanished)
