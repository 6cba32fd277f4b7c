"""Where `%pip install` puts packages: a folder that lives as long as this container."""

from __future__ import annotations

import shutil
import socket
import sys
from pathlib import Path

MARK = ".container"


def prepare(folder: Path, container: str = "") -> Path:
    """Empty the folder unless this container filled it; returns where Python finds packages in it.

    The folder is a volume and outlives the container: another image has other libraries beside it.
    """
    container = container or socket.gethostname()
    mark = folder / MARK
    if not mark.is_file() or mark.read_text() != container:
        for path in folder.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        mark.write_text(container)
    found = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    found.mkdir(parents=True, exist_ok=True)
    return found
