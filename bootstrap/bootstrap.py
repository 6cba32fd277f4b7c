"""What must be true before any other container starts. Runs at every `up`, changes nothing twice."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from folders import share
from guard import is_loopback, open_doors
from vault import consumers, hand_out, unlock

SECRETS = Path("/secrets")
HOST_FOLDERS = Path("/host")
ADVICE = "let only machines you trust reach them, or put a proxy with a login in front."
logger = logging.getLogger("bootstrap")


def check_doors() -> None:
    """Stop, or with ALLOW_INSECURE=1 warn loudly, where open ports meet default passwords."""
    if danger := open_doors(os.environ):
        if os.environ.get("ALLOW_INSECURE") != "1":
            sys.exit(f"REFUSED: {danger} Set them in .env, or ALLOW_INSECURE=1 to start all the same.")
        for line in ("!" * 78, f"WARNING: {danger}", "Anyone who reaches this machine can log in.", "!" * 78):
            logger.warning(line)
    if not is_loopback(address := os.environ.get("BIND_ADDRESS", "")):
        logger.warning("Open on %s: MLflow and Prometheus have no login of their own, %s", address, ADVICE)


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s", stream=sys.stdout)
    check_doors()
    vault = SECRETS / "vault"
    fresh = not any(vault.iterdir())
    held = consumers(unlock(vault, {"jupyter": os.environ.get("JUPYTER_TOKEN", "")}))
    # The small test file mounts only the volumes of its few services.
    mounted = [consumer for consumer in held if (SECRETS / consumer.volume).is_dir()]
    for consumer in mounted:
        hand_out(SECRETS / consumer.volume, consumer)
    logger.info("secrets %s for %d consumers", "made" if fresh else "kept", len(mounted))
    for folder in sorted(HOST_FOLDERS.glob("*")):
        share(folder)


if __name__ == "__main__":
    main()
