"""What `doctor.sh` hands over: one JSON object of strings, made by the shell alone."""

from __future__ import annotations

import base64
import binascii
import json
import re
from email.utils import parsedate_to_datetime

from turo.errors import InputError
from turo.operate.doctor.facts import Container, Host, Listener, Published

KIB = 1024
CONTAINER_WORDS = 6
PORTS = re.compile(r"(\S+):(\d+)(?:-(\d+))?->[\d-]+/tcp")


def parse(text: str) -> tuple[Host, str]:
    """The host, and the text of its `.env` (empty where it has none).

    Raises:
        InputError: that is not what doctor.sh writes.
    """
    try:
        said = {str(name): str(value) for name, value in dict(json.loads(text)).items()}
        written = base64.b64decode(said.get("env_base64", "")).decode(errors="replace")
        return _host(said), written
    except (ValueError, TypeError, binascii.Error) as error:
        raise InputError(
            f"The facts of the host cannot be read: {error}.",
            "Start ./doctor.sh, which hands them over itself; by hand leave --host-facts out.",
        ) from error


def _host(said: dict[str, str]) -> Host:
    def parts(name: str) -> list[str]:
        return [part.strip() for part in said.get(name, "").split("|") if part.strip()]

    free = {place: _whole(said.get(f"free_{place}", "")) * KIB for place in ("project", "docker")}
    given = [line.partition("=") for line in parts("given")]
    return Host(
        system=said.get("system", ""),
        project=said.get("project", ""),
        docker=said.get("docker", ""),
        compose=said.get("compose", ""),
        memory=_whole(said.get("memory", "")),
        processors=_whole(said.get("processors", "")),
        free={place: room for place, room in free.items() if room},
        listening=tuple(filter(None, map(_listener, parts("listening")))),
        published=tuple(entry for line in parts("published") for entry in _published(line)),
        shell=frozenset(parts("shell")),
        given={name: value for name, _, value in given if value},
        containers=tuple(filter(None, map(_container, parts("containers")))),
        doors={name: _whole(code) for name, _, code in (line.partition(" ") for line in parts("doors"))},
        no_proxy=said.get("no_proxy", ""),
        unwritable=tuple(parts("unwritable")),
        made=tuple(said.get("made", "").split()),
        volumes=frozenset(parts("volumes")),
        now=float(_whole(said.get("now", ""))),
        outside=parsedate_to_datetime(said["outside"]).timestamp() if said.get("outside") else 0.0,
    )


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _container(line: str) -> Container | None:
    """`ray running healthy 7516192768 false 0`, the health `-` where nobody asks; None for a one-off."""
    words = line.split()
    if len(words) != CONTAINER_WORDS:
        return None
    service, state, health, memory, killed, code = words
    return Container(service, state, health.strip("-"), _whole(memory), killed == "true", _whole(code))


def _listener(line: str) -> Listener | None:
    """`127.0.0.1:8080 nginx`, without a name where the user may not know it."""
    at, _, who = line.partition(" ")
    address, _, port = at.rpartition(":")
    return Listener(int(port), who.strip(), address) if port.isdecimal() else None


def _published(line: str) -> list[Published]:
    """`project container 127.0.0.1:8080->8080/tcp, …` of `docker ps`, the project `-` where there is none."""
    project, _, rest = line.partition(" ")
    container, _, ports = rest.partition(" ")
    return [
        Published(port, container, "" if project == "-" else project, address)
        for address, first, last in PORTS.findall(ports)
        for port in range(int(first), int(last or first) + 1)
    ]
