"""Give the alias back to the previous champion, and prove by a request that it serves."""

from __future__ import annotations

import time
from typing import Any

from turo import registry
from turo.errors import DeployError
from turo.ledger import ledger_append
from turo.serving.deploy import Serve
from turo.serving.desired import as_spec
from turo.settings import Settings

DEADLINE_S = 60.0
PERIOD_S = 0.2


def rollback(name: str, settings: Settings) -> dict[str, Any]:
    """Move the alias, write the ledger, wait until the route answers with the restored version.

    Raises:
        RegistryError: there is nothing to go back to.
        DeployError: the route did not follow in time.
    """
    began = time.monotonic()
    left = registry.champion(name)
    restored = registry.rollback(name)
    replaced = left.version if left else ""
    ledger_append(
        "rolled_back", name, restored.version, f"Version {replaced} was taken back.", {"from": replaced}
    )
    serve = Serve(settings)
    while not serve.prove(as_spec(restored)).answers:
        if time.monotonic() - began > DEADLINE_S:
            raise DeployError(
                f"/{name} does not answer with version {restored.version} after {DEADLINE_S:.0f} s.",
                "The alias has moved; the log of the mlflow service says what it waits for.",
            )
        time.sleep(PERIOD_S)
    seconds = round(time.monotonic() - began, 2)
    return {"model": name, "version": restored.version, "replaced": replaced, "seconds": seconds}
