"""Asks the front door and the models' routes what they serve."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from turo.errors import ServiceError
from turo.operate.ask.conversation import Conversation, Place, RefusedError

if TYPE_CHECKING:
    from turo.settings import Settings

Form = TypeVar("Form")


@dataclass(frozen=True)
class Fleet:
    """What a model was trained on, in words, and the day of those data."""

    label: str = ""
    snapshot: str | None = None


@dataclass(frozen=True)
class ServedRoute:
    """What a route says of itself.

    Attributes:
        warning: what is to be known before its predictions are used.
        refused: the newer version that it could not take over (`version`, `reason`).
    """

    name: str
    version: str
    run_id: str
    fleet: Fleet | None = None
    warning: str | None = None
    refused: dict[str, str] | None = None


@dataclass(frozen=True)
class _Directory:
    models: list[ServedRoute] = field(default_factory=list)
    code_version: str = ""


def place(settings: Settings) -> Place:
    """Where they are."""
    return Place("Ray Serve", settings.serve_url, "SERVE_URL", "ray", settings.answer_within_s)


def listed(settings: Settings) -> list[ServedRoute]:
    """The models that the front door lists; `refused` only the routes themselves know.

    Raises:
        ServiceError: it does not answer, or not without the right SERVE_API_KEY.
    """
    return _get(settings, _Directory, "/").models


def code_version(settings: Settings) -> str:
    """The commit or version that the catalog's image was built from; empty where it does not say.

    Raises:
        ServiceError: as `listed`.
    """
    return _get(settings, _Directory, "/").code_version


def route(settings: Settings, name: str) -> ServedRoute:
    """One model's route.

    Raises:
        ServiceError: it does not answer, or not without the right SERVE_API_KEY.
    """
    return _get(settings, ServedRoute, f"/{quote(name, safe='')}")


def _get(settings: Settings, form: type[Form], path: str) -> Form:
    key = settings.serve_api_key
    try:
        return Conversation(place(settings), {"X-API-Key": key} if key else None).get(form, path)
    except RefusedError as error:
        if error.status != HTTPStatus.UNAUTHORIZED:
            raise
        refused = (
            "does not accept the SERVE_API_KEY that was given"
            if key
            else "wants a SERVE_API_KEY, and none was given"
        )
        raise ServiceError(
            f"Ray Serve {refused}.", "Set SERVE_API_KEY to the one that the routes were started with."
        ) from None
