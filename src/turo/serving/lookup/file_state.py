"""Tells whether a file has been replaced: its inode, time and size."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyarrow import fs

FileState = tuple[Any, ...]


def state(filesystem: fs.FileSystem, path: str) -> FileState:
    """Values that differ once a file has been replaced.

    Raises:
        OSError: there is no such file.
    """
    if filesystem.type_name == "local":
        found = os.stat(path)  # noqa: PTH116 - asked at every request; a Path costs more than the answer
        return found.st_ino, found.st_mtime_ns, found.st_size
    info = filesystem.get_file_info(path)
    if info.mtime is None and info.size is None:
        raise FileNotFoundError(path)
    return info.mtime_ns, info.size
