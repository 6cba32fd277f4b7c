"""A sensor that lets another DAG end first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

BUSY = ["queued", "running"]


class OtherDagIdle(BaseSensorOperator):
    """Wait until no run of a DAG is queued or running; holds no worker slot between two looks.

    Args:
        other: id of that DAG.
    """

    template_fields: Sequence[str] = ("other",)

    def __init__(self, *, other: str, **kwargs: Any) -> None:
        super().__init__(mode="reschedule", **kwargs)
        self.other = other

    def poke(self, context: Context) -> bool:
        """Whether the DAG is idle, asked of Airflow's API (a worker has no database)."""
        busy = context["ti"].get_dr_count(dag_id=self.other, states=BUSY)
        self.log.info("%d runs of %s are under way", busy, self.other)
        return busy == 0
