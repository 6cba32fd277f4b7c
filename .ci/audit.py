#!/usr/bin/env python3
"""Ask pip-audit for known holes in what uv.lock pins; `audit-ignore.toml` names those passed over."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
LOCK, IGNORED = HERE.parent / "uv.lock", HERE / "audit-ignore.toml"
SERVICES = ("pypi", "osv")
PROBES = ("certifi", "requests", "urllib3")  # every advisory service knows them
LONGEST = timedelta(days=90)
TIMEOUT_S = 600
TRIES = 3  # one lost answer of hundreds fails a whole run; those that came are in its cache
OPTIONS = ("--disable-pip", "--no-deps", "--format=json", "--progress-spinner=off", "--timeout=15")


@dataclass(frozen=True)
class Report:
    """What a service said: `package version: advisory, mended in …` by advisory, and whom it knew."""

    holes: dict[str, str]
    answered: int
    unanswered: int


def pins(lock: str) -> list[dict[str, str]]:
    """Name → version of every package of the lock; of several versions each is in a dict of its own."""
    layers: list[dict[str, str]] = []
    for package in tomllib.loads(lock)["package"]:
        if "registry" not in package["source"]:
            continue
        free = next((layer for layer in layers if package["name"] not in layer), None)
        if free is None:
            layers.append(free := {})
        free[package["name"]] = package["version"]
    return layers


def parse(answer: str) -> Report:
    """Read pip-audit's JSON."""
    holes, answered, unanswered = {}, 0, 0
    for package in json.loads(answer)["dependencies"]:
        if "skip_reason" in package:
            unanswered += 1
            continue
        answered += 1
        for hole in package["vulns"]:
            mended = ", ".join(hole["fix_versions"]) or "no version yet"
            names = [hole["id"], *hole.get("aliases", [])]
            holes[hole["id"]] = (
                f"{package['name']} {package['version']}: {' = '.join(names)}, mended in {mended}"
            )
    return Report(holes, answered, unanswered)


def wrong_entries(entries: Iterable[dict[str, Any]], today: date) -> list[str]:
    """Sentences about entries that are over, too long, or say no reason."""
    wrong = []
    for entry in entries:
        name = entry.get("id", "an entry without id")
        if not entry.get("why") or not entry.get("package") or type(entry.get("until")) is not date:
            wrong.append(f"{name} needs package, why and until (a date)")
        elif entry["until"] < today:
            wrong.append(f"{name} ({entry['package']}) was passed over until {entry['until']}: look again")
        elif entry["until"] - today > LONGEST:
            wrong.append(f"{name} is passed over for more than {LONGEST.days} days")
    return wrong


def open_holes(report: Report, ignored: Iterable[str]) -> list[str]:
    """The holes nobody decided to pass over, by any of their names."""
    passed = set(ignored)
    return [text for text in report.holes.values() if not passed & set(text.replace(",", "").split())]


def ask(service: str, packages: dict[str, str]) -> Report | None:
    """Run pip-audit until the service answers for all packages; None where it does not."""
    answers = (_ask_once(service, packages) for _ in range(TRIES))
    return next((answer for answer in answers if answer is not None), None)


def _ask_once(service: str, packages: dict[str, str]) -> Report | None:
    """One run of pip-audit; None, and a line why, where an answer did not come."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("".join(f"{name}=={version}\n" for name, version in packages.items()))
        file.flush()
        command = ["pip-audit", "--requirement", file.name, "--vulnerability-service", service, *OPTIONS]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired:
            print(f"audit: {service} gave no answer within {TIMEOUT_S} s")
            return None
    if not done.stdout.strip():
        print(f"audit: {service} gave no answer: {done.stderr.strip().rpartition(chr(10))[2][:120]}")
        return None
    return parse(done.stdout)


def reachable(layers: list[dict[str, str]]) -> str | None:
    """The first service that knows a package everybody knows."""
    probe = {name: version for name, version in layers[0].items() if name in PROBES}
    for service in SERVICES:
        report = ask(service, probe)
        if report is not None and report.answered:
            return service
    return None


def main() -> int:
    """Print what was found; 0 where nothing is open, or no service can be asked, which is said."""
    entries = tomllib.loads(IGNORED.read_text()).get("ignore", [])
    problems = wrong_entries(entries, datetime.now(UTC).date())
    layers = pins(LOCK.read_text())
    service = reachable(layers)
    if service is None:
        print(f"audit: NOT CHECKED, no advisory service answers from here ({', '.join(SERVICES)})")
    else:
        reports = [report for layer in layers if (report := ask(service, layer))]
        for report in reports:
            problems += open_holes(report, [entry["id"] for entry in entries])
        answered, unanswered = sum(r.answered for r in reports), sum(r.unanswered for r in reports)
        print(f"audit: {answered} pins checked by {service}, {unanswered} it does not know")
        if len(reports) < len(layers):
            problems.append(f"{service} stopped answering in the middle: run it again")
    for problem in problems:
        print(f"audit: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
