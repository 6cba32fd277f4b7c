"""`turo backup`: what is in the archive, what may go on meanwhile, what it refuses, what it leaves behind."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import sqlite3
import struct
import subprocess
import sys
import tarfile
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import pytest
from small_deployment import Deployment, Refused

from turo import last_runs
from turo.operate.backup import archive_writer, folder_snapshot
from turo.operate.backup.archive_name import archive_name, archives
from turo.operate.backup.archive_reader import verify
from turo.operate.backup.archive_writer import ArchiveWriter

NOBODY = 0xFFFFFFFF  # in access lists: of the owner, of the group, of others


def test_everything_that_cannot_be_made_again_is_in_it(deployment: Deployment) -> None:
    done = deployment.turo("backup")
    assert done.exit_code == 0, done.output
    manifest = verify(deployment.archive())
    assert set(manifest.members) == {
        "artifacts/1/m-1/model.skops",
        "datas/datas.csv",
        "datas/predictions/XGBoost/1.parquet",
        "datas/report/made.json",
        "datas/reservations.csv",
        "mlflow.db",
        *(f"postgres/{name}.dump" for name in ("airflow", "celery_results", "forecasts", "mlflow")),
        "project/.env",
        "project/versions.toml",
        *(f"secrets/{path.name}" for path in (deployment.root / "secrets").iterdir()),
    }
    assert manifest.versions["mlflow"] == "3.18"
    assert manifest.versions["postgres_server"] == "17.6"
    assert manifest.running == ("prepare_data manual__1",)
    assert manifest.notes == ()
    assert manifest.mlflow_store == "sqlite"
    assert f"{len(manifest.members)} files" in done.output


def test_every_override_that_compose_takes_by_itself_is_in_it(deployment: Deployment) -> None:
    names = {f"{name}.override.{end}" for name in ("compose", "docker-compose") for end in ("yml", "yaml")}
    for name in names:
        (deployment.root / "project" / name).write_text("services: {}\n")
    deployment.turo("backup")
    assert {f"project/{name}" for name in names} < set(verify(deployment.archive()).members)


def test_only_its_owner_reads_it_and_nothing_else_is_left(deployment: Deployment) -> None:
    deployment.turo("backup")
    assert deployment.archive().stat().st_mode & 0o777 == 0o600
    assert {path.name for path in deployment.backups.iterdir()} == {
        deployment.archive().name,
        ".lock",
        "last-runs",
    }


def test_whom_the_access_list_of_the_folder_names_reads_it(deployment: Deployment) -> None:
    """As bootstrap shares the folder: user 4321 beside the owner, in the file system's own form."""
    entries = [(1, 7, NOBODY), (2, 7, 4321), (4, 5, NOBODY), (16, 7, NOBODY), (32, 5, NOBODY)]
    packed = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    try:
        os.setxattr(deployment.backups, "system.posix_acl_default", packed)
    except OSError:
        pytest.skip("no access lists here")
    deployment.turo("backup")
    found = os.getxattr(deployment.archive(), "system.posix_acl_access")
    rights = {kind: right for kind, right, _ in struct.iter_unpack("<HHI", found[4:])}
    assert (rights[2] & rights[16], rights[32]) == (6, 0)  # by the mask; others nothing


def test_databases_come_before_the_files_that_they_name(deployment: Deployment) -> None:
    deployment.turo("backup")
    with tarfile.open(deployment.archive()) as tar:
        kinds = [member.name.split("/")[0] for member in tar]
    last_database = max(i for i, kind in enumerate(kinds) if kind in {"mlflow.db", "postgres"})
    assert last_database < min(i for i, kind in enumerate(kinds) if kind in {"artifacts", "datas"})
    assert kinds[-1] == "manifest.json"


def test_what_mlflow_has_not_committed_is_not_in_it(deployment: Deployment) -> None:
    with closing(sqlite3.connect(deployment.root / "mlruns/mlflow.db")) as writer:
        writer.execute("INSERT INTO runs VALUES (3)")  # under way
        assert deployment.turo("backup").exit_code == 0
        writer.rollback()
    (deployment.root / "mlruns/mlflow.db").write_bytes(_member(deployment.archive(), "mlflow.db"))
    assert deployment.rows() == [1, 2]


DIES_HALF_WAY = """
import os, sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.execute("PRAGMA cache_size = 5")  # so that pages reach the file before the transaction ends
database.execute("UPDATE big SET x = 'half'||x")
os.kill(os.getpid(), 9)
"""


def test_what_mlflow_was_killed_in_is_undone_in_the_archive_and_left_where_it_lies(
    deployment: Deployment,
) -> None:
    """In a stack that is down nobody undoes it in its place, where the operator may only read."""
    folder = deployment.root / "mlruns"
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        database.execute("CREATE TABLE big (x TEXT)")
        database.executemany("INSERT INTO big VALUES (?)", [("y" * 500,)] * 2000)
        database.commit()
    subprocess.run([sys.executable, "-c", DIES_HALF_WAY, folder / "mlflow.db"], check=False)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(before) == {"mlflow.db", "mlflow.db-journal"}
    assert b"halfyyy" in before["mlflow.db"]
    done = deployment.turo("backup")
    assert done.exit_code == 0, done.output
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    copy = deployment.root / "copy.db"
    copy.write_bytes(_member(deployment.archive(), "mlflow.db"))
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute("SELECT count(*) FROM big WHERE x LIKE 'half%'").fetchone() == (0,)
    assert verify(deployment.archive()).notes == ()


def test_files_that_belong_together_are_of_one_moment(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A preparation that renames its new files while the old ones are read."""
    add = ArchiveWriter.add_open_file

    def replaced_meanwhile(self: ArchiveWriter, name: str, source: IO[bytes]) -> bool:
        for path in ("datas/datas.csv", "datas/reservations.csv"):
            (deployment.root / "new").write_text("newer")
            (deployment.root / "new").replace(deployment.root / path)
        return add(self, name, source)

    monkeypatch.setattr(ArchiveWriter, "add_open_file", replaced_meanwhile)
    monkeypatch.setattr("turo.operate.backup.make_backup._small_files", lambda *_: [])
    # Databases and artifacts are added before the folder is looked at.
    assert deployment.turo("backup").exit_code == 0
    together = {_member(deployment.archive(), f"datas/{name}.csv") for name in ("datas", "reservations")}
    assert len(together) == 1


def test_a_set_that_changes_while_it_is_opened_is_opened_again(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    states, seen = folder_snapshot._states, [0]

    def once(paths: Any) -> Any:
        seen[0] += 1
        if seen[0] == 2:  # between the first look and the one that confirms it
            (deployment.root / "datas/datas.csv").write_text("another table")
        return states(paths)

    monkeypatch.setattr(folder_snapshot, "_states", once)
    assert deployment.turo("backup").exit_code == 0
    assert seen[0] == 4
    assert _member(deployment.archive(), "datas/datas.csv") == b"another table"


def test_a_file_that_grows_while_it_is_read_is_read_again_then_said(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, log = archive_writer._copy, deployment.root / "datas/predictions/XGBoost/1.parquet"
    calls = [0]

    def growing(source: IO[bytes], target: IO[bytes]) -> Any:
        digest = copy(source, target)
        if getattr(source, "name", "") == str(log):
            calls[0] += 1
            with log.open("a") as handle:
                handle.write("more")
            os.utime(log, ns=(calls[0], calls[0]))
        return digest

    monkeypatch.setattr(archive_writer, "_copy", growing)
    done = deployment.turo("backup")
    assert calls[0] == archive_writer.READINGS
    assert "1.parquet was written to all the while" in done.output
    assert any("1.parquet" in note for note in verify(deployment.archive()).notes)


def test_links_and_unreadable_things_are_named_and_left_out(deployment: Deployment) -> None:
    (deployment.root / "datas/passwords").symlink_to("/etc/passwd")
    os.mkfifo(deployment.root / "artifacts/pipe")
    done = deployment.turo("backup")
    assert "datas/passwords is no plain file" in done.output
    assert "artifacts/pipe is no plain file" in done.output
    assert not {"datas/passwords", "artifacts/pipe"} & set(verify(deployment.archive()).members)


@pytest.mark.parametrize(
    ("name", "fails"),
    [
        ("artifacts/1/m-1/model.skops", True),
        ("secrets/postgres_turo", True),
        ("datas/predictions/XGBoost/1.parquet", False),
    ],
)
def test_models_and_secrets_that_cannot_be_read_make_no_archive(
    backed_up: Deployment, refused: Refused, monkeypatch: pytest.MonkeyPatch, name: str, fails: bool
) -> None:
    path, opened, before = backed_up.root / name, Path.open, backed_up.archives()

    def no_entry(self: Path, *words: Any, **more: Any) -> Any:
        if self == path:
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return opened(self, *words, **more)

    monkeypatch.setattr(Path, "open", no_entry)  # root, as whom tests may run, may read everything
    if fails:
        assert f"{path} cannot be read" in refused(backed_up, "backup")
        assert backed_up.archives() == before
        (run,) = last_runs.read(backed_up.backups)
        assert "docker compose run --rm bootstrap" in run.problem or "cannot be read" in run.problem
    else:
        assert f"{path} cannot be read" in backed_up.turo("backup").output.replace("\n", "")


def test_what_is_half_written_is_left_out_and_nothing_that_is_merely_called_alike(
    deployment: Deployment,
) -> None:
    for name in ("uv.lock", "a.tmp", ".a.csv.12345678.tmp", ".forecast.lock"):
        (deployment.root / "artifacts/1/m-1" / name).write_text("x")
    deployment.turo("backup")
    names = {name.removeprefix("artifacts/1/m-1/") for name in verify(deployment.archive()).members}
    assert {"uv.lock", "a.tmp"} < names
    assert not {".a.csv.12345678.tmp", ".forecast.lock"} & names


def test_what_lies_elsewhere_is_said(deployment: Deployment) -> None:
    deployment.settings = deployment.settings.model_copy(
        update={"artifact_root": "s3://bucket/models", "backend_uri": "mysql://db/mlflow"}
    )
    output = deployment.turo("backup").output
    assert "ARTIFACT_ROOT is behind a URL" in output
    assert "BACKEND_URI is another server" in output


POSTGRES = "postgresql+psycopg2://mlflow@"


@pytest.mark.parametrize(
    ("backend", "store"),
    [
        (POSTGRES + "postgres/mlflow", "postgres"),
        (POSTGRES + "postgres:5432/mlflow?connect_timeout=5", "postgres"),
        (POSTGRES + "/mlflow?host=postgres", "postgres"),
        (POSTGRES + "postgres/other", "elsewhere"),
        (POSTGRES + "postgres:5433/mlflow", "elsewhere"),
        (POSTGRES + "db.example.com/mlflow?as=@postgres/mlflow", "elsewhere"),
        (POSTGRES + "postgres:port/mlflow", "elsewhere"),
    ],
)
def test_where_the_registry_is_is_told_by_its_address(
    deployment: Deployment, backend: str, store: str
) -> None:
    deployment.settings = deployment.settings.model_copy(
        update={"backend_uri": backend, "forecasts_uri": "postgresql://turo@postgres/forecasts"}
    )
    deployment.turo("backup")
    manifest = verify(deployment.archive())
    assert manifest.mlflow_store == store
    assert [note.split()[0] for note in manifest.notes] == ["BACKEND_URI"] * (store == "elsewhere")


def test_options_of_sqlite_s_address_are_no_part_of_the_file(deployment: Deployment) -> None:
    uri = f"{deployment.settings.backend_uri}?timeout=60"
    deployment.settings = deployment.settings.model_copy(update={"backend_uri": uri})
    deployment.turo("backup")
    assert "mlflow.db" in verify(deployment.archive()).members


def test_forecasts_that_lie_elsewhere_are_said(deployment: Deployment) -> None:
    uri = "postgresql://turo@db.example.com/forecasts"
    deployment.settings = deployment.settings.model_copy(update={"forecasts_uri": uri})
    assert "FORECASTS_URI is another server or database" in deployment.turo("backup").output


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        ({"psql postgres": "connection refused"}, "connection refused"),
        ({"pg_dump forecasts": "pg_dump: error: permission denied"}, "forecasts cannot be dumped: pg_dump"),
    ],
)
def test_a_database_that_does_not_answer_ends_it_and_older_archives_stay(
    backed_up: Deployment, refused: Refused, problem: dict[str, str], told: str
) -> None:
    before = backed_up.archives()
    backed_up.server.write(problems=problem)
    assert told in refused(backed_up, "backup")
    assert backed_up.archives() == before
    assert not list(backed_up.backups.glob(".making-*"))
    (run,) = last_runs.read(backed_up.backups)
    assert told in run.problem


def test_without_postgresql_s_programs_it_says_where_to_run_it(
    deployment: Deployment, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "docker compose exec operator turo backup" in refused(deployment, "backup")


def test_a_damaged_registry_makes_no_archive(deployment: Deployment, refused: Refused) -> None:
    (deployment.root / "mlruns/mlflow.db").write_bytes(b"no database" * 1000)
    assert "mlflow.db is damaged" in refused(deployment, "backup")
    assert deployment.archives() == []


def test_a_full_disk_leaves_the_older_archives(
    backed_up: Deployment, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = backed_up.archives()
    monkeypatch.setattr(ArchiveWriter, "finish", full)
    told = refused(backed_up, "backup")
    assert "is full" in told
    assert "Free some space" in told
    assert backed_up.archives() == before
    assert not list(backed_up.backups.glob(".making-*"))


def room(monkeypatch: pytest.MonkeyPatch, free: int, total: int = 100 << 30) -> None:
    usage = shutil.disk_usage("/")
    told = type(usage)(total=total, used=total - free, free=free)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: told)


def test_a_disk_without_room_for_it_is_told_before_anything_is_written(
    backed_up: Deployment, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    with backed_up.archive().open("ab") as handle:
        handle.truncate(2 << 30)  # the newest is as large as the next will be
    backed_up.server.write(sizes=[1 << 30, 3 << 30], asked=[])
    room(monkeypatch, (6 << 30) - 1)
    told = refused(backed_up, "backup")
    assert "has 6,144 MiB free, and a backup needs 6,144 MiB: 2,048 MiB for the archive, 3,072 MiB" in told
    assert "1,024 MiB that must stay free" in told
    assert "Remove old archives there" in told
    assert ["pg_dump", "airflow"] not in backed_up.server.read()["asked"]
    (run,) = last_runs.read(backed_up.backups)
    assert "a backup needs 6,144 MiB" in run.problem
    room(monkeypatch, 6 << 30)
    assert backed_up.turo("backup").exit_code == 0


def test_the_first_one_needs_at_most_what_lies_there(
    deployment: Deployment, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (deployment.root / "artifacts/1/m-1/model.skops").open("ab") as handle:
        handle.truncate(500 << 20)
    deployment.server.write(sizes=[100 << 20, 200 << 20])
    room(monkeypatch, 100 << 20, total=1 << 30)  # a twentieth of it stays free, 51 MiB
    told = refused(deployment, "backup")
    assert "needs 1,351 MiB: 800 MiB for the archive, 500 MiB for a copy of the largest" in told
    assert deployment.archives() == []


def test_what_came_since_the_newest_one_needs_room_too(
    backed_up: Deployment, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the sample there was a small archive; then the real export came, which is copied beside the next."""
    with (backed_up.root / "datas/reservations.csv").open("ab") as handle:
        handle.truncate(300 << 20)
    with (backed_up.root / "artifacts/1/m-1/model.skops").open("ab") as handle:
        handle.truncate(200 << 20)
    later = archives(backed_up.backups)[0].made_at.timestamp() + 60
    os.utime(backed_up.root / "datas/reservations.csv", (later, later))
    os.utime(backed_up.root / "artifacts/1/m-1/model.skops", (later - 120, later - 120))  # is in the newest
    room(monkeypatch, (651 << 20) - 1, total=1 << 30)
    told = refused(backed_up, "backup")
    assert "a backup needs 651 MiB: 300 MiB for the archive, 300 MiB for a copy of the largest" in told
    assert len(backed_up.archives()) == 1


def test_no_copy_of_a_database_is_copied_again(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies, spooled = [0], tempfile.SpooledTemporaryFile

    def counted(*words: Any, **more: Any) -> Any:
        copies[0] += 1
        return spooled(*words, **more)

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", counted)
    deployment.turo("backup")
    members = verify(deployment.archive()).members
    assert copies[0] == len([name for name in members if not name.endswith((".dump", ".db"))])


def test_a_second_one_at_once_is_refused_and_says_who_is_at_it(
    deployment: Deployment, refused: Refused
) -> None:
    with (deployment.backups / ".lock").open("w+") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        handle.write(json.dumps({"what": "backup", "pid": 7}))
        handle.flush()
        assert '"pid": 7' in refused(deployment, "backup")
    assert deployment.turo("backup").exit_code == 0


def test_what_a_killed_one_left_is_removed(deployment: Deployment) -> None:
    (deployment.backups / ".making-dead").mkdir()
    (deployment.backups / ".making-dead" / "turo-half.tar.gz").write_text("half")
    deployment.turo("backup")
    assert not list(deployment.backups.glob(".making-*"))


def test_a_folder_that_is_not_there_is_named(deployment: Deployment, refused: Refused) -> None:
    deployment.settings = deployment.settings.model_copy(update={"backups_dir": Path("/nowhere/backups")})
    assert "/nowhere/backups cannot be written to" in refused(deployment, "backup")


def test_the_newest_are_kept_and_what_is_not_ours_is_never_touched(deployment: Deployment) -> None:
    deployment.settings = deployment.settings.model_copy(update={"backups_kept": 2})
    now = datetime.now(UTC)
    old = [archive_name(now - timedelta(days=days), "0.1.0") for days in (1, 2, 3)]
    foreign = ["turo-mine.tar.gz", "turo-20261332T000000Z-0.1.0.tar.gz", "holidays.tar.gz", f"{old[2]}.copy"]
    for name in (*old, *foreign):
        (deployment.backups / name).write_text("old")
    output = deployment.turo("backup").output
    kept = {archive.path.name for archive in archives(deployment.backups)}
    assert len(kept) == 2
    assert old[0] in kept
    assert f"removed (BACKUPS_KEPT=2): {old[1]}, {old[2]}" in output
    assert all((deployment.backups / name).exists() for name in foreign)


def test_the_new_one_stays_whatever_a_clock_that_was_ahead_has_left(deployment: Deployment) -> None:
    deployment.settings = deployment.settings.model_copy(update={"backups_kept": 1})
    ahead = archive_name(datetime.now(UTC) + timedelta(days=5), "0.1.0")
    (deployment.backups / ahead).write_text("of next week")
    deployment.turo("backup")
    assert len(set(deployment.archives()) - {ahead}) == 1


def test_what_an_upgrade_may_return_to_is_not_removed_and_does_not_count(deployment: Deployment) -> None:
    deployment.settings = deployment.settings.model_copy(update={"backups_kept": 1})
    now = datetime.now(UTC)
    needed, kept, old = (archive_name(now - timedelta(days=days), "0.1.0", days == 2) for days in (3, 2, 1))
    for name in (needed, kept, old):
        (deployment.backups / name).write_text("old")
    state = deployment.backups / "upgrade.state"
    state.write_text(f"phase=proving\ntag=local\narchive={needed}\nsaved=1\n")
    assert f"removed (BACKUPS_KEPT=1): {old}\n" in deployment.turo("backup").output
    assert {needed, kept} < set(deployment.archives())
    state.unlink()
    assert needed in deployment.turo("backup").output
    assert kept in deployment.archives()


def test_one_that_shall_be_kept_is_found_by_its_name(deployment: Deployment) -> None:
    name = deployment.turo("backup", "--kept").output.split(":")[0]
    assert name.endswith("-kept.tar.gz")
    assert deployment.turo("backup", "--list").output.rstrip().endswith(name)
    assert "is whole" in deployment.turo("backup", "--verify", name).output


def test_they_are_listed_newest_first(backed_up: Deployment) -> None:
    old = archive_name(datetime(2026, 1, 2, 3, 4, tzinfo=UTC), "0.0.9")
    (backed_up.backups / old).write_text("old")
    new = next(name for name in backed_up.archives() if name != old)
    lines = backed_up.turo("backup", "--list").output.splitlines()
    assert [line.split()[-1] for line in lines] == [new, old]
    assert lines[1].startswith("2026-01-02 03:04 UTC")


def test_one_is_verified_by_name_or_path(backed_up: Deployment, refused: Refused) -> None:
    for name in (backed_up.archive().name, backed_up.archive()):
        assert "is whole" in backed_up.turo("backup", "--verify", name).output
    assert "There is no" in refused(backed_up, "backup", "--verify", "turo-nothing.tar.gz")


def _member(archive: Path, name: str) -> bytes:
    with tarfile.open(archive) as tar:
        source = tar.extractfile(name)
        assert source is not None
        return source.read()
