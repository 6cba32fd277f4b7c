"""Asks the operator for a backup and follows it until it is done."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from turo.errors import LASTING, ConfigError, LastingError, ServiceError
from turo.patience import Patience

if TYPE_CHECKING:
    import httpx

    from turo.settings import Settings

logger = logging.getLogger(__name__)

LONGEST_S = 3600.0
PERIOD_S = 2.0
REMEDY = "Is the operator service healthy (`docker compose ps operator`)? Its log says more."


def request_backup(
    settings: Settings, longest_s: float = LONGEST_S, period_s: float = PERIOD_S
) -> dict[str, Any]:
    """Have a backup made; one that is under way already is followed instead.

    Returns:
        `archive` (file name), `size` (bytes), `seconds`, `notes`.

    Raises:
        ConfigError: the operator does not take the token.
        ServiceError: it does not answer, or the backup failed; says why.
        LastingError: the backup failed over what another try cannot change.
    """
    import httpx

    logging.getLogger("httpx").setLevel(logging.WARNING)  # it announces every request
    path = settings.operator_token_path
    token = path.read_text().strip() if path and path.exists() else ""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx.Client(
        base_url=settings.operator_url, headers=headers, timeout=15.0, trust_env=False
    ) as client:
        started = _ask(client, "POST", "/backup", settings)
        logger.info("Backup %s is under way", started["id"])
        job = Patience(period_s, longest_s).poll(
            lambda: _ask(client, "GET", f"/backup/{started['id']}", settings),
            done=lambda job: job["state"] != "running",
        )
    if job["state"] == "running":
        raise ServiceError(f"The backup has not ended after {longest_s:.0f} s.", REMEDY)
    if job["state"] == "failed":
        error = LastingError if job["kind"] in LASTING else ServiceError
        raise error(f"The backup failed: {job['problem']}", job["remedy"])
    for note in job["notes"]:
        logger.warning("%s", note)
    logger.info("%s: %d bytes in %.0f s", job["archive"], job["size"], job["seconds"])
    return {name: job[name] for name in ("archive", "size", "seconds", "notes")}


def _ask(client: httpx.Client, method: str, path: str, settings: Settings) -> dict[str, Any]:
    """Waits out an operator that starts anew, as long as tasks wait for any service."""
    import httpx

    def ask() -> httpx.Response:
        answer = client.request(method, path)
        if answer.status_code >= 500:
            answer.raise_for_status()
        return answer

    try:
        answer = Patience(1.0, settings.service_deadline_s, longest_pause_s=5.0).retry(ask, httpx.HTTPError)
        told: dict[str, Any] = answer.json()
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise ConfigError(
                "The operator does not take this worker's token.",
                "`docker compose up -d --force-recreate bootstrap operator airflow_worker` hands it out.",
            )
        if answer.is_error:
            raise ServiceError(
                f"The operator at {settings.operator_url} refuses: {told.get('error')}", REMEDY
            )
    except (httpx.HTTPError, ValueError) as error:
        raise ServiceError(f"No answer of {settings.operator_url}, the operator: {error}.", REMEDY) from error
    return told
