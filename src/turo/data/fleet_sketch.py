"""The identity of a fleet: by the vehicles and reservations that two sets of data share they are one, or not.

A sketch keeps the smallest keys of a fleet's vehicles and reservations (bottom-k sampling, Cohen and Kaplan
2007): enough to estimate what two fleets share, short enough for a tag of a model. It holds hashes only.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from turo.table.names import EXPORT
from turo.words import counted

TAG = "turo.fleet"  # of a model version: the fleet it was trained on
KEYS = 128  # of each kind in a sketch: a tag may hold 5,000 characters
FEW = 30  # compared keys below which a sample says nothing of reservations
# Shares in common, of the smaller fleet, from which on two fleets are one.
RESERVATIONS_ALONE, WITH_A_VEHICLE, VEHICLES_ALONE = 0.20, 0.05, 0.50

Keys = NDArray[np.uint64]


@dataclass(frozen=True)
class Identity:
    """A fleet as manifests, models and the file of known fleets name it.

    Attributes:
        id: stays the same while the fleet's data grow.
        first, last: earliest and latest trip start as ISO dates; "" where there are no dates.
        sketch: see `same`.
    """

    id: str
    profile: str
    vehicles: int
    reservations: int
    snapshot: str
    first: str
    last: str
    sketch: str

    @property
    def label(self) -> str:
        """The fleet in words: what a message calls it."""
        span = f", trips from {self.first} to {self.last}" if self.first else ""
        vehicles = counted(self.vehicles, "vehicle")
        return f"{vehicles} with {counted(self.reservations, 'reservation')} ({self.profile}{span})"

    def plain(self) -> dict[str, Any]:
        """Plain values for a JSON file or a manifest; `of` reads them."""
        return {**asdict(self), "label": self.label}

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Identity | None:
        """The inverse of `plain`; None where something is missing (written by an older version)."""
        try:
            return cls(**{name: plain[name] for name in cls.__dataclass_fields__})
        except (KeyError, TypeError):
            return None


def same(one: Identity | None, other: Identity | None) -> bool:
    """Are both the same fleet? Vehicles may come and go, and reservations be added or changed."""
    if one is None or other is None or one.profile != other.profile:
        return False
    if one.id == other.id:
        return True
    reservations, compared, sampled = common(one, other)
    vehicles = _share(_decode(one.sketch)[0], _decode(other.sketch)[0])[0]
    if reservations >= RESERVATIONS_ALONE or (vehicles > 0 and reservations >= WITH_A_VEHICLE):
        return True
    # Exports of two years share Turo's ids only (1, 2, 3 of own files say little); a sample may miss trips.
    apart = one.profile == EXPORT and (one.last < other.first or other.last < one.first)
    return vehicles >= VEHICLES_ALONE and (apart or (sampled and compared < FEW))


def of_manifest(manifest: Mapping[str, Any]) -> Identity | None:
    """The fleet of a prepared table; None for one made by an older version."""
    return Identity.of(manifest.get("fleet") or {})


def of_tags(tags: Mapping[str, str]) -> Identity | None:
    """The fleet that a run or model version was trained on; None for one made by an older version."""
    try:
        return Identity.of(json.loads(tags[TAG]))
    except (KeyError, ValueError):
        return None


def as_tag(fleet: Identity) -> str:
    """What `of_tags` reads."""
    return json.dumps(fleet.plain())


def read_known(content: bytes) -> list[Identity]:
    """The fleets of a file `fleets.json`; none where it is absent or damaged: a fleet is then new here."""
    try:
        listed = json.loads(content)["fleets"]
        return [fleet for plain in listed if (fleet := Identity.of(plain)) is not None]
    except (ValueError, KeyError, TypeError):
        return []


def text(known: Iterable[Identity]) -> bytes:
    """The content of the file of known fleets."""
    return (json.dumps({"fleets": [fleet.plain() for fleet in known]}, indent=1) + "\n").encode()


def common(one: Identity, other: Identity) -> tuple[float, int, bool]:
    """Share of reservations in common, from how many keys, and whether those are a sample only."""
    return _share(_decode(one.sketch)[1], _decode(other.sketch)[1])


def _share(one: Keys, other: Keys) -> tuple[float, int, bool]:
    """Share in common of the smaller set, from how many keys, and whether those are a sample only."""
    full = [keys[-1] for keys in (one, other) if len(keys) == KEYS]
    if full:  # beyond the largest key of a full sketch nothing is known of that set
        one, other = one[one <= min(full)], other[other <= min(full)]
    compared = min(len(one), len(other))
    return (len(np.intersect1d(one, other)) / compared if compared else 0.0), compared, bool(full)


def encode(vehicles: Keys, reservations: Keys) -> str:
    """The sketch of these keys as text."""
    return ".".join(
        base64.b64encode(keys.astype("<u8").tobytes()).decode() for keys in (vehicles, reservations)
    )


def _decode(sketch: str) -> tuple[Keys, Keys]:
    vehicles, reservations = (
        np.frombuffer(base64.b64decode(part), dtype="<u8").astype(np.uint64)
        for part in sketch.partition(".")[::2]
    )
    return vehicles, reservations
