"""`turo upgrade back`: the archive is in its place again, what the failed upgrade left lies beside."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_deployment import Deployment, Refused

from turo.operate.upgrade import back as module


def upgraded(deployment: Deployment) -> None:
    """As a failed upgrade leaves it: other tables, other files, a new one."""
    deployment.server.write(
        databases=deployment.server.read()["databases"] | {"airflow": ["half of a migration"]}
    )
    (deployment.root / "datas/datas.csv").write_text("of the new version")
    (deployment.root / "datas/new.csv").write_text("new")
    (deployment.root / "mlruns/mlflow.db").write_bytes(b"half migrated")


def test_all_is_as_it_was(backed_up: Deployment) -> None:
    files, databases = backed_up.files(), backed_up.server.read()["databases"]
    upgraded(backed_up)
    done = backed_up.turo("upgrade", "back", backed_up.archive().name)
    assert done.exit_code == 0, done.exception
    there = {name: content for name, content in backed_up.files().items() if "before-rollback" not in name}
    assert there == files
    assert backed_up.rows() == [1, 2]
    assert backed_up.server.read()["databases"] == databases
    (aside,) = (backed_up.root / "datas/.before-rollback").iterdir()
    assert (aside / "new.csv").read_text() == "new"
    assert (aside / "datas.csv").read_text() == "of the new version"
    assert "remove it when nobody misses it" in done.output


def test_what_is_put_aside_is_in_no_backup(backed_up: Deployment) -> None:
    upgraded(backed_up)
    backed_up.turo("upgrade", "back", backed_up.archive().name)
    (first,) = backed_up.archives()
    backed_up.archive().rename(backed_up.backups / "kept")
    assert backed_up.turo("backup").exit_code == 0
    from turo.operate.backup.archive_reader import verify

    assert not [name for name in verify(backed_up.archive()).members if "before-rollback" in name]
    assert first


def test_a_damaged_archive_is_refused_before_anything_is_touched(
    backed_up: Deployment, refused: Refused
) -> None:
    upgraded(backed_up)
    content = bytearray(backed_up.archive().read_bytes())
    content[len(content) // 2] ^= 1
    backed_up.archive().write_bytes(content)
    files, databases = backed_up.files(), backed_up.server.read()["databases"]
    assert "damaged" in refused(backed_up, "upgrade", "back", backed_up.archive().name)
    assert backed_up.files() == files
    assert backed_up.server.read()["databases"] == databases


def test_not_while_something_runs(backed_up: Deployment, refused: Refused) -> None:
    backed_up.server.write(clients=["airflow"])
    files = backed_up.files()
    assert "in use by airflow" in refused(backed_up, "upgrade", "back", backed_up.archive().name)
    assert backed_up.files() == files


def test_a_killed_one_is_finished_by_the_next(
    backed_up: Deployment, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgraded(backed_up)
    backed_up.server.write(problems={"pg_restore mlflow": "broken"})
    assert "broken" in refused(backed_up, "upgrade", "back", backed_up.archive().name)
    # A kill in the middle of the restore leaves some of the archive's files in place.
    (backed_up.root / "datas/datas.csv").write_text("half")
    (backed_up.root / "datas/report").mkdir(exist_ok=True)
    backed_up.server.write(problems={})
    assert backed_up.turo("upgrade", "back", backed_up.archive().name).exit_code == 0
    assert (backed_up.root / "datas/datas.csv").read_text() == "table"
    first, second = sorted((backed_up.root / "datas/.before-rollback").iterdir())
    assert (first / "datas.csv").read_text() == "of the new version"
    assert (second.name, (second / "datas.csv").read_text()) == (f"{first.name}-2", "half")


def test_what_people_made_between_two_ways_back_is_put_aside_as_well(tmp_path: Path) -> None:
    def lies_here(text: str) -> None:
        (tmp_path / "predictions").mkdir()
        for name in ("reservations.csv", "predictions/log"):
            (tmp_path / name).write_text(text)

    for text in ("of the failed version", "of Tuesday", "of Friday"):
        lies_here(text)
        module.put_aside(tmp_path, "now")
    (tmp_path / "late.csv").write_text("free name")
    module.put_aside(tmp_path, "now")
    there = {path.relative_to(tmp_path / ".before-rollback").as_posix(): path.read_text()
             for path in tmp_path.rglob("*") if path.is_file()}  # fmt: skip
    assert there == {
        f"{folder}/{name}": text
        for folder, text in (
            ("now", "of the failed version"),
            ("now-2", "of Tuesday"),
            ("now-3", "of Friday"),
        )
        for name in ("reservations.csv", "predictions/log")
    } | {"now/late.csv": "free name"}


def test_an_empty_folder_has_nothing_to_put_aside(tmp_path: Path) -> None:
    (tmp_path / "README.md").touch()
    assert module.put_aside(tmp_path, "now") is None
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
