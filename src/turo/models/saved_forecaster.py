"""The files of a forecaster: `forecaster.json`, the regressor's own, and its distribution."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from turo.errors import RegistryError
from turo.models.derived import Derivation
from turo.models.distribution import Distribution
from turo.models.encoding import Field
from turo.models.interval import Interval
from turo.models.kinds import regressor
from turo.models.mean_shift import MeanShift

WITHOUT_DISTRIBUTION, FORMAT = 1, 2
MEANS = 3  # means of a distribution: an earlier release would answer the level for them
FILE = "forecaster.json"
REGRESSOR_FOLDER = "regressor"
PLAIN = (
    "kind", "target", "horizon_days", "profile", "offset", "minimum", "maximum", "functional", "loss",
    "metadata",
)  # fmt: skip
KEYS = {name: name for name in PLAIN} | {"threshold": "dead_zone"}  # attribute → key in the saved file


def save(attributes: Mapping[str, Any], folder: Path) -> None:
    """Write the attributes of a forecaster below `folder`, made if absent."""
    (folder / REGRESSOR_FOLDER).mkdir(parents=True, exist_ok=True)
    attributes["model"].save(folder / REGRESSOR_FOLDER)
    distribution = attributes["distribution"]
    if distribution is not None:
        distribution.save(folder)
    interval, shift, derivation = (
        part and part.to_json()
        for part in map(attributes.get, ("interval_offsets", "mean_shift", "derivation"))
    )
    document = {
        "format": _format(attributes),
        **{key: attributes[name] for name, key in KEYS.items()},
        "fields": [item.to_json() for item in attributes["fields"]],
        "interval": interval,
        "mean_shift": shift,
        "derivation": derivation,
    }
    (folder / FILE).write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")


def load(folder: Path) -> dict[str, Any]:
    """The attributes of a forecaster, from what `save` wrote.

    Raises:
        RegistryError: the folder holds no forecaster, or one of another format.
    """
    try:
        document = json.loads((folder / FILE).read_text())
    except (OSError, ValueError) as error:
        raise RegistryError(f"{folder} holds no readable {FILE}.", "Train the model again.") from error
    known = (WITHOUT_DISTRIBUTION, FORMAT, MEANS)
    if document.get("format") not in known:
        raise RegistryError(
            f"{folder / FILE} has format {document.get('format')!r}, this code reads "
            f"{', '.join(map(str, known))}.",
            "Train the model again with this version.",
        )
    # Models saved by earlier versions lack some of them; their means were those fitted for squared error.
    document.setdefault("loss", "squared" if document.get("functional") == "mean" else "absolute")
    interval, shift, derivation = (document.get(name) for name in ("interval", "mean_shift", "derivation"))
    return {
        **{name: document[key] for name, key in KEYS.items() if key in document},
        "fields": tuple(Field.from_json(item) for item in document["fields"]),
        "interval_offsets": Interval.from_json(interval) if interval else None,
        "distribution": Distribution.load(folder) if document["format"] != WITHOUT_DISTRIBUTION else None,
        "mean_shift": MeanShift.from_json(shift) if shift else None,
        "derivation": Derivation.from_json(derivation) if derivation else None,
        "model": regressor(document["kind"]).load(folder / REGRESSOR_FOLDER),
    }


def _format(attributes: Mapping[str, Any]) -> int:
    if attributes["distribution"] is None:
        return WITHOUT_DISTRIBUTION
    means = (attributes["functional"], attributes["loss"]) == ("mean", "absolute")
    return MEANS if means else FORMAT
