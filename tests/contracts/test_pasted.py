"""Commands of documents are pasted as they are, also into zsh, to which comments behind them are words."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from tools import REPOSITORY

README = REPOSITORY / "operator/README.md"
BLOCK = re.compile(r"^( *)```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
FAKE = r"""#!/bin/bash
echo "$(umask) ${0##*/} $*" >>"$NOTED"
case "$(basename "$0") $*" in $FAIL) exit 1 ;; esac
case $* in
  'compose config') echo 'name: mine' ;;
  'compose config --images') printf '%s\n' turo/ray:local postgres:17 ;;
  run*) echo volumes ;;
  log*) echo 0123abc ;;
esac
[ "${0##*/}" != sudo ] || exec "$@"
"""


def blocks(path: Path) -> list[str]:
    return [block for _, block in BLOCK.findall(path.read_text())]


def test_no_comment_stands_behind_a_command_that_takes_down_or_brings_back() -> None:
    lines = [line for block in blocks(README) for line in block.splitlines()]
    assert len(lines) > 10
    assert [line for line in lines if re.search(r"\S\s+#", line)] == []


def test_no_comment_behind_a_command_holds_an_option() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "*.md"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    lines = [
        line
        for name in listed.stdout.split()
        for block in blocks(REPOSITORY / name)
        for line in block.splitlines()
    ]
    assert [line for line in lines if re.search(r"\S\s+#.*\s--[a-z]", line)] == []


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("datas", "mlruns", "mlflow_artifacts"):
        (tmp_path / "checkout" / name).mkdir(parents=True)
    (tmp_path / "checkout/.env").write_text("SECRET=1\n")
    (tmp_path / "bin").mkdir()
    for name in ("docker", "sudo", "git"):
        (tmp_path / "bin" / name).write_text(FAKE)
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / "checkout/doctor.sh").write_text("#!/bin/sh\n")
    (tmp_path / "checkout/doctor.sh").chmod(0o755)
    return tmp_path / "checkout"


def by_hand(checkout: Path, fail: str = "") -> list[str]:
    """What the block asks for, each after its umask."""
    (block,) = [block for block in blocks(README) if "turo-before.tar.gz" in block]
    noted = checkout.parent / "noted"
    variables = {"PATH": f"{checkout.parent}/bin:/usr/bin:/bin", "NOTED": str(noted), "FAIL": fail}
    subprocess.run(["bash", "-c", f"umask 022\n{block}"], cwd=checkout, env=variables, check=False)
    return noted.read_text().splitlines()


def test_the_archives_of_the_way_by_hand_are_nobody_else_s(checkout: Path) -> None:
    asked = by_hand(checkout)
    assert asked[2:4] == [
        "0022 docker volume inspect mine_postgres_data mine_secrets_vault",
        "0022 docker compose down",
    ]
    assert asked[-2:] == ["0022 git pull", "0022 docker compose up -d --build --wait"]
    for name in ("turo-before.tar.gz", "turo-before-volumes.tar.gz", "turo-before-commit"):
        assert (checkout.parent / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "fail", ["docker volume inspect*", "docker compose down", "sudo *", "docker run*", "git pull"]
)
def test_what_fails_by_hand_ends_it(checkout: Path, fail: str) -> None:
    assert re.fullmatch(fail.replace("*", ".*"), by_hand(checkout, fail)[-1].split(maxsplit=1)[1])
