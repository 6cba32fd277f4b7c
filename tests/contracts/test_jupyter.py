"""JupyterLab as configured here: a notebook tells why its kernel died, packages live with the container."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from compose_file import REPOSITORY
from notebook import Notebook

from turo.demo.services import free_port

JUPYTER = REPOSITORY / "jupyter"
PORTS = 5  # to try: another process may take one while Jupyter is starting
CONFIG = """
import sys
sys.path.insert(0, {folder!r})
from pathlib import Path
import kernel_death
kernel_death.EVENTS = (Path("none"), Path({events!r}))
kernel_death.LIMITS = (Path({limit!r}),)
kernel_death.TellingConnection.kills_before = kernel_death.memory_kills()
c = get_config()
c.ServerApp.kernel_websocket_connection_class = kernel_death.TellingConnection
c.IdentityProvider.token = {token!r}
c.ServerApp.allow_root = True
c.ServerApp.open_browser = False
c.ServerApp.port = {port}
c.ServerApp.port_retries = 0  # it would move on to another without a word
c.ServerApp.root_dir = {root!r}
"""
DIE = "import os, signal; os.kill(os.getpid(), signal.SIG{})"


@pytest.fixture
def counter(tmp_path: Path) -> Path:
    """What Linux counts of processes that it killed for memory; the container had one before."""
    path = tmp_path / "memory.events"
    path.write_text("low 0\nhigh 0\nmax 901\noom 3\noom_kill 1\noom_group_kill 0\n")
    return path


@pytest.fixture
def notebook(tmp_path: Path, counter: Path) -> Iterator[Notebook]:
    """A notebook on a Jupyter server with our connection class."""
    (tmp_path / "memory.max").write_text(f"{3 << 29}\n")
    token = secrets.token_hex()
    for _ in range(PORTS):
        url, server = start(tmp_path, counter, token)
        try:
            if not answers(url, token, server):
                continue
            with Notebook(url, token) as opened:
                yield opened
            return
        finally:
            server.kill()  # its kernel has been ended by then
            server.wait()
    pytest.fail(f"Jupyter ended at each of {PORTS} ports:\n{(tmp_path / 'log').read_text()}")


def start(folder: Path, counter: Path, token: str) -> tuple[str, subprocess.Popen[bytes]]:
    """A Jupyter server that is starting, and where it will answer."""
    port = free_port(0)
    config = folder / "config.py"
    config.write_text(
        CONFIG.format(
            folder=str(JUPYTER), events=str(counter), limit=str(folder / "memory.max"),
            token=token, port=port, root=str(folder),
        )
    )  # fmt: skip
    home = {f"JUPYTER_{kind}_DIR": str(folder / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    with (folder / "log").open("a") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyter_server", f"--config={config}"],
            stdout=log, stderr=log, env={**os.environ, **home},
        )  # fmt: skip
    return f"http://127.0.0.1:{port}", server


def answers(url: str, token: str, server: subprocess.Popen[bytes]) -> bool:
    """Wait until the server that knows this token answers; False where ours ends instead."""
    headers = {"Authorization": f"token {token}"}
    while server.poll() is None:
        try:
            httpx.get(f"{url}/api/status", headers=headers, trust_env=False).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.2)
        else:
            return True
    return False


def test_a_kernel_that_died_says_why_below_its_cell(notebook, counter):
    grow = f"from pathlib import Path; p = Path({str(counter)!r}); p.write_text(p.read_text()"
    shown = notebook.run(f"{grow}.replace('oom_kill 1', 'oom_kill 2')); {DIE.format('KILL')}")
    assert shown.startswith("The kernel was killed: it needed more than the 1.5 GiB of this container.")
    assert "JUPYTER_MEM_LIMIT" in shown
    assert notebook.run("print(6 * 7)") == "42\n"  # a new one is there
    # Killed again, but not for memory; and one that crashed of its own.
    assert notebook.run(DIE.format("KILL")) == (
        "The kernel was killed from outside. Its variables are gone.\n"
    )
    assert notebook.run("print(6 * 7)") == "42\n"
    assert notebook.run(DIE.format("ABRT")) == ""


def test_packages_live_as_long_as_the_container(tmp_path):
    module = {"JUPYTER": str(JUPYTER), "FOLDER": str(tmp_path)}
    code = """
import os, sys
from pathlib import Path
sys.path.insert(0, os.environ["JUPYTER"])
import packages
print(packages.prepare(Path(os.environ["FOLDER"]), sys.argv[1]))
"""

    def started(container: str) -> Path:
        done = subprocess.run(
            [sys.executable, "-c", code, container],
            env=os.environ | module, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return Path(done.stdout.strip())

    found = started("one")
    assert found.is_dir()
    assert found.is_relative_to(tmp_path)
    (found / "cowsay.py").touch()
    (tmp_path / "link").symlink_to(JUPYTER)
    assert (started("one") / "cowsay.py").exists()  # a restart
    assert not (started("two") / "cowsay.py").exists()  # a new container, perhaps of another image
    assert not (tmp_path / "link").exists()
    assert (JUPYTER / "packages.py").exists()


def test_no_news_and_no_looking_for_updates():
    chosen = json.loads((JUPYTER / "overrides.json").read_text())
    notification = chosen["@jupyterlab/apputils-extension:notification"]
    assert notification["fetchNews"] == "false"  # a word: JupyterLab's own schema
    assert notification["checkForUpdates"] is False
