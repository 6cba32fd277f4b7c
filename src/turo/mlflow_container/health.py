"""`python -m turo.mlflow_container.health`: exit 0 only if MLflow, the reconciler and every route answer.

What is wrong goes to stderr; a champion that is refused, while another version answers, is told on stdout.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from turo import settings as settings_module
from turo.mlflow_container.progress import lasting_problems
from turo.settings import Settings

TIMEOUT_S = 5.0
PATIENT = "--patient"
STALE_S = 300.0  # the reconciler writes its status every few seconds, unless a service keeps it waiting


def problems(settings: Settings) -> list[str]:
    """What does not answer, each with what the reconciler knows about it."""
    serve = settings.serve_url.rstrip("/")
    asked = {"mlflow": f"http://127.0.0.1:{settings.tracking_port}/health"}
    asked |= {name: f"{serve}/{name}" for name in settings.model_names}
    with ThreadPoolExecutor() as pool:
        answers = pool.map(lambda url: answer(url, settings.serve_api_key), asked.values())
    status = _status(settings)
    known = {name: json.dumps(route) for name, route in status.get("routes", {}).items()}
    found = zip(asked, answers, strict=True)
    wrong = [f"{name}: {wrong} {known.get(name, '')}".strip() for name, wrong in found if wrong]
    if "written_at" not in status:  # a restart: routes may answer, but nobody watches over them yet
        wrong.append("reconciler: it has not looked yet")
    elif (age := time.time() - status["written_at"]) > STALE_S:
        wrong.append(f"reconciler: it wrote its status {age:.0f} s ago; its log says what it waits for")
    return wrong


def refusals(settings: Settings) -> list[str]:
    """Champions that cannot be served, and what answers in their place."""
    routes = _status(settings).get("routes", {})
    return [
        f"{name}: version {version} is refused ({reason}); version {route['version'] or 'none'} answers"
        for name, route in routes.items()
        for version, reason in route["refused"].items()
    ]


def answer(url: str, api_key: str = "") -> str | None:
    """What is wrong with one address, or None."""
    headers = {"Accept": "application/json"} | ({"X-API-Key": api_key} if api_key else {})
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - addresses from the settings
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=TIMEOUT_S):
            return None
    except urllib.error.HTTPError as error:
        return f"{url} answers {error.code}"
    except OSError as error:
        return f"{url} does not answer ({error})"


def _status(settings: Settings) -> dict[str, Any]:
    try:
        return dict(json.loads(settings.status_file.read_text()))
    except (OSError, ValueError):
        return {}


def main() -> int:
    """Print what is wrong; the exit code is the verdict. With --patient once nothing may pass by itself."""
    settings = settings_module.load()
    patient = PATIENT in sys.argv[1:]
    found = lasting_problems(lambda: problems(settings), settings) if patient else problems(settings)
    sys.stdout.writelines(f"{line}\n" for line in refusals(settings))
    sys.stderr.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
