"""The running stack: each model's route, its champion, and the data that it is from."""

from __future__ import annotations

from collections.abc import Iterator

from turo.errors import ServiceError
from turo.operate.ask.mlflow import Champion
from turo.operate.doctor.checks.running.services import away, of
from turo.operate.doctor.facts import Facts
from turo.operate.doctor.finding import Severity, Trouble
from turo.words import counted

DIES = "left alone for now"  # so the reconciler begins, where replicas die without a word
UNDER_WAY = ("train", "promote", "prepare")


def route_away(facts: Facts) -> Iterator[Trouble]:
    """Every model of MODEL_NAMES is served."""
    if "ray" in away(facts):
        return
    stack = of(facts)
    if isinstance(stack.answers.listed, ServiceError):
        return  # of which `service-answer` speaks
    for name, told in stack.answers.routes.items():
        if not isinstance(told, ServiceError):
            continue
        has = isinstance(stack.answers.champions.get(name), Champion)
        yield Trouble(
            f"The route of {name} does not answer: {told.what}",
            "Its champion is not served."
            if has
            else "It has no champion: it was not trained yet, or no version passed the gate.",
            "docker compose logs mlflow tells what the reconciler says of it."
            if has
            else "Wait for the training, or look at prepare_data in Airflow: why its task train failed.",
            None if has else Severity.NOTE,  # the home page says it as what is under way
        )


def route_refused(facts: Facts) -> Iterator[Trouble]:
    """No version had to be refused: damaged, of a wrong digest, not trusted, not able to answer."""
    stack = of(facts)
    last = stack.answers.refusals if not isinstance(stack.answers.refusals, ServiceError) else {}
    for name in stack.settings.model_names:
        route, champion = stack.answers.routes.get(name), stack.answers.champions.get(name)
        refused = None if route is None or isinstance(route, ServiceError) else route.refused
        if refused:
            version, reason = refused.get("version", ""), refused.get("reason", "")
        elif name in last and isinstance(champion, Champion) and last[name].version == champion.version:
            if not isinstance(route, ServiceError | None) and route.version == champion.version:
                continue  # it is served by now
            version, reason = last[name].version, last[name].reason
        else:
            continue
        if reason.startswith(DIES):
            yield Trouble(
                f"{name} version {version} is {reason}",
                "An earlier version serves; each new trial takes the route away for most of a minute.",
                "Give Ray more memory (RAY_MEM_LIMIT) or room (RAY_TMP_SIZE): docker compose logs ray "
                "tells which it lacks. Where the version itself is at fault: docker compose exec mlflow turo "
                f"rollback {name}.",
            )
            continue
        yield Trouble(
            f"{name} version {version} was refused: {reason}",
            "An earlier version serves on, or none.",
            f"docker compose exec mlflow turo rollback {name} gives the champion back to the one before; "
            "or train anew: trigger prepare_data; a damaged file comes back whole from a backup.",
        )


def route_behind(facts: Facts) -> Iterator[Trouble]:
    """What is served is the champion."""
    stack = of(facts)
    for name, route in stack.answers.routes.items():
        champion = stack.answers.champions.get(name)
        if isinstance(route, ServiceError) or not isinstance(champion, Champion) or route.refused:
            continue
        if route.version != champion.version:
            yield Trouble(
                f"{name} serves version {route.version}; its champion is version {champion.version}.",
                "A change takes seconds; after that the reconciler does not get on.",
                "docker compose logs mlflow tells what it waits for; docker compose restart mlflow helps it.",
            )


def champion_data(facts: Facts) -> Iterator[Trouble]:
    """Champions were trained on the table that is there now, or none is due."""
    stack = of(facts)
    digest = stack.kept.digest
    if any(not run.ended and run.step.startswith(UNDER_WAY) for run in stack.kept.runs):
        return
    old = [
        name
        for name, one in stack.answers.champions.items()
        if isinstance(one, Champion) and one.data_digest and digest and one.data_digest != digest
    ]
    if old:
        yield Trouble(
            f"{counted(len(old), 'champion')} ({', '.join(old)}) trained on another table than this one.",
            "Either no newer version passed the gate, which is its right, or none was trained.",
            "turo ledger NAME tells what the gate decided; trigger prepare_data where nothing was trained.",
        )
