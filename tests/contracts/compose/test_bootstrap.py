"""Bootstrap: secrets made once and handed to whom they belong, open ports refused with default passwords."""

from __future__ import annotations

import base64
import importlib
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from compose_file import REPOSITORY

Load = Callable[[str], ModuleType]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    monkeypatch.syspath_prepend(str(REPOSITORY / "bootstrap"))
    return importlib.import_module


@pytest.fixture
def vault(load: Load) -> ModuleType:
    return load("vault")


def test_secrets_are_random_once_and_kept(vault: ModuleType, tmp_path: Path) -> None:
    first = vault.unlock(tmp_path, {})
    assert vault.unlock(tmp_path, {}) == first
    other = tmp_path / "other"
    other.mkdir()
    again = vault.unlock(other, {})
    assert all(first[name] != again[name] for name in first)
    assert all(len(value) >= 44 for value in first.values())
    assert len(base64.urlsafe_b64decode(first["airflow_fernet"])) == 32


def test_a_chosen_secret_wins(vault: ModuleType, tmp_path: Path) -> None:
    vault.unlock(tmp_path, {})
    assert vault.unlock(tmp_path, {"jupyter": "mine"})["jupyter"] == "mine"
    assert vault.unlock(tmp_path, {"jupyter": ""})["jupyter"] == "mine"


def test_nobody_but_the_vault_and_the_server_knows_every_password(vault: ModuleType, tmp_path: Path) -> None:
    secret = vault.unlock(tmp_path, {})
    texts = {one.volume: "\n".join(one.files.values()) for one in vault.consumers(secret)}
    everything = texts.pop("operator")  # who backs it all up
    assert all(value in everything for value in secret.values())
    knows = {
        name: {volume for volume, text in texts.items() if value in text} for name, value in secret.items()
    }
    assert knows["postgres_superuser"] == {"postgres"}
    assert knows["postgres_airflow"] == {"postgres", "airflow", "airflow_dags"}
    assert knows["postgres_celery_results"] == {"postgres", "airflow", "airflow_worker"}
    assert knows["postgres_mlflow"] == {"postgres", "mlflow"}
    assert knows["postgres_turo"] == {"postgres", "forecasts"}
    assert knows["airflow_jwt"] == {"airflow"}
    assert knows["airflow_fernet"] == {"airflow", "airflow_dags"}
    assert knows["ray"] == {"ray", "prometheus"}
    assert knows["postgres_exporter"] == {"postgres", "postgres_exporter"}
    assert knows["redis"] == {"redis", "airflow", "airflow_worker", "redis_exporter"}
    assert knows["jupyter"] == {"jupyter"}
    assert knows["operator"] == {"airflow_worker"}
    assert knows["mlflow_flask"] == {"mlflow"}


def test_a_volume_holds_exactly_its_files(vault: ModuleType, tmp_path: Path) -> None:
    consumer = vault.Consumer("one", os.getuid(), os.getgid(), {"token": "t0ken"})
    (tmp_path / "from-last-release").write_text("old")
    vault.hand_out(tmp_path, consumer)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"token": "t0ken"}
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o400
    assert tmp_path.stat().st_mode & 0o777 == 0o550
    tmp_path.chmod(0o750)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "localhost", "::1", "[::1]", ""])
def test_loopback_needs_nothing(load: Load, address: str) -> None:
    assert load("guard").open_doors({"BIND_ADDRESS": address}) == ""


@pytest.mark.parametrize("address", ["0.0.0.0", "192.168.1.7", "::", "myhost"])
def test_open_ports_with_default_passwords_are_named_in_one_line(load: Load, address: str) -> None:
    danger = load("guard").open_doors({"BIND_ADDRESS": address, "GRAFANA_ADMIN_PASSWORD": "admin"})
    for word in (address, "AIRFLOW_ADMIN_PASSWORD", "GRAFANA_ADMIN_PASSWORD", "SERVE_API_KEY"):
        assert word in danger
    assert "\n" not in danger


def test_open_ports_with_own_passwords_are_fine(load: Load) -> None:
    own = {"AIRFLOW_ADMIN_PASSWORD": "a", "GRAFANA_ADMIN_PASSWORD": "b", "SERVE_API_KEY": "c"}
    assert load("guard").open_doors({"BIND_ADDRESS": "0.0.0.0", **own}) == ""
    assert "SERVE_API_KEY is not set" in load("guard").open_doors(
        {"BIND_ADDRESS": "0.0.0.0", **own, "SERVE_API_KEY": ""}
    )


def test_refusal_ends_the_start_unless_it_is_wanted(
    load: Load, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bootstrap = load("bootstrap")
    monkeypatch.setenv("BIND_ADDRESS", "0.0.0.0")
    for name in ("AIRFLOW_ADMIN_PASSWORD", "GRAFANA_ADMIN_PASSWORD", "SERVE_API_KEY", "ALLOW_INSECURE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit, match=r"REFUSED.*ALLOW_INSECURE=1"):
        bootstrap.check_doors()
    monkeypatch.setenv("ALLOW_INSECURE", "1")
    bootstrap.check_doors()
    assert "WARNING: BIND_ADDRESS=0.0.0.0" in caplog.text


EXPOSED = {
    "TURO_DOMAIN": "turo.example.com",
    "AIRFLOW_ADMIN_PASSWORD": "of-airflow",
    "GRAFANA_ADMIN_PASSWORD": "of-grafana",
    "MLFLOW_ADMIN_PASSWORD": "twelve-chars",
    "SERVE_API_KEY": "of-serve",
    "BIND_ADDRESS": "127.0.0.1",
}


def test_what_is_exposed_with_passwords_of_its_own_starts(load: Load) -> None:
    assert load("guard").exposed_badly(EXPOSED) == []
    assert load("guard").exposed_badly(EXPOSED | {"TURO_DOMAIN": "turo.localhost"}) == []
    assert load("guard").exposed_badly({"AIRFLOW_ADMIN_PASSWORD": "admin"}) == []  # nothing is exposed


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("AIRFLOW_ADMIN_PASSWORD", "admin", "AIRFLOW_ADMIN_PASSWORD is the public default"),
        ("AIRFLOW_ADMIN_PASSWORD", "", "AIRFLOW_ADMIN_PASSWORD is the public default"),
        ("GRAFANA_ADMIN_PASSWORD", "admin", "GRAFANA_ADMIN_PASSWORD is the public default"),
        ("MLFLOW_ADMIN_PASSWORD", "", "MLFLOW_ADMIN_PASSWORD needs 12 characters"),
        ("MLFLOW_ADMIN_PASSWORD", "eleven-char", "MLFLOW_ADMIN_PASSWORD needs 12 characters"),
        ("MLFLOW_ADMIN_PASSWORD", "password1234", "MLFLOW_ADMIN_PASSWORD is the public default"),
        ("SERVE_API_KEY", "", "SERVE_API_KEY is not set"),
        ("SERVE_API_KEY", "seven-c", "SERVE_API_KEY needs 8 characters"),
        ("AIRFLOW_ADMIN_PASSWORD", "a", "AIRFLOW_ADMIN_PASSWORD needs 8 characters"),
        ("BIND_ADDRESS", "0.0.0.0", "BIND_ADDRESS=0.0.0.0 opens the ports without TLS"),
        ("HTTPS_PORT", "443", "HTTPS_PORT=443 is what it is anyway"),
        ("TURO_ACME_EMAIL", "me", "TURO_ACME_EMAIL=me is no mail address"),
        ("TURO_ACME_EMAIL", "me@example.com you", "is no mail address"),
        ("TURO_DOMAIN", "https://turo.example.com", "is no host name"),
        ("TURO_DOMAIN", "turo.example.com:8443", "is no host name"),
        ("TURO_DOMAIN", "Turo.example.com", "is no host name"),
        ("TURO_DOMAIN", "192.168.1.7", "is no host name"),
        ("TURO_DOMAIN", "a b", "is no host name"),
        ("TURO_DOMAIN", "-turo.example.com", "is no host name"),
        ("TURO_DOMAIN", "a." * 120 + "example", "is no host name"),
    ],
)
def test_nothing_allows_what_is_exposed_badly(
    load: Load, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    for variable, given in (EXPOSED | {name: value, "ALLOW_INSECURE": "1"}).items():
        monkeypatch.setenv(variable, given)
    with pytest.raises(SystemExit, match="REFUSED: not behind TLS like this") as refusal:
        load("bootstrap").check_doors()
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Path:
    """A private folder with two files; of the host's tools only `find` is there."""
    tools, folder = tmp_path / "tools", tmp_path / "datas"
    tools.mkdir()
    folder.mkdir(mode=0o700)
    for name in ("kept.csv", ".table.01234567.tmp"):
        (folder / name).write_text(name)
    (tools / "find").symlink_to(str(shutil.which("find")))
    monkeypatch.setenv("PATH", str(tools))
    caplog.set_level(logging.INFO, "bootstrap")
    return folder


def setfacl(folder: Path, what_it_does: str) -> None:
    """Put a stand-in beside `find` that runs some shell for each `$path`, then notes the path."""
    stand_in = folder.parent / "tools" / "setfacl"
    stand_in.write_text(
        '#!/bin/sh\nshift 2\nstatus=0\nfor path in "$@"; do\n'
        f"{what_it_does}\n"
        f'echo "$path" >> {folder.parent}/given\ndone\nexit $status\n'
    )
    stand_in.chmod(0o755)


def test_what_is_renamed_while_access_is_given_keeps_nothing_from_being_shared(
    load: Load, shared: Path, caplog: pytest.LogCaptureFixture
) -> None:
    setfacl(
        shared,
        'case "$path" in *.tmp)\n'
        f'/bin/mv "$path" {shared}/table\n'
        'echo "setfacl: $path: No such file or directory" >&2; status=1; continue;;\nesac',
    )
    load("folders").share(shared)
    assert shared.stat().st_mode & 0o777 == 0o700
    assert [record.levelname for record in caplog.records] == ["INFO"]
    given = {Path(line) for line in (shared.parent / "given").read_text().splitlines()}
    assert given == {shared, shared / "kept.csv", shared / "table"}  # by its last name it is shared, too


def test_one_file_that_cannot_be_shared_is_told_and_opens_nothing(
    load: Load, shared: Path, caplog: pytest.LogCaptureFixture
) -> None:
    setfacl(
        shared,
        'case "$path" in *kept.csv)\n'
        'echo "setfacl: $path: Operation not permitted" >&2; status=1; continue;;\nesac',
    )
    load("folders").share(shared)
    assert shared.stat().st_mode & 0o777 == 0o700
    (told, _) = caplog.messages
    assert "datas: not everything in it is shared" in told
    assert f"{shared}/kept.csv: Operation not permitted" in told
    assert "no access lists" not in told


def test_a_file_system_that_knows_no_access_lists_is_known_by_the_folder(
    load: Load, shared: Path, caplog: pytest.LogCaptureFixture
) -> None:
    setfacl(shared, 'echo "setfacl: $path: Operation not supported" >&2; status=1; continue')
    load("folders").share(shared)
    assert shared.stat().st_mode & 0o777 == 0o777
    assert "datas: no access lists here (setfacl: " in caplog.text


def test_without_access_lists_the_folder_is_opened_and_the_log_says_so(
    load: Load, shared: Path, caplog: pytest.LogCaptureFixture
) -> None:
    load("folders").share(shared)  # without the tool
    assert shared.stat().st_mode & 0o777 == 0o777
    assert "datas: no access lists here" in caplog.text


def test_access_is_for_the_owner_and_the_containers_now_and_later(load: Load) -> None:
    folders, files = load("folders").commands(Path("/host/datas"), owner=12345)
    assert folders[folders.index("--modify") + 1] == ("u:1000:rwx,u:12345:rwx,d:u:1000:rwx,d:u:12345:rwx")
    assert files[files.index("--modify") + 1] == "u:1000:rw,u:12345:rw,m::rw"
