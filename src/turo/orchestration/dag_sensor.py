"""A sensor that waits until another DAG has no run under way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

BUSY = ["queued", "running"]
PATIENCE: dict[str, Any] = {
    "poke_interval": 30,
    "timeout": timedelta(hours=4),
    "execution_timeout": timedelta(minutes=5),  # of one look
}
IN_HAND = ["queued", "running", "restarting"]  # tasks that go on although their DAG is paused


class OtherDagIdle(BaseSensorOperator):
    """Wait until no run of a DAG is queued or running, four hours at most; holds no worker slot meanwhile.

    Runs of a paused DAG are not going on, however long one waits: only their tasks that are in hand count.

    Args:
        other: id of that DAG.
    """

    template_fields: Sequence[str] = ("other",)

    def __init__(self, *, other: str, **kwargs: Any) -> None:
        super().__init__(mode="reschedule", **(PATIENCE | kwargs))
        self.other = other

    def poke(self, context: Context) -> bool:
        """Whether the DAG is idle, asked of Airflow's API (a worker has no database)."""
        ti: Any = context["ti"]
        busy = ti.get_dr_count(dag_id=self.other, states=BUSY)
        if busy and ti.get_dag(self.other).is_paused:
            in_hand = ti.get_ti_count(dag_id=self.other, states=IN_HAND)
            ending = f"{in_hand} of its tasks end first" if in_hand else "this run goes on without them"
            self.log.info("%s is paused, its %d runs are not going on: %s", self.other, busy, ending)
            return in_hand == 0
        self.log.info("%d runs of %s are under way", busy, self.other)
        return busy == 0
