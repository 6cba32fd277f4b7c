"""The paths of `mlflow models serve`, so that its clients and probes need only another address.

Status and body are those of `mlflow.pyfunc.scoring_server`: a blank line for a probe, a bare version.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version

from turo.serving.http.messages import JSON, Request, Response, allow

INVOCATIONS = "/invocations"
PROBES = ("/ping", "/health")
VERSION = "/version"


def reply(request: Request, serves: bool) -> Response | None:
    """The answer to a probe or to the question for MLflow's version; None for any other path.

    Args:
        request: with the path below a route, or below the root.
        serves: whether a model is there that answers; probes are told 404 otherwise, as MLflow does.

    Raises:
        Problem: 405.
    """
    if request.path in PROBES:
        allow(request, "GET")
        return Response(200 if serves else 404, [JSON], b"\n")
    if request.path == VERSION:
        allow(request, "GET")
        return Response(200, [JSON], mlflow_version())
    return None


@cache
def mlflow_version() -> bytes:
    """Of the MLflow that this process has, looked up without importing it."""
    for package in ("mlflow", "mlflow-skinny"):
        try:
            return version(package).encode()
        except PackageNotFoundError:
            continue
    return b"unknown"
