"""`.env` is read as Docker Compose reads it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from compose_file import compose_config
from hypothesis import given, settings
from hypothesis import strategies as st

from turo.operate.doctor.env_file import parse

TEXTS = [
    "A=x y # c\nB=x#y\nC= z \n",
    "A = b\n",
    "A='x y'\nB=\"q $A\"\nC=pa$word\n",
    "export A=1\nB: 2\n",
    'A=it\'s\nB=a"b"\n',
    "A=a\\$b\nB=$$x\nC=${D:-q}\n",
    "\ufeffA=1\nB=2\r\n",
    "A=1\nA=2\n",
    'A="x" # c\n',
    'A="x\\ny"\nB="a\\$C"\n',
    "A=#x\nB=$(id)\nC=100%\n",
    "A=p$$$ss\nB=pa$\nC=a$1b\n",
    'A="a$$b"\nB="two\nlines"\n',
]


def of_compose(text: str, folder: Path) -> dict[str, str]:
    """What Compose itself makes of the file; skipped where it is not installed."""
    compose_config("docker-compose.yml")
    (folder / "env").write_text(text)
    (folder / "c.yml").write_text(
        "services: {a: {image: x, environment: {A: '${A-}', B: '${B-}', C: '${C-}'}}}\n"
    )
    words = ["docker", "compose", "--env-file", "env", "-f", "c.yml", "config", "--format", "json"]
    plain = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    done = subprocess.run(words, cwd=folder, env=plain, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)["services"]["a"]["environment"]
    return {name: value.replace("$$", "$") for name, value in told.items()}


@pytest.mark.parametrize("text", TEXTS)
def test_values_are_those_of_compose(text: str, tmp_path: Path) -> None:
    values = parse(text).values
    assert {name: values.get(name, "") for name in "ABC"} == of_compose(text, tmp_path)


@settings(max_examples=50, deadline=None)
@given(st.text())
def test_whatever_is_there_is_told(text: str) -> None:
    found = parse(text)
    lines = [entry.line for entry in found.entries] + [line for line, _ in found.faults]
    assert len(lines) == len(set(lines))


@settings(deadline=None)
@given(
    st.dictionaries(st.from_regex(r"[A-Z][A-Z_]{0,8}", fullmatch=True), st.text('abc #$="\\é-', max_size=8))
)
def test_single_quotes_keep_everything(values: dict[str, str]) -> None:
    assert parse("".join(f"{name}='{value}'\n" for name, value in values.items())).values == values
