"""Old archives make room: only files called as ours are, and none that somebody counts on."""

from __future__ import annotations

import re
from pathlib import Path

from turo.operate.backup.archive_name import archives

UPGRADE = "upgrade.state"  # of ./upgrade.sh while one is under way: its only way back is an archive


def remove_old(folder: Path, kept: int, good: Path) -> list[str]:
    """Remove all but the `kept` newest archives; names of those removed, newest first.

    Those made to be kept, and the one that an upgrade may return to, are neither removed nor counted.

    Args:
        good: the new archive. It stays even where others claim to be newer: a clock may have been ahead.
    """
    try:
        needed = _of_upgrade(folder)
    except OSError:  # there is one, and it may need any of them
        return []
    found = [each.path for each in archives(folder) if not each.kept and each.path.name != needed]
    surplus = [path for path in found[kept:] if path != good]
    for path in surplus:
        path.unlink(missing_ok=True)
    return [path.name for path in surplus]


def _of_upgrade(folder: Path) -> str:
    try:
        told = (folder / UPGRADE).read_text()
    except FileNotFoundError:
        return ""
    found = re.search(r"^archive=(.*)$", told, re.MULTILINE)
    return found[1] if found else ""
