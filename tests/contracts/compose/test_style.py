"""The compose file reads the same everywhere, and every variable it takes is explained once."""

from __future__ import annotations

import re

import pytest
from compose_file import REPOSITORY

ORDER = (
    "<<",
    "extends",
    "image",
    "build",
    "user",
    "hostname",
    "profiles",
    "restart",
    "cap_add",
    "entrypoint",
    "command",
    "environment",
    "network_mode",
    "networks",
    "ports",
    "volumes",
    "tmpfs",
    "deploy",
    "depends_on",
    "healthcheck",
    "shm_size",
    "pids_limit",
    "mem_limit",
    "cpu_shares",
    "stop_grace_period",
)
FULL = ("docker-compose.yml", "docker-compose.tls.yml")
FILES = (*FULL, "docker-compose.test.yml")
VARIABLE = re.compile(r"\$\{([A-Z_0-9]+)")
PASSED_ON = re.compile(r"^\s+([A-Z][A-Z_0-9]+):$", re.MULTILINE)  # set only where the user sets it


def blocks(text: str) -> dict[str, list[str]]:
    """Service name → the lines of its block, the line above its name first."""
    lines = text.split("\nservices:\n")[1].split("\nnetworks:\n", maxsplit=1)[0].splitlines()
    starts = [i for i, line in enumerate(lines) if re.match(r"  [a-z]", line)]
    ends = [*starts[1:], len(lines)]
    return {
        lines[start].strip(" :"): [lines[start - 1], *lines[start + 1 : end]]
        for start, end in zip(starts, ends, strict=True)
    }


@pytest.mark.parametrize("file", FULL)
def test_keys_stand_in_the_same_order(file: str) -> None:
    for name, lines in blocks((REPOSITORY / file).read_text()).items():
        keys = [found[1] for line in lines if (found := re.match(r"    ([a-z_<]+):", line))]
        assert keys == sorted(keys, key=ORDER.index), name


@pytest.mark.parametrize("file", FULL)
def test_every_service_has_one_line_that_says_what_it_is(file: str) -> None:
    for name, lines in blocks((REPOSITORY / file).read_text()).items():
        assert re.match(r"  # [A-Z].+\.$", lines[0]), f"{name}: {lines[0]!r}"


@pytest.mark.parametrize("file", FULL)
def test_anchors_come_before_services(file: str) -> None:
    text = (REPOSITORY / file).read_text()
    extensions = [match.start() for match in re.finditer(r"^x-", text, re.MULTILINE)]
    assert max(extensions) < text.index("\nservices:\n")


def test_every_variable_is_in_the_example_and_no_other() -> None:
    texts = [(REPOSITORY / name).read_text() for name in FILES]
    read = {name for text in texts for name in (*VARIABLE.findall(text), *PASSED_ON.findall(text))}
    explained = set(
        re.findall(r"^#?([A-Z][A-Z_0-9]+)=", (REPOSITORY / ".env.example").read_text(), re.MULTILINE)
    )
    assert explained == read


def test_the_example_states_the_defaults_in_force(compose_text: str) -> None:
    stated = dict(
        re.findall(r"^#([A-Z][A-Z_0-9]+)=(.*)$", (REPOSITORY / ".env.example").read_text(), re.MULTILINE)
    )
    of_proxy = (REPOSITORY / "docker-compose.tls.yml").read_text()
    found = set(re.findall(r"\$\{([A-Z_0-9]+):-([^}]*)\}", compose_text + of_proxy))
    # Empty, so that links do not name the port that is published then.
    assert ("HTTPS_PORT", "443") in found
    for name, default in found - {("HTTPS_PORT", "443"), ("TURO_ACME_EMAIL", "internal")}:
        assert stated[name] == default, name


def test_every_setting_can_be_made_in_env_or_is_made_here(compose_text: str) -> None:
    from turo.settings import Settings

    inside = {"RAY_AUTH_TOKEN", "RAY_DASHBOARD_PORT", "STATUS_FILE", "STATSD_PORT"}  # right as they are
    inside |= {"MLFLOW_RUN_ID", "RAY_JOB_CONFIG_JSON_ENV_VAR"}  # MLflow and Ray set them for their children
    inside |= {"ANSWER_WITHIN_S", "CODE_VERSION"}  # stays with the image that was built with it
    texts = compose_text + (REPOSITORY / "docker-compose.tls.yml").read_text()
    named = set(re.findall(r"^\s+([A-Z][A-Z_0-9]+):", texts, re.MULTILINE))
    assert {name.upper() for name in Settings.model_fields} - named <= inside
