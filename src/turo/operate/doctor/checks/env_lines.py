"""`.env` as a text: lines that are refused, names nobody reads, values that arrive otherwise than meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from turo.operate.doctor.checks.env_values import without_login
from turo.operate.doctor.facts import Facts
from turo.operate.doctor.finding import Severity, Trouble
from turo.settings import Settings
from turo.words import counted, listed

# Read by Docker, Compose and its builder themselves.
OF_DOCKER = re.compile(r"COMPOSE_\w+|DOCKER_\w+|BUILDKIT_\w+|BUILDX_\w+")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")
NAME = re.compile(r"[A-Z_]+")  # else it may be the wrapped rest of a secret
OF_LISTS = re.compile(
    r"MODEL_NAMES|MODEL_PATHS|FORECAST_HORIZONS|\w+_FILE|SERVE_CORS_ORIGINS|SERVICE_URLS|OPERATOR_LOOKS_AT"
)


def env_line(facts: Facts) -> Iterator[Trouble]:
    """Every line is NAME=value."""
    for line, what in facts.written.faults:
        yield Trouble(
            f".env, line {line}: {what}.",
            "Docker Compose refuses the file, or passes over the line.",
            "Write it as NAME=value; a value with spaces or # in single quotes; a comment on a "
            "line of its own.",
        )


def env_unknown(facts: Facts) -> Iterator[Trouble]:
    """Every name has a reader."""
    known = {*facts.offered, *facts.elsewhere}
    fields = {name.upper() for name in Settings.model_fields}
    for entry in facts.written.entries:
        name = entry.name
        if name in known or OF_DOCKER.fullmatch(name):
            continue
        if name.upper() in PROXIES:
            yield Trouble(
                f".env, line {entry.line}: {name} reaches no container.",
                "Docker hands a proxy to containers from its own configuration, and builds take it "
                "from there too.",
                'Take the line out; set it in ~/.docker/config.json under "proxies".',
            )
        elif name in fields:
            yield Trouble(
                f".env, line {entry.line}: {name} does nothing here.",
                "The compose file sets it itself, to the only value that fits the containers.",
                "Take the line out.",
            )
        else:
            near = difflib.get_close_matches(name.upper(), sorted(known), n=1, cutoff=0.7)
            shown = name if near or NAME.fullmatch(name) else "what stands before the ="
            yield Trouble(
                f".env, line {entry.line}: nothing reads {shown}"
                + (f"; is {near[0]} meant?" if near else "."),
                "The default stays in force.",
                f"Write {near[0]}." if near else ".env.example lists all names; take the line out.",
            )


def env_twice(facts: Facts) -> Iterator[Trouble]:
    """Every name stands there once."""
    lines = dict[str, list[int]]()
    for entry in facts.written.entries:
        lines.setdefault(entry.name, []).append(entry.line)
    for name, at in lines.items():
        if len(at) > 1:
            yield Trouble(
                f".env: {name} is in lines {listed([str(line) for line in at])}.",
                f"Only line {at[-1]} counts.",
                "Keep one.",
            )


def env_quoting(facts: Facts) -> Iterator[Trouble]:
    """Values arrive as they were meant: no part taken for a variable, no quotes or spaces left inside."""
    for entry in facts.written.entries:
        where = f".env, line {entry.line}"
        if entry.vanished:
            begun = counted(len(entry.vanished), "variable")
            yield Trouble(
                f"{where}: Compose takes what follows a $ in {entry.name} for {begun}, and puts nothing "
                "in its place.",
                "The value that arrives is shorter than the one written: a password with a $ does "
                "not let you in.",
                "Put the value in single quotes, or write each $ as $$.",
                Severity.ERROR,
            )
        if OF_LISTS.fullmatch(entry.name) and re.search("[\"'\u201c\u201d\u2018\u2019]", entry.value):
            yield Trouble(
                f"{where}: the value of {entry.name} has quotes inside: {without_login(entry.value)}",
                "They become part of the names.",
                f"Write {entry.name} without them, by comma.",
                Severity.ERROR,
            )
        elif entry.value != entry.value.strip() and entry.value.strip():
            yield Trouble(
                f"{where}: the value of {entry.name} begins or ends with a space.",
                "Within quotes spaces stay, and make another value of it.",
                "Take the spaces out.",
            )


def shell_variable(facts: Facts) -> Iterator[Trouble]:
    """No variable of the shell is in force instead of `.env`."""
    for name in sorted(facts.host.shell & {*facts.offered}):
        instead = "the line in .env" if facts.set_by_user(name) else "the default"
        yield Trouble(
            f"{name} is exported by this shell, and wins over {instead}.",
            "A start from here and one from elsewhere make different containers.",
            f"unset {name} (and take it out of the shell's profile); keep it in .env",
        )


def env_effect(facts: Facts) -> Iterator[Trouble]:
    """What is set has an effect beside the rest."""
    for name, without_effect, why in idle(facts):
        if facts.set_by_user(name) and without_effect:
            yield Trouble(
                f"{name}={_shown(facts, name)} does nothing.", why, "Take it out, or see the runbook."
            )


def idle(facts: Facts) -> Iterator[tuple[str, bool, str]]:
    """(name, whether it has no effect here, why)."""
    chosen = facts.chosen
    off = {"0", "false", "no", "off", "f", "n"}
    loopback = chosen("BIND_ADDRESS") in ("127.0.0.1", "localhost", "::1", "[::1]")
    yield "ALLOW_INSECURE", loopback, "BIND_ADDRESS is loopback: nothing is refused that it would allow."
    workers = chosen("RAY_WORKERS") in ("", "0")
    yield (
        "RAY_WORKER_MEM_LIMIT",
        workers,
        "RAY_WORKERS is 0: there is no added node (but with --scale ray-worker).",
    )
    no_backups = chosen("NIGHTLY_BACKUP").lower() in off
    yield "BACKUPS_KEPT", no_backups, "NIGHTLY_BACKUP is off: nothing makes backups that could be too many."
    by_hand = chosen("AUTO_RETRAIN").lower() in ("", *off)
    yield "RETRAIN_COOLDOWN_DAYS", by_hand, "AUTO_RETRAIN is off: nothing is trained again by itself."


def _shown(facts: Facts, name: str) -> str:
    return "…" if "PASSWORD" in name or "KEY" in name or "TOKEN" in name else facts.chosen(name)


def override_left_out(facts: Facts) -> Iterator[Trouble]:
    """COMPOSE_FILE names the override that Compose would take by itself without it."""
    named, own = facts.written.values.get("COMPOSE_FILE", ""), facts.override
    if not named or not own or "COMPOSE_FILE" in facts.host.shell:
        return
    between = facts.written.values.get("COMPOSE_PATH_SEPARATOR") or ":"
    if own not in [part.strip().removeprefix("./") for part in named.split(between)]:
        yield Trouble(
            f"COMPOSE_FILE leaves {own} out.",
            "Compose takes it by itself only where COMPOSE_FILE is not set: what it sets is not in force.",
            f"Write COMPOSE_FILE={named}{between}{own} in .env, or move the file away.",
        )
