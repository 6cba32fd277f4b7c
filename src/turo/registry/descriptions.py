"""What MLflow's pages say of a model and its versions: the card that the run wrote.

A description is for people: where it cannot be written, what was decided stands, and the log says why.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

from turo.registry.client import Version, client

CARD = "model_card.md"  # artifact of a run
MOST = 5000  # characters of a description that MLflow's database holds
CUT = "\n\nThe rest is in `{card}` of run {run_id}."
OURS = "The champion is version "  # how what was not written by somebody else begins
CHAMPION = OURS + "{version}: `POST /{name}` answers with it."

logger = logging.getLogger(__name__)


def describe_version(version: Version) -> None:
    """Give a version its run's card for a description, unless it has one: somebody may have written there."""
    try:
        found = client().get_model_version(version.name, version.version)
        if not found.description and (card := card_of(version)):
            client().update_model_version(version.name, version.version, fitting(card, version))
    except Exception:
        logger.warning("%s version %s was not described", version.name, version.version, exc_info=True)


def describe_model(champion: Version) -> None:
    """Say of a registered model which version is its champion, with its card; what somebody wrote stays."""
    try:
        found = client().get_registered_model(champion.name).description or ""
        if found and not found.startswith(OURS):
            return
        said = CHAMPION.format(name=champion.name, version=champion.version)
        text = f"{said}\n\n{card_of(champion)}".rstrip()
        text = fitting(text, champion)
        if text != found:
            client().update_registered_model(champion.name, text)
    except Exception:
        logger.warning("%s was not described", champion.name, exc_info=True)


def card_of(version: Version) -> str:
    """The card of the version's run; empty where an earlier release wrote none.

    Raises:
        MlflowException, OSError: it cannot be read.
    """
    if not version.run_id or CARD not in {found.path for found in client().list_artifacts(version.run_id)}:
        return ""
    with tempfile.TemporaryDirectory() as folder:
        return Path(client().download_artifacts(version.run_id, CARD, folder)).read_text()


def fitting(text: str, version: Version) -> str:
    """The text, or as many whole lines of it as a description holds and where the rest is."""
    if len(text) <= MOST:
        return text
    rest = CUT.format(card=CARD, run_id=version.run_id)
    kept, _, _ = text[: MOST - len(rest) + 1].rpartition("\n")
    return kept.rstrip() + rest
