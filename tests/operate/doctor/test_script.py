"""doctor.sh asks the host, hands the facts over, and speaks itself where no Docker answers."""

from __future__ import annotations

import json
import shutil
import subprocess
from email.utils import formatdate
from pathlib import Path

import pytest
from tools import REPOSITORY

from turo.operate.doctor.checks.folders import make_folders
from turo.operate.doctor.facts import Container, Listener
from turo.operate.doctor.gather import gather

DOCKER = r"""#!/bin/sh
case "$*" in
  'info '*) printf 'WARNING: old\n28.2.2|25769803776|8|/\n' ;;
  'compose version'*) echo 2.40.3 ;;
  'volume ls'*) printf 'turo_secrets_vault\nturo_grafana_data\n' ;;
  'ps -aq --filter label=com.docker.compose.project=turo '*) printf 'a1\nb2\n' ;;
  'inspect '*)
    printf 'ray running healthy 7516192768 false 0\nredis exited - 0 true 137\n'
    test "${*#* a1 b2}" = '' ;;
  'ps '*) printf 'turo turo-ray-1 127.0.0.1:8000->8000/tcp\n- web 0.0.0.0:3000->80/tcp\n' ;;
  'image inspect '*) test -z "$NO_IMAGE" ;;
  'context inspect '*) echo unix:///var/run/docker.sock ;;
  *' build operator') echo 'no space left on device'; exit "${BUILD:-0}" ;;
  *' run '*) echo "$TURO_TAG $*" >asked; cat >facts ;;
  *) exit 9 ;;
esac
"""
CURL = r"""#!/bin/sh
case "$*" in *http://*) echo "${*##* }" >>urls ;; esac
[ -z "$BUSY" ] || [ "$(grep -c http: urls)" != 1 ] || { printf 000; exit 28; }
case "$*" in *:8001/) printf 503; exit ;; *127.0.0.1*) printf 000; exit 7 ;; esac
printf 'HTTP/2 401\r\ndate: DATE\r\nserver: x\r\n\r\n'
""".replace("DATE", formatdate(1795000000, usegmt=True))


@pytest.fixture
def place(project: Path) -> Path:
    """The project with the script, and a `docker` that notes what it was handed."""
    for name in ("doctor.sh", "doctor_facts.sh", "written.sh"):
        shutil.copy2(REPOSITORY / name, project)
    with_program(project, "docker", DOCKER)
    with_program(project, "curl", CURL)
    return project


def with_program(place: Path, name: str, script: str) -> None:
    (place / "bin").mkdir(exist_ok=True)
    (place / "bin" / name).write_text(script)
    (place / "bin" / name).chmod(0o755)


def run(place: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(place / "doctor.sh"), *words],
        cwd="/",
        env={"PATH": f"{place}/bin:/usr/bin:/bin", **variables},
        capture_output=True,
        text=True,
    )


def test_the_facts_are_those_of_the_host(place: Path) -> None:
    text = "# Größe\nAIRFLOW_ADMIN_PASSWORD='q\"\\ $x'\nTURO_TAG=v1\n"
    (place / ".env").write_text(text)
    done = run(place, SERVE_PORT="8001", EMPTY="", TWO="a\nFAKE=b", NO_PROXY='localhost,"x"')
    assert done.returncode == 0, done.stderr
    told = (place / "facts").read_text()
    assert json.loads(told)
    facts = gather(place, told)
    host = facts.host
    assert (host.docker, host.compose, host.memory, host.processors) == ("28.2.2", "2.40.3", 24 << 30, 8)
    assert [(entry.port, entry.container, entry.project) for entry in host.published] == [
        (8000, "turo-ray-1", "turo"),
        (3000, "web", ""),
    ]
    assert host.containers == (
        Container("ray", "running", "healthy", 7 << 30, False, 0),
        Container("redis", "exited", "", 0, True, 137),
    )
    assert host.doors == {"SERVE_PORT": 503}, "nobody knocks at what does not run"
    assert host.volumes == {"turo_secrets_vault", "turo_grafana_data"}
    assert "SERVE_PORT" in host.shell
    assert "EMPTY" not in host.shell
    assert host.free["project"] > 0
    assert abs(host.now - facts.now) < 60
    assert host.no_proxy == "localhost,x"
    assert facts.written.values["AIRFLOW_ADMIN_PASSWORD"] == 'q"\\ $x'
    assert abs(host.outside - 1795000000) < 1
    assert "$x" not in (place / "asked").read_text()


def test_a_env_that_compose_refuses_does_not_keep_the_doctor_away(place: Path) -> None:
    (place / ".env").write_text("TURO_TAG=v1\nA note\n")
    run(place, "--json")
    asked = (place / "asked").read_text().strip()
    assert asked.startswith("v1 compose ")
    assert "--env-file /dev/null -f docker-compose.yml -f operator/asks-alone.yml run --rm -T" in asked
    assert f"-v {place}:/host:ro operator turo doctor --folder /host --host-facts - --json" in asked


def test_the_folder_is_writable_for_a_fix_only(place: Path) -> None:
    run(place, "--fix")
    asked = (place / "asked").read_text().strip()
    assert f"-v {place}:/host operator" in asked
    assert asked.endswith("--host-facts - --fix")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2; exit 1\n", "no Docker engine answers"),
        ("#!/bin/sh\necho 'permission denied while trying' >&2; exit 1\n", "this user may not ask Docker"),
        (
            "#!/bin/sh\ncase $1 in info) echo '28|1|1|/' ;; *) exit 1 ;; esac\n",
            "docker has no compose plugin",
        ),
    ],
)
def test_without_docker_it_says_itself_what_to_do(place: Path, script: str, words: str) -> None:
    with_program(place, "docker", script)
    done = run(place)
    assert done.returncode == 1
    assert words in done.stderr
    assert "> " in done.stderr
    section = done.stderr.split("docs/runbook.md#")[1].strip()
    assert f"## {section}\n" in (REPOSITORY / "docs/runbook.md").read_text()


def test_an_unknown_word_changes_nothing(place: Path) -> None:
    done = run(place, "--all")
    assert (done.returncode, done.stderr) == (64, "usage: ./doctor.sh [--fix] [--json]\n")
    assert not (place / "asked").exists()
    assert "usage: ./doctor.sh" in run(place, "--help").stdout


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("192.168.1.10", "192.168.1.10"),
        ("0.0.0.0", "127.0.0.1"),
        ("[::]", "[::1]"),
        ("[::1]", "[::1]"),
        ("localhost", "127.0.0.1"),
    ],
)
def test_it_knocks_where_ports_are_published(place: Path, address: str, asked: str) -> None:
    (place / ".env").write_text(f"BIND_ADDRESS={address}\nSERVE_PORT=8001\n")
    assert run(place).returncode == 0
    assert (place / "urls").read_text().splitlines() == [f"http://{asked}:8001/"]


SS = r"""#!/bin/sh
echo 'LISTEN 0 511 127.0.0.1:8080 0.0.0.0:* users:(("nginx",pid=7,fd=6))'
echo 'LISTEN 0 4096 *:3000 *:*'
"""


def test_listeners_are_told_with_their_addresses_and_ports_as_the_shell_has_them(place: Path) -> None:
    with_program(place, "ss", SS)
    where = {"BIND_ADDRESS": "127.0.0.1", "COMPOSE_FILE": "a.yml:b.yml"}
    run(place, SERVE_PORT="8001", SERVE_API_KEY="of-serve", **where)
    told = (place / "facts").read_text()
    host = gather(place, told).host
    assert set(host.listening) == {Listener(8080, "nginx", "127.0.0.1"), Listener(3000, "", "*")}
    assert host.given == {"SERVE_PORT": "8001", "BIND_ADDRESS": "127.0.0.1", "COMPOSE_FILE": "a.yml:b.yml"}
    assert "of-serve" not in told
    run(place, DOCKER_HOST="ssh://far")
    assert gather(place, (place / "facts").read_text()).host.listening == ()


def doors(place: Path, **variables: str) -> dict[str, int]:
    assert run(place, SERVE_PORT="8001", **variables).returncode == 0
    return dict(gather(place, (place / "facts").read_text()).host.doors)


def test_a_door_is_knocked_at_twice_before_nobody_is_in(place: Path) -> None:
    assert doors(place, BUSY="1") == {"SERVE_PORT": 503}
    assert len((place / "urls").read_text().splitlines()) == 2


def test_doors_of_another_machine_and_of_what_starts_are_left_alone(place: Path) -> None:
    assert doors(place, DOCKER_HOST="ssh://far") == {}
    assert doors(place, DOCKER_HOST="unix:///run/user/1000/docker.sock") == {"SERVE_PORT": 503}
    with_program(place, "docker", DOCKER.replace("running healthy", "running starting"))
    assert doors(place) == {}


@pytest.mark.parametrize(
    ("line", "tag"),
    [
        ("TURO_TAG=v1", "v1"),
        ("TURO_TAG='v1'", "v1"),
        ('TURO_TAG="v1" # mine', "v1"),
        ("TURO_TAG=v1 # mine", "v1"),
        ("export TURO_TAG=v1", "v1"),
        ("TURO_TAG = v1 ", "v1"),
        ("TURO_TAG=v0\nTURO_TAG=v1\r", "v1"),
        ("#TURO_TAG=v1", "local"),
        ("TURO_TAG= # none", "local"),
        ("TURO_TAG=v#1", "v#1"),
    ],
)
def test_names_are_read_as_compose_reads_them(place: Path, line: str, tag: str) -> None:
    (place / ".env").write_bytes(f"{line}\n".encode())
    run(place)
    assert (place / "asked").read_text().startswith(f"{tag} compose ")


def test_an_old_compose_is_named_and_not_started(place: Path) -> None:
    with_program(place, "docker", DOCKER.replace("2.40.3", "v2.39.9"))
    done = run(place)
    assert (done.returncode, "compose-version: Docker Compose is v2.39.9" in done.stderr) == (1, True)
    assert not (place / "asked").exists()
    with_program(place, "docker", DOCKER.replace("2.40.3", "5.0.1"))
    assert run(place).returncode == 0


def test_the_first_time_it_says_that_it_builds(place: Path) -> None:
    done = run(place, "--json", NO_IMAGE="1")
    assert (done.returncode, done.stdout) == (0, "")
    assert "Builds what the doctor runs in, once" in done.stderr
    assert (place / "asked").exists()


def test_where_it_cannot_be_built_it_tells_the_little_that_it_knows(place: Path) -> None:
    done = run(place, NO_IMAGE="1", BUILD="17")
    assert done.returncode == 1
    assert "no space left on device\nDocker 28.2.2, Compose 2.40.3; free KiB: " in done.stderr
    assert "error    unanswered: what the doctor runs in cannot be built" in done.stderr
    assert not (place / "asked").exists()


def test_a_missing_folder_is_not_left_to_docker(place: Path) -> None:
    shutil.rmtree(place / "mlruns")
    done = run(place)
    assert (done.returncode, "folders: mlruns/ is missing" in done.stderr) == (1, True)
    assert not (place / "mlruns").exists()
    assert not (place / "asked").exists()
    assert run(place, "--fix").returncode == 0
    assert (place / "mlruns").is_dir()
    facts = gather(place, (place / "facts").read_text())
    assert list(make_folders(facts, place)) == ["made mlruns/"]
