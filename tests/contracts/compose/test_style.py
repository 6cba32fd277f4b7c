"""The compose file reads the same everywhere, and every variable it takes is explained once."""

from __future__ import annotations

import re

from compose_file import REPOSITORY

ORDER = (
    "<<",
    "extends",
    "image",
    "build",
    "user",
    "hostname",
    "restart",
    "cap_add",
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


def test_keys_stand_in_the_same_order(compose_text: str) -> None:
    for name, lines in blocks(compose_text).items():
        keys = [found[1] for line in lines if (found := re.match(r"    ([a-z_<]+):", line))]
        assert keys == sorted(keys, key=ORDER.index), name


def test_every_service_has_one_line_that_says_what_it_is(compose_text: str) -> None:
    for name, lines in blocks(compose_text).items():
        assert re.match(r"  # [A-Z].+\.$", lines[0]), f"{name}: {lines[0]!r}"


def test_anchors_come_before_services(compose_text: str) -> None:
    extensions = [match.start() for match in re.finditer(r"^x-", compose_text, re.MULTILINE)]
    assert max(extensions) < compose_text.index("\nservices:\n")


def test_every_variable_is_in_the_example_and_no_other() -> None:
    texts = [(REPOSITORY / name).read_text() for name in ("docker-compose.yml", "docker-compose.test.yml")]
    read = {name for text in texts for name in (*VARIABLE.findall(text), *PASSED_ON.findall(text))}
    explained = set(
        re.findall(r"^#?([A-Z][A-Z_0-9]+)=", (REPOSITORY / ".env.example").read_text(), re.MULTILINE)
    )
    assert explained == read


def test_the_example_states_the_defaults_in_force(compose_text: str) -> None:
    stated = dict(
        re.findall(r"^#([A-Z][A-Z_0-9]+)=(.*)$", (REPOSITORY / ".env.example").read_text(), re.MULTILINE)
    )
    for name, default in re.findall(r"\$\{([A-Z_0-9]+):-([^}]*)\}", compose_text):
        assert stated[name] == default, name


def test_every_setting_can_be_made_in_env_or_is_made_here(compose_text: str) -> None:
    from turo.settings import Settings

    inside = {"RAY_AUTH_TOKEN", "RAY_DASHBOARD_PORT", "STATUS_FILE", "STATSD_PORT"}  # right as they are
    inside |= {"MLFLOW_RUN_ID", "RAY_JOB_CONFIG_JSON_ENV_VAR"}  # MLflow and Ray set them for their children
    inside |= {"CODE_VERSION"}  # stays with the image that was built with it
    named = set(re.findall(r"^\s+([A-Z][A-Z_0-9]+):", compose_text, re.MULTILINE))
    assert {name.upper() for name in Settings.model_fields} - named <= inside
