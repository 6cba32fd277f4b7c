"""One service, asked over HTTP: an answer of the form that is expected, or a sentence why there is none."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from turo.errors import ServiceError
from turo.operate.ask.side_by_side import late

SECONDS = 1.3  # for all questions to one service together, unless somebody has more patience
MOST_BYTES = 4 << 20
QUOTED = 200  # characters of what a service says
EXPLAINING = ("detail", "message", "error")  # members of an answer that refuses: ours, MLflow's, Prometheus's
LOGIN = re.compile(r"(?<=//)[^/@]*@")
Form = TypeVar("Form")


@dataclass(frozen=True)
class Place:
    """Where a service is, and what to do about it.

    Attributes:
        name: as people call it.
        url: its address.
        variable: the setting that holds the address.
        container: its name in the compose file.
        seconds: for all questions of one conversation together.
    """

    name: str
    url: str
    variable: str
    container: str
    seconds: float = SECONDS

    @property
    def shown(self) -> str:
        """The address without a login in it."""
        return LOGIN.sub("", self.url)


class RefusedError(ServiceError):
    """The service answered with an error status: the number, and MLflow's word for it where there is one."""

    def __init__(self, what: str, remedy: str, status: int = 0, code: str = "") -> None:
        super().__init__(what, remedy)
        self.status, self.code = status, code


class Conversation:
    """Asks one service, within its place's seconds from now.

    Args:
        place: which one.
        headers: sent with every question.
    """

    def __init__(self, place: Place, headers: dict[str, str] | None = None) -> None:
        self.place, self.seconds = place, place.seconds
        self.headers = {"Accept": "application/json", **(headers or {})}
        self._until = time.monotonic() + self.seconds

    def get(self, form: type[Form], path: str, **parameters: Any) -> Form:
        """What GET answers, as `form`.

        Raises:
            ServiceError: there is no answer, or none of that form.
            RefusedError: it has an error status.
        """
        return self._ask(form, "GET", path, params=parameters)

    def post(self, form: type[Form], path: str, body: Any) -> Form:
        """What POST of this JSON answers; raises as `get` does."""
        return self._ask(form, "POST", path, json=body)

    @cached_property
    def _client(self) -> httpx.Client:
        # Not by a proxy of the environment: these are services of this machine. To read the certificates of
        # the world takes longer than most answers, and only https needs them.
        secure = self.place.url.lower().startswith("https:")
        return httpx.Client(base_url=self.place.url, trust_env=False, verify=secure)

    def _ask(self, form: type[Form], method: str, path: str, **more: Any) -> Form:
        try:
            answer, content = self._read(method, path, **more)
        except httpx.TimeoutException:
            raise late(f"{self.place.name} at {self.place.shown}", self.seconds) from None
        except (httpx.UnsupportedProtocol, httpx.InvalidURL, UnicodeError) as error:
            raise ServiceError(
                f"{self.place.variable}={self.place.shown} is no address: {error}.",
                f"Set {self.place.variable} to one of the form http://host:port.",
            ) from None
        except httpx.ConnectError as error:
            raise ServiceError(
                f"{self.place.name} is not there: nothing answers at {self.place.shown} ({error}).",
                f"`docker compose up -d --wait {self.place.container}` starts it; if it is elsewhere, set "
                f"{self.place.variable}.",
            ) from None
        except httpx.HTTPError as error:
            raise self._foreign(f"it broke off ({error})") from None
        if not answer.is_success:
            raise self._refused(path, answer.status_code, content)
        return self._as(form, answer.headers.get("content-type", "no type"), content)

    def _read(self, method: str, path: str, **more: Any) -> tuple[httpx.Response, bytes]:
        left = self._until - time.monotonic()
        if left <= 0:
            raise late(f"{self.place.name} at {self.place.shown}", self.seconds)
        parts, size = list[bytes](), 0
        with self._client.stream(method, path, headers=self.headers, timeout=left, **more) as answer:
            for part in answer.iter_bytes():
                parts.append(part)
                size += len(part)
                if time.monotonic() > self._until:
                    raise late(f"{self.place.name} at {self.place.shown}", self.seconds)
                if size > MOST_BYTES:
                    raise self._foreign(f"its answer has more than {MOST_BYTES >> 20} MiB")
        return answer, b"".join(parts)

    def _as(self, form: type[Form], kind: str, content: bytes) -> Form:
        try:
            return TypeAdapter(form).validate_python(json.loads(content))
        except ValidationError as error:  # a ValueError as well
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "its answer"
            raise self._foreign(f"{place} is not as expected: {first['msg']}") from None
        except (ValueError, RecursionError):
            raise self._foreign(f"its answer is no JSON ({kind.partition(';')[0]})") from None

    def _foreign(self, what: str) -> ServiceError:
        return ServiceError(
            f"What answers at {self.place.shown} does not speak as {self.place.name}: {what}.",
            f"Another program may have the port, or a proxy stands in between: check {self.place.variable}, "
            f"and read `docker compose logs {self.place.container}`.",
        )

    def _refused(self, path: str, status: int, content: bytes) -> RefusedError:
        told = _members(content)
        said = _words(told)
        title = HTTPStatus(status).phrase if status in {one.value for one in HTTPStatus} else "unknown status"
        return RefusedError(
            f"{self.place.name} answered {path} with {status} ({title}){f': {said}' if said else '.'}",
            f"`docker compose logs {self.place.container}` tells why.",
            status,
            str(told.get("error_code", "")),
        )


def _members(content: bytes) -> dict[str, Any]:
    """The members of a refusal that is JSON; else none."""
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _words(told: Mapping[str, Any]) -> str:
    """What a refusal says, as a sentence; empty where it says nothing."""
    found = [told[name] for name in EXPLAINING if isinstance(told.get(name), str)]
    said = " ".join(found[0].split())[:QUOTED] if found else ""
    return said if not said or said.endswith((".", "!", "?")) else f"{said}."
