"""`python -m turo.serving.health`: exit 0 only if MLflow and every configured route answer; else say why."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from turo import settings as settings_module
from turo.settings import Settings

TIMEOUT_S = 5.0


def problems(settings: Settings) -> list[str]:
    """What does not answer, each with what the reconciler knows about it."""
    serve = settings.serve_url.rstrip("/")
    asked = {"mlflow": f"http://127.0.0.1:{settings.tracking_port}/health"}
    asked |= {name: f"{serve}/{name}" for name in settings.model_names}
    with ThreadPoolExecutor() as pool:
        answers = pool.map(lambda url: answer(url, settings.serve_api_key), asked.values())
    known = _status(settings)
    found = zip(asked, answers, strict=True)
    return [f"{name}: {wrong} {known.get(name, '')}".strip() for name, wrong in found if wrong]


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


def _status(settings: Settings) -> dict[str, str]:
    try:
        status = json.loads(settings.status_file.read_text())
    except (OSError, ValueError):
        return {}
    return {name: json.dumps(route) for name, route in status["routes"].items()}


def main() -> int:
    """Print what is wrong; the exit code is the verdict."""
    found = problems(settings_module.load())
    sys.stderr.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
