"""Digests of pinned images: asked of a registry, written beside the Compose files, held against it later."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from compose_file import REPOSITORY, compose_config
from fake_registry import Registry, digest, fake_registry

SCRIPT = REPOSITORY / ".ci/digests.py"
Script = Callable[..., tuple[int, str]]
COMPOSE = """
services:
  redis: {image: redis:8.2.10}
  prometheus: {image: prom/prometheus:v3.13.4}
  ray: {image: "turo/ray:${TURO_TAG:-local}", build: {context: ./ray, additional_contexts: {project: .}}}
  mlflow: {image: "turo/mlflow:${TURO_TAG:-local}", build: {context: ./mlflow}}
"""
TLS = """
services:
  redis: {environment: {A: b}}
  caddy: {image: "turo/caddy:${TURO_TAG:-local}", build: {context: ./caddy}}
"""
DOCKERFILES = {
    "ray": "FROM python:3.13-slim-trixie AS uv\nFROM --platform=linux/amd64 python:3.13-slim-trixie\n",
    "mlflow": "FROM ml-base\nCOPY --from=project src src\n",
    "caddy": "FROM caddy:2.11.4-alpine\n",
}
IMAGES = {
    "library/redis:8.2.10": digest("redis"),
    "prom/prometheus:v3.13.4": digest("prometheus"),
    "library/python:3.13-slim-trixie": digest("python"),
    "library/caddy:2.11.4-alpine": digest("caddy"),
}
WRITTEN = ("docker-compose.digests.yml", "docker-compose.tls.digests.yml")


@pytest.fixture
def registry() -> Iterator[Registry]:
    with fake_registry() as running:
        running.images |= IMAGES
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docker-compose.yml").write_text(COMPOSE)
    (tmp_path / "docker-compose.tls.yml").write_text(TLS)
    for name, text in DOCKERFILES.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "Dockerfile").write_text(text)
    return tmp_path


@pytest.fixture
def script(folder: Path, registry: Registry) -> Script:
    """Exit status and what was said."""

    def run(*words: str, hub: str = registry.address) -> tuple[int, str]:
        command = [sys.executable, str(SCRIPT), "--folder", str(folder), "--hub", hub, *words]
        own = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=own)
        return done.returncode, done.stdout + done.stderr

    return run


def test_what_runs_and_what_is_built_on_get_their_digests(
    script: Script, folder: Path, registry: Registry
) -> None:
    status, said = script()
    assert status == 0, said
    base, tls = (yaml.safe_load((folder / name).read_text())["services"] for name in WRITTEN)
    python = "python:3.13-slim-trixie"
    assert base == {
        "redis": {"image": f"redis:8.2.10@{digest('redis')}"},
        "prometheus": {"image": f"prom/prometheus:v3.13.4@{digest('prometheus')}"},
        "ray": {
            "build": {"additional_contexts": {python: f"docker-image://{python}@{digest('python')}"}},
        },
    }
    caddy = "caddy:2.11.4-alpine"
    assert tls["caddy"]["build"]["additional_contexts"] == {
        caddy: f"docker-image://{caddy}@{digest('caddy')}"
    }
    assert script("--check") == (0, "digests: images asked for: 4, differences: 0\n")
    assert {path for path, _ in registry.asked} == {
        f"/v2/{name.replace(':', '/manifests/')}" for name in IMAGES
    }


def test_a_tag_that_means_another_image_now_is_told_and_left_alone(
    script: Script, folder: Path, registry: Registry
) -> None:
    script()
    before = (folder / WRITTEN[0]).read_text()
    registry.images["library/redis:8.2.10"] = digest("built anew")
    status, said = script("--check")
    assert status == 1
    assert f"redis:8.2.10 is {digest('built anew')} by now" in said
    assert "has " + digest("redis") in said
    assert "`make digests` writes them" in said
    assert (folder / WRITTEN[0]).read_text() == before
    assert script()[0] == 0
    assert script("--check")[0] == 0


def test_a_base_that_was_built_anew_is_told_by_its_name(script: Script, registry: Registry) -> None:
    script()
    registry.images["library/python:3.13-slim-trixie"] = digest("mended")
    status, said = script("--check")
    assert status == 1
    assert f"digests: python:3.13-slim-trixie is {digest('mended')} by now" in said
    assert "differences: 1" in said


def test_a_pin_that_was_moved_lacks_its_digest(script: Script, folder: Path, registry: Registry) -> None:
    script()
    (folder / "docker-compose.yml").write_text(COMPOSE.replace("8.2.10", "8.2.11"))
    registry.images["library/redis:8.2.11"] = digest("newer")
    status, said = script("--check")
    assert status == 1
    assert "redis:8.2.11 has no digest in docker-compose.digests.yml" in said
    assert "redis:8.2.10 in docker-compose.digests.yml is pinned nowhere any more" in said


def test_before_the_first_time_it_says_that_nothing_is_written_down(script: Script, folder: Path) -> None:
    status, said = script("--check")
    assert status == 0
    assert "images asked for: 4, all there; NOTHING TO COMPARE WITH" in said
    assert "`make digests` writes them" in said
    assert not [name for name in WRITTEN if (folder / name).exists()]


def test_before_the_first_time_a_pin_that_nobody_has_is_an_error_all_the_same(
    script: Script, registry: Registry
) -> None:
    del registry.images["library/redis:8.2.10"]
    status, said = script("--check")
    assert status == 1
    assert "no such tag" in said


def test_with_one_file_of_the_two_every_pin_of_the_other_lacks_one(script: Script, folder: Path) -> None:
    script()
    (folder / WRITTEN[1]).unlink()
    status, said = script("--check")
    assert status == 1
    assert f"caddy:2.11.4-alpine has no digest in {WRITTEN[1]}" in said


def test_a_service_that_was_added_on_a_known_base_is_a_difference(script: Script, folder: Path) -> None:
    script()
    more = '  ray-worker: {image: "turo/ray:${TURO_TAG:-local}", build: {context: ./ray}}\n'
    (folder / "docker-compose.yml").write_text(COMPOSE + more)
    assert script("--check")[0] == 1


@pytest.mark.parametrize(
    ("states", "why"),
    [
        ([429] * 9, "asked too often"),
        ([503] * 9, "out of order"),
        ([403], "a proxy before it refuses"),
        ([200] * 9, "without a digest"),
    ],
)
def test_where_a_registry_is_not_itself_nothing_is_changed(
    script: Script, folder: Path, registry: Registry, states: list[int], why: str
) -> None:
    script()
    before = (folder / WRITTEN[0]).read_text()
    for words in ((), ("--check",)):
        registry.states[:] = states
        status, said = script(*words)
        assert status == 2
        assert "NOT ASKED, nothing is changed" in said
        assert why in said
    assert (folder / WRITTEN[0]).read_text() == before


def test_an_outage_of_a_moment_is_waited_out(script: Script, registry: Registry) -> None:
    registry.states[:] = [503]
    assert script()[0] == 0


def test_without_a_registry_it_says_so(script: Script) -> None:
    status, said = script(hub="http://127.0.0.1:9")
    assert status == 2
    assert "no registry answers at http://127.0.0.1:9" in said


def test_a_tag_that_does_not_exist_is_named(script: Script, registry: Registry) -> None:
    del registry.images["library/redis:8.2.10"]
    status, said = script()
    assert status == 1
    assert "redis:8.2.10" in said
    assert "no such tag" in said


@pytest.mark.parametrize("image", ["redis", "redis:${REDIS_TAG}", "redis:8.2@sha256:abc"])
def test_an_image_without_a_plain_tag_is_refused(script: Script, folder: Path, image: str) -> None:
    (folder / "docker-compose.yml").write_text(COMPOSE.replace("redis:8.2.10", f'"{image}"'))
    status, said = script()
    assert status == 1
    assert "write it as name:tag" in said


def test_every_pin_of_the_repository_gets_one_and_compose_reads_it(
    script: Script, registry: Registry, tmp_path: Path
) -> None:
    class Every(dict[str, str]):
        def get(self, name: str, _: object = None) -> str:
            return digest(name)

    registry.images = Every()
    copies = [tmp_path / name for name in ("docker-compose.yml", "docker-compose.tls.yml")]
    for copy in (
        *copies,
        *(tmp_path / path.parent.name / "Dockerfile" for path in REPOSITORY.glob("*/Dockerfile")),
    ):
        copy.parent.mkdir(exist_ok=True)
        copy.write_text((REPOSITORY / copy.relative_to(tmp_path)).read_text())
    assert script()[0] == 0
    files = [str(tmp_path / name) for name in (copies[0].name, WRITTEN[0], copies[1].name, WRITTEN[1])]
    services = compose_config(*files, TURO_DOMAIN="turo.example.com")["services"]
    for name, service in services.items():
        if "build" not in service:
            assert re.search(r":[\w.-]+@sha256:[0-9a-f]{64}$", service["image"]), name
            continue
        dockerfile = (Path(service["build"]["context"]) / "Dockerfile").read_text()
        for base in re.findall(r"^FROM (\S+:\S+)", dockerfile, re.MULTILINE):
            pinned = service["build"]["additional_contexts"][base]
            assert re.fullmatch(rf"docker-image://{re.escape(base)}@sha256:[0-9a-f]{{64}}", pinned), name


@pytest.mark.parametrize("file", ["docker-compose.yml", "docker-compose.tls.yml"])
def test_digests_that_are_written_down_are_of_what_is_pinned(file: str) -> None:
    """Else the file would put an older version in place of the one that is named."""
    written = REPOSITORY / file.replace(".yml", ".digests.yml")
    if not written.exists():
        return  # nobody has asked a registry yet
    named = set(re.findall(r"(\w[\w./-]*:[\w.-]+)@sha256:", written.read_text()))
    services = yaml.safe_load((REPOSITORY / file).read_text())["services"].values()
    texts = [
        (REPOSITORY / service["build"]["context"] / "Dockerfile").read_text()
        for service in services
        if "build" in service
    ]
    pinned = {image for text in texts for image in re.findall(r"^FROM (\S+:\S+)", text, re.MULTILINE)}
    pinned |= {service["image"] for service in services if "build" not in service and "image" in service}
    assert named == pinned, "`make digests`"
