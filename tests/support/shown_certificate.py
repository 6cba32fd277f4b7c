"""A certificate made by hand, and a listener that shows it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BEGINS = datetime(2026, 11, 1, 12, tzinfo=UTC)


def certificate(ends: datetime, folder: Path) -> tuple[bytes, Path]:
    """A certificate (DER) that signs itself, and a file of it and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    # A long name, so that lengths of more than one byte occur.
    name = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Turo Analytics Platform, a test of it" * 1)]
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGINS)
        .not_valid_after(ends)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("a" * 60 + ".example.com")] * 4), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "both.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return made.public_bytes(serialization.Encoding.DER), file


@contextlib.contextmanager
def listener(file: Path, refused: str = "") -> Iterator[str]:
    """Shows the certificate to whoever asks, but for one name; gives its address."""

    def by_name(_: object, name: str | None, __: object) -> int | None:
        return ssl.ALERT_DESCRIPTION_INTERNAL_ERROR if name == refused else None  # as Caddy without one

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    context.sni_callback = by_name
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with (
                        contextlib.suppress(OSError),
                        context.wrap_socket(connection, server_side=True) as secure,
                    ):
                        secure.recv(1)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
