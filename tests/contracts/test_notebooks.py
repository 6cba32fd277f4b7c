"""Committed notebooks: valid, without outputs, every cell compiles. The stack test runs them."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((REPOSITORY / "jupyter" / "notebooks").glob("*.ipynb"))


def cells(path: Path, kind: str) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == kind]


def test_there_is_a_notebook() -> None:
    assert "explore.ipynb" in [path.name for path in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_valid(path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbformat.validate(nbformat.read(path, as_version=4))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_code_cells_compile_and_carry_no_outputs(path: Path) -> None:
    for cell in cells(path, "code"):
        ast.parse("".join(cell["source"]))
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_written_for_readers(path: Path) -> None:
    """A title first, and a word before every few cells of code."""
    kinds = [cell["cell_type"] for cell in json.loads(path.read_text())["cells"]]
    assert "".join(cells(path, "markdown")[0]["source"]).startswith("# ")
    runs = " ".join(kinds).split("markdown")
    assert max(run.split().count("code") for run in runs) <= 3
