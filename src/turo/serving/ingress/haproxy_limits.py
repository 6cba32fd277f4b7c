"""Limits for Ray Serve's HAProxy: timeouts, connections per address, and CORS headers of its own refusals.

A part of `turo.serving.ingress.haproxy`; like it, imports nothing heavy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

# As in turo.settings, which would take a third of a second to import.
BODY_S, ANSWER_S = "10", "30"
MARGIN_S = 5.0  # a replica that is alive says itself that it was too slow
SHARE = 4  # one address gets all connections but one in so many: behind Docker's gateway all callers have one

# The last address a replica reads is who really asks; the connection itself is this proxy's.
DEFAULTS = """\
    timeout http-request {body}
    timeout server {answer}
    timeout client {answer}
    option forwardfor{but_not}
"""
# Of one proxy in front it is believed what a browser came by; anybody else might say so only to be believed.
BELIEVED = """\
    http-request del-header x-forwarded- -m beg if !{{ src {proxy} }}
"""
CONNECTIONS = """\
    stick-table type ipv6 size 100k expire 1m store conn_cur
    tcp-request connection track-sc0 src
    tcp-request connection reject if {{ sc0_conn_cur gt {connections} }}
"""
ORIGINS = """\
    http-request set-var(txn.origin) req.hdr(origin) if {{ req.hdr(origin) -m str {origins} }}
    acl told_origin res.hdr(access-control-allow-origin) -m found
    http-after-response add-header vary Origin if {{ var(txn.origin) -m found }} !told_origin
    http-after-response set-header access-control-allow-origin %[var(txn.origin)] \
if {{ var(txn.origin) -m found }} !told_origin
"""
# A body that fits the proxy's buffer is waited for here, where it costs a replica nothing; then 408.
BODIES = """\
    http-request wait-for-body time {body}
"""
# A replica writes head and body one after the other, and may be killed between. What surely fits the buffer
# is passed on whole, or told as 502: a head that is sent cannot be taken back.
WHOLE = """\
    http-request set-var(txn.head_only) bool(true) if METH_HEAD
    http-response wait-for-body time {answer}
    http-response set-var(txn.come) res.body_len
    http-response set-var(txn.missing) res.body_size,sub(txn.come)
    http-response deny deny_status 502 if {{ var(txn.missing) -m int gt 0 }} {{ res.body_size le {fits} }} \
!{{ var(txn.head_only) -m found }} !{{ status 304 }}
"""
# Where Ray writes none.
BUFFER = 16384  # bytes, HAProxy's own
CONNECTIONS_OF_ALL = 4096


def limited(configuration: str, environment: Mapping[str, str]) -> str:
    """The configuration with its limits, and with the origins that may read the proxy's own refusals.

    Args:
        configuration: as Ray writes it.
        environment: SERVE_BODY_TIMEOUT_S, SERVE_TIMEOUT_S, SERVE_CORS_ORIGINS; TRUSTED_PROXY, the address
            of the one proxy in front that says who asks and how.

    Raises:
        ValueError: Ray's template is not the one this was written for.
    """
    seconds = float(environment.get("SERVE_BODY_TIMEOUT_S") or BODY_S)
    longest = seconds + float(environment.get("SERVE_TIMEOUT_S") or ANSWER_S) + MARGIN_S
    body, answer = _milliseconds(seconds), _milliseconds(longest)
    origins = [
        part.strip().lower().rstrip("/") for part in environment.get("SERVE_CORS_ORIGINS", "").split(",")
    ]
    named = " ".join(filter(None, origins))
    proxy = environment.get("TRUSTED_PROXY", "")
    most = _number(configuration, "maxconn", CONNECTIONS_OF_ALL)
    connections = most - most // SHARE
    # There is one limit of each kind, the settings'.
    text = re.sub(r"(?m)^ +timeout (http-request|server|client) \S+\n", "", configuration)
    text = _after(
        text,
        r"defaults\n    mode http\n",
        DEFAULTS.format(body=body, answer=answer, but_not=f" except {proxy}" if proxy else ""),
    )
    text = _after(
        text, r"frontend http_frontend\n    bind \S+\n", CONNECTIONS.format(connections=connections)
    )
    believed = BELIEVED.format(proxy=proxy) if proxy else ""
    rules = believed + (ORIGINS.format(origins=named) if named else "") + BODIES.format(body=body)
    rules += WHOLE.format(answer=answer, fits=_number(configuration, "tune.bufsize", BUFFER) // 2)
    return _after(text, r"(?=    # Routes endpoint\n)", rules)


def _number(configuration: str, setting: str, otherwise: int) -> int:
    """What a global setting of the configuration is, or what it is where nothing is written."""
    found = re.search(rf"(?m)^    {re.escape(setting)} (\d+)$", configuration)
    return int(found[1]) if found else otherwise


def _milliseconds(seconds: float) -> str:
    """HAProxy reads whole numbers only."""
    return f"{round(seconds * 1000)}ms"


def _after(text: str, pattern: str, added: str) -> str:
    changed, count = re.subn(f"(?m)^{pattern}", lambda found: found[0] + added, text)
    if count != 1:
        raise ValueError(f"Ray's HAProxy configuration has {pattern!r} {count} times: amend this module.")
    return changed
