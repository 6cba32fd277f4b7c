"""One load run: keep-alive connections that post one body as fast as answers come, latencies and throughput.

wrk where it is installed (it takes the least of the machine), else a client of asyncio sockets.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

LUA = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
{headers}
local file = io.open("{body}", "rb")
wrk.body = file:read("*a")
file:close()
"""
Headers = Mapping[str, str]
UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


@dataclass(frozen=True)
class Figures:
    """What one run showed; any answer but 200 makes the run worthless."""

    per_second: float
    p50_ms: float
    p99_ms: float


def tool() -> str:
    """What makes the load here."""
    return "wrk" if shutil.which("wrk") else "asyncio sockets"


def run(url: str, body: bytes, headers: Headers, clients: int, seconds: float) -> Figures:
    """Load one address."""
    if shutil.which("wrk"):
        return _wrk(url, body, headers, clients, seconds)
    return asyncio.run(_sockets(url, body, headers, clients, seconds))


def _wrk(url: str, body: bytes, headers: Headers, clients: int, seconds: float) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "body").write_bytes(body)
        script = Path(folder) / "post.lua"
        more = "\n".join(f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items())
        script.write_text(LUA.replace("{body}", f"{folder}/body").replace("{headers}", more))
        command = [
            "wrk",
            "-t1",
            f"-c{clients}",
            f"-d{seconds:g}s",
            "--latency",
            "--timeout",
            "30s",
            "-s",
            str(script),
            url,
        ]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in told or "Socket errors" in told:
        raise RuntimeError(f"{url} did not answer every request:\n{told}")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", told)[1])  # type: ignore[index]
    return Figures(rate, _latency(told, "50%"), _latency(told, "99%"))


def _latency(told: str, share: str) -> float:
    value, unit = re.search(rf"{share}\s+([\d.]+)(us|ms|s)", told).groups()  # type: ignore[union-attr]
    return float(value) * UNITS[unit]


async def _sockets(url: str, body: bytes, headers: Headers, clients: int, seconds: float) -> Figures:
    parts = urlsplit(url)
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = (
        f"POST {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
        f"{more}Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    end = time.perf_counter() + seconds
    taken: list[float] = []

    async def client() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        while time.perf_counter() < end:
            began = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(f"{url} answered {head[:200]!r}")
            await _skip_body(reader, head.lower())
            taken.append((time.perf_counter() - began) * 1e3)
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    ordered = sorted(taken)
    return Figures(len(ordered) / seconds, statistics.median(ordered), ordered[int(len(ordered) * 0.99)])


async def _skip_body(reader: asyncio.StreamReader, head: bytes) -> None:
    if b"transfer-encoding: chunked" in head:
        while size := int(await reader.readline(), 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    elif length := re.search(rb"\ncontent-length: *(\d+)", head):
        await reader.readexactly(int(length[1]))
