"""A Docker engine that tells of its networks and containers, and notes what it is asked to change."""

from __future__ import annotations

import json
import re
import socketserver
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

SHOWN = 12  # characters of an id, by which it is asked for as well
LABEL = "com.docker.compose"
VERSION = {"Version": "28.2.2", "ApiVersion": "1.48", "MinAPIVersion": "1.24", "Os": "linux", "Arch": "amd64"}
INFO = {"ServerVersion": "28.2.2", "MemTotal": 24 << 30, "NCPU": 8, "DockerRootDir": "/"}
Thing = dict[str, Any]


def network(name: str, key: str = "", project: str = "turo") -> Thing:
    """One that Compose made for `key` of another file than the present one; without a key not Compose's."""
    labels = {f"{LABEL}.project": project, f"{LABEL}.network": key, f"{LABEL}.config-hash": "another"}
    return {"Name": name, "Id": f"id-of-{name}", "Driver": "bridge", "Labels": labels if key else {}}


def container(service: str, *networks: str, project: str = "turo") -> Thing:
    """A container of the stack that runs in these networks."""
    labels = {
        f"{LABEL}.project": project,
        f"{LABEL}.service": service,
        f"{LABEL}.oneoff": "False",
        f"{LABEL}.config-hash": "another",
        f"{LABEL}.container-number": "1",
    }
    return {
        "Id": f"{service.encode().hex():0<64}",
        "Name": f"/{project}-{service}-1",
        "State": {"Status": "running", "OOMKilled": False, "ExitCode": 0},
        "Config": {"Labels": labels},
        "HostConfig": {"Memory": 0},
        "NetworkSettings": {"Networks": {name: {} for name in networks}},
    }


class Engine(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """What it has, and what it was asked to change: (method and path, body)."""

    daemon_threads = True

    def __init__(self, path: Path, networks: Sequence[Thing], containers: Sequence[Thing]) -> None:
        super().__init__(str(path), Handler)
        self.networks, self.containers = networks, containers
        self.changes: list[tuple[str, Thing]] = []

    def answer(self, path: str, labels: Sequence[str], body: Thing) -> tuple[int, Any]:
        """Status and body of what is only looked at, or of a volume that is to be made."""
        of_path = {
            "/version": VERSION,
            "/info": INFO,
            "/volumes": {"Volumes": []},
            "/volumes/create": body,
            "/networks": _labelled(self.networks, labels),
            "/containers/json": [_listed(one) for one in _labelled(self.containers, labels)],
        }
        if path in of_path:
            return 200, of_path[path]
        for one in self.networks:
            if path in (f"/networks/{one['Name']}", f"/networks/{one['Id']}"):
                return 200, one
        for one in self.containers:
            if re.fullmatch(rf"/containers/{one['Id'][:SHOWN]}\w*/json", path):
                return 200, one
        if path.startswith("/images/"):
            return 200, {"Id": "sha256:1", "Config": {}, "Os": "linux", "Architecture": "amd64"}
        return 404, {"message": f"there is no {path}"}


class Handler(BaseHTTPRequestHandler):
    """One request of the docker client."""

    protocol_version = "HTTP/1.1"
    server: Engine

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        path = re.sub(r"^/v[0-9.]+", "", url.path)
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
        if self.command in ("POST", "DELETE", "PUT"):
            self.server.changes.append((f"{self.command} {path}", body))
        asked = json.loads(parse_qs(url.query).get("filters", ["{}"])[0])
        labels = list(asked.get("label", ()))
        status, told = (200, "OK") if path == "/_ping" else self.server.answer(path, labels, body)
        content = json.dumps(told).encode()
        self.send_response(status)
        for name, value in (("Content-Type", "application/json"), ("Api-Version", VERSION["ApiVersion"])):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_HEAD = do_POST = do_DELETE = do_PUT = do_GET  # noqa: N815 - as the base class calls them

    def address_string(self) -> str:
        return "the client"  # a socket of a path has no address

    def log_message(self, *_: object) -> None:
        """Nothing: the test tells."""


def _labels(thing: Thing) -> Mapping[str, str]:
    return dict(thing["Labels"] if "Labels" in thing else thing["Config"]["Labels"])


def _labelled(things: Sequence[Thing], wanted: Sequence[str]) -> list[Thing]:
    def fits(thing: Thing, label: str) -> bool:
        name, given, value = label.partition("=")
        return name in _labels(thing) and (not given or _labels(thing)[name] == value)

    return [thing for thing in things if all(fits(thing, label) for label in wanted)]


def _listed(one: Thing) -> Thing:
    return {"Id": one["Id"], "Names": [one["Name"]], "Labels": _labels(one), "State": one["State"]["Status"]}


@contextmanager
def engine(path: Path, networks: Sequence[Thing] = (), containers: Sequence[Thing] = ()) -> Iterator[Engine]:
    """It listens at the socket `path`."""
    with Engine(path, networks, containers) as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()
    path.unlink()
