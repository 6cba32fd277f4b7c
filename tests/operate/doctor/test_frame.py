"""What is passed over is said, what is safe is mended, what hangs is not waited for."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from json_server import json_server
from typer.testing import CliRunner

from turo.cli import app
from turo.errors import InputError
from turo.operate.doctor import project_files
from turo.operate.doctor.checks.folders import env_private
from turo.operate.doctor.env_file import parse
from turo.operate.doctor.every_check import CHECKS
from turo.operate.doctor.examine import examine
from turo.operate.doctor.facts import Facts
from turo.operate.doctor.gather import gather

Doctor = Callable[..., dict[str, Any]]
ENV = "AIRFLOW_ADMIN_PASSWORD=a1\n"
NOBODY = 0xFFFFFFFF  # of entries that are for a kind


def test_what_cannot_be_seen_from_here_is_said(doctor: Doctor, project: Path) -> None:
    told = doctor(told=False)
    assert set(told["skipped"]) >= {"docker-version", "port-taken", "disk-space"}
    assert set(told["checked"]) | set(told["skipped"]) == {check.id for check in CHECKS}
    (project / "docker-compose.yml").unlink()  # in a container that has only the examples
    assert doctor(told=False)["checked"] == ["clock", "end-of-life", "upgrade-unfinished", "unanswered"]


def test_a_page_for_people_names_remedy_and_section(project: Path) -> None:
    (project / ".env").write_text("SERVE_MIN_REPLICAS=3\nHORIZON_DAYS=0\n")
    (project / ".env").chmod(0o600)
    done = CliRunner().invoke(app, ["doctor", "--folder", str(project)])
    assert done.exit_code == 1
    lines = done.output.splitlines()
    assert lines[0].startswith("error    env-value: HORIZON_DAYS='0' cannot be used")
    assert "         > Set SERVE_MAX_REPLICAS to 3 or more." in lines
    assert "         docs/runbook.md#replicas" in lines
    assert any(line.startswith("1 error and 2 warnings in ") for line in lines)
    assert lines[-2].startswith("Not looked at, the stack does not run: service-away, ")
    assert lines[-1].startswith("Not looked at from here, ./doctor.sh does: docker-version, ")


def test_nothing_found(project: Path) -> None:
    done = CliRunner().invoke(app, ["doctor", "--folder", str(project)])
    assert done.exit_code == 0
    assert done.output.startswith("Nothing found in ")


def test_what_is_safe_is_mended_once_and_said(doctor: Doctor, project: Path) -> None:
    (project / "backups").rmdir()
    (project / ".env").write_text(ENV)
    (project / ".env").chmod(0o644)
    assert {each["check"] for each in doctor(ENV)["findings"]} == {"folders", "env-private"}
    assert not (project / "backups").exists()
    told = doctor(ENV, "--fix")
    assert told["findings"] == []
    assert told["fixed"] == ["made backups/", "made .env readable for its owner only (0600)"]
    assert (project / ".env").stat().st_mode & 0o777 == 0o600
    assert (project / ".env").read_text() == ENV
    assert doctor(ENV, "--fix")["fixed"] == []


def listed(path: Path, *others: tuple[int, int, int]) -> None:
    """An access list as `setfacl` writes it: owner and these (tag, rights, whose) read."""
    entries = [(1, 6, NOBODY), *others, (4, 0, NOBODY), (0x10, 4, NOBODY), (0x20, 0, NOBODY)]
    raw = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in sorted(entries))
    try:
        os.setxattr(path, "system.posix_acl_access", raw)
    except OSError:
        pytest.skip("no access lists on this file system")


def test_user_1000_may_read_the_passwords_for_backups(doctor: Doctor, project: Path) -> None:
    file = project / ".env"
    file.write_text(ENV)
    file.chmod(0o600)
    listed(file, (2, 4, 1000))
    assert file.stat().st_mode & 0o777 == 0o640
    assert doctor(ENV)["findings"] == []
    for other in ((2, 4, 1001), (8, 4, 100)):
        listed(file, (2, 4, 1000), other)
        assert [each["check"] for each in doctor(ENV)["findings"]] == ["env-private"]


@pytest.mark.parametrize(("owner", "told"), [(1000, "./doctor.sh --fix"), (1001, "setfacl -m u:1000:r .env")])
def test_what_closes_the_passwords_depends_on_whose_they_are(owner: int, told: str) -> None:
    facts = Facts(0.0, written=parse(ENV), env_mode=0o644, env_owner=owner)
    (trouble,) = env_private(facts)
    assert told in trouble.remedy
    assert ("--fix" in trouble.remedy) == (owner == 1000)


def test_what_cannot_be_mended_is_said(doctor: Doctor, project: Path) -> None:
    (project / "jupyter/notebooks").rmdir()
    (project / "jupyter").rmdir()
    (project / "jupyter").write_text("a file in its place")
    told = doctor("", "--fix")
    assert told["fixed"][0].startswith("folders: could not be mended here")
    assert [each["check"] for each in told["findings"]] == ["folders"]


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[1]", '"x"', '{"env_base64": "a"}', '{"outside": "yesterday"}']
)
def test_facts_that_doctor_sh_did_not_write(project: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"Start \./doctor\.sh"):
        gather(project, text)


def test_another_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not the project's folder"):
        gather(tmp_path)
    told = CliRunner().invoke(app, ["doctor", "--host-facts", str(tmp_path / "none")])
    assert isinstance(told.exception, InputError)


def test_a_env_that_may_not_be_read(project: Path) -> None:
    (project / ".env").write_text(ENV)
    (project / ".env").chmod(0)
    if os.geteuid():  # the operator's case: what it can see is judged all the same
        done = CliRunner().invoke(app, ["doctor", "--json", "--folder", str(project)])
        told = json.loads(done.output)
        assert [(one["check"], one["severity"]) for one in told["findings"]] == [("unanswered", "note")]
        assert "env-value" in told["skipped"]
    assert gather(project, "{}").written.entries == ()  # doctor.sh's word counts, which runs as that user


def test_what_hangs_is_left_behind_and_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    monkeypatch.setattr(project_files, "components", lambda _: never.wait())  # as on a dead disk
    facts = gather(project, limit_s=2)
    never.set()
    assert facts.unanswered == {"components": "it did not answer within 2 s"}
    assert facts.limits["redis"]  # what the others told is there
    (found,) = examine(facts).findings
    assert found.check == "unanswered"
    assert found.what == "It could not be told of components: it did not answer within 2 s."


@pytest.mark.parametrize(("status", "found"), [(401, ["grafana-password"]), (200, []), (500, [])])
def test_grafana_is_asked_whether_it_knows_the_password(
    doctor: Doctor, status: int, found: list[str]
) -> None:
    with json_server(lambda *_: (status, {}, {})) as address:
        port = address.rsplit(":", 1)[1]
        env = f"GRAFANA_ADMIN_PASSWORD=b2\nGRAFANA_PORT={port}\n"
        host = {"published": f"turo turo-grafana-1 127.0.0.1:{port}->3000/tcp"}
        assert [each["check"] for each in doctor(env, host=host)["findings"]] == found


def access_list(owner: int, rights: int, mask: int) -> bytes:
    """A folder of 0755 in which one user more is named, as Linux keeps it: tag, rights, id."""
    nobody = 0xFFFFFFFF
    entries = [(1, 7, nobody), (2, rights, owner), (4, 5, nobody), (16, mask, nobody), (32, 5, nobody)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def test_rights_by_an_access_list(tmp_path: Path) -> None:
    other = tmp_path.stat().st_uid + 1
    tmp_path.chmod(0o755)
    assert not project_files.writable(tmp_path, other)
    os.setxattr(tmp_path, project_files.ACL, access_list(other, rights=7, mask=7))
    assert project_files.writable(tmp_path, other)
    assert not project_files.writable(tmp_path, other + 1)
    os.setxattr(tmp_path, project_files.ACL, access_list(other, rights=7, mask=5))
    assert not project_files.writable(tmp_path, other)


def test_what_may_not_be_read_is_named(doctor: Doctor, project: Path) -> None:
    (project / "docker-compose.override.yml").mkdir()
    (found,) = doctor()["findings"]
    assert found["check"] == "unanswered"
    assert "docker-compose.override.yml" in found["what"]


def test_it_runs_where_settings_cannot_be_used_and_loads_nothing_heavy(project: Path) -> None:
    asked = (
        "import sys; sys.argv = ['turo', 'doctor', '--folder', sys.argv[1]]\n"
        "from turo.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: code = end.code\n"
        "print(code, [n for n in ('mlflow', 'ray', 'polars', 'sqlalchemy', 'numpy') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", asked, str(project)],
        env={"PATH": "/usr/bin:/bin", "HORIZON_DAYS": "many", "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "0 []", done.stderr
