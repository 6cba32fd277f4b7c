"""Lets a module be imported as if a package that it takes only where it is installed were not.

Ray Serve and scikit-learn import pandas in case somebody hands them a frame. Each of Ray's processes would
hold 30 MiB for that, and nobody does. Whoever else imports the package has it as ever. In the image of ray/
every Python begins with it (lean_imports.pth; a sitecustomize.py is what some systems have themselves).
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

_here = threading.local()  # another thread that imports the package at the same moment gets it
PANDAS_FREE = {"ray.serve._private.utils": "pandas", "sklearn.utils.fixes": "pandas"}


class Finder(MetaPathFinder):
    """To be put first into `sys.meta_path`.

    Args:
        without: module → the package that is not there while it is imported; the module must be able to do
            without. A package that is imported already stays.
    """

    def __init__(self, without: Mapping[str, str]) -> None:
        self.without = without

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name in getattr(_here, "absent", ()):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        if name not in self.without:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader, self.without[name])
        return spec


class _Loader(SourceFileLoader):
    """Runs the module while the package is absent."""

    def __init__(self, usual: SourceFileLoader, package: str) -> None:
        super().__init__(usual.name, usual.path)
        self.package = package

    def exec_module(self, module: ModuleType) -> None:
        with absent(self.package):
            super().exec_module(module)


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


def begin() -> None:
    """From now on PANDAS_FREE do without."""
    sys.meta_path.insert(0, Finder(PANDAS_FREE))
