"""The certificate that a proxy shows for a host name, and how long it lasts; asked by TLS."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from turo.errors import ServiceError

ASK_S = 5.0
# Tags of ASN.1's DER, in which a certificate is written.
EXPLICIT, UTC_TIME, GENERALIZED = 0xA0, 0x17, 0x18
FORMS = {UTC_TIME: "%y%m%d%H%M%SZ", GENERALIZED: "%Y%m%d%H%M%SZ"}


@dataclass(frozen=True)
class Life:
    """From when to when a certificate is good, UTC."""

    begins: datetime
    ends: datetime


def ask(host: str, at: str, seconds: float = ASK_S) -> Life:
    """How long the certificate lasts that is shown for `host` at `at` (host:port).

    Raises:
        ServiceError: none is shown.
    """
    try:
        return life(shown(host, at, seconds))
    except (OSError, ValueError) as error:
        raise ServiceError(
            f"{at} says: {error or 'nothing'}.", "docker compose logs caddy tells why it has none."
        ) from error


def shown(host: str, at: str, seconds: float = ASK_S) -> bytes:
    """The certificate (DER) that whoever listens at `at` (host:port) shows a client that asks for `host`.

    Args:
        seconds: after so many of silence it is given up.

    Raises:
        OSError: nobody listens there, or shows one for that name.
        ValueError: `at` is no host and port.
    """
    # Not held against authorities: also one that has ended, or is of a local authority, is to be told.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    name, _, port = at.rpartition(":")
    with (
        socket.create_connection((name, int(port)), seconds) as connection,
        context.wrap_socket(connection, server_hostname=host) as secure,
    ):
        return secure.getpeercert(binary_form=True) or b""


def life(certificate: bytes) -> Life:
    """When a certificate (DER) begins and ends.

    Raises:
        ValueError: it is none.
    """
    try:
        whole = dict(enumerate(_parts(certificate)))
        signed = dict(enumerate(_parts(whole[0][1])))
        fields = list(_parts(signed[0][1]))
        # Version (where it is said), number, algorithm, issuer; then the two times.
        validity = fields[4 if fields[0][0] == EXPLICIT else 3][1]
        begins, ends = (
            datetime.strptime(value.decode("ascii"), FORMS[tag]).replace(tzinfo=UTC)
            for tag, value in _parts(validity)
        )
    except (LookupError, ValueError) as error:
        raise ValueError(f"what is shown is no certificate ({len(certificate)} bytes)") from error
    return Life(begins, ends)


def _parts(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each element."""
    at = 0
    while at < len(content):
        tag, length, at = content[at], content[at + 1], at + 2
        if length & 0x80:  # of so many bytes is the length itself
            size = length & 0x7F
            length, at = int.from_bytes(content[at : at + size], "big"), at + size
        if at + length > len(content):
            raise ValueError("shorter than it says")
        yield tag, content[at : at + length]
        at += length
