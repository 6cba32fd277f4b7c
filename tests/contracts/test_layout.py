"""The house: layers, sizes of files and folders, and texts that name modules which exist."""

import ast
import re
import subprocess
from pathlib import Path

from tools import REPOSITORY, program

PACKAGE = REPOSITORY / "src/turo"
SOURCES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES, MOST_FILES = 200, 15
PARTS = "|".join(sorted(path.name for path in PACKAGE.iterdir() if path.is_dir()))
NAMED = re.compile(rf"(?<![\w./-])turo\.(?:{PARTS})(?:\.[a-z_][a-z_0-9]*)+(?!\w)")
PATH = re.compile(r"(?<![\w/])src/turo/[\w/]+(?:\.py|/)")
SHORT = re.compile(
    r"`((?:[\w-]+/)+[\w-]+\.py)`"
)  # as texts name a file: from the repository, or from the package
TEXTS = (".py", ".md", ".yml", ".yaml", ".toml", ".sh", ".ipynb", "")
OTHER_NAMES = ("CHANGELOG.md", "uv.lock")  # speak of the past, or of packages


def texts() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    paths = [REPOSITORY / name for name in listed.stdout.splitlines() if name not in OTHER_NAMES]
    return [path for path in paths if path.is_file() and path.suffix in TEXTS]


def test_no_arrow_goes_upwards_and_there_is_no_circle() -> None:
    told = subprocess.run(
        [program("lint-imports"), "--no-cache"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout


def test_a_file_is_read_in_one_go() -> None:
    lines = {path: len(path.read_text().splitlines()) for path in SOURCES}
    assert {path: count for path, count in lines.items() if count > MOST_LINES} == {}


def test_folders_can_be_taken_in_at_a_glance() -> None:
    counted = {folder: len(list(folder.glob("*.py"))) - 1 for folder in {path.parent for path in SOURCES}}
    assert {folder: count for folder, count in counted.items() if count > MOST_FILES} == {}


def test_packages_hold_a_docstring_and_nothing_else() -> None:
    for path in PACKAGE.rglob("__init__.py"):
        body = ast.parse(path.read_text()).body
        assert len(body) == 1, path
        assert isinstance(body[0], ast.Expr), path


def exists(dotted: str) -> bool:
    """Is there a module of that name, or a module in which the next part is spoken of?"""
    parts = dotted.split(".")
    for end in range(len(parts), 1, -1):
        base = PACKAGE.parent.joinpath(*parts[:end])
        if base.is_dir():
            return end == len(parts)
        if (module := base.with_suffix(".py")).is_file():
            return end == len(parts) or re.search(rf"\b{parts[end]}\b", module.read_text()) is not None
    return False


def test_texts_name_modules_that_exist() -> None:
    """Also in comments, settings, YAML and notebooks. Tags and metrics (`turo.fleet`) have no third part."""
    named = {(path, name) for path in texts() for name in NAMED.findall(path.read_text())}
    assert not sorted(f"{path.relative_to(REPOSITORY)}: {name}" for path, name in named if not exists(name))


def test_texts_name_files_that_exist() -> None:
    short = {(path, name) for path in texts() for name in SHORT.findall(path.read_text())}
    assert not sorted(
        f"{path.relative_to(REPOSITORY)}: {name}"
        for path, name in short
        if not any((folder / name).exists() for folder in (REPOSITORY, PACKAGE, path.parent))
    )
    named = {(path, name) for path in texts() for name in PATH.findall(path.read_text())}
    assert not sorted(
        f"{path.relative_to(REPOSITORY)}: {name}" for path, name in named if not (REPOSITORY / name).exists()
    )
