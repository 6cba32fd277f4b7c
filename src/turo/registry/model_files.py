"""Model folders on disk: fetched once, verified every time, read without MLflow's loaders or pickle.

They lie in one folder of temporary files, so that a replica that died starts anew while MLflow is away. Of
each model the versions used last are kept; what a process left that was killed while it fetched is removed.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from turo.errors import RegistryError
from turo.files import sha256_folder

LOADER = "turo.models.flavor"
KEPT = 3  # versions of a model: champion, challenger, and the one before
IN_USE_S = 600.0  # somebody may still read what was asked for within that time, or be fetching it
FETCHING = ".fetch-"

Get = Callable[[str, Path], None]
logger = logging.getLogger(__name__)


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
    try:
        return _verified(model_uri, label, sha256, get)
    except RegistryError as error:
        # A damaged copy of this machine has been removed: what MLflow hands out decides.
        logger.warning("%s is fetched anew: %s", label, error)
        return _verified(model_uri, label, sha256, get)


def _verified(model_uri: str, label: str, sha256: str, get: Get) -> Path:
    folder = _cache() / f"{label}-{sha256[:16]}"
    if not _in_use(folder):
        _download(model_uri, folder, get)
    tidy(folder.parent)
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
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=FETCHING) as temporary:
        target = Path(temporary) / "model"
        get(model_uri, target)
        try:
            os.utime(target)
            target.rename(folder)
        except OSError:
            if not folder.exists():
                raise


def tidy(cache: Path) -> None:
    """Remove what nobody uses: all but the newest versions of each model, and broken-off fetches."""
    kept, removed = dict[str, int](), []
    with _alone(cache):
        now = time.time()
        found = [(used, path) for path in cache.iterdir() if (used := _used(path)) is not None]
        for used, path in sorted(found, key=lambda one: one[0], reverse=True):
            model = path.name.rsplit("-", 2)[0]  # before the version and the digest
            kept[model] = kept.get(model, 0) + 1
            broken_off = path.name.startswith(FETCHING)
            if (broken_off or kept[model] > KEPT) and now - used > IN_USE_S:
                # First out of the way: nobody may find half a model under its name.
                with suppress(FileNotFoundError):  # but what another process is just removing may be gone
                    removed.append(path.rename(cache / f"{FETCHING}{uuid.uuid4().hex[:8]}"))
    for path in removed:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """Hold the folder's lock: what one process has found out of use no other one begins to use."""
    handle = os.open(cache, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _in_use(folder: Path) -> bool:
    """Note that a fetched model is in use from now on; False if it has not been fetched."""
    with _alone(folder.parent):
        try:
            os.utime(folder)
        except FileNotFoundError:
            return False
        return True


def _used(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # removed by another process meanwhile
        return None


def _cache() -> Path:
    folder = Path(tempfile.gettempdir()) / f"turo-models-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
