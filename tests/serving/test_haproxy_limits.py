"""Limits that Ray's own HAProxy configuration lacks: put where they belong, and taken by the real program."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from ray.serve._private.haproxy import HAProxyApi, HAProxyConfig, get_haproxy_binary

from turo.serving.haproxy_limits import limited


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What Ray writes before anything is deployed."""
    folder = tmp_path_factory.mktemp("proxy")
    config = HAProxyConfig(
        socket_path=str(folder / "admin.sock"),
        server_state_base=str(folder),
        server_state_file=str(folder / "state"),
        metrics_socket_path=str(folder / "metrics.sock"),
        is_head=True,
    )
    HAProxyApi(config, {}, str(folder / "haproxy.cfg"))._generate_config_file_internal()
    return (folder / "haproxy.cfg").read_text()


def section(text: str, name: str) -> str:
    found = re.search(rf"(?ms)^{name}\n(.*?)(?=^\S|\Z)", text)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [({}, 10), ({"SERVE_BODY_TIMEOUT_S": ""}, 10), ({"SERVE_BODY_TIMEOUT_S": "3"}, 3)],
)
def test_heads_and_bodies_have_the_settings_time(
    written: str, environment: dict[str, str], seconds: int
) -> None:
    earlier = written.replace("    mode http\n", "    mode http\n    timeout http-request 77s\n", 1)
    text = limited(earlier, environment)
    assert re.findall(r"timeout http-request (\S+)", text) == [f"{seconds}s"]
    assert f"timeout http-request {seconds}s" in section(text, "defaults")
    assert f"http-request wait-for-body time {seconds}s" in section(text, "frontend http_frontend")


def test_nobody_has_all_connections_and_replicas_learn_who_asks(written: str) -> None:
    text = limited(written, {})
    most = re.search(r"(?m)^    maxconn (\d+)", text)
    kept = re.search(r"tcp-request connection reject if { sc0_conn_cur gt (\d+) }", text)
    assert most and kept
    assert int(kept[1]) == int(most[1]) * 3 // 4
    assert "option forwardfor" in section(text, "defaults")
    assert "origin" not in text


@pytest.mark.parametrize("origins", ["", "https://App.example.com/, http://localhost:3000"])
def test_haproxy_takes_it(written: str, origins: str, tmp_path: Path) -> None:
    text = limited(written, {"SERVE_CORS_ORIGINS": origins})
    assert ("-m str https://app.example.com http://localhost:3000 }" in text) == bool(origins)
    (tmp_path / "haproxy.cfg").write_text(text)
    done = subprocess.run(
        [get_haproxy_binary(), "-c", "-f", str(tmp_path / "haproxy.cfg")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "ALERT" not in done.stderr


def test_a_template_that_is_not_known_is_not_started() -> None:
    with pytest.raises(ValueError, match="amend this module"):
        limited("global\n    maxconn 1\n", {})
