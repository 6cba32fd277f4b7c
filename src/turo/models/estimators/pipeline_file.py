"""Fitted scikit-learn pipelines as files: by skops, without pickle, of known types only."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from turo.errors import RegistryError

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

FILE = "model.skops"
# What a file may hold besides plain values, arrays and scikit-learn's estimators, which skops itself trusts.
# Ours by their names: to import them is to import scikit-learn, which most processes never need.
STEPS = "turo.models.estimators.pipeline_steps"
TRUSTED = ("numpy.dtype", f"{STEPS}.RelevanceWeights", f"{STEPS}.MedianNeighbours")
REMEDY = "Train the model again; do not load files of unknown origin."
SCHEMA = "schema.json"
ADDRESS = re.compile(r'(?<="__id__": )\d+|(?<=")\d+(?=\.npy")')  # of an object in the memory of who saved


def save(pipeline: Pipeline, folder: Path) -> None:
    """Write `model.skops`; the same pipeline always gives the same bytes.

    skops names the parts by their addresses in memory and notes the time; here they are counted instead.
    """
    from skops.io import dumps

    places: dict[str, str] = {}
    with (
        zipfile.ZipFile(io.BytesIO(dumps(pipeline))) as dumped,
        zipfile.ZipFile(folder / FILE, "w", zipfile.ZIP_STORED) as archive,
    ):
        schema = json.dumps(json.loads(dumped.read(SCHEMA)))
        schema = ADDRESS.sub(lambda found: places.setdefault(found[0], str(len(places))), schema)
        archive.writestr(zipfile.ZipInfo(SCHEMA), schema)
        for name in sorted(set(dumped.namelist()) - {SCHEMA}, key=lambda name: int(places[Path(name).stem])):
            archive.writestr(zipfile.ZipInfo(f"{places[Path(name).stem]}.npy"), dumped.read(name))


def load(folder: Path, last: str) -> Pipeline:
    """Read what `save` wrote: a pipeline whose last step is called `last`.

    Raises:
        RegistryError: the file is damaged, holds a type that is not trusted, or another model.
    """
    from sklearn.pipeline import Pipeline
    from skops.io import get_untrusted_types
    from skops.io import load as read

    path = folder / FILE
    try:
        strangers = sorted(set(get_untrusted_types(file=path)) - set(TRUSTED))
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise RegistryError(f"{path} is damaged: {error}.", REMEDY) from error
    if strangers:
        raise RegistryError(f"{path} holds the untrusted type {', '.join(strangers)}.", REMEDY)
    try:
        loaded = read(path, trusted=TRUSTED)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise RegistryError(f"{path} is damaged: {error}.", REMEDY) from error
    if not isinstance(loaded, Pipeline):
        raise RegistryError(f"{path} holds a {type(loaded).__name__}, not a Pipeline.", REMEDY)
    if loaded.steps[-1][0] != last:
        raise RegistryError(f"{path} ends in {loaded.steps[-1][0]!r}, not in {last!r}.", REMEDY)
    return loaded
