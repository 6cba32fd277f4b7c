"""From an archive to where its files belong: first beside their places, then all at once by renaming."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from contextlib import ExitStack
from pathlib import Path, PurePosixPath

from turo.operate.backup.archive_reader import Source
from turo.operate.backup.empty_stack import STAGE
from turo.operate.backup.folder_snapshot import REPLACED
from turo.operate.backup.places import Places

CONTAINERS = 1000  # the user as whom everything that writes to these folders runs


class Unpacked:
    """What an archive holds, on disk but not in its places.

    Attributes:
        work: has `postgres/`, `project/` and `secrets/`, as the archive does.
    """

    def __init__(self, here: Places, work: Path, stack: ExitStack) -> None:
        self.work = work
        self._mlflow = here.mlflow_database
        # Beside their places, so that they get there by renaming.
        wanted = {"datas": here.datas, "artifacts": here.artifacts}
        if self._mlflow is not None:
            wanted["mlflow.db"] = self._mlflow.parent
        self._targets = {name: folder for name, folder in wanted.items() if folder is not None}
        self._stages = dict[str, Path]()
        for name, folder in self._targets.items():
            folder.mkdir(parents=True, exist_ok=True)
            for leftover in folder.glob(f"{STAGE}*"):  # of one that was killed
                shutil.rmtree(leftover, ignore_errors=True)
            self._stages[name] = Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix=STAGE, dir=folder))
            )

    def take(self, member: tarfile.TarInfo, source: Source) -> None:
        """Write one member down; nothing of what an earlier restore had put aside."""
        name = PurePosixPath(member.name)
        if name.parts[1:2] == (REPLACED,):  # archives had it once, and its place may be taken
            return
        base = self._stages.get(name.parts[0])
        target = (
            self.work / name
            if base is None
            else base / (name.relative_to(name.parts[0]) if name.parts[1:] else name)
        )
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as handle:
            shutil.copyfileobj(source, handle, 1 << 20)
        if base is not None:
            target.chmod(member.mode & 0o777)
            os.utime(target, (member.mtime, member.mtime))
            self._give(target, self._targets[name.parts[0]], member.uid)

    def _give(self, path: Path, home: Path, uid: int) -> None:
        """As root: to the containers' user what was theirs, all else to whoever owns the folder."""
        if os.geteuid() == 0:
            owner = home.stat()
            os.chown(path, CONTAINERS if uid == CONTAINERS else owner.st_uid, owner.st_gid)

    def put_in_place(self, undo: ExitStack, aside: list[Path]) -> None:
        """Rename everything into its place. What `undo` closes is as before.

        Args:
            aside: files that make room, into a folder of their own beside them.
        """
        for path in aside:
            kept = path.parent / REPLACED / path.name
            kept.parent.mkdir(exist_ok=True)
            _rename(path, kept, undo)
        for name, stage in self._stages.items():
            for path in sorted(stage.iterdir()):
                target = self._targets[name] / path.name
                if name == "mlflow.db" and self._mlflow is not None:
                    target = self._mlflow
                if path.is_dir():
                    self._give_folders(path, self._targets[name])
                _rename(path, target, undo)

    def _give_folders(self, path: Path, home: Path) -> None:
        for place, _, _ in os.walk(path):
            self._give(Path(place), home, CONTAINERS)


def _rename(path: Path, target: Path, undo: ExitStack) -> None:
    path.replace(target)
    undo.callback(target.replace, path)
