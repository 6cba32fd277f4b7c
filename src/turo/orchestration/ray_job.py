"""An operator whose work runs on the Ray cluster, not in the Airflow worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, Variable
from airflow.sdk.exceptions import AirflowFailException

from turo import jobs, settings
from turo.errors import LastingError

if TYPE_CHECKING:
    from airflow.sdk import Context

RAY_ADDRESS = "RAY_ADDRESS"  # Admin > Variables; AIRFLOW_VAR_RAY_ADDRESS in the environment wins
KILL_DEADLINE_S = 3.0  # Airflow kills for good five seconds after it asked politely


class RayJobOperator(BaseOperator):
    """Run a command as a Ray job: its log is the task's log, killing the task stops the job.

    The job's id comes from the DAG run, the task and its map index. A retry therefore attaches to a job
    that outlived its Airflow worker, and only starts a new one if the last failed; clearing the task makes
    a new id, so the work is done again. A job that failed over its input or settings is not tried again.

    Args:
        command: words of the command; each is quoted, so a parameter cannot become shell code.
        env: environment variables of the job.
        item: what this mapped instance is called in the UI.
        num_cpus: reserved for the command itself; Ray tasks it starts reserve their own.

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
        self._running: tuple[str, str] | None = None  # address and id, for on_kill

    def execute(self, context: Context) -> Any:
        """Start or re-attach, follow the log to the end; a failed job fails the task with its last lines."""
        ti = context["ti"]
        address = ray_address()
        name = jobs.job_id(ti.dag_id, ti.run_id, ti.task_id, max(ti.map_index or 0, 0), f"g{ti.max_tries}")
        self._running = (address, name)
        try:
            outcome = jobs.connect(settings.load(), address).run(
                name,
                [str(word) for word in self.command],
                log=self.log.info,
                env={key: str(value) for key, value in (self.env or {}).items()},
                num_cpus=self.num_cpus,
                metadata={"dag_id": ti.dag_id, "run_id": ti.run_id, "task_id": ti.task_id},
            )
        except LastingError as error:  # Airflow's own word for "do not try again"
            raise AirflowFailException(str(error)) from error
        self._running = None
        return outcome.result

    def on_kill(self) -> None:
        """Stop the job when the task is cancelled, cleared or out of time."""
        if self._running is None:
            return
        address, name = self._running
        cluster = jobs.connect(settings.load(service_deadline_s=KILL_DEADLINE_S), address)
        for attempt, status in cluster.attempts(name).items():
            if status not in jobs.ENDED:
                self.log.info("Stopping Ray job %s", attempt)
                cluster.stop(attempt)


def ray_address() -> str:
    """The cluster to use, read when the task runs; empty without the Variable: then the settings decide."""
    return str(Variable.get(RAY_ADDRESS, default="") or "")
