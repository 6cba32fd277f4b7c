"""The running stack behind TLS: whether each of its names has a certificate that is good."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from turo.errors import ServiceError
from turo.operate.doctor.checks.running.services import of
from turo.operate.doctor.facts import Facts
from turo.operate.doctor.finding import Trouble
from turo.words import by_number, listed

LOG = "docker compose logs caddy tells why"


def certificate(facts: Facts) -> Iterator[Trouble]:
    """The proxy shows one for every name, and none has ended."""
    without = dict[str, list[str]]()
    for host, told in of(facts).certificates.items():
        if isinstance(told, ServiceError):
            without.setdefault(told.what, []).append(host)
        elif told.ends <= datetime.fromtimestamp(facts.now, UTC):
            yield Trouble(
                f"The certificate of {host} ended on {told.ends:%Y-%m-%d}.",
                "Browsers and clients refuse the connection.",
                f"{LOG} it was not renewed: mostly the name no longer leads here, or port 80 is shut.",
            )
    for what, hosts in without.items():
        yield Trouble(
            f"No certificate is shown for {listed(hosts)}: {what}",
            f"Nobody gets in by {by_number(len(hosts), 'that name', 'those names')}: browsers see no page.",
            f"{LOG}: mostly the name does not lead here, or port 80 is not reached from outside.",
        )
