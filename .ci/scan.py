#!/usr/bin/env python3
"""Write what is in each image (SBOM), and fail on holes of it that are severe and mended: scan.py IMAGE...

syft lists an image's packages, grype knows their holes; `scan-ignore.toml` names those passed over.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from audit import wrong_entries

HERE = Path(__file__).resolve().parent
IGNORED, BOMS = HERE / "scan-ignore.toml", HERE.parent / "sbom"
SEVERE = ("Critical", "High")
QUIET = {"SYFT_CHECK_FOR_APP_UPDATE": "false", "GRYPE_CHECK_FOR_APP_UPDATE": "false"}
TIMEOUT_S = 1200
REMEDIES = {
    "python": "take a newer one: `uv lock --upgrade-package {package}`, or a newer pin of who needs it",
    "deb": "build anew on today's base: `make digests images`",
    "apk": "build anew on today's base: `make digests images`",
}
OTHER_REMEDY = "take a newer tag of the image, then `make digests images`"


class NoAnswerError(Exception):
    """A tool did not do its work; the sentence says which and why."""


@dataclass
class Hole:
    """A known hole of a package, and in which images that is."""

    names: list[str]
    severity: str
    package: str
    version: str
    kind: str
    mended_in: str
    images: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        remedy = REMEDIES.get(self.kind, OTHER_REMEDY).format(package=self.package)
        return (
            f"{self.severity}: {self.package} {self.version} has {' = '.join(self.names)}, mended in "
            f"{self.mended_in}, in {', '.join(sorted(self.images))}: {remedy}"
        )


def run(*command: str) -> str:
    """What a tool prints.

    Raises:
        NoAnswerError: it fails, hangs or is not there.
    """
    try:
        done = subprocess.run(
            command,
            env=os.environ | QUIET,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NoAnswerError(f"{command[0]} gave no answer within {TIMEOUT_S} s: run it again") from error
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2][:200]
        raise NoAnswerError(f"{command[0]} failed: {last or f'exit {done.returncode}'}")
    return done.stdout


def severe(answer: str) -> list[Hole]:
    """The holes in grype's JSON that are severe and mended in some version.

    Raises:
        NoAnswerError: it is not grype's JSON.
    """
    try:
        matches: list[dict[str, Any]] = json.loads(answer)["matches"]
        return [_hole(match) for match in matches if _counts(match["vulnerability"])]
    except (ValueError, KeyError, TypeError) as error:
        raise NoAnswerError(f"grype's answer cannot be read: {error!r}") from error


def _counts(vulnerability: dict[str, Any]) -> bool:
    return vulnerability["severity"] in SEVERE and vulnerability["fix"]["state"] == "fixed"


def _hole(match: dict[str, Any]) -> Hole:
    vulnerability, package = match["vulnerability"], match["artifact"]
    related = [other["id"] for other in match.get("relatedVulnerabilities") or []]
    return Hole(
        list(dict.fromkeys([vulnerability["id"], *related])),
        vulnerability["severity"],
        package["name"],
        package["version"],
        package["type"],
        ", ".join(vulnerability["fix"]["versions"]) or "a newer one",
    )


def scan(image: str) -> list[Hole]:
    """List an image's packages in `sbom/`, and ask for their holes."""
    named = re.sub(r"@.*", "", image)
    bom = BOMS / f"{re.sub(r'[^A-Za-z0-9.]+', '-', named)}.spdx.json"
    with tempfile.TemporaryDirectory() as folder:
        full = f"{folder}/full.json"  # SPDX lacks part of what grype goes by
        run("syft", "scan", f"docker:{image}", "--quiet", "-o", f"spdx-json={bom}", "-o", f"syft-json={full}")
        holes = severe(run("grype", f"sbom:{full}", "--quiet", "-o", "json"))
    for hole in holes:
        hole.images.append(named)
    return holes


def gather(holes: list[Hole]) -> list[Hole]:
    """Each hole once, with every image that has it."""
    known: dict[tuple[str, str, str], Hole] = {}
    for hole in holes:
        first = known.setdefault((hole.names[0], hole.package, hole.version), hole)
        first.images = sorted({*first.images, *hole.images})
    return sorted(known.values(), key=lambda hole: (SEVERE.index(hole.severity), hole.package))


def main(images: list[str]) -> int:
    """Print what was found; 0 where nothing is open."""
    entries = tomllib.loads(IGNORED.read_text()).get("ignore", [])
    problems = wrong_entries(entries, datetime.now(UTC).date())
    if missing := [tool for tool in ("syft", "grype") if not shutil.which(tool)]:
        problems.append(f"{' and '.join(missing)} not installed: https://oss.anchore.com/docs/installation/")
    elif not images:
        problems.append("no image was named: `make images scan` builds and names them")
    else:
        BOMS.mkdir(exist_ok=True)
        problems += _of_all(sorted(set(images)), entries)
    for problem in problems:
        print(f"scan: {problem}", file=sys.stderr)
    return 1 if problems else 0


def _of_all(images: list[str], entries: list[dict[str, Any]]) -> list[str]:
    """Sentences about open holes, and images that could not be looked into."""
    problems, found, passed = [], [], set()
    for image in images:
        try:
            found += scan(image)
        except NoAnswerError as error:
            problems.append(f"{image} was not looked into, {error}")
    for hole in gather(found):
        ignored = {entry["id"] for entry in entries if entry.get("package") == hole.package}
        if not ignored & set(hole.names):
            problems.append(str(hole))
        passed |= ignored & set(hole.names)
    for entry in entries:
        if entry.get("id") not in passed and not problems:
            print(f"scan: {entry.get('id')} ({entry.get('package')}) is gone: take it out of {IGNORED.name}")
    print(f"scan: images: {len(images)}, holes passed over: {len(passed)}, lists of parts: {BOMS.name}/")
    return problems


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
