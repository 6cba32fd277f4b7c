"""An operator whose work runs on the Ray cluster, not in the Airflow worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, Variable
from airflow.sdk.exceptions import AirflowFailException, AirflowTaskTimeout

from turo import settings as settings_module
from turo.cluster import jobs
from turo.cluster.job_ids import job_id
from turo.errors import LastingError, ServiceError
from turo.orchestration.succession import another_follows, end_leftovers, state_now

if TYPE_CHECKING:
    from airflow.sdk import Context

RAY_ADDRESS = "RAY_ADDRESS"  # Admin > Variables; AIRFLOW_VAR_RAY_ADDRESS in the environment wins
KILL_DEADLINE_S = 3.0  # Airflow kills for good five seconds after it asked politely
PLACE = ("dag_id", "run_id", "task_id", "map_index")  # what a job is for, whatever its generation
JOB_TRIES = 2  # of a job that fails; a try of the task that only lost contact costs none


class RayJobOperator(BaseOperator):
    """Run a command as a Ray job: its log is the task's log, cancelling the task stops the job.

    The job's id comes from the DAG run, the task and its map index. A retry therefore attaches to a job
    that outlived its Airflow worker, takes the result of one that ended well meanwhile, and only starts a
    new one if the last failed; clearing the task makes a new id, so the work is done again, and ends what
    the old id left behind. A job that failed over its input or settings is not tried again, another one
    once. A try that Airflow gave up leaves the job to the try that follows it.

    Args:
        command: words of the command; each is quoted, so a parameter cannot become shell code.
        env: environment variables of the job.
        item: what this mapped instance is called in the UI.
        num_cpus: reserved for the command itself where they are free.

    Returns (XCom): what the command reported in its `TURO_RESULT` line, else None.
    """

    template_fields: Sequence[str] = ("command", "env", "item")
    template_fields_renderers = {"command": "json", "env": "json"}  # noqa: RUF012 - Airflow's own form
    ui_color = "#d5e8f6"

    def __init__(
        self,
        *,
        command: Sequence[object],
        env: Mapping[str, Any] | None = None,
        item: str = "",
        num_cpus: float = 0.5,
        **kwargs: Any,
    ) -> None:
        super().__init__(map_index_template="{{ task.item }}", **kwargs)
        self.command = command
        self.env = env
        self.item = item
        self.num_cpus = num_cpus
        self._running: RunningJob | None = None

    def execute(self, context: Context) -> Any:
        """Start or re-attach, follow the log to the end; a failed job fails the task with its last lines."""
        ti = context["ti"]
        place = (ti.dag_id, ti.run_id, ti.task_id, max(ti.map_index or 0, 0))
        name = job_id(*place, f"g{ti.max_tries}")
        metadata = dict(zip(PLACE, map(str, place), strict=True))
        settings = settings_module.load()
        cluster = jobs.connect(settings, ray_address())
        self._running = RunningJob(cluster.address, name, ti, settings)
        try:
            end_leftovers(cluster, name, metadata)
            outcome = cluster.run(
                name,
                [str(word) for word in self.command],
                log=self.log.info,
                tries=JOB_TRIES,
                env={key: str(value) for key, value in (self.env or {}).items()},
                num_cpus=self.num_cpus,
                metadata=metadata,
            )
        except LastingError as error:  # Airflow's own word for "do not try again"
            self._running = None
            raise AirflowFailException(str(error)) from error
        except AirflowTaskTimeout:  # Airflow calls on_kill next
            self._running = self._running and replace(self._running, overdue=True)
            raise
        except BaseException:
            self._running = None
            raise
        self._running = None
        return outcome.result

    def on_kill(self) -> None:
        """Stop the job when the task is cancelled, cleared or out of time; leave it to a try that follows.

        Raises:
            ServiceError: the job is left; this try ends here.
        """
        if (running := self._running) is None:
            return
        self._running = None
        state, left = state_now(running.ti), running.ti.try_number <= running.ti.max_tries
        if another_follows(state, tries_left=left, overdue=running.overdue):
            raise ServiceError(
                f"Try {running.ti.try_number} ends here, Ray job {running.name} goes on: "
                f"the task is {state}, says Airflow.",
                "The try that follows attaches to it.",
            )
        hasty = running.settings.model_copy(update={"service_deadline_s": KILL_DEADLINE_S})
        cluster = jobs.connect(hasty, running.address)
        for attempt, status in cluster.attempts(running.name).items():
            if status not in jobs.ENDED:
                self.log.info("Stopping Ray job %s: Airflow says the task is %s", attempt, state)
                cluster.stop(attempt)


@dataclass(frozen=True)
class RunningJob:
    """What `on_kill` must know: where the job is, which, for whom, how it was reached, is its time up."""

    address: str
    name: str
    ti: Any
    settings: settings_module.Settings
    overdue: bool = False


def ray_address() -> str:
    """The cluster to use, read when the task runs; empty without the Variable: then the settings decide."""
    return str(Variable.get(RAY_ADDRESS, default="") or "")
