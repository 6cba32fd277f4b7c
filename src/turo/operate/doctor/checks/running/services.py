"""The running stack: who answers, who says that another does not, whose clock is wrong, what fires."""

from __future__ import annotations

from collections.abc import Iterator

from turo.errors import ServiceError
from turo.operate.ask.airflow import Part
from turo.operate.ask.knock import Knock
from turo.operate.doctor.clocks import DRIFT_S, apart
from turo.operate.doctor.facts import Facts
from turo.operate.doctor.finding import Severity, Trouble
from turo.operate.doctor.stack import Stack
from turo.operate.status.questions import known
from turo.words import counted, listed

BROKEN = 500
OWN_FAULT = ("ray",)  # its proxy says 503 while no model is served
# Without them everything else goes on.
BESIDE = (
    "jupyter", "grafana", "prometheus", "alertmanager",
    "statsd-exporter", "postgres-exporter", "redis-exporter",
)  # fmt: skip
LOSES = {
    "postgres": "Airflow, Celery's results and the forecasts' table are in it: nothing is scheduled or kept.",
    "redis": "Airflow's tasks wait in it: no new one begins.",
    "airflow_api-server": "Tasks tell their end to it, and wait; nothing can be looked at or triggered.",
    "airflow_worker": "It runs the tasks: those under way are lost and tried again, no other begins.",
    "mlflow": "Nothing is trained, promoted or rolled back; what is served goes on.",
    "ray": "It trains and serves: the routes do not answer.",
    "prometheus": "No metrics are kept, and no alert fires.",
    "alertmanager": "Alerts reach nobody.",
}


def of(facts: Facts) -> Stack:
    """The stack; checks that need it are made with it only.

    Raises:
        ValueError: it was not asked.
    """
    if facts.stack is None:
        raise ValueError("the stack was not asked")
    return facts.stack


def away(facts: Facts) -> list[str]:
    """Services that do not answer."""
    return [name for name, told in of(facts).knocks.items() if _fault(name, told)]


def _fault(name: str, told: Knock) -> str:
    if told.problem:
        return told.problem
    return f"it answers {told.status}" if told.status >= BROKEN and name not in OWN_FAULT else ""


def service_away(facts: Facts) -> Iterator[Trouble]:
    """Everybody answers."""
    for name, told in of(facts).knocks.items():
        if not (fault := _fault(name, told)):
            continue
        hangs = "no answer" in fault
        yield Trouble(
            f"{name} does not answer: {fault}.",
            LOSES.get(name, "What it does is not done."),
            f"It is paused or hangs: docker compose unpause {name}, else docker compose restart {name}."
            if hangs
            else f"docker compose up -d --wait {name}; docker compose logs {name} tells why it ended.",
            Severity.WARNING if name in BESIDE else None,
        )


def airflow_part(facts: Facts) -> Iterator[Trouble]:
    """Scheduler, triggerer and DAG processor live, and Airflow reaches its database."""
    for part in known(of(facts).answers.parts):
        if part.healthy or part.name in away(facts):
            continue
        yield Trouble(
            f"Airflow says that {part.name} is not healthy{_heard(part, facts.now)}.",
            "No task begins, ends or is found without it.",
            f"docker compose restart {part.name}; docker compose logs {part.name} tells what it waits for.",
        )


def _heard(part: Part, now: float) -> str:
    silent = now - part.heard.timestamp() if part.heard else 0
    return f", last heard {counted(round(silent), 'second')} ago" if part.heard else ""


def service_answer(facts: Facts) -> Iterator[Trouble]:
    """Whoever is in also answers what is asked: takes the login, key or token, and speaks as it should."""
    stack = of(facts)
    answers = stack.answers
    told: dict[str, tuple[object, ...]] = {
        "airflow_api-server": (answers.parts, stack.work),
        "mlflow": (answers.refusals, *answers.champions.values()),
        "ray": (answers.listed, stack.code),
        "prometheus": (answers.targets, answers.alerts, stack.figures),
        "postgres": (stack.full, stack.strangers),
    }
    if stack.settings.token():  # else its dashboard is not ours to ask
        told["ray"] = (*told["ray"], stack.cluster)
    absent, said = away(facts), set[str]()
    for name, found in told.items():
        for one in found:
            if isinstance(one, ServiceError) and name not in absent and one.what not in said:
                said.add(one.what)
                yield Trouble(one.what, "What is asked of it fails likewise for others.", one.remedy)


def target_down(facts: Facts) -> Iterator[Trouble]:
    """Prometheus reads from everybody."""
    down = [one for one in known(of(facts).answers.targets) if not one.up]
    for name in dict.fromkeys(one.name for one in down):
        places = [one.instance for one in down if one.name == name]
        yield Trouble(
            f"Prometheus reads nothing from {name} ({listed(places)}).",
            "Boards of it are empty and its alerts cannot fire.",
            "Prometheus's page Status > Targets says why; docker compose ps tells which container it is.",
        )


def alert_firing(facts: Facts) -> Iterator[Trouble]:
    """No alert fires."""
    for alert in known(of(facts).answers.alerts):
        yield Trouble(
            f"The alert {alert.name} fires: {alert.summary or 'it says no more'}.",
            "What it watches has been so for the time that its rule gives it.",
            f"{alert.runbook} says what to do."
            if alert.runbook
            else "Its rule names no runbook_url: see Alerts on Prometheus's page for the rule.",
            Severity.ERROR if alert.severity == "critical" else None,
        )


def service_clock(facts: Facts) -> Iterator[Trouble]:
    """The clocks of all services are ours."""
    for name, told in of(facts).knocks.items():
        if told.ahead_s is None or abs(told.ahead_s) <= DRIFT_S:
            continue
        yield Trouble(
            f"The clock of {name} is {apart(told.ahead_s)}.",
            "Tokens are refused as too old or too young, and what it writes bears a wrong time.",
            f"docker compose up -d --force-recreate {name}; where the machine's own clock is wrong: sudo "
            "timedatectl set-ntp true.",
        )
