"""How long the certificates last that the proxy in front shows, asked now and then by TLS."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from turo.errors import ServiceError
from turo.operate.ask.certificate import Life, ask
from turo.patience import Patience

if TYPE_CHECKING:
    from turo.settings import Settings

logger = logging.getLogger(__name__)

PERIOD_S = 300.0


class Certificates:
    """The newest answer of the proxy for each host name."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lives: dict[str, Life | None] = {}

    def newest(self) -> dict[str, Life | None]:
        """Host name → the life of its certificate, None where none is shown; empty before all were asked."""
        return self._lives

    def refresh(self) -> None:
        """Ask for every host name. No end is kept of one that has no answer: it would not be true."""
        found = dict[str, Life | None]()
        for host in self._settings.tls_hosts:
            try:
                found[host] = ask(host, self._settings.tls_proxy)
            except ServiceError as error:
                found[host] = None
                logger.warning("No certificate for %s: %s", host, error.what)
        self._lives = found

    def keep_fresh(self, period_s: float = PERIOD_S) -> None:
        """Refresh for ever, in a thread of its own; not at all where nothing is behind TLS."""
        if not self._settings.tls_hosts:
            return

        def again() -> bool:
            self.refresh()
            return False

        work = Patience(period_s).poll
        threading.Thread(target=work, args=(again,), name="certificates", daemon=True).start()
