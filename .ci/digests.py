#!/usr/bin/env python3
"""Write which digest each pinned image has at its registry, as Compose files beside those that name it.

`digests.py` asks the registries and writes; with `--check` it says where what is written is not what they
answer. Ends with 1 where something is to be done, with 2 where a registry does not answer. Where no such file
is there yet, `--check` only sees that each pin can be had, and says so. The Compose files and Dockerfiles
themselves name tags only: so they also work where no registry is, on images made otherwise.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

ROOT = Path(__file__).resolve().parent.parent
FILES = ("docker-compose.yml", "docker-compose.tls.yml")
HUB = "https://registry-1.docker.io"
# A list of one image for each kind of processor, or the image itself where there is but one.
KINDS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
DIGEST = r"sha256:[0-9a-f]{64}"
BASE = re.compile(r"^FROM(?: --platform=\S+)? +(\S+:\S+)", re.MULTILINE)
WRITTEN = re.compile(rf"((?:\w[\w.-]*:\d+/)?\w[\w./-]*:[\w.-]+)@({DIGEST})")
TIMEOUT_S = 20
TRIES = 3


class NoAnswerError(Exception):
    """A registry cannot be asked, now or from here."""


class PinError(Exception):
    """A pin that no registry could answer for; the sentence says what to correct."""


@dataclass(frozen=True)
class Pins:
    """Images of a Compose file: which a service runs, and which its own image is built on."""

    runs: dict[str, str]
    built_on: dict[str, list[str]]

    def __iter__(self) -> Iterator[str]:
        yield from self.runs.values()
        for bases in self.built_on.values():
            yield from bases


def pins(file: Path) -> Pins:
    """Read a Compose file and the Dockerfiles of what it builds.

    Raises:
        PinError: an image has no tag, or one that is only known at start.
    """
    found = Pins({}, {})
    for name, service in yaml.safe_load(file.read_text())["services"].items():
        if "build" in service:
            dockerfile = file.parent / service["build"]["context"] / "Dockerfile"
            # Names without a tag are stages, or contexts that the Compose file hands over.
            if bases := sorted(set(BASE.findall(dockerfile.read_text()))):
                found.built_on[name] = bases
        elif "image" in service:
            found.runs[name] = service["image"]
    for image in found:
        if not re.fullmatch(r"[\w.-]+(:\d+)?(/[\w.-]+)*:[\w.-]+", image):
            raise PinError(f"{image} ({file.name}) is no image with a tag: write it as name:tag")
    return found


class Registries:
    """Asks for digests, each image once.

    Args:
        hub: where images without a host in their name are.
    """

    def __init__(self, hub: str) -> None:
        self._hub = hub.rstrip("/")
        self._client = httpx.Client(timeout=TIMEOUT_S, follow_redirects=True)
        self._known: dict[str, str] = {}

    def digest(self, image: str) -> str:
        """What a tag means now.

        Raises:
            NoAnswerError: the registry cannot be reached, is out of order, or has been asked too often.
            PinError: it has no such tag, or does not show it.
        """
        if image not in self._known:
            self._known[image] = self._ask(image)
        return self._known[image]

    def _ask(self, image: str) -> str:
        name, _, tag = image.rpartition(":")
        host, _, rest = name.partition("/")
        registry = self._hub
        if rest and ("." in host or ":" in host):
            registry, name = f"https://{host}", rest
        elif not rest:
            name = f"library/{name}"
        answer = self._head(f"{registry}/v2/{name}/manifests/{tag}", image)
        if answer.status_code in (401, 404):
            raise PinError(f"{image}: {registry} has no such tag for everybody to read; correct the pin")
        if answer.status_code != 200:
            told = {403: "or a proxy before it refuses", 429: "was asked too often, wait some hours"}
            why = told.get(answer.status_code, "is out of order")
            raise NoAnswerError(f"{image}: {registry} {why} (status {answer.status_code})")
        digest = answer.headers.get("Docker-Content-Digest", "")
        if not re.fullmatch(DIGEST, digest):
            raise NoAnswerError(f"{image}: {registry} answers without a digest; is it a registry?")
        return str(digest)

    def _head(self, address: str, image: str) -> httpx.Response:
        """The answer to a HEAD, which no registry counts as a pull, with a token where one is asked for."""
        headers = {"Accept": ", ".join(KINDS)}
        for trial in range(1, TRIES + 1):
            try:
                answer = self._client.head(address, headers=headers)
                if answer.status_code == 401 and "Authorization" not in headers:
                    headers["Authorization"] = f"Bearer {self._token(answer)}"
                    answer = self._client.head(address, headers=headers)
            except (httpx.HTTPError, ValueError) as error:
                if trial == TRIES:
                    raise NoAnswerError(
                        f"{image}: no registry answers at {address.partition('/v2/')[0]} ({error})"
                    ) from error
                continue
            if answer.status_code < 500:
                break
        return answer

    def _token(self, refused: httpx.Response) -> str:
        """Where the refusal says that everybody gets one."""
        asked = dict(re.findall(r'(\w+)="([^"]*)"', refused.headers.get("WWW-Authenticate", "")))
        realm = asked.pop("realm", "")
        answer = self._client.get(realm, params=asked).raise_for_status().json()
        return str(answer.get("token") or answer.get("access_token"))


def beside(file: str) -> str:
    """Name of the Compose file with the digests of another."""
    return file.replace(".yml", ".digests.yml")


def render(file: str, found: Pins, digests: dict[str, str]) -> str:
    """The Compose file to put after `file`."""
    services: dict[str, Any] = {
        name: {"image": f"{image}@{digests[image]}"} for name, image in found.runs.items()
    }
    for name, bases in found.built_on.items():
        # A context of the name that stands behind FROM takes its place.
        contexts = {base: f"docker-image://{base}@{digests[base]}" for base in bases}
        services[name] = {"build": {"additional_contexts": contexts}}
    text = yaml.safe_dump({"services": services}, width=1000, sort_keys=True)
    return (
        f"# Written by `make digests`: the images of {file} by tag and digest, as registries give them.\n"
        f"# Put it behind that file: -f {file} -f {beside(file)}, or in COMPOSE_FILE.\n{text}"
    )


def differences(name: str, written: str, wanted: str) -> list[str]:
    """Sentences about what a file says and what it should say."""
    has, needs = dict(WRITTEN.findall(written)), dict(WRITTEN.findall(wanted))
    told = [f"{image} has no digest in {name}" for image in needs if image not in has]
    told += [f"{image} in {name} is pinned nowhere any more" for image in has if image not in needs]
    told += [
        f"{image} is {needs[image]} by now, {name} has {has[image]}: it was built anew"
        for image in needs
        if image in has and has[image] != needs[image]
    ]
    return told or ([f"{name} does not fit the services"] if written != wanted else [])


def main(arguments: list[str] | None = None) -> int:
    """Print what differs; without --check also write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing, end with 1 at a difference")
    parser.add_argument("--folder", type=Path, default=ROOT, help="the checkout")
    parser.add_argument("--hub", default=HUB, help="registry of images without a host in their name")
    chosen = parser.parse_args(arguments)
    registries, told = Registries(chosen.hub), []
    try:
        read = {file: pins(chosen.folder / file) for file in FILES}
        digests = {image: registries.digest(image) for found in read.values() for image in found}
    except PinError as error:
        print(f"digests: {error}", file=sys.stderr)
        return 1
    except NoAnswerError as error:
        print(f"digests: NOT ASKED, nothing is changed. {error}", file=sys.stderr)
        return 2
    if chosen.check and not any((chosen.folder / beside(file)).is_file() for file in FILES):
        print(f"digests: images asked for: {len(digests)}, all there; NOTHING TO COMPARE WITH, no digest is")
        print("digests: written down here: `make digests` writes them, to be committed")
        return 0
    for file, found in read.items():
        path = chosen.folder / beside(file)
        written, wanted = path.read_text() if path.is_file() else "", render(file, found, digests)
        told += differences(path.name, written, wanted)
        if not chosen.check:
            path.write_text(wanted)
    for sentence in told:
        print(f"digests: {sentence}")
    print(f"digests: images asked for: {len(digests)}, differences: {len(told)}")
    if told and chosen.check:
        print("digests: `make digests` writes them; look at the change, then commit it", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
