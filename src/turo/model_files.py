"""Model folders on disk: fetched once, verified every time, read without MLflow's loaders or pickle."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from turo.errors import RegistryError
from turo.files import sha256_folder

LOADER = "turo.models.flavor"


Get = Callable[[str, Path], None]


def by_mlflow(model_uri: str, target: Path) -> None:
    """Copy a model's files into `target` with MLflow's own library."""
    import mlflow

    mlflow.artifacts.download_artifacts(model_uri, dst_path=str(target))


def fetch(model_uri: str, label: str, sha256: str, get: Get = by_mlflow) -> Path:
    """Folder of an MLflow model (with its input example) whose forecaster has the given digest.

    Args:
        model_uri: `models:/…` or `runs:/…`.
        label: what to call it in messages and in the cache, for instance `XGBoost-3`.
        sha256: `sha256_folder` of the forecaster's folder, noted at training.
        get: how the files are copied, if they are not there yet.

    Raises:
        RegistryError: the files do not match the digest, or are not a model of this project.
    """
    folder = _cache() / f"{label}-{sha256[:16]}"
    if not folder.exists():
        _download(model_uri, folder, get)
    try:
        found = sha256_folder(forecaster_folder(folder))
    except RegistryError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    if found != sha256:
        shutil.rmtree(folder, ignore_errors=True)  # or a damaged copy would be refused for ever
        raise RegistryError(
            f"The files of {label} have SHA-256 {found[:12]}…, registered was {sha256[:12]}….",
            "Somebody changed them: train the model again.",
        )
    return folder


def forecaster_folder(model_folder: Path) -> Path:
    """Where in an MLflow model folder the forecaster's own files are.

    Raises:
        RegistryError: the folder is not a model of this project (a pickled one, for instance).
    """
    import yaml

    try:
        flavors = yaml.safe_load((model_folder / "MLmodel").read_text())["flavors"]
        loader, data = flavors["python_function"]["loader_module"], flavors["python_function"]["data"]
    except (OSError, KeyError, TypeError, yaml.YAMLError) as error:
        raise RegistryError(f"{model_folder} holds no model of this project.", "Train it again.") from error
    folder = (model_folder / data).resolve()
    if loader != LOADER or not folder.is_relative_to(model_folder.resolve()):
        raise RegistryError(
            f"{model_folder.name} wants the loader {loader!r}; only {LOADER} is used, a pickle is code.",
            "Log the model through turo.training.",
        )
    return folder


def _download(model_uri: str, folder: Path, get: Get) -> None:
    """Whole or not at all, also when two processes fetch the same model at once."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetch-") as temporary:
        target = Path(temporary) / "model"
        get(model_uri, target)
        try:
            target.rename(folder)
        except OSError:
            if not folder.exists():
                raise


def _cache() -> Path:
    folder = Path(tempfile.gettempdir()) / f"turo-models-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
