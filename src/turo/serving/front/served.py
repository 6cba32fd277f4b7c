"""What the pages are told of the models and of this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple


@dataclass(frozen=True)
class ServedModel:
    """One model: `fleet` is what it was trained on, in words, `snapshot` the day of those data.

    Attributes:
        difference: a sentence where that is another fleet than the prepared table's.
        below_baseline: a simple rule was closer than it on its hold-out.
    """

    name: str
    version: str
    run_id: str
    fleet: str = ""
    snapshot: str = ""
    difference: str | None = None
    below_baseline: bool = False


@dataclass(frozen=True)
class Served:
    """All models, by what the catalog knows.

    Attributes:
        awaited: configured, without a version so far.
        refused: by model the version that could not be served, and why.
        manifest: of the prepared table; empty without one.
    """

    models: Sequence[ServedModel] = ()
    awaited: Sequence[str] = ()
    refused: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    manifest: Mapping[str, Any] = field(default_factory=dict)


class Service(NamedTuple):
    """Another service of the platform: its name, what it is for, how to log in, and where it is.

    Attributes:
        port: on the host that the front door was asked at.
        url: its whole address, where it is elsewhere; empty where not.
    """

    name: str
    purpose: str
    login: str
    port: int
    url: str = ""
