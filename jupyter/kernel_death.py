"""Tell in the notebook why its kernel died: JupyterLab itself only says that it did."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any, ClassVar

from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1, serialize_msg_to_ws_v1
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

# What the Linux kernel keeps about this container, under control groups 2 and 1.
EVENTS = (Path("/sys/fs/cgroup/memory.events"), Path("/sys/fs/cgroup/memory/memory.oom_control"))
LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
MOST = 1 << 50  # more than any machine has: no limit
V1 = "v1.kernel.websocket.jupyter.org"


def memory_kills() -> int:
    """How many processes of this container were killed for its memory; 0 where that is not told."""
    for path in EVENTS:
        if path.is_file():
            return sum(
                int(line.split()[1]) for line in path.read_text().splitlines() if line.startswith("oom_kill ")
            )
    return 0


def memory_limit() -> str:
    """What this container may use, in words."""
    for path in LIMITS:
        if path.is_file() and (text := path.read_text().strip()).isdigit() and int(text) < MOST:
            return f"the {int(text) / 2**30:.1f} GiB of this container"
    return "the memory of this machine"


def explain(status: int | None, kills: int) -> str:
    """Why a kernel ended with this exit status; empty where that is nobody's but its own.

    Args:
        status: as Python's subprocess gives it; negative is a signal.
        kills: processes killed for memory since the last death of a kernel.
    """
    if status != -signal.SIGKILL:
        return ""
    if not kills:
        return "The kernel was killed from outside. Its variables are gone.\n"
    return (
        f"The kernel was killed: it needed more than {memory_limit()}. Its variables are gone. "
        "Read less at once (fewer columns, polars.scan_parquet), or set JUPYTER_MEM_LIMIT in .env "
        "and run `docker compose up -d jupyter`.\n"
    )


class TellingConnection(ZMQChannelsWebsocketConnection):
    """A notebook's connection that writes the cause below the cell that ran."""

    kills_before = memory_kills()
    causes: ClassVar[dict[int, str]] = {}  # by the dead process: a notebook may be open twice
    asked: dict[str, Any] | None = None

    def handle_incoming_message(self, incoming_msg: Any) -> None:
        """Remember which cell runs."""
        if self.subprotocol == V1:
            _, parts = deserialize_msg_from_ws_v1(incoming_msg)
            header = self.session.unpack(parts[0])
        else:
            header = {} if isinstance(incoming_msg, bytes) else json.loads(incoming_msg)["header"]
        if header.get("msg_type") == "execute_request":
            self.asked = header
        super().handle_incoming_message(incoming_msg)

    def on_kernel_restarted(self) -> None:
        """Tell before JupyterLab forgets the cell that ran."""
        self.tell()
        super().on_kernel_restarted()

    def on_restart_failed(self) -> None:
        """The same where no new kernel comes."""
        self.tell()
        super().on_restart_failed()

    def tell(self) -> None:
        """Write the cause, if it is known, into the notebook and into the log."""
        process = getattr(self.kernel_manager.provisioner, "process", None)
        if process is None:
            return
        kind, kills = type(self), memory_kills()
        if process.pid not in kind.causes:
            kind.causes[process.pid] = explain(process.returncode, kills - kind.kills_before)
            kind.kills_before = kills
        if not (cause := kind.causes[process.pid]):
            return
        self.log.warning("kernel %s: %s", self.kernel_id, cause.strip())
        message = self.session.msg("stream", {"name": "stderr", "text": cause}, parent=self.asked)
        if self.subprotocol == V1:
            self.write_message(serialize_msg_to_ws_v1(message, "iopub", self.session.pack), binary=True)
        else:
            self.write_message(json.dumps({**message, "channel": "iopub"}, default=str))
