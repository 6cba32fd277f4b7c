"""The drills that take services away: killed, paused, restarted; what names each, how soon all is well.

A restart is over before the doctor could be asked about it: nobody names it, and nothing is left to be done.
"""

from __future__ import annotations

from drill import FINE, LOST, Drill, Well, answering, parts_live, registry_answers, routes_answer, task_ends

BESIDE = (
    "operator", "jupyter", "grafana", "prometheus", "alertmanager",
    "statsd-exporter", "postgres-exporter", "redis-exporter",
)  # fmt: skip
PARTS = ("airflow_scheduler", "airflow_triggerer", "airflow_dag-processor")
API = ("airflow_api-server",)


def _named(services: tuple[str, ...], docker_says: str) -> dict[str, tuple[str, ...]]:
    """A single service is missed by whoever asks it; of several, Docker tells each."""
    if len(services) == 1:
        return {"service-away": (f"{services[0]} does not answer",)}
    return {"container-state": tuple(f"{name} {docker_says}" for name in services)}


def killed(
    *services: str, well: Well, aim_s: float, answers: frozenset[str] = FINE, away_s: float = 0
) -> Drill:
    """SIGKILL, and started by hand: Docker starts by itself only what ended without its doing.

    In between the doctor looks. How Docker starts what ends: tests/drills/test_5_everything.py.
    """
    return Drill(
        name=f"{' + '.join(services)} killed",
        harm=lambda world: world.docker("kill", "--signal", "KILL", services=services),
        heal=lambda world: world.docker("start", services=services),
        well=well,
        aim_s=aim_s,
        names=_named(services, "has ended"),
        answers=answers,
        away_s=away_s,
    )


def paused(
    *services: str, well: Well, aim_s: float, answers: frozenset[str] = FINE, away_s: float = 0
) -> Drill:
    """Frozen: connections are taken, nothing is said."""
    return Drill(
        name=f"{' + '.join(services)} paused",
        harm=lambda world: world.pause(services),
        heal=lambda world: world.unpause(services),
        well=well,
        aim_s=aim_s,
        names=_named(services, "is paused"),
        answers=answers,
        away_s=away_s,
    )


def restarted(*services: str, well: Well, aim_s: float, answers: frozenset[str] = FINE) -> Drill:
    """An orderly restart, counted from the order; it is over before anybody could be asked about it."""
    return Drill(
        name=f"{' + '.join(services)} restarted",
        harm=lambda world: None,
        heal=lambda world: world.docker("restart", services=services),
        well=well,
        aim_s=aim_s,
        answers=answers,
    )


# Ray's own kill and restart are in a wave apart: they end the job whose survival the others are about. The
# restart is the last: the task that loses its job waits before it tries again.
TRIALS = {"killed": 12, "paused": 12}  # of each training; six in the last wave, whose jobs begin anew
WAVES: dict[str, tuple[Drill, ...]] = {
    "killed": (
        killed(*BESIDE, well=answering(*BESIDE), aim_s=60),
        killed("redis", well=task_ends, aim_s=30),
        killed("postgres", well=task_ends, aim_s=60),
        killed(*PARTS, well=parts_live, aim_s=60),
        killed("mlflow", well=registry_answers, aim_s=60),
        killed("airflow_worker", well=task_ends, aim_s=60),
        killed(*API, well=task_ends, aim_s=60, away_s=45),
    ),
    "paused": (
        paused(*BESIDE, well=answering(*BESIDE), aim_s=60),
        paused("redis", well=task_ends, aim_s=30),
        paused("postgres", well=task_ends, aim_s=60),
        paused(*PARTS, well=parts_live, aim_s=60),
        paused("mlflow", well=registry_answers, aim_s=60),
        paused("airflow_worker", well=task_ends, aim_s=60),
        paused("ray", well=routes_answer, aim_s=60, answers=LOST),
        paused(*API, well=task_ends, aim_s=60, away_s=100),
    ),
    "Ray killed, all restarted": (
        killed("ray", well=routes_answer, aim_s=60, answers=LOST),
        restarted("redis", well=task_ends, aim_s=30),
        restarted("postgres", well=task_ends, aim_s=60),
        restarted("mlflow", well=registry_answers, aim_s=60),
        # Of which up to 30 s are for its end: replicas finish what they answer.
        restarted("ray", well=routes_answer, aim_s=120, answers=LOST),
    ),
}
