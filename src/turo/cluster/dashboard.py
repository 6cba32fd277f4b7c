"""HTTP client of a cluster's dashboard: its address, its token, retries while it is being restarted."""

from __future__ import annotations

import logging
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from turo.errors import ConfigError, ServiceError
from turo.patience import Patience

if TYPE_CHECKING:
    import httpx

logger = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 5.0
AWAY = frozenset({502, 503, 504})
REFUSED = {401: "wants a token and got none", 403: "does not accept the token"}


def dashboard_url(ray_address: str, port: int = 8265) -> str:
    """Where a cluster's dashboard answers.

    Args:
        ray_address: `ray://HOST:10001`, `HOST:6380`, `auto` (this machine), or an http(s) URL, taken as is.
        port: of the dashboard, where the address does not name it.
    """
    address = ray_address.strip()
    if address.startswith(("http://", "https://")):
        return address.rstrip("/")
    if address in ("", "auto", "local"):
        return f"http://127.0.0.1:{port}"
    try:
        parts = urlsplit(address if "://" in address else f"ray://{address}")
        host = parts.hostname if parts.scheme == "ray" else None
    except ValueError:
        host = None
    if not host or not host.strip("[]").replace(":", "").replace("-", "").replace(".", "").isalnum():
        raise ConfigError(
            f"RAY_ADDRESS={ray_address!r} is not an address of a Ray cluster.",
            "Write it as ray://HOST:10001, or as the dashboard's URL http://HOST:8265.",
        )
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


class AwayError(Exception):
    """The dashboard does not answer for now, and why."""


class RayHttp:
    """Requests to one dashboard, repeated while nothing answers there.

    Args:
        address: the dashboard, or any address `dashboard_url` understands.
        token: the cluster's bearer token; empty where it has none.
        deadline_s: how long one call waits for a cluster that does not answer.
    """

    def __init__(self, address: str, token: str = "", deadline_s: float = 180.0) -> None:
        import httpx

        self.address = dashboard_url(address)
        self.deadline_s = deadline_s
        # A proxy for the outside world must not come between the containers: trust_env=False.
        self._client = httpx.Client(
            base_url=self.address,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=httpx.Timeout(60.0, connect=5.0),
            trust_env=False,
        )
        # httpx announces every request at INFO: one line a second in a log that people read.
        logging.getLogger("httpx").setLevel(logging.WARNING)

    def call(
        self, method: str, path: str, *, stream: bool = False, retry_500: bool = True, **more: Any
    ) -> httpx.Response:
        """Send one request until something answers.

        Args:
            stream: leave a good answer's body to the caller, who closes it.
            retry_500: take "internal error" for a head that is still starting.
            more: `json`, `params`, as httpx takes them.

        Raises:
            ServiceError: no answer before the deadline, or the token is missing or wrong.
        """
        again = AWAY | {500} if retry_500 else AWAY
        try:
            return Patience(FIRST_PAUSE_S, self.deadline_s, longest_pause_s=LONGEST_PAUSE_S).retry(
                lambda: self._send(self._client.build_request(method, path, **more), stream, again),
                errors=AwayError,
                note=lambda away: logger.warning(
                    "Ray at %s does not answer (%s); trying again", self.address, away
                ),
            )
        except AwayError as away:
            raise ServiceError(
                f"Ray at {self.address} does not answer; waited {self.deadline_s:.0f} s. Last: {away}",
                "Check that the ray service is healthy and that RAY_ADDRESS names it.",
            ) from away

    def _send(self, request: httpx.Request, stream: bool, away: AbstractSet[int]) -> httpx.Response:
        """Send a request once.

        Args:
            away: statuses that say as much as no answer.

        Raises:
            AwayError: nothing answers, or with such a status.
            ServiceError: the token is missing or wrong.
        """
        import httpx

        try:
            answer = self._client.send(request, stream=stream)
            if answer.is_error:
                answer.read()
        except httpx.TransportError as error:
            raise AwayError(f"{type(error).__name__}: {error}") from error
        if answer.status_code in REFUSED:
            raise ServiceError(
                f"Ray at {self.address} {REFUSED[answer.status_code]} (HTTP {answer.status_code}).",
                "Give this process the cluster's token in RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH.",
            )
        if answer.status_code in away:
            raise AwayError(f"HTTP {answer.status_code}: {last_line(answer.text)}")
        return answer


def last_line(text: str) -> str:
    """The last line of a traceback or message, at most 500 characters."""
    return (text.strip().splitlines() or ["(no text)"])[-1][:500]
