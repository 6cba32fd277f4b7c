"""upgrade.sh on a real git repository, with a `docker` that notes what it is asked, and fails where told."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from compose_file import REPOSITORY

# As far as the script needs it. The files `fail` and `kill` say at which words to fail, or to kill it.
DOCKER = r"""#!/bin/bash
shopt -s extglob
here=$(cat "$PLACE/where")
at=$(cat version 2>/dev/null)
case $PWD in "$here") ;; "$here"/backups/.upgrade-*) at="$at in work" ;; *) at=lost ;; esac
echo "$at: $* ${TURO_TAG:+TAG=$TURO_TAG}" >>"$PLACE/asked"
[ -s "$PLACE/kill" ] && case "$*" in
  $(cat "$PLACE/kill")) : >"$PLACE/kill"; kill "-${SIGNAL:-9}" "$(cat "$here/backups/upgrade.pid")"; exit 1 ;;
esac
[ -s "$PLACE/fail" ] && case "$*" in $(cat "$PLACE/fail")) echo 'it broke' >&2; exit 1 ;; esac
case $* in
  *'config --images')
    tag=${TURO_TAG:-$(sed -n 's/^TURO_TAG=//p' .env 2>/dev/null)}
    printf '%s\n' postgres:17 "turo/ray:${tag:=local}" "turo/operator:$tag" "turo/operator:$tag" ;;
  'compose config') printf 'name: %s\nservices: {}\n' "${COMPOSE_PROJECT_NAME:-mine}" ;;
  *'upgrade check'*) cat >"$PLACE/names"; rm -rf "$PLACE/there";
    cp -R "$(ls -d "$here"/backups/.upgrade-*)" "$PLACE/there" ;;
  *'turo backup'*) echo 'turo-20261128T033000Z-0.1.0.tar.gz: 9 files, 1.0 MiB' ;;
  'volume ls'*) echo mine_redis_data ;;
  'ps '*working_dir=*) printf '%s\n' "${PROJECTS:-mine}" ;;
  'ps '*) printf '%s\n' "/a,${FILES:-/a/docker-compose.yml}" , ;;
esac
"""
QUESTION = re.compile(r": (info|ps|image inspect|compose config( --images)? *$)")
AUTHORS = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")
SCRIPTS = ("upgrade.sh", "upgrade_steps.sh", "upgrade_checkout.sh", "written.sh")
ARCHIVE = "turo-20261128T033000Z-0.1.0.tar.gz"
ENV = "# mine\nSERVE_PORT=8001\nTURO_SECRET='a b'\n"


@dataclass
class Place:
    """A checkout at v1, beside it the fake's notes."""

    root: Path

    @property
    def checkout(self) -> Path:
        return self.root / "checkout"

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words],
            cwd=self.checkout, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    def commit(self, version: str, tag: str = "", **files: str) -> None:
        for name, text in {"version": version, **files}.items():
            path = self.checkout / name.replace("__", "/")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-qm", version)
        self.git("tag", tag or version)

    def run(
        self, *words: str, fail: str = "", kill: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        (self.root / "fail").write_text(fail)
        (self.root / "kill").write_text(kill)
        (self.root / "asked").write_text("")
        return subprocess.run(
            [str(self.checkout / "upgrade.sh"), *words],
            cwd="/",
            env=self.variables | variables,
            capture_output=True,
            text=True,
        )

    @property
    def variables(self) -> dict[str, str]:
        return {"PATH": f"{self.root}/bin:/usr/bin:/bin", "PLACE": str(self.root), "HOME": str(self.root)}

    @property
    def asked(self) -> list[str]:
        """What Docker was told to do, each with the version that the checkout had."""
        lines = (self.root / "asked").read_text().splitlines()
        return [line.strip() for line in lines if not QUESTION.search(line)]

    def at(self) -> str:
        return (self.checkout / "version").read_text()

    def scripts(self) -> None:
        """Those under test, in the place of v2's, which are another thing and do not work."""
        for name in SCRIPTS:
            self.git("update-index", "--assume-unchanged", name)
            shutil.copy2(REPOSITORY / name, self.checkout / name)

    def left(self) -> list[str]:
        return sorted(path.name for path in (self.checkout / "backups").iterdir() if path.name != "README.md")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """v1 in use, with a .env and an override; v2 there is to go to."""
    made = Place(tmp_path_factory.mktemp("repository"))
    for name in ("checkout/backups", "bin"):
        (made.root / name).mkdir(parents=True)
    (made.root / "bin/docker").write_text(DOCKER)
    (made.root / "bin/docker").chmod(0o755)
    for name in SCRIPTS:
        shutil.copy2(REPOSITORY / name, made.checkout / name)
    (made.checkout / "backups/README.md").write_text("of the checkout")
    made.git("init", "-q", "-b", "main")
    ignored = ".env\nbackups/*\n!backups/README.md\n"
    made.commit("v1", datas__reservations="sample", **{".gitignore": ignored})
    made.git("checkout", "-q", "--detach")
    # Another script than v1's, which must have been read whole before its file changes.
    made.commit(
        "v2",
        **{
            "upgrade.sh": "#!/bin/sh\necho of v2\n",
            "upgrade_steps.sh": "exit 9\n",
            "upgrade_checkout.sh": "exit 9\n",
        },
    )
    made.git("checkout", "-q", "main")
    (made.checkout / ".env").write_text(ENV)
    (made.checkout / "docker-compose.override.yml").write_text("services: {}\n")
    (made.checkout / "my limits.env").write_text("LIMIT=1\n")  # named by the override
    return made.root


@pytest.fixture
def place(repository: Path, tmp_path: Path) -> Place:
    shutil.copytree(repository, tmp_path / "place")
    made = Place(tmp_path / "place")
    (made.root / "where").write_text(str(made.checkout))
    return made


RUN = "compose --progress quiet run --rm -T"
CHECK = ["v1 in work", "v1"]
UP = "compose up -d --wait --wait-timeout 1800"
FORWARD = [
    "v1: compose stop",
    "v1: compose up -d --wait postgres",
    f"v1: {RUN} operator turo backup",
    "v1: compose down --remove-orphans",
    "v2: tag turo/operator:local-upgrade turo/operator:local",
    "v2: tag turo/ray:local-upgrade turo/ray:local",
    f"v2: {RUN} airflow_init",
    f'v2: {RUN} --no-deps mlflow sh -c exec mlflow db upgrade "$BACKEND_URI"',
    f"v2: {UP}",
    "v2: compose --progress quiet exec -T operator turo upgrade prove",
]
TO_OLD = [
    "compose down --remove-orphans",
    "v1: tag turo/operator:local-before-upgrade turo/operator:local",
    "v1: tag turo/ray:local-before-upgrade turo/ray:local",
]
KEPT = [
    f"v2: {RUN} --no-deps operator turo backup --verify {ARCHIVE} TAG=local-before-upgrade",
    "v2: compose stop",
    "v2: compose up -d --wait postgres",
    f"v2: {RUN} operator turo backup --kept",
]
RESTORED = [
    "v1: volume ls -q --filter label=com.docker.compose.project=mine "
    "--filter label=com.docker.compose.volume=redis_data",
    "v1: volume rm mine_redis_data",
    f"v1: {RUN} --entrypoint turo restore upgrade back {ARCHIVE}",
    f"v1: {UP}",
]


def test_the_way_to_a_version(place: Place) -> None:
    done = place.run("v2")
    assert done.returncode == 0, done.stderr
    asked = place.asked
    work = place.checkout / "backups/.upgrade-"
    checked = asked.pop(1)
    assert checked.startswith(f"v1: {RUN} --no-deps -v {work}")
    assert checked.endswith(":/target:ro operator turo upgrade check /target --names")
    commit = place.git("rev-parse", "v2")
    assert asked == [
        "v2 in work: compose config --quiet TAG=local-upgrade",
        "v2 in work: compose build TAG=local-upgrade",
        "v2 in work: compose pull --ignore-buildable --policy missing TAG=local-upgrade",
        "v1: tag turo/operator:local turo/operator:local-before-upgrade",
        "v1: tag turo/ray:local turo/ray:local-before-upgrade",
        f"v1: {RUN} --no-deps operator turo upgrade note",
        *FORWARD,
    ]
    assert place.git("rev-parse", "HEAD") == commit
    assert place.at() == "v2"
    assert (place.checkout / ".env").read_text() == ENV
    for name in (".env", "docker-compose.override.yml", "my limits.env"):
        assert (place.root / "there" / name).read_text() == (place.checkout / name).read_text()
    assert (place.root / "names").read_text() == "SERVE_PORT\nTURO_SECRET\n"
    assert place.left() == []
    assert ARCHIVE in done.stdout


@pytest.mark.parametrize(
    "step", ["*config --quiet", "*upgrade check*", "*compose build", "*pull*", "tag *", "*upgrade note"]
)
def test_what_fails_beforehand_changes_nothing(place: Place, step: str) -> None:
    done = place.run("v2", fail=step)
    assert done.returncode == 1
    assert "it broke" in done.stderr
    assert "nothing was changed" in done.stderr
    assert not [line for line in place.asked if "compose stop" in line or "down" in line]
    assert (place.at(), place.left()) == ("v1", [])


def after(asked: list[str], line: str) -> list[str]:
    return asked[asked.index(line) + 1 :]


@pytest.mark.parametrize("step", ["compose stop", "*--wait postgres", "*turo backup"])
def test_without_a_backup_the_old_version_starts_again(place: Place, step: str) -> None:
    done = place.run("v2", fail=step)
    assert done.returncode == 1
    assert "v2 is not taken" in done.stderr
    assert place.asked[-1] == f"v1: {UP}"
    assert not [line for line in place.asked if "down" in line or "restore" in line]
    assert (place.at(), place.left(), place.git("branch", "--show-current")) == ("v1", [], "main")


def test_before_the_migration_no_data_are_brought_back(place: Place) -> None:
    done = place.run("v2", fail="tag turo/*:local-upgrade *")
    assert done.returncode == 1
    back = after(place.asked, "v2: tag turo/operator:local-upgrade turo/operator:local")
    assert back == [f"v2: {TO_OLD[0]}", *TO_OLD[1:], f"v1: {UP}"]
    assert (place.at(), place.left(), place.git("branch", "--show-current")) == ("v1", [], "main")


@pytest.mark.parametrize("step", [FORWARD[-4], FORWARD[-3], FORWARD[-1]])  # the start: below
def test_a_migration_or_start_that_fails_brings_everything_back(place: Place, step: str) -> None:
    failing = step.removeprefix("v2: ")
    done = place.run("v2", fail=failing)
    assert done.returncode == 1
    assert "main runs again as it was" in done.stderr
    assert after(place.asked, step) == [*KEPT, f"v2: {TO_OLD[0]}", *TO_OLD[1:], *RESTORED]
    assert (place.at(), place.left(), place.git("branch", "--show-current")) == ("v1", [], "main")
    assert (place.checkout / ".env").read_text() == ENV


def test_where_neither_version_starts_the_next_try_starts_the_old_one(place: Place) -> None:
    done = place.run("v2", fail=UP)
    assert done.returncode == 1
    assert "cannot go back" in done.stderr
    assert ARCHIVE in done.stderr
    assert place.left() == ["upgrade.state"]
    done = place.run()
    assert done.returncode == 1
    assert place.asked == [f"v1: {UP}"]
    assert (place.at(), place.left()) == ("v1", [])


@pytest.mark.parametrize("words", [(), ("--back",), ("v2",)])
def test_data_that_came_back_are_not_brought_back_again(place: Place, words: tuple[str, ...]) -> None:
    """One container of the old version stayed unhealthy, and people work with the others since."""
    place.run("v2", fail=f"*@(airflow_init|{UP})")
    aged(place, 5 * 24 * 60)
    done = place.run(*words)
    assert "main runs again as it was" in done.stderr
    assert place.asked == [f"v1: {UP}"]


@pytest.mark.parametrize("step", [FORWARD[at] for at in (0, 2, 3, 4, 6, 8)])
def test_killed_anywhere_it_goes_on(place: Place, step: str) -> None:
    words = step.split(": ", 1)[1]
    done = place.run("v2", kill=words)
    assert done.returncode == -signal.SIGKILL
    assert "upgrade.state" in place.left()
    place.scripts()
    done = place.run()
    assert done.returncode == 0, done.stderr
    assert "was under way" in done.stdout
    assert place.asked[-1] == FORWARD[-1]
    assert (place.at(), place.left()) == ("v2", [])


@pytest.mark.parametrize("step", ["*turo backup", "*airflow_init", "*upgrade prove"])
def test_killed_anywhere_it_can_be_sent_back(place: Place, step: str) -> None:
    place.run("v2", kill=step)
    place.scripts()
    done = place.run("--back")
    assert done.returncode == 1
    assert place.asked[-1] == f"v1: {UP}"
    assert any("upgrade back" in line for line in place.asked) == ("backup" not in step)
    assert (place.at(), place.left(), place.git("branch", "--show-current")) == ("v1", [], "main")


def aged(place: Place, minutes: int) -> None:
    """The archive of the upgrade under way is so old."""
    state = place.checkout / "backups/upgrade.state"
    old = f"saved={int(time.time()) - 60 * minutes}"
    state.write_text(re.sub(r"saved=\d+", old, state.read_text()))


def proving(place: Place, minutes: int = 0) -> None:
    """The terminal went away while the new version started, and people work with it since."""
    place.run("v2", kill="*upgrade prove")
    place.scripts()
    aged(place, minutes)


def test_what_people_did_since_is_not_thrown_away_unasked(place: Place) -> None:
    proving(place, 3 * 24 * 60)
    done = place.run("v2", fail="*upgrade prove")
    assert done.returncode == 1
    assert "it broke" in done.stderr
    assert "the data of 4320 minutes ago" in done.stderr
    assert place.asked == [f"v2: {UP}", FORWARD[-1]]
    assert (place.at(), place.left()) == ("v2", ["upgrade.state"])
    assert place.run().returncode == 0  # mended


def test_what_people_did_with_the_old_version_since_is_in_the_backup_that_comes_back(place: Place) -> None:
    """Killed while it took the old version down, which was started by hand and used for days."""
    place.run("v2", kill="compose down*")
    aged(place, 5 * 24 * 60)
    done = place.run(fail="*upgrade prove")
    assert "v2 is not taken" in done.stderr
    as_before = [f"v1: {TO_OLD[0]}", *TO_OLD[1:]]
    assert place.asked == [*as_before, *FORWARD, *KEPT, f"v2: {TO_OLD[0]}", *TO_OLD[1:], *RESTORED]
    assert (place.at(), place.left()) == ("v1", [])


@pytest.mark.parametrize("fail", ["*airflow_init", "*upgrade prove"])
def test_a_migration_taken_up_again_does_not_go_back_by_itself(place: Place, fail: str) -> None:
    place.run("v2", kill="*airflow_init")
    place.scripts()
    aged(place, 3 * 24 * 60)
    done = place.run(fail=fail)
    assert done.returncode == 1
    assert "./upgrade.sh --back returns to main and to the data of 4320 minutes ago" in done.stderr
    assert not [line for line in place.asked if "down" in line or "restore" in line]
    assert place.left() == ["upgrade.state"]
    assert place.run().returncode == 0  # mended


def test_the_way_back_to_old_data_is_asked_for_and_keeps_the_new_ones(place: Place) -> None:
    proving(place, 61)
    refused = place.run("--back")
    assert refused.returncode == 1
    assert f"{ARCHIVE} is 61 minutes old" in refused.stderr
    assert "./upgrade.sh --back --yes" in refused.stderr
    assert place.asked == []
    done = place.run("--back", "--yes")
    assert place.asked == [*KEPT, f"v2: {TO_OLD[0]}", *TO_OLD[1:], *RESTORED]
    assert "main runs again as it was" in done.stderr


def test_without_new_data_kept_nobody_goes_back_but_who_says_so(place: Place) -> None:
    proving(place)
    refused = place.run("--back", fail="*turo backup --kept")
    assert refused.returncode == 1
    assert "./upgrade.sh --back --lose goes without" in refused.stdout
    assert not [line for line in place.asked if "down" in line or "restore" in line]
    assert place.at() == "v2"
    place.run("--back", "--lose")
    assert place.asked == [KEPT[0], f"v2: {TO_OLD[0]}", *TO_OLD[1:], *RESTORED]


def test_new_data_that_nobody_has_worked_on_do_not_hold_up_the_way_back(place: Place) -> None:
    both = place.run("v2", fail="*@(airflow_init|turo backup --kept)")
    assert "nobody has worked with it" in both.stdout
    assert place.asked[-4:] == RESTORED
    assert (place.at(), place.left()) == ("v1", [])


def test_an_archive_that_is_lost_or_damaged_stops_before_anything_is_taken_down(place: Place) -> None:
    proving(place)
    done = place.run("--back", fail="*backup --verify*")
    assert done.returncode == 1
    assert place.asked == [KEPT[0]]
    assert (place.at(), place.left()) == ("v2", ["upgrade.state"])
    assert place.run().returncode == 0  # the way forward is still open


PRUNED = "image inspect turo/{}:local{}*"


def test_without_its_images_no_version_is_taken_for_running(place: Place) -> None:
    done = place.run("v2", fail=PRUNED.format("ray", "-upgrade"))
    assert done.returncode == 1
    assert "turo/ray:local-upgrade is gone" in done.stdout
    assert "v2 is not taken" in done.stderr
    assert place.asked[-4:] == [f"v2: {TO_OLD[0]}", *TO_OLD[1:], f"v1: {UP}"]


def test_without_an_image_for_the_way_back_nothing_is_begun(place: Place) -> None:
    done = place.run("v2", fail=PRUNED.format("ray", ""))
    assert done.returncode == 1
    assert "turo/ray:local is gone" in done.stdout
    assert "docker compose build makes it again" in done.stdout
    assert "nothing was changed" in done.stderr
    assert place.left() == []


def test_old_images_that_are_gone_are_built_before_anything_is_emptied(place: Place) -> None:
    proving(place)
    done = place.run("--back", fail=PRUNED.format("*", "-before-upgrade"))
    assert "main runs again as it was" in done.stderr
    assert place.asked == [
        KEPT[0].removesuffix(" TAG=local-before-upgrade") + " TAG=local",
        *KEPT[1:],
        f"v2: {TO_OLD[0]}",
        "v1: compose build",
        *RESTORED,
    ]
    proving(place)
    stopped = place.run("--back", fail=f"*@({PRUNED.format('*', '-before-upgrade')[1:]}|compose build)")
    assert "cannot go back" in stopped.stderr
    assert not [line for line in place.asked if "volume rm" in line or "upgrade back" in line]


def test_another_version_than_the_one_under_way_is_not_taken_for_it(place: Place) -> None:
    proving(place)
    done = place.run("v3")
    assert done.returncode == 1
    assert "an upgrade to v2 is under way, and v3 comes after it" in done.stderr
    assert place.asked == []
    assert place.run(place.git("rev-parse", "v2")).returncode == 0


def test_another_shell_goes_on_with_the_same_images(place: Place) -> None:
    place.run("v2", kill="compose down*", TURO_TAG="mine")
    place.scripts()
    done = place.run()
    assert done.returncode == 0, done.stderr
    assert "v2: tag turo/ray:mine-upgrade turo/ray:mine TAG=mine" in place.asked
    assert f"v2: {UP} TAG=mine" in place.asked


def test_another_stack_is_not_taken_for_the_one_under_way(place: Place) -> None:
    place.run("v2", kill="compose down*", COMPOSE_PROJECT_NAME="own", PROJECTS="own")
    place.scripts()
    for words in ((), ("--back",)):
        refused = place.run(*words)
        assert refused.returncode == 1
        assert "was begun as the project own, and here it is mine: export COMPOSE_PROJECT_NAME=own" in (
            refused.stderr
        )
        assert place.asked == []
    assert place.run(COMPOSE_PROJECT_NAME="own").returncode == 0


def test_other_files_are_not_taken_for_those_of_the_upgrade_under_way(place: Place) -> None:
    files = "docker-compose.yml:docker-compose.override.yml:my own.yml"
    place.run("v2", kill="compose down*", COMPOSE_FILE=files)
    place.scripts()
    refused = place.run(COMPOSE_PROFILES="")
    assert refused.returncode == 1
    quoted = files.replace(" ", "\\ ")
    assert f"was begun with it: export COMPOSE_FILE={quoted}, then again" in refused.stderr
    more = place.run(COMPOSE_FILE=files, COMPOSE_PROFILES="test")
    assert "COMPOSE_PROFILES is set in this shell, and the upgrade was begun without: unset it" in more.stderr
    assert place.asked == []
    with (place.checkout / ".env").open("a") as handle:
        handle.write(f"COMPOSE_FILE='{files}'\n")  # the same, for every shell
    assert place.run().returncode == 0


FORGED = (
    "tag=mine turo/x:y",
    "tag=$(touch x)",
    "saved=BASH_VERSINFO[$(touch x)]",
    "saved=08",
    "from=--force",
    "to=HEAD",
    "back=--force",
    "archive=--yes",
    "archive=../turo-1-2.tar.gz",
    "phase=proved",
)


@pytest.mark.parametrize("line", FORGED)
def test_a_note_that_is_none_of_ours_is_not_followed(place: Place, line: str) -> None:
    proving(place)
    state = place.checkout / "backups/upgrade.state"
    name = line.split("=", maxsplit=1)[0]
    state.write_text(re.sub(f"^{name}=.*$", line, state.read_text(), flags=re.MULTILINE))
    for words in ((), ("--back",)):
        refused = place.run(*words)
        assert refused.returncode == 1
        assert "backups/upgrade.state is damaged" in refused.stderr
        assert place.asked == []
    assert not (place.checkout / "x").exists()


def test_links_that_were_laid_among_the_backups_are_not_written_through(place: Place) -> None:
    mine = place.checkout / "my limits.env"
    for name in ("upgrade.state.tmp", "upgrade.pid"):
        (place.checkout / "backups" / name).symlink_to(mine)
    assert place.run("v2").returncode == 0
    assert (mine.read_text(), place.left()) == ("LIMIT=1\n", [])


def test_killed_on_the_way_back_it_goes_on_back(place: Place) -> None:
    place.run("v2", fail="*airflow_init", kill="*upgrade back*")
    assert place.left() == ["upgrade.pid", "upgrade.state"]
    done = place.run("v2")
    assert done.returncode == 1
    kept = [line.replace("v2", "v1") for line in KEPT]
    assert place.asked == [*kept, f"v1: {TO_OLD[0]}", *TO_OLD[1:], *RESTORED]
    assert place.left() == []


def test_killed_on_the_way_back_long_ago_it_asks(place: Place) -> None:
    place.run("v2", fail="*airflow_init", kill="*upgrade back*")
    aged(place, 61)
    for words in ((), ("--back",)):
        refused = place.run(*words)
        assert f"{ARCHIVE} is 61 minutes old" in refused.stderr
        assert "./upgrade.sh --back --yes keeps that" in refused.stderr
        assert place.asked == []
    place.run("--back", "--yes")
    assert f"v1: {RUN} operator turo backup --kept" in place.asked
    assert place.asked[-4:] == RESTORED


def test_a_check_changes_nothing(place: Place) -> None:
    done = place.run("--check", "v2")
    assert (done.returncode, done.stderr) == (0, "")
    assert "the way to v2 is open" in done.stdout
    assert not [line for line in place.asked if "build" in line or "stop" in line]
    place.run("v2", kill="*turo backup")
    refused = place.run("--check", "v2")
    assert refused.returncode == 1
    assert "an upgrade to v2 is under way" in refused.stderr


def edit(name: str, text: str) -> object:
    return lambda place: (place.checkout / name).write_text(text)


def another_line(place: Place) -> None:
    place.commit("mine")


def a_file_of_that_name(place: Place) -> None:
    place.git("checkout", "-q", "v2")
    place.commit("v3", notes="of the version")
    place.git("checkout", "-q", "main")
    (place.checkout / "notes").write_text("mine")


REFUSED = {
    "unknown": ("v9", lambda place: None, "git fetch --tags"),
    "changed file": ("v2", edit("version", "mine"), "git stash"),
    "commits of one's own": ("v2", another_line, "git worktree add --detach ../joined"),
    "older": ("v1", lambda place: place.git("checkout", "-q", "v2") and None, "lacks commits"),
    "a file of one's own where the version has another": ("v3", a_file_of_that_name, "move yours away"),
    "digests of one's own": (
        "v2",
        edit("docker-compose.digests.yml", "services: {}"),
        "docker-compose.digests.yml has the digests of this version's images",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_before_docker_is_asked(place: Place, name: str) -> None:
    version, spoil, remedy = REFUSED[name]
    spoil(place)  # type: ignore[operator]
    place.scripts()
    done = place.run(version)
    assert done.returncode == 1
    assert remedy in done.stderr
    assert place.asked == []
    assert place.left() == []


def test_data_of_one_s_own_stay_where_the_versions_agree(place: Place) -> None:
    (place.checkout / "datas/reservations").write_text("my own trips")
    assert place.run("v2").returncode == 0
    assert (place.checkout / "datas/reservations").read_text() == "my own trips"


SAMPLES = ("changed", "removed", "own", "untouched", "gone")
MINE = {"changed": "my own trips", "removed": None, "own": "my costs", "untouched": "sample", "gone": "mine"}


@pytest.fixture
def samples(place: Place) -> Place:
    """v5 has other samples than v3, of which the user changed two, removed one, has one that is new."""
    for name in ("docker-compose.override.yml", "my limits.env"):
        (place.checkout / name).unlink()
    ignored = (place.checkout / ".gitignore").read_text() + "datas/own\n"
    sampled = {f"datas__{name}": "sample" for name in SAMPLES if name != "own"}
    place.commit("v3", **sampled, **{".gitignore": ignored})
    place.git("rm", "-q", "datas/gone")
    for name in SAMPLES[:4]:
        (place.checkout / "datas" / name).write_text("another sample")
    place.git("add", "-f", "datas")
    place.commit("v5")
    place.git("checkout", "-q", "-b", "user", "v3")
    mine(place, write=True)
    return place


def mine(place: Place, write: bool = False) -> dict[str, str | None]:
    """What lies in datas/, after it was made the user's where asked."""
    paths = {name: place.checkout / "datas" / name for name in SAMPLES}
    for name, text in MINE.items() if write else ():
        paths[name].unlink(missing_ok=True)
        if text is not None:
            paths[name].write_text(text)
    return {name: path.read_text() if path.exists() else None for name, path in paths.items()}


def test_data_of_one_s_own_stay_where_the_version_has_another_sample(samples: Place) -> None:
    done = samples.run("v5")
    assert done.returncode == 0, done.stderr
    assert "your datas/changed datas/own stays as it is: v5 has another sample" in done.stdout
    assert mine(samples) == MINE | {"untouched": "another sample"}
    assert samples.git("rev-parse", "HEAD") == samples.git("rev-parse", "v5")


@pytest.mark.parametrize("fail", [FORWARD[-1].removeprefix("v2: "), "tag turo/*:local-upgrade *"])
def test_data_of_one_s_own_stay_on_the_way_back(samples: Place, fail: str) -> None:
    assert "v5 is not taken" in samples.run("v5", fail=fail).stderr
    assert mine(samples) == MINE
    assert samples.git("branch", "--show-current") == "user"
    assert samples.git("rev-parse", "user") == samples.git("rev-parse", "v3")
    kept = samples.git("status", "--porcelain", "--untracked-files=no").splitlines()
    assert sorted(line.split()[1] for line in kept) == ["datas/changed", "datas/gone", "datas/removed"]


def test_data_of_one_s_own_stay_in_a_checkout_that_is_finished_later(samples: Place) -> None:
    samples.run("v5", kill="compose down*")
    (samples.checkout / ".git/index.lock").touch()
    done = samples.run()
    assert done.returncode == 0, done.stderr
    assert mine(samples) == MINE | {"untouched": "another sample"}


def test_a_check_leaves_git_s_index_as_it_was(samples: Place) -> None:
    before = samples.git("diff", "--cached", "--name-only")
    assert samples.run("--check", "v5").returncode == 0
    assert samples.git("diff", "--cached", "--name-only") == before == ""
    assert not list((samples.checkout / ".git").glob("index.*"))


def test_an_override_that_the_user_s_own_git_ignores_is_looked_at_too(place: Place) -> None:
    for path in (place.root / ".config/git/ignore", place.checkout / ".git/info/exclude"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("*.override.yml\n")
    assert place.run("v2").returncode == 0
    assert (place.root / "there/docker-compose.override.yml").exists()


def test_digests_that_are_committed_go_along(place: Place) -> None:
    place.git("checkout", "-q", "v2")
    place.commit("v3", **{"docker-compose.digests.yml": "services: {}"})
    place.git("checkout", "-q", "--detach", "v3")
    place.commit("v4", **{"docker-compose.digests.yml": "services: {a: {}}"})
    place.git("checkout", "-q", "--detach", "v3")
    place.scripts()
    done = place.run("v4")
    assert done.returncode == 0, done.stderr


def test_the_way_that_joins_own_commits_works(place: Place) -> None:
    place.commit("v1", mine="mine", tag="own")
    told = place.run("v2").stderr
    way = told.split("upgrade to that:\n")[1].split("&& ./upgrade.sh")[0]
    subprocess.run(
        ["bash", "-ec", way.rstrip().removesuffix("&&")],
        cwd=place.checkout, check=True, capture_output=True,
        env=os.environ | dict.fromkeys(AUTHORS, "a"),
    )  # fmt: skip
    joined = subprocess.run(
        ["git", "-C", str(place.root / "joined"), "rev-parse", "HEAD"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    done = place.run(joined)
    assert done.returncode == 0, done.stderr
    assert place.git("rev-parse", "HEAD") == joined


def test_a_shallow_clone_is_told_how_to_get_the_rest(place: Place) -> None:
    place.git("checkout", "-q", "--detach")
    place.commit("v3", upgrade="another")
    place.git("checkout", "-q", "main")
    place.commit("v1", more="history", tag="v1.1")
    shallow = place.root / "shallow"
    place.git("clone", "-q", "--depth", "1", "--branch", "main", f"file://{place.checkout}", str(shallow))
    place.git("-C", str(shallow), "fetch", "-q", "--depth", "1", "origin", "v3")
    (place.root / "where").write_text(str(shallow))
    done = subprocess.run(
        [str(shallow / "upgrade.sh"), "FETCH_HEAD"], capture_output=True, text=True, env=place.variables
    )
    assert "git fetch --unshallow" in done.stderr


def test_there_already(place: Place) -> None:
    done = place.run("main")
    assert done.returncode == 0
    assert "already" in done.stdout
    assert place.asked == []


@pytest.mark.parametrize(
    "words", [(), ("--back",), ("--force",), ("v1", "v2"), ("--check",), ("--check", "v1", "v2")]
)
def test_without_a_version_it_says_how(place: Place, words: tuple[str, ...]) -> None:
    done = place.run(*words)
    assert done.returncode == 64
    assert "usage: ./upgrade.sh" in done.stderr
    assert place.asked == []


@pytest.mark.parametrize("name", ["INT", "TERM"])
def test_interrupted_it_says_how_it_goes_on(place: Place, name: str) -> None:
    early = place.run("v2", kill="*compose build", SIGNAL=name)
    assert (early.returncode, early.stderr.splitlines()[-1]) == (1, "upgrade: interrupted")
    assert place.left() == []
    done = place.run("v2", kill="*turo backup", SIGNAL=name)
    assert done.returncode == 1
    assert "interrupted half-way: ./upgrade.sh goes on, ./upgrade.sh --back returns" in done.stderr
    assert place.left() == ["upgrade.state"]
    assert place.run().returncode == 0


def test_a_stack_started_with_more_files_is_not_started_without(place: Place) -> None:
    files = "/a/docker-compose.yml,/a/docker-compose.override.yml,/a/docker-compose.tls.yml,/a/mine.yml"
    refused = place.run("v2", FILES=files)
    assert refused.returncode == 1
    whole = "COMPOSE_FILE=docker-compose.yml:docker-compose.override.yml:docker-compose.tls.yml:mine.yml"
    assert f"{whole} into .env" in refused.stderr
    with (place.checkout / ".env").open("a") as handle:
        handle.write(f"{whole}\n")
    assert place.run("v2", FILES=files).returncode == 0


def test_a_file_in_a_folder_is_named_as_it_is_to_be_written(place: Place) -> None:
    refused = place.run("v2", FILES="/a/docker-compose.yml,/a/extra/x.yml")
    whole = "COMPOSE_FILE=docker-compose.yml:docker-compose.override.yml:extra/x.yml"
    assert f"the stack was started with extra/x.yml too: write {whole} into .env" in refused.stderr


def test_what_overrides_name_in_folders_is_there_too(place: Place) -> None:
    names = ("conf/mine.env", "own image/Dockerfile")
    passed_over = ("conf/.env", "cloned/Dockerfile")  # by a .gitignore, and since it is another git's
    (place.checkout / "cloned").mkdir()
    subprocess.run(["git", "init", "--quiet", place.checkout / "cloned"], check=True)
    (place.checkout / ".git/info/exclude").write_text(".env\n")
    for name in (*names, *passed_over, "datas/new.csv", "jupyter/notebooks/n.ipynb", "mlruns/x"):
        (place.checkout / name).parent.mkdir(exist_ok=True, parents=True)
        (place.checkout / name).write_text("mine")
    (place.checkout / "conf/link").symlink_to("mine.env")
    assert place.run("v2").returncode == 0
    there = {path.relative_to(place.root / "there").as_posix() for path in (place.root / "there").rglob("*")}
    assert {*names, *passed_over, "conf/link"} < there
    assert not {"datas/new.csv", "jupyter", "mlruns"} & there
    assert (place.root / "there/conf/link").read_text() == "mine"
    for name in names:
        assert (place.checkout / name).read_text() == "mine"


def test_what_is_tried_beside_is_a_copy(place: Place) -> None:
    """The containers that may write to `backups/` are not to reach the user's own files by it."""
    place.run("v2", kill="compose build*")
    (there,) = (place.checkout / "backups").glob(".upgrade-*")
    assert (there / ".env").read_text() == (place.checkout / ".env").read_text()
    assert (place.checkout / ".env").stat().st_nlink == 1


def test_an_image_of_the_user_s_own_is_none_of_the_platform_s(place: Place) -> None:
    docker = place.root / "bin/docker"
    theirs = 'postgres:17 turo/certbot:1 turo/gpu:xlocal "turo/ray:'
    docker.write_text(docker.read_text().replace('postgres:17 "turo/ray:', theirs))
    assert place.run("v2", fail="image inspect turo/@(certbot|gpu):*").returncode == 0
    assert "turo/ray:local" in " ".join(place.asked)


def test_what_a_copy_of_the_folder_cannot_have_is_told(place: Place) -> None:
    told = place.run("v2", fail="*config --quiet").stdout
    assert "what it did not find there by ../ or a path from / belongs in here" in told


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("COMPOSE_FILE", "/srv/turo/docker-compose.yml:mine.yml", "/srv/turo/docker-compose.yml"),
        ("COMPOSE_FILE", "docker-compose.yml;../mine.yml", "../mine.yml"),
        ("COMPOSE_FILE", "docker-compose.yml:a/../../b.yml:/c.yml", "a/../../b.yml /c.yml"),
        ("COMPOSE_ENV_FILES", ".env,/etc/turo.env", "/etc/turo.env"),
    ],
)
def test_files_that_would_be_of_the_old_version_are_refused(
    place: Place, name: str, value: str, told: str
) -> None:
    refused = place.run("v2", **{name: value})
    assert refused.returncode == 1
    assert f"COMPOSE_FILE or COMPOSE_ENV_FILES names {told}, and the version" in refused.stderr
    assert place.asked == []
    if name == "COMPOSE_FILE":
        (place.checkout / ".env").write_text(f"{name}={value}\n")
        assert f"names {told}, and the version" in place.run("v2").stderr


def test_macos_reads_every_command_too() -> None:
    """Its `paste` reads standard input only where `-` says so."""
    found = [line for path in REPOSITORY.glob("*.sh") for line in path.read_text().splitlines()]
    pastes = [part for line in found for part in re.findall(r"\bpaste .*", line)]
    assert pastes
    assert [part for part in pastes if not re.match(r"paste -sd (\S+|' ') -([\s)]|$)", part)] == []


def test_an_override_that_compose_file_leaves_out_is_told(place: Place) -> None:
    (place.checkout / ".env").write_text("COMPOSE_FILE=docker-compose.yml:docker-compose.tls.yml\n")
    refused = place.run("v2")
    assert refused.returncode == 1
    whole = "COMPOSE_FILE=docker-compose.yml:docker-compose.tls.yml:docker-compose.override.yml"
    assert f"write {whole} into .env, or move the file away" in refused.stderr
    assert place.asked == []
    (place.checkout / ".env").write_text(f"{whole}\n")
    assert place.run("v2").returncode == 0
    (place.checkout / ".env").write_text("COMPOSE_FILE=docker-compose.yml\n")
    (place.checkout / "docker-compose.override.yml").unlink()
    place.git("checkout", "-q", "main")
    assert place.run("v2").returncode == 0


def test_a_stack_of_another_name_is_not_taken_for_an_empty_one(place: Place) -> None:
    refused = place.run("v2", PROJECTS="own\nown")
    assert refused.returncode == 1
    assert "write COMPOSE_PROJECT_NAME=own into .env" in refused.stderr
    assert place.asked == []


def test_one_at_a_time(place: Place) -> None:
    other = subprocess.Popen(["bash", "-c", "exec -a upgrade.sh sleep 60"])
    try:
        (place.checkout / "backups/upgrade.pid").write_text(f"{other.pid}\n")
        done = place.run("v2")
        assert done.returncode == 1
        assert f"another one is under way, process {other.pid}" in done.stderr
        assert place.asked == []
    finally:
        other.kill()
        other.wait()
    assert place.run("v2").returncode == 0  # what a killed one left holds up nobody


def test_the_tag_of_env_is_the_one_that_moves(place: Place) -> None:
    (place.checkout / ".env").write_text("TURO_TAG=mine\n")
    place.run("v2")
    assert "v1: tag turo/ray:mine turo/ray:mine-before-upgrade" in place.asked
    assert "v2: tag turo/ray:mine-upgrade turo/ray:mine" in place.asked


def test_docker_or_git_is_missing(place: Place) -> None:
    assert "start Docker first" in place.run("v2", fail="info").stderr
    shutil.rmtree(place.checkout / ".git")
    assert "no git checkout" in place.run("v2").stderr


def test_edits_made_since_are_not_overwritten_on_the_way_back(place: Place) -> None:
    proving(place)
    (place.checkout / "version").write_text("my edit")
    refused = place.run("--back")
    assert refused.returncode == 1
    assert "git stash push -- FILE" in refused.stdout
    assert refused.stdout.splitlines()[-1] == "version"
    assert place.asked == []
    assert (place.checkout / "version").read_text() == "my edit"
    assert place.run().returncode == 0  # the new version may stay, with the edit


def test_edits_made_since_are_stashed_as_it_says_and_the_way_is_free(place: Place) -> None:
    proving(place)
    (place.checkout / "version").write_text("my edit")
    place.git("stash", "push", "-q", "--", "version")
    assert "main runs again as it was" in place.run("--back").stderr
    assert place.at() == "v1"
    assert "my edit" in place.git("stash", "show", "-p")


def test_what_was_committed_since_is_named_on_the_way_back(place: Place) -> None:
    proving(place)
    (place.checkout / "version").write_text("my edit")
    place.git("commit", "-qam", "mine")
    commit = place.git("rev-parse", "HEAD")
    done = place.run("--back")
    assert "main runs again as it was" in done.stderr
    assert f"git branch NAME {commit} keeps it" in done.stdout
    assert place.at() == "v1"


@pytest.mark.parametrize("step", ["*turo backup", "compose down*"])
@pytest.mark.parametrize("name", ["version", "notes"])  # `notes` is no file of v1, and one of v3
def test_edits_made_since_are_not_overwritten_going_on(place: Place, step: str, name: str) -> None:
    place.git("checkout", "-q", "v2")
    place.commit("v3", notes="of the version")
    place.git("checkout", "-q", "main")
    assert place.run("v3", kill=step).returncode == -signal.SIGKILL
    (place.checkout / name).write_text("mine")
    for words in ((), ("--back",)) if "down" in step else ((),):
        refused = place.run(*words)
        assert refused.returncode == 1
        assert name in refused.stdout.splitlines()
        assert place.asked == []
    assert (place.checkout / name).read_text() == "mine"


def test_edits_made_while_it_builds_stop_it_before_anything_is_stopped(place: Place) -> None:
    slow = (
        (place.root / "bin/docker")
        .read_text()
        .replace(
            "case $* in\n  *'config --im",
            """case $* in
  'compose build') echo mine >"$here/version" ;;
  *'config --im""",
            1,
        )
    )
    (place.root / "bin/docker").write_text(slow)
    done = place.run("v2")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "version"
    assert "nothing was changed" in done.stderr
    assert "v1: compose stop" not in place.asked
    assert (place.at(), place.left()) == ("mine\n", [])


def test_a_checkout_that_was_killed_half_way_without_a_lock_is_finished(place: Place) -> None:
    """`--back`, where git was interrupted, and took its lock away."""
    place.run("v2", kill="compose down*")
    (place.checkout / "version").write_text("v2")
    place.run("--back")
    assert (place.at(), place.git("status", "--porcelain", "--untracked-files=no")) == ("v1", "")


@pytest.mark.parametrize("way", [(), ("--back",)])
def test_a_file_that_was_written_half_is_none_of_the_user_s(place: Place, way: tuple[str, ...]) -> None:
    place.run("v2", kill="compose down*")
    (place.checkout / ".git/index.lock").touch()
    (place.checkout / "version").write_text("")
    done = place.run(*way)
    assert place.git("status", "--porcelain", "--untracked-files=no") == ""
    assert (place.checkout / "version").read_text().strip() == ("v1" if way else "v2"), done.stderr


def test_an_edit_beside_a_killed_git_can_be_stashed_as_is_told(place: Place) -> None:
    place.run("v2", kill="compose down*")
    (place.checkout / ".git/index.lock").touch()
    (place.checkout / "version").write_text("mine")
    refused = place.run()
    assert "git stash push -- FILE" in refused.stdout
    place.git("stash", "push", "--", "version")
    assert place.run().returncode == 0
    assert "mine" in place.git("stash", "show", "-p")


def test_a_checkout_that_was_killed_half_way_is_finished(place: Place) -> None:
    place.run("v2", kill="compose down*")
    (place.checkout / ".git/index.lock").touch()
    (place.checkout / "version").write_text("v2")  # the first file is there already
    done = place.run()
    assert done.returncode == 0, done.stderr
    assert place.git("rev-parse", "HEAD") == place.git("rev-parse", "v2")
    assert place.git("status", "--porcelain", "--untracked-files=no") == ""
