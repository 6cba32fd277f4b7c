"""Archives that are damaged, cut, foreign or hostile: refused whole, each with its reason."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from turo.errors import InputError
from turo.operate.backup.archive_reader import verify
from turo.operate.backup.archive_writer import archive_writer
from turo.operate.backup.manifest import FORMAT, Manifest

GOOD = {"datas/datas.csv": b"table" * 1000, "secrets/redis": b"s3cret"}


def write(path: Path, members: dict[str, bytes] = GOOD) -> Path:
    """An archive as `turo backup` makes it."""
    with archive_writer(path, path.parent) as archive:
        for name, content in members.items():
            with tempfile.TemporaryFile() as source:
                source.write(content)
                source.seek(0)
                archive.add_still_file(name, source)
        archive.finish(
            Manifest("2026-11-28T03:30:00+00:00", {"turo": "0.1.0"}, "sqlite", members=archive.members)
        )
    return path


def by_hand(path: Path, put: list[tarfile.TarInfo], contents: dict[str, bytes], **manifest: Any) -> Path:
    """An archive of any members at all, with a list that fits them."""
    listed = {
        name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in contents.items()
    }
    told = {"format": FORMAT, "made_at": "2026", "versions": {}, "mlflow_store": "sqlite", "running": [],
            "notes": [], "members": listed} | manifest  # fmt: skip
    text = json.dumps(told).encode()
    last = tarfile.TarInfo("manifest.json")
    last.size = len(text)
    with tarfile.open(path, "w:gz") as tar:
        for member in put:
            content = contents.get(member.name, b"") if member.isreg() else b""
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        tar.addfile(last, io.BytesIO(text))
    return path


def of_kind(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def test_what_was_written_is_read(tmp_path: Path) -> None:
    manifest = verify(write(tmp_path / "a.tar.gz"))
    assert {name: digest.size for name, digest in manifest.members.items()} == {
        name: len(content) for name, content in GOOD.items()
    }
    assert manifest.versions == {"turo": "0.1.0"}


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_bit_that_flips_is_noticed_or_of_no_matter(tmp_path: Path, where: float, bit: int) -> None:
    whole = write(tmp_path / f"{where}-{bit}.tar.gz")
    content = bytearray(whole.read_bytes())
    content[int(where * len(content))] ^= 1 << bit
    whole.write_bytes(content)
    try:
        found = verify(whole)
    except InputError as error:
        assert error.remedy
    else:  # in the head of the compressed stream: its time, its system
        assert set(found.members) == set(GOOD)
    finally:
        whole.unlink()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_one_that_is_cut_short_is_refused(tmp_path: Path, share: float) -> None:
    whole = write(tmp_path / "a.tar.gz")
    content = whole.read_bytes()
    whole.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match=r"damaged|cut short"):
        verify(whole)


HOSTILE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a parent folder": (
        lambda path: by_hand(path, [tarfile.TarInfo("datas/../../etc")], {"datas/../../etc": b"x"}),
        "outside of its folder",
    ),
    "an absolute path": (
        lambda path: by_hand(path, [tarfile.TarInfo("/etc/passwd")], {"/etc/passwd": b"x"}),
        "outside of its folder",
    ),
    "a dot in the path": (
        lambda path: by_hand(path, [tarfile.TarInfo("datas/./a")], {"datas/./a": b"x"}),
        "outside of its folder",
    ),
    "a symbolic link": (
        lambda path: by_hand(path, [of_kind("datas/a", tarfile.SYMTYPE, "/etc")], {}),
        "a link",
    ),
    "a hard link": (
        lambda path: by_hand(path, [of_kind("datas/a", tarfile.LNKTYPE, "datas/b")], {}),
        "a link",
    ),
    "a device": (lambda path: by_hand(path, [of_kind("datas/a", tarfile.CHRTYPE)], {}), "a device"),
    "a folder": (lambda path: by_hand(path, [of_kind("datas", tarfile.DIRTYPE)], {}), "a folder"),
    "a foreign member": (
        lambda path: by_hand(path, [tarfile.TarInfo("wp-content/x.php")], {"wp-content/x.php": b"x"}),
        "nothing that a backup of this platform holds",
    ),
    "a member twice": (
        lambda path: by_hand(path, [tarfile.TarInfo("datas/a") for _ in "12"], {"datas/a": b"x"}),
        "in it twice",
    ),
    "a member that is not listed": (
        lambda path: by_hand(path, [tarfile.TarInfo("datas/a")], {"datas/a": b"x"}, members={}),
        "datas/a is not in its list",
    ),
    "a listed member that is missing": (
        lambda path: by_hand(path, [], {"datas/a": b"x"}),
        "datas/a is in its list, not in it",
    ),
    "another content": (
        lambda path: by_hand(
            path, [tarfile.TarInfo("datas/a")], {"datas/a": b"x"},
            members={"datas/a": {"size": 1, "sha256": hashlib.sha256(b"y").hexdigest()}},
        ),
        "datas/a is not what its list says",
    ),
    "a later format": (lambda path: by_hand(path, [], {}, format=FORMAT + 1), "of format 2"),
    "a list without digests": (
        lambda path: by_hand(path, [], {}, members={"datas/a": {"size": 1, "sha256": "?"}}),
        "cannot be read",
    ),
    "a list that is no list": (lambda path: by_hand(path, [], {}, members=7), "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_refused(tmp_path: Path, name: str) -> None:
    make, why = HOSTILE[name]
    with pytest.raises(InputError, match=why) as told:
        verify(make(tmp_path / "a.tar.gz"))
    assert told.value.remedy


def test_something_after_the_list_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tar.gz")
    plain = gzip.decompress(path.read_bytes()).rstrip(b"\0")
    plain += b"\0" * (-len(plain) % tarfile.BLOCKSIZE)
    more = io.BytesIO()
    with tarfile.open(fileobj=more, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("datas/late"))
    path.write_bytes(gzip.compress(plain + more.getvalue()))
    with pytest.raises(InputError, match="follows its manifest"):
        verify(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"no archive", gzip.compress(b"no tar"), gzip.compress(b"\0" * 10240)],
    ids=["empty", "text", "no tar in it", "a tar with nothing in it"],
)
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tar.gz").write_bytes(content)
    with pytest.raises(InputError, match=r"no archive|no manifest"):
        verify(tmp_path / "a.tar.gz")


def test_a_tar_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_text("x")
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "holiday.jpg", "datas/holiday.jpg")
    with pytest.raises(InputError, match=r"no manifest\.json"):
        verify(tmp_path / "a.tar.gz")


def test_a_folder_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        verify(tmp_path)
