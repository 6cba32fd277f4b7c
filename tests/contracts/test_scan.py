"""Each image's parts are written down; a severe hole that is mended fails unless it is passed over."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from compose_file import REPOSITORY

# Each reads WORLD: image → grype's matches, null where syft cannot read the image.
SYFT = """#!{python}
import json, os, sys
from pathlib import Path
image = sys.argv[2].removeprefix("docker:")
matches = json.loads(os.environ["WORLD"]).get(image)
if matches is None:
    sys.exit(f"could not fetch image {{image}}")
for word in sys.argv:
    if word.startswith("spdx-json="):
        Path(word.partition("=")[2]).write_text(json.dumps({{"name": image}}))
    if word.startswith("syft-json="):
        Path(word.partition("=")[2]).write_text(json.dumps(matches))
"""
GRYPE = """#!{python}
import os, sys
from pathlib import Path
if os.environ["GRYPE_SAYS"]:
    print(os.environ["GRYPE_SAYS"])
else:
    print('{{"matches": ' + Path(sys.argv[1].removeprefix("sbom:")).read_text() + '}}')
"""
Scan = Callable[..., tuple[int, str]]


def hole(
    severity: str = "High",
    state: str = "fixed",
    package: str = "requests",
    kind: str = "python",
    names: tuple[str, ...] = ("GHSA-aaaa", "CVE-2026-1234"),
) -> dict[str, Any]:
    first, *related = names
    return {
        "vulnerability": {"id": first, "severity": severity, "fix": {"state": state, "versions": ["2.0"]}},
        "relatedVulnerabilities": [{"id": name} for name in related],
        "artifact": {"name": package, "version": "1.9", "type": kind},
    }


def entry(until: date, name: str = "CVE-2026-1234", package: str = "requests", why: str = "Unused.") -> str:
    return f'[[ignore]]\nid = "{name}"\npackage = "{package}"\nuntil = {until}\nwhy = "{why}"\n'


def today() -> date:
    return datetime.now(UTC).date()


@pytest.fixture
def scan(tmp_path: Path) -> Scan:
    """Exit status and what was said of the images of a world."""
    (tmp_path / ".ci").mkdir()
    (tmp_path / "bin").mkdir()
    for name in ("audit.py", "scan.py"):
        shutil.copy(REPOSITORY / ".ci" / name, tmp_path / ".ci")
    for name, text in {"syft": SYFT, "grype": GRYPE}.items():
        tool = tmp_path / "bin" / name
        tool.write_text(text.format(python=sys.executable))
        tool.chmod(0o755)

    def run(world: dict[str, Any], ignored: str = "", grype: str = "", tools: bool = True) -> tuple[int, str]:
        (tmp_path / ".ci/scan-ignore.toml").write_text(ignored)
        path = str(tmp_path / ("bin" if tools else "nothing"))
        given = {"PATH": path, "WORLD": json.dumps(world), "GRYPE_SAYS": grype}
        command = [sys.executable, str(tmp_path / ".ci/scan.py"), *world]
        done = subprocess.run(command, env=os.environ | given, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    return run


def test_what_is_in_each_image_is_written_down(scan: Scan, tmp_path: Path) -> None:
    status, said = scan({"turo/ray:local": [], "redis:8.2.10@sha256:ab": []})
    assert status == 0, said
    assert "scan: images: 2, holes passed over: 0" in said
    named = {path.name: json.loads(path.read_text())["name"] for path in (tmp_path / "sbom").iterdir()}
    assert named == {
        "turo-ray-local.spdx.json": "turo/ray:local",
        "redis-8.2.10.spdx.json": "redis:8.2.10@sha256:ab",
    }


@pytest.mark.parametrize("severity", ["High", "Critical"])
def test_a_severe_hole_that_is_mended_somewhere_fails(scan: Scan, severity: str) -> None:
    status, said = scan({"turo/ray:local": [hole(severity)], "turo/mlflow:local": [hole(severity)]})
    assert status == 1
    (line,) = [line for line in said.splitlines() if "GHSA-aaaa" in line]
    assert line == (
        f"scan: {severity}: requests 1.9 has GHSA-aaaa = CVE-2026-1234, mended in 2.0, in turo/mlflow:local, "
        "turo/ray:local: take a newer one: `uv lock --upgrade-package requests`, "
        "or a newer pin of who needs it"
    )


def test_the_remedy_fits_what_kind_of_package_it_is(scan: Scan) -> None:
    of_system, of_go = hole(package="libssl3", kind="deb"), hole(package="stdlib", kind="go-module")
    assert "`make digests images`" in scan({"a:1": [of_system]})[1]
    assert "take a newer tag of the image" in scan({"a:1": [of_go]})[1]


@pytest.mark.parametrize(
    "harmless",
    [hole("Medium"), hole("Negligible"), hole("Unknown"), hole(state="not-fixed"), hole(state="wont-fix")],
)
def test_what_is_not_severe_or_not_mended_does_not(scan: Scan, harmless: dict[str, Any]) -> None:
    assert scan({"turo/ray:local": [harmless]})[0] == 0


@pytest.mark.parametrize("name", ["GHSA-aaaa", "CVE-2026-1234"])
def test_one_may_be_passed_over_until_its_date_under_any_of_its_names(scan: Scan, name: str) -> None:
    world, later = {"a:1": [hole()]}, today() + timedelta(days=30)
    status, said = scan(world, entry(later, name))
    assert status == 0
    assert "holes passed over: 1" in said
    assert scan(world, entry(later, name, package="httpx"))[0] == 1
    assert scan(world, entry(later, "CVE-2026-9999"))[0] == 1


@pytest.mark.parametrize(
    ("days", "why", "message"),
    [
        (-2, "Unused.", "look again"),
        (92, "Unused.", "for more than 90 days"),
        (30, "", "needs package, why and until"),
    ],
)
def test_nothing_is_passed_over_for_ever(scan: Scan, days: int, why: str, message: str) -> None:
    status, said = scan({"a:1": [hole()]}, entry(today() + timedelta(days=days), why=why))
    assert status == 1
    assert message in said


def test_an_entry_that_nothing_needs_is_named(scan: Scan) -> None:
    status, said = scan({"a:1": []}, entry(today() + timedelta(days=30)))
    assert status == 0
    assert "CVE-2026-1234 (requests) is gone: take it out of scan-ignore.toml" in said


def test_an_image_that_cannot_be_read_fails_and_the_others_are_looked_into(scan: Scan) -> None:
    status, said = scan({"a:1": None, "b:1": [hole()]})
    assert status == 1
    assert "a:1 was not looked into, syft failed: could not fetch image a:1" in said
    assert "requests 1.9" in said


@pytest.mark.parametrize("answer", ["<html>", '{"matches": [{"vulnerability": {}}]}', "[]", "{}"])
def test_an_answer_that_is_none_is_no_clean_bill(scan: Scan, answer: str) -> None:
    status, said = scan({"a:1": []}, grype=answer)
    assert status == 1
    assert "a:1 was not looked into, grype's answer cannot be read" in said


def test_without_tools_or_images_it_says_what_to_do(scan: Scan) -> None:
    status, said = scan({"a:1": []}, tools=False)
    assert (status, "syft and grype not installed: https://" in said) == (1, True)
    status, said = scan({})
    assert (status, "`make images scan`" in said) == (1, True)


def test_the_list_in_force_has_nothing_that_is_over() -> None:
    entries = tomllib.loads((REPOSITORY / ".ci/scan-ignore.toml").read_text()).get("ignore", [])
    assert all(entry["until"] >= today() for entry in entries)
