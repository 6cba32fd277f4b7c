"""Downloads a model's files over MLflow's HTTP interface, without MLflow's library.

Importing the library costs a replica seconds at start and over a hundred megabytes for as long as it lives.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

import httpx

from turo.errors import RegistryError, ServiceError

PROXIED = "mlflow-artifacts:/"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
TIMEOUT = httpx.Timeout(30.0, connect=5.0)
TRIES = 3


def fetch(tracking_uri: str, model_uri: str, target: Path, login: Mapping[str, str]) -> None:
    """Copy the files of a logged model into `target`, which is made.

    Args:
        login: headers by which MLflow lets us in; none where it has no login.

    Raises:
        ServiceError: MLflow does not answer; nothing is said about the model.
        RegistryError: MLflow knows no such model, or does not hand its files out.
    """
    transport = httpx.HTTPTransport(retries=TRIES)
    with httpx.Client(
        base_url=tracking_uri, headers=login, timeout=TIMEOUT, transport=transport, trust_env=False
    ) as client:
        try:
            model = _json(
                client, f"/api/2.0/mlflow/logged-models/{quote(model_uri.removeprefix('models:/'))}"
            )
            root = str(model["model"]["info"]["artifact_uri"])
            if not root.startswith(PROXIED):
                raise RegistryError(
                    f"The files of {model_uri} are at {root}, not with the tracking server.",
                    "Start MLflow with --serve-artifacts and train again.",
                )
            _copy(client, root.removeprefix(PROXIED), target)
        except httpx.HTTPError as error:
            raise ServiceError(
                f"MLflow at {tracking_uri} does not hand out {model_uri}: {error!r}.",
                "Check that the mlflow service is healthy.",
            ) from error


def _copy(client: httpx.Client, path: str, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for entry in _json(client, ARTIFACTS, path=path).get("files", []):
        name = PurePosixPath(entry["path"]).name  # never a path: nothing is written beside the target
        if entry.get("is_dir"):
            _copy(client, f"{path}/{name}", target / name)
            continue
        with client.stream("GET", f"{ARTIFACTS}/{quote(f'{path}/{name}')}") as answer:
            _check(answer)
            with (target / name).open("wb") as file:
                for block in answer.iter_bytes():
                    file.write(block)


def _json(client: httpx.Client, address: str, **query: str) -> Any:
    answer = client.get(address, params=query)
    _check(answer)
    return answer.json()


def _check(answer: httpx.Response) -> None:
    if answer.status_code == httpx.codes.NOT_FOUND:
        raise RegistryError(f"MLflow has no {answer.request.url.path}.", "Train the model again.")
    answer.raise_for_status()
