"""Known holes in what the lock pins fail lint, unless one is passed over until a date that is to come."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from datetime import UTC, date, datetime, timedelta

import pytest
from compose_file import REPOSITORY

LOCK = """
version = 1
[[package]]
name = "turo"
version = "0.1.0"
source = {editable = "."}
[[package]]
name = "requests"
version = "2.32.0"
source = {registry = "x"}
[[package]]
name = "numpy"
version = "2.4.6"
source = {registry = "x"}
[[package]]
name = "numpy"
version = "2.5.5"
source = {registry = "x"}
"""
HOLE = {"id": "PYSEC-2026-7", "aliases": ["CVE-2026-1234"], "fix_versions": ["2.32.4"], "description": "Bad."}
# Answers for what it is asked, in pip-audit's own form; WORLD says what which service knows, null that it
# hangs; OUTAGES which calls, counted from 1, come to nothing.
PIP_AUDIT = """#!{python}
import json, os, signal, sys
from pathlib import Path
world, service = json.loads(os.environ["WORLD"]), sys.argv[sys.argv.index("--vulnerability-service") + 1]
with open(os.environ["CALLS"], "a+") as calls:
    calls.write("x")
    number = calls.tell()
if service not in world or number in json.loads(os.environ["OUTAGES"]):
    sys.exit("ConnectionError: nobody there")
if world[service] is None:
    signal.pause()
answer = []
for line in Path(sys.argv[sys.argv.index("--requirement") + 1]).read_text().split():
    name, _, version = line.partition("==")
    vulns = world[service].get(f"{{name}} {{version}}")
    skipped = {{"skip_reason": "Dependency not found and could not be audited"}}
    answer.append({{"name": name, **(skipped if vulns is None else {{"version": version, "vulns": vulns}})}})
print(json.dumps({{"dependencies": answer, "fixes": []}}))
sys.exit(any(entry.get("vulns") for entry in answer))
"""


@pytest.fixture
def audit(tmp_path):
    """Run the audit of a small lock with a world of advisories and a list of ignored ones, made for a day."""
    (tmp_path / ".ci").mkdir()
    (tmp_path / "bin").mkdir()
    script = tmp_path / ".ci" / "audit.py"
    shutil.copy(REPOSITORY / ".ci" / "audit.py", script)
    (tmp_path / "uv.lock").write_text(LOCK)
    tool = tmp_path / "bin" / "pip-audit"
    tool.write_text(PIP_AUDIT.format(python=sys.executable))
    tool.chmod(0o755)

    def run(world, ignored=lambda today: "", outages=(), timeout_s=600):
        path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
        script.write_text(script.read_text().replace("TIMEOUT_S = 600", f"TIMEOUT_S = {timeout_s}"))
        calls = tmp_path / "calls"
        given = {"WORLD": json.dumps(world), "OUTAGES": json.dumps(outages), "CALLS": str(calls)}
        while True:
            calls.unlink(missing_ok=True)
            (tmp_path / ".ci" / "audit-ignore.toml").write_text(ignored(day := today()))
            done = subprocess.run(
                [sys.executable, script],
                env=os.environ | {"PATH": path} | given,
                capture_output=True,
                text=True,
            )
            if today() == day:  # else the script may have seen the next one
                return done.returncode, done.stdout + done.stderr

    return run


def today() -> date:
    return datetime.now(UTC).date()


def world(numpy=(), requests=()):
    return {"requests 2.32.0": [*requests], "numpy 2.4.6": [], "numpy 2.5.5": [*numpy]}


def entry(until, name="PYSEC-2026-7", why="Not called."):
    return f'[[ignore]]\nid = "{name}"\npackage = "requests"\nuntil = {until}\nwhy = "{why}"\n'


def test_every_version_in_the_lock_is_asked_for(audit):
    assert audit({"pypi": world()}) == (0, "audit: 3 pins checked by pypi, 0 it does not know\n")
    status, said = audit({"pypi": world(numpy=[HOLE])})
    assert status == 1
    assert "numpy 2.5.5: PYSEC-2026-7 = CVE-2026-1234, mended in 2.32.4" in said


def test_another_service_is_asked_where_the_first_knows_nothing(audit):
    status, said = audit({"pypi": {}, "osv": world(requests=[HOLE])})
    assert status == 1
    assert "requests 2.32.0: PYSEC-2026-7" in said
    assert "3 pins checked by osv" in said


@pytest.mark.parametrize("nobody", [{}, {"pypi": {}}, {"pypi": {}, "osv": {}}])
def test_where_nobody_can_be_asked_it_says_so_and_passes(audit, nobody):
    status, said = audit(nobody)
    assert status == 0
    assert "NOT CHECKED" in said


def test_an_answer_that_was_lost_is_asked_for_again(audit):
    # The first call asks who answers, the next ones for each version of a package.
    for lost in ([1], [3, 4]):
        status, said = audit({"pypi": world(numpy=[HOLE])}, outages=lost)
        assert (status, said.count("pypi gave no answer: ConnectionError")) == (1, len(lost))
        assert "3 pins checked by pypi" in said
        assert "numpy 2.5.5: PYSEC-2026-7" in said
    status, said = audit({"pypi": world()}, outages=[2, 3, 4])
    assert status == 1
    assert "pypi stopped answering in the middle: run it again" in said


def test_a_service_that_hangs_is_one_that_does_not_answer(audit):
    status, said = audit({"pypi": None}, timeout_s=0.1)
    assert status == 0
    assert "audit: pypi gave no answer within 0.1 s" in said
    assert "NOT CHECKED" in said


@pytest.mark.parametrize("name", ["PYSEC-2026-7", "CVE-2026-1234"])
def test_one_may_be_passed_over_until_its_date_under_any_of_its_names(audit, name):
    holes = {"pypi": world(requests=[HOLE])}
    assert audit(holes, lambda today: entry(today + timedelta(days=30), name))[0] == 0
    assert audit(holes, lambda today: entry(today, name))[0] == 0
    assert audit(holes, lambda today: entry(today + timedelta(days=30), f"{name}0"))[0] == 1


def test_an_entry_that_is_over_fails_even_where_nobody_can_be_asked(audit):
    over = []

    def ignored(today):
        over.append(today - timedelta(days=1))
        return entry(over[-1])

    status, said = audit({}, ignored)
    assert status == 1
    assert f"PYSEC-2026-7 (requests) was passed over until {over[-1]}: look again" in said


@pytest.mark.parametrize(
    ("ignored", "message"),
    [
        (lambda today: entry(today + timedelta(days=91)), "for more than 90 days"),
        (lambda today: entry(today, why=""), "needs package, why and until"),
        (
            lambda _: '[[ignore]]\nid = "X-1"\npackage = "requests"\nwhy = "x"\n',
            "needs package, why and until",
        ),
    ],
)
def test_nothing_is_passed_over_for_ever(audit, ignored, message):
    status, said = audit({"pypi": world()}, ignored)
    assert status == 1
    assert message in said


def test_the_list_in_force_has_nothing_that_is_over():
    entries = tomllib.loads((REPOSITORY / ".ci" / "audit-ignore.toml").read_text()).get("ignore", [])
    assert all(entry["until"] >= today() for entry in entries)
