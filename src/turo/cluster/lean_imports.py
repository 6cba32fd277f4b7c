"""Lets a module be imported as if an optional package were not installed.

Ray Serve and scikit-learn import pandas in case somebody hands them a frame. Each of Ray's processes would
hold 30 MiB for that, and nobody does. Whoever imports pandas himself has it as ever, and from then on Ray
Serve knows frames. In the image of ray/ every Python begins with this module (lean_imports.pth, for some
systems have a sitecustomize.py of their own), so it imports nothing that takes long.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

_here = threading.local()  # another thread that imports the package at the same moment gets it
PANDAS_FREE = {"ray.serve._private.utils": "pandas", "sklearn.utils.fixes": "pandas"}


class Finder:
    """To be put first into `sys.meta_path`.

    Args:
        without: module → the package that is not there while it is imported; the module must be able to do
            without. A package that is imported already stays.
        then: module → what is called with it once it is imported.
    """

    def __init__(self, without: Mapping[str, str], then: Mapping[str, Callable[[Any], None]]) -> None:
        self.without = without
        self.then = then

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name in getattr(_here, "absent", ()):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        if name not in self.without and name not in self.then:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader, self.without.get(name), self.then.get(name))
        return spec


class _Loader(SourceFileLoader):
    """Runs the module while the package is absent, then what is to follow."""

    def __init__(
        self, usual: SourceFileLoader, package: str | None, then: Callable[[Any], None] | None
    ) -> None:
        super().__init__(usual.name, usual.path)
        self.package = package
        self.then = then

    def exec_module(self, module: ModuleType) -> None:
        with absent(self.package) if self.package else nullcontext():
            super().exec_module(module)
        if self.then:
            self.then(module)


@contextmanager
def absent(package: str) -> Iterator[None]:
    """In this block the package cannot be imported by this thread, where Python has begun with a Finder.

    What is imported already stays.
    """
    before = getattr(_here, "absent", ())
    _here.absent = (*before, package)
    try:
        yield
    finally:
        _here.absent = before


def serve_knows_frames(pandas: Any) -> None:
    """What Ray Serve's module does where it finds pandas: an application's frame is answered row by row."""
    serve: Any = sys.modules.get("ray.serve._private.utils")
    # Without encoders it is being imported by another thread, and finds pandas by itself.
    if hasattr(serve, "serve_encoders") and serve.pd is None:
        serve.pd = pandas
        serve.serve_encoders[pandas.DataFrame] = serve._ServeCustomEncoders.encode_pandas_dataframe


def begin() -> None:
    """From now on PANDAS_FREE do without."""
    sys.meta_path.insert(0, Finder(PANDAS_FREE, {"pandas": serve_knows_frames}))
