"""What must be true before any other container starts. Runs at every `up`, changes nothing twice."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Any

from alerting import integrations, render
from folders import share
from guard import exposed_badly, is_loopback, open_doors
from vault import MONITORING, Consumer, consumers, hand_out, unlock

SECRETS = Path("/secrets")
HOST_FOLDERS = Path("/host")
ROUTES = Path("/etc/alertmanager/alertmanager.yml")
ADVICE = "let only machines you trust reach them, or put a proxy with a login in front."
logger = logging.getLogger("bootstrap")


def check_doors() -> None:
    """Stop, or with ALLOW_INSECURE=1 warn loudly, where open ports meet default passwords.

    What is put behind TLS is meant for everybody: there is no way around that.
    """
    if told := exposed_badly(os.environ):
        sys.exit(
            f"REFUSED: not behind TLS like this. {' '.join(told)} All of it is in .env (caddy/README.md)."
        )
    if danger := open_doors(os.environ):
        if os.environ.get("ALLOW_INSECURE") != "1":
            sys.exit(f"REFUSED: {danger} Set them in .env, or ALLOW_INSECURE=1 to start all the same.")
        for line in ("!" * 78, f"WARNING: {danger}", "Anyone who reaches this machine can log in.", "!" * 78):
            logger.warning(line)
    if not is_loopback(address := os.environ.get("BIND_ADDRESS", "")):
        logger.warning("Open on %s: MLflow, Prometheus and Alertmanager have no login, %s", address, ADVICE)


def check_receivers() -> dict[str, Any]:
    """Who is told of alerts; stop where that cannot work, rather than have them reach nobody."""
    try:
        return integrations(os.environ)
    except ValueError as error:
        sys.exit(f"REFUSED: {error} It is in .env; .env.example tells what each variable takes.")


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s", stream=sys.stdout)
    check_doors()
    told = check_receivers()
    vault = SECRETS / "vault"
    fresh = not any(vault.iterdir())
    held = consumers(unlock(vault, {"jupyter": os.environ.get("JUPYTER_TOKEN", "")}))
    if ROUTES.exists():
        written = {"alertmanager.yml": render(ROUTES.read_text(), told)}
        held.append(Consumer("alertmanager", MONITORING, MONITORING, written))
    # The small test file mounts only the volumes of its few services.
    mounted = [consumer for consumer in held if (SECRETS / consumer.volume).is_dir()]
    for consumer in mounted:
        hand_out(SECRETS / consumer.volume, consumer)
    logger.info("secrets %s for %d consumers", "made" if fresh else "kept", len(mounted))
    for folder in sorted(HOST_FOLDERS.glob("*")):
        share(folder)


if __name__ == "__main__":
    main()
