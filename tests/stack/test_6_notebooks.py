"""Notebooks in the real container: packages of one's own, and a kernel that needs too much memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from compose_stack import Stack
from notebook import Notebook

pytestmark = pytest.mark.stack

# A wheel is an archive with files of metadata; made here, so that no package index is needed.
WHEEL = """
import zipfile
with zipfile.ZipFile("/tmp/{name}-1.0-py3-none-any.whl", "w") as wheel:
    wheel.writestr("{name}.py", "ANSWER = 42")
    info = "{name}-1.0.dist-info/"
    needs = "Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\nRequires-Dist: numpy"
    wheel.writestr(info + "METADATA", needs)
    wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any")
    wheel.writestr(info + "RECORD", "")
"""


@pytest.fixture
def notebook(stack: Stack) -> Iterator[Notebook]:
    token = stack.execute("jupyter", "cat", "/run/secrets/jupyter/token").strip()
    with Notebook(stack.url("jupyter", 8888), token) as opened:
        yield opened


@pytest.mark.parametrize(("install", "name"), [("%pip install", "tool_a"), ("!pip install", "tool_b")])
def test_a_package_is_installed_where_the_kernel_finds_it(
    notebook: Notebook, install: str, name: str
) -> None:
    notebook.run(WHEEL.format(name=name))
    said = notebook.run(f"{install} --no-index /tmp/{name}-1.0-py3-none-any.whl")
    assert notebook.run(f"import {name}; print({name}.ANSWER)") == "42\n", said


def test_the_libraries_of_training_and_serving_stay_as_they_are(notebook: Notebook) -> None:
    before = notebook.run("import numpy; print(numpy.__version__)")
    assert "constraint" in notebook.run("%pip install --no-index 'numpy<2'")
    assert notebook.run("import numpy; print(numpy.__version__)") == before


def test_a_kernel_that_needs_too_much_memory_says_so(notebook: Notebook) -> None:
    assert "it needed more than the 2.0 GiB of this container" in notebook.run("x = bytearray(6 << 30)")
    assert notebook.run("print('again')") == "again\n"
