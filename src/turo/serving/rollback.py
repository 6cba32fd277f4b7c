"""Give the alias back to the previous champion, and prove by a request that it serves."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from turo import registry
from turo.data import fleets
from turo.errors import DeployError, RegistryError
from turo.ledger import ledger_append
from turo.serving.deploy import Serve
from turo.serving.desired import as_spec
from turo.serving.replica import load
from turo.settings import Settings
from turo.training import fleet

DEADLINE_S = 60.0
PERIOD_S = 0.2

logger = logging.getLogger(__name__)


def rollback(name: str, settings: Settings) -> dict[str, Any]:
    """Move the alias, write the ledger, wait until the route answers with the restored version.

    Raises:
        RegistryError: there is nothing to go back to, or only a version of another fleet than the table's.
        DeployError: the route did not follow in time.
    """
    began = time.monotonic()
    left = registry.champion(name)
    refuse_another_fleet(name, fleet.table_manifest(settings))
    restored = registry.rollback(name)
    replaced = left.version if left else ""
    ledger_append(
        "rolled_back", name, restored.version, f"Version {replaced} was taken back.", {"from": replaced}
    )
    serve, spec = Serve(settings), as_spec(restored)
    example = load(spec, settings.serve_max_rows).about.example
    while not serve.answers(spec, example):
        if time.monotonic() - began > DEADLINE_S:
            raise DeployError(
                f"/{name} does not answer with version {restored.version} after {DEADLINE_S:.0f} s.",
                "The alias has moved; the log of the mlflow service says what it waits for.",
            )
        time.sleep(PERIOD_S)
    seconds = round(time.monotonic() - began, 2)
    return {"model": name, "version": restored.version, "replaced": replaced, "seconds": seconds}


def refuse_another_fleet(name: str, table: Mapping[str, Any]) -> None:
    """Leave the alias where it is if the previous version was trained on another fleet than the table's.

    A version that does not name its fleet may be of this one: going back to it is allowed, with a warning.

    Raises:
        RegistryError: it is of another fleet.
    """
    previous = registry.alias(name, registry.PREVIOUS)
    if previous is None or not fleet.foreign(previous.tags, table):
        return
    told = f"{name} version {previous.version}, the previous champion, was trained on another fleet"
    if fleets.of_tags(previous.tags) is None:
        logger.warning("%s or an older table: %s. /forecast may refuse it.", told, fleet.UNTOLD)
        return
    raise RegistryError(
        f"{told} than the prepared table's ({fleet.label(previous.tags)}): it does not know these vehicles.",
        "The present version stays. To serve that fleet again, put its files back and run prepare_data.",
    )
