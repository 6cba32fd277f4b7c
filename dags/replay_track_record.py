"""How this product would have done on your vehicles: past Mondays forecast by what was known then.

Runs when it is triggered, on the files as they are in the data folder. Each Monday since the date asked for
is rebuilt from them; the track record lies beside the forecasts, as a table and a page.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import Param, dag

from turo import settings
from turo.orchestration.ray_job import RayJobOperator
from turo.orchestration.task_retries import PATIENT

SETTINGS = settings.load()
PARAMS = {
    "since": Param(
        None,
        type=["null", "string"],
        format="date",
        title="Since",
        description="The first Monday; empty: 52 weeks before the newest.",
    ),
    "model": Param(
        SETTINGS.asked_model(),
        type="string",
        enum=[settings.BEST_MODEL, *SETTINGS.model_names],
        title="Model",
        description="What is trained; auto: the first of MODEL_NAMES, for the best is known only afterwards.",
    ),
}


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=1,
    params=PARAMS,
    default_args=PATIENT,
    doc_md=__doc__,
    tags=["turo"],
)
def replay_track_record() -> None:
    """One job on Ray, which spreads trainings and Mondays over the cluster."""
    RayJobOperator(
        task_id="replay",
        command=["turo", "replay", "--since", "{{ params.since or '' }}", "--model", "{{ params.model }}"],
        execution_timeout=timedelta(hours=4),
    )


replay_track_record()
