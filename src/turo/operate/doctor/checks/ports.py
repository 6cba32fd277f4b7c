"""Ports: free, and each its own."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from turo.operate.doctor.facts import Facts
from turo.operate.doctor.finding import Trouble
from turo.words import listed

OF_PROXY = ("HTTP_PORT", "HTTPS_PORT")
ON_LOOPBACK, LOOPBACK = ("RAY_GCS_PORT",), "127.0.0.1"  # whatever BIND_ADDRESS says
HTTPS = "443"  # where it is not set


def wanted(facts: Facts) -> dict[str, int]:
    """Variable → the port that it publishes; those that are no port are left to `env-value`."""
    names = {name for name in facts.offered if name.endswith("_PORT")}
    chosen = {name: facts.chosen(name) for name in sorted(names)}
    if facts.chosen("TURO_DOMAIN"):
        chosen = {**chosen, "HTTPS_PORT": chosen.get("HTTPS_PORT") or HTTPS}
    else:  # the proxy's, which is not started
        chosen = {name: text for name, text in chosen.items() if name not in OF_PROXY}
    return {name: int(text) for name, text in chosen.items() if text.isdecimal() and 0 < int(text) < 65536}


def bound(facts: Facts, name: str) -> str:
    """The address at which the compose files publish that variable's port."""
    if name in OF_PROXY:
        return facts.chosen("TLS_BIND_ADDRESS")
    return LOOPBACK if name in ON_LOOPBACK else facts.chosen("BIND_ADDRESS")


def port_taken(facts: Facts) -> Iterator[Trouble]:
    """Nobody but this stack listens where it publishes."""
    for name, port in wanted(facts).items():
        address = bound(facts, name)
        published = [one for one in facts.host.published if one.port == port]
        if any(one.project == facts.project for one in published):
            continue
        container = next((one.container for one in published if clash(address, one.address)), "")
        programs = [
            one.who for one in facts.host.listening if one.port == port and clash(address, one.address)
        ]
        if not (container or programs):
            continue
        if program := max(programs, default=""):
            who, stop = program, f"stop {program}"
        else:
            who, stop = "a program of another user", f"sudo ss -ltnp 'sport = :{port}' names it; stop it"
        if container:
            who, stop = f"the container {container}", f"docker stop {container}"
        unset = f"unset {name}, which this shell exports, and set" if name in facts.host.shell else "Set"
        yield Trouble(
            f"Port {port} ({name}) is taken by {who}.",
            "docker compose up ends with: port is already allocated, or address already in use.",
            f"{unset} {name}={_free(port, facts)} in .env, or {stop}.",
        )


def clash(one: str, other: str) -> bool:
    """Whether two programs cannot listen on the same port of these addresses; of a name it is not known."""
    first, second = _address(one), _address(other)
    if first is None or second is None:
        return True
    if first.version != second.version:
        return False
    return first == second or first.is_unspecified or second.is_unspecified


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """None for all of both kinds: `*`, and `::` as old versions of ss write it. `[::]` is of IPv6 alone."""
    try:
        found = ipaddress.ip_address("" if text == "::" else text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _free(port: int, facts: Facts) -> int:
    host = facts.host
    theirs = {one.port for one in host.listening} | {one.port for one in host.published}
    taken = theirs | {*wanted(facts).values()}
    return next(other for other in (*range(port + 1, 65536), *range(1024, port)) if other not in taken)


def ports_equal(facts: Facts) -> Iterator[Trouble]:
    """No two services publish the same port."""
    by_port = dict[int, list[str]]()
    for name, port in wanted(facts).items():
        by_port.setdefault(port, []).append(name)
    for port, names in by_port.items():
        if len(names) > 1:
            yield Trouble(
                f"{listed(names)} are all {port}." if len(names) > 2 else f"{listed(names)} are both {port}.",
                "Only one of them can have it; docker compose up ends there.",
                "Give each a port of its own in .env.",
            )
