"""From raw files to serving models: prepare the table, train, gate, verify.

Every heavy step is a job on the Ray cluster; these tasks start it, show its log and stop it when cancelled.
Each model goes its own way after the table is ready: one that fails to train fails this run, but does not
keep the others from being promoted and served.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from airflow.sdk import Asset, Param, XComArg, dag, task, task_group
from airflow.sdk.exceptions import AirflowFailException

from turo import settings
from turo.errors import DeployError
from turo.orchestration.ray_job import RayJobOperator
from turo.orchestration.task_retries import PATIENT

logger = logging.getLogger(__name__)

SETTINGS = settings.load()
MODELS = list(SETTINGS.model_names)
TARGETS = list(settings.TARGETS)
HORIZONS = sorted({7, 28, 90, SETTINGS.horizon_days})
TABLE = Asset(name="turo_table", uri="turo://datas/datas.parquet")

# Makes a repeated job reuse what its first try did; clearing a task makes a new key.
RUN_KEY = "{{ run_id }}.{{ ti.max_tries }}"
# What the form says replaces what `.env` says, for every job of the run.
CHOSEN = {"TARGET": "{{ params.target }}", "HORIZON_DAYS": "{{ params.horizon }}"}
OPTIONS = ["-P", "target={{ params.target }}", "-P", "tune_trials={{ params.tune_trials }}"]
PARAMS = {
    "models": Param(
        MODELS,
        type="array",
        items={"type": "string", "enum": MODELS},
        examples=MODELS,
        minItems=1,
        uniqueItems=True,
        title="Models",
        description="Which models to train; those of MODEL_NAMES.",
    ),
    "target": Param(
        SETTINGS.target,
        type="string",
        enum=TARGETS,
        title="Target",
        description="What to forecast per vehicle; auto takes booked days, or what the files allow.",
    ),
    "horizon": Param(
        SETTINGS.horizon_days, type="integer", enum=HORIZONS, title="Horizon", description="Days ahead."
    ),
    "tune_trials": Param(
        0,
        type="integer",
        minimum=0,
        maximum=200,
        title="Tuning trials",
        description="How many parameter sets to try per model; 0 takes the project's own.",
    ),
    "reason": Param("", type="string", title="Reason", description="Why it is started, for the record."),
}


@task(execution_timeout=timedelta(minutes=5))
def choose_models(params: dict[str, Any]) -> list[str]:
    """The models of this run; a name that is not configured stops it before anything else is done."""
    unknown = sorted(set(params["models"]) - set(MODELS))
    if unknown:
        raise AirflowFailException(f"Unknown models {unknown}; MODEL_NAMES has {MODELS}.")
    return list(params["models"])


@task(execution_timeout=timedelta(minutes=15), map_index_template="{{ task.op_kwargs['model'] }}")
def deploy_and_verify(model: str, decisions: list[dict[str, Any]]) -> dict[str, Any]:
    """Wait until the route answers with the champion; the mlflow service does the deploying."""
    from turo.orchestration.wait_until_served import wait_until_served

    logger.info("The gate on %s: %s", model, decisions)
    try:
        return wait_until_served(model, SETTINGS)
    except DeployError as error:  # it was refused, or had ten minutes: asking again changes neither
        raise AirflowFailException(str(error)) from error


@task_group
def improve(model: str) -> None:
    """Train one model, hold it against the gate, see its champion served."""
    train = RayJobOperator(
        task_id="train",
        command=["turo", "train", model, *OPTIONS, "--run-key", RUN_KEY],
        env=CHOSEN,
        item=model,
        multiple_outputs=True,
        pool="trainings",
        execution_timeout=timedelta(hours=4),
    )
    gate = RayJobOperator(
        task_id="register_and_gate",
        command=["turo", "promote", model, "--run-id", XComArg(train, "run_id"), "--run-key", RUN_KEY],
        item=model,
        execution_timeout=timedelta(minutes=30),
    )
    deploy_and_verify(model=model, decisions=gate.output)


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=1,
    params=PARAMS,
    default_args=PATIENT,
    doc_md=__doc__,
    tags=["turo"],
)
def prepare_data() -> None:
    """Prepare, train, gate, serve."""
    models = choose_models()
    table = RayJobOperator(
        task_id="prepare",
        command=["turo", "prepare"],
        env=CHOSEN,
        outlets=[TABLE],
        execution_timeout=timedelta(hours=2),
    )
    models >> table >> improve.expand(model=models)


prepare_data()
