"""Gather the facts: files, what doctor.sh told, and a login to Grafana, side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from turo.errors import ServiceError
from turo.operate.ask.side_by_side import Question, side_by_side
from turo.operate.doctor import ask_stack, env_file, host_facts, project_files
from turo.operate.doctor.checks import env_values, exposed
from turo.operate.doctor.checks.running import access
from turo.operate.doctor.facts import Facts, Host

if TYPE_CHECKING:
    from turo.settings import Settings

LIMIT_S = 7.0  # of the ten that the whole may take
ASK_S = 1.5


def gather(
    folder: Path,
    told: str | None = None,
    settings: Settings | None = None,
    limit_s: float = LIMIT_S,
) -> Facts:
    """What is known of the project in `folder`.

    Args:
        told: what `doctor.sh` wrote; None where it was not asked.
        settings: where the services are; None where they cannot be used: then none is asked.

    Raises:
        InputError: `folder` is not the project's, or `told` is not doctor.sh's.
    """
    path = folder / ".env"
    closed = ""
    if told is not None:
        host, text = host_facts.parse(told)
    else:
        host, (text, closed) = Host(), _own(path)
    written, offered = env_file.parse(text), project_files.offered(folder)
    known = Facts(0.0, written=written, offered=offered, whole=not closed, told=told is not None, host=host)
    mapped = host.system not in ("", "Linux")
    whole = not closed and (folder / "docker-compose.yml").is_file() and (folder / "datas").is_dir()
    questions: dict[str, Callable[[], Any]] = {
        "elsewhere": lambda: project_files.elsewhere(folder),
        "override": lambda: project_files.override(folder),
        "components": lambda: project_files.components(folder),
        "upgrade": lambda: project_files.upgrade(folder),
        "services": lambda: project_files.services(folder),
        "limits": lambda: project_files.limits(folder, known),
        "grafana": lambda: _grafana(known) if told is not None else None,
    }
    if settings:
        questions["stack"] = lambda: _stack(folder, known, settings)
    if whole:
        questions |= {
            "folders": lambda: project_files.shared(folder, mapped),
            "inputs": lambda: project_files.inputs(folder),
            "projects": lambda: project_files.projects(folder),
            "newest": lambda: project_files.newest(folder),
        }
    answers, unanswered = _asked(questions, limit_s)
    of_folder = {name: why for name, why in unanswered.items() if name != "stack"}
    if closed:
        unanswered[".env"] = closed
    return Facts(
        now=time.time(),
        written=written,
        env_mode=project_files.open_to(path) if path.is_file() else None,
        env_owner=path.stat().st_uid if path.is_file() and not mapped else None,
        offered=offered,
        whole=whole and not of_folder,
        unanswered=unanswered,
        told=told is not None,
        host=host,
        **answers,
    )


def _asked(
    questions: Mapping[str, Callable[[], Any]], limit_s: float
) -> tuple[dict[str, Any], dict[str, str]]:
    """Answers by name, and why there is none by name of the others: too slow, or refused by the system."""

    def told(ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except OSError as error:  # of one folder or file, named beside what the others have told
            return error

    # "it": who reads the reason has read the name before.
    asked = {name: Question("it", partial(told, ask)) for name, ask in questions.items()}
    found = side_by_side(asked, limit_s)
    without = {
        name: one.what.rstrip(".") if isinstance(one, ServiceError) else str(one)
        for name, one in found.items()
        if isinstance(one, ServiceError | OSError)
    }
    return {name: one for name, one in found.items() if name not in without}, without


def _grafana(facts: Facts) -> int | None:
    """Status of a login as `.env` says; not tried where it says nothing.

    Only by hand, after doctor.sh: Grafana locks a name after five wrong tries in five minutes.
    """
    if not (facts.set_by_user("GRAFANA_ADMIN_PASSWORD") or facts.set_by_user("GRAFANA_ADMIN_USER")):
        return None
    login = (facts.chosen("GRAFANA_ADMIN_USER"), facts.chosen("GRAFANA_ADMIN_PASSWORD"))
    for address in ("http://grafana:3000", f"http://127.0.0.1:{facts.chosen('GRAFANA_PORT')}"):
        try:
            return httpx.get(f"{address}/api/user", auth=login, timeout=ASK_S, trust_env=False).status_code
        except (httpx.HTTPError, httpx.InvalidURL):  # not started: nothing to say yet
            continue
    return None


def _stack(folder: Path, known: Facts, settings: Settings) -> Any:
    if known.told:
        expected = any(one.project == known.project for one in known.host.published)
        chosen = settings.model_copy(update=_by_hand(known))
    else:  # its own service is a part of the stack
        expected, chosen = settings.operator_secrets is not None, settings
    return ask_stack.ask(
        chosen, folder, access.public_name(known, settings), probing=known.told, expected=expected
    )


def _by_hand(facts: Facts) -> dict[str, Any]:
    """What .env says of that which doctor.sh starts the container without; the shell's variables win."""
    values = {
        name.lower(): value
        for name, value in facts.written.values.items()
        if value and name in facts.offered and name not in facts.host.shell
    }
    found = env_values.settings_of(values)
    if "turo_domain" in values and (password := values.get("mlflow_admin_password")):
        found |= {
            "mlflow_tracking_username": "admin",
            "mlflow_tracking_password": password,
        }  # as the overlay has it
    domain = facts.chosen("TURO_DOMAIN")
    running = {one.service for one in facts.host.containers if one.state == "running"}
    if domain and exposed.PROXY in running:
        found |= {"tls_hosts": exposed.hosts(domain), "tls_proxy": exposed.SHOWS}
    return found


def _own(path: Path) -> tuple[str, str]:
    """The text of `.env`, and why it cannot be read: the operator may not, where it is its owner's only."""
    if not path.is_file():
        return "", ""
    try:
        return path.read_text(errors="replace"), ""
    except OSError as error:
        return "", f"{error.strerror}; ./doctor.sh reads it as the user whose file it is"
