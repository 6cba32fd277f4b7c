"""The running stack: secrets, names and versions agree among the containers."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING

from turo.errors import ServiceError
from turo.operate.ask.airflow_work import Work
from turo.operate.ask.ray import Cluster
from turo.operate.doctor.checks.running.services import of
from turo.operate.doctor.facts import Facts
from turo.operate.doctor.finding import Trouble
from turo.operate.doctor.stack import MLFLOW_PUBLIC, MLFLOW_VERSION, RAY_WRONG, SERVE_OPEN
from turo.operate.status.questions import known
from turo.words import by_number, listed

if TYPE_CHECKING:
    from turo.settings import Settings

SUCCESS = range(200, 300)
ANEW = "docker compose up -d --build --wait"


def secrets_agree(facts: Facts) -> Iterator[Trouble]:
    """What the vault holds is taken, and nothing else."""
    stack = of(facts)
    roles = () if stack.strangers is None or isinstance(stack.strangers, ServiceError) else stack.strangers
    if roles:
        yield Trouble(
            f"PostgreSQL refuses the {by_number(len(roles), 'password', 'passwords')} of {listed(roles)} "
            "that the vault holds.",
            "Who logs in as that role is refused; the volumes of database and secrets are not of one stack.",
            "Restore both from one archive (operator/README.md), or set the password to the vault's as the "
            "superuser: docker compose exec postgres psql -U postgres -c '\\password ROLE'.",
        )
    redis = stack.knocks.get("redis")
    if redis and redis.said.startswith(("-WRONGPASS", "-NOAUTH", "-ERR AUTH")):
        yield Trouble(
            "Redis refuses the password that the vault holds.",
            "Airflow's scheduler and worker cannot reach the queue.",
            "docker compose up -d --force-recreate bootstrap redis operator hands it out again.",
        )
    left = stack.tries.get(SERVE_OPEN)
    if left and left.status in SUCCESS:
        yield Trouble(
            "SERVE_API_KEY is set, and Serve answers without it.",
            "Whoever reaches the port may ask.",
            "docker compose up -d ray mlflow: the routes were started before the key was set.",
        )
    wrong = stack.tries.get(RAY_WRONG)
    if wrong and wrong.status in SUCCESS:
        yield Trouble(
            "Ray takes a wrong token.",
            "Whoever reaches its ports runs code in the cluster.",
            "Set RAY_AUTH_MODE to token, as docker-compose.yml does, then docker compose up -d ray.",
        )


def host_allowed(facts: Facts) -> Iterator[Trouble]:
    """MLflow answers under its public name; how the services call it `service-answer` tells."""
    told = of(facts).tries.get(MLFLOW_PUBLIC)
    if told and told.status == HTTPStatus.FORBIDDEN:
        public = public_name(facts, of(facts).settings)
        yield Trouble(
            f"MLflow refuses who calls it {public} (TRACKING_PUBLIC_HOST, MLFLOW_PORT).",
            "Browsers and clients outside get 403, and no reason that they could mend.",
            "docker compose up -d --wait mlflow operator takes over both as they are now.",
        )


def public_name(facts: Facts, settings: Settings) -> str:
    """Host and port under which MLflow is called from outside; empty where that is not known.

    The operator was told at its start, as MLflow was; by hand `.env` and the shell count.
    """
    if settings.tracking_public_port and not facts.told:
        return f"{settings.tracking_public_host}:{settings.tracking_public_port}"
    known = facts.told or facts.whole
    return f"{facts.chosen('TRACKING_PUBLIC_HOST')}:{facts.chosen('MLFLOW_PORT')}" if known else ""


def versions(facts: Facts) -> Iterator[Trouble]:
    """What runs is what this checkout names, and the same in all containers."""
    stack = of(facts)
    mlflow = stack.tries.get(MLFLOW_VERSION)
    running = {
        "ray": stack.cluster.version if isinstance(stack.cluster, Cluster) else "",
        "mlflow": mlflow.said if mlflow and mlflow.status == HTTPStatus.OK else "",
        "apache-airflow": stack.work.version if isinstance(stack.work, Work) else "",
    }
    for name, found in running.items():
        wanted = stack.kept.locked.get(name, "")
        if found and wanted and found != wanted:
            yield Trouble(
                f"{name} {found} runs; uv.lock names {wanted}.",
                "Clients of another version are refused, or fail where nobody expects it.",
                f"{ANEW} makes the images of this checkout.",
            )
    code, own = stack.code, stack.settings.code_version
    if isinstance(code, str) and code and code != own:
        yield Trouble(
            f"Serve's image is of {code}, the operator's of {own}.",
            "Containers of two releases read each other's files.",
            f"{ANEW} makes both anew.",
        )
    figures = () if isinstance(stack.figures, ServiceError) else known(stack.figures)
    pythons = {
        one.labels.get("job", ""): f"{one.labels.get('major')}.{one.labels.get('minor')}"
        for one in figures
        if one.name == "python_info" and one.labels.get("job") in ("mlflow", "ray")
    }
    if len(set(pythons.values())) > 1:
        yield Trouble(
            f"Python differs: {listed([f'{job} has {one}' for job, one in sorted(pythons.items())])}.",
            "Ray refuses clients of another Python, and stored models may not load.",
            f"{ANEW} makes both of one base.",
        )
