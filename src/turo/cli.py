"""The `turo` command: every step of the pipeline by hand, and the entry point of every Ray job.

Commands that a caller follows print their result as the last line, `TURO_RESULT {json}`.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Annotated

import typer

from turo import settings as settings_module
from turo.cluster.local_ray import OUR_INTERPRETER
from turo.commands import (
    alert_test,
    backup,
    check,
    demo,
    doctor,
    first_forecast,
    note_retraining,
    operate,
    replay,
    sample,
    status,
    steps,
    upgrade,
)
from turo.commands.options import days
from turo.commands.result import report
from turo.errors import ConfigError, InputError, TuroError, kind
from turo.registry.client import use_mlflow

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__.splitlines()[0]
)
Names = Annotated[list[str], typer.Argument(help="Model names, as in MODEL_NAMES.")]
RunKey = Annotated[str, typer.Option(help="Makes a repeated run reuse what the first one did.")]
ForecastModel = Annotated[str, typer.Option(help="One of MODEL_NAMES or auto; default FORECAST_MODEL.")]
Name = Annotated[str, typer.Argument(help="Model name.")]
RequestId = Annotated[str, typer.Argument(help="X-Request-Id of an answer.")]
Earlier = Annotated[str, typer.Option(help="Any earlier version; default: the previous champion.")]
ForecastDays = Annotated[str, typer.Option(help="Days by comma; default FORECAST_HORIZONS.")]

own = (
    sample.generate,
    sample.reset_sample,
    replay.replay,
    first_forecast.first_forecast,
    check.check,
    status.status,
    doctor.doctor,
    backup.backup,
    backup.restore,
    alert_test.alert_test,
    note_retraining.note_retraining,
    demo.demo,
)
for command in own:
    app.command()(command)
app.add_typer(operate.app, name="operate")
app.add_typer(upgrade.app, name="upgrade")


def _parameters(pairs: list[str]) -> dict[str, str]:
    if wrong := [pair for pair in pairs if "=" not in pair]:
        raise ConfigError(f"Parameter {wrong[0]!r} has no '='.", "Write it as -P name=value.")
    return dict(pair.split("=", 1) for pair in pairs)


@app.command()
def prepare(context: typer.Context) -> None:
    """Turn reservations and vehicles into datas.csv and datas.parquet, on Ray."""
    from turo.prepare.run import run

    settings = context.obj
    with steps.noted(settings, "prepare"), steps.remembered(settings):
        report(run(settings))


@app.command()
def train(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Model name, as in MODEL_NAMES.")],
    path: Annotated[str, typer.Option(help="MLflow project; default: its place in MODEL_PATHS.")] = "",
    param: Annotated[list[str] | None, typer.Option("-P", help="Project parameter, name=value.")] = None,
    run_key: RunKey = "",
) -> None:
    """Run one MLflow project on the prepared table."""
    from turo.training import mlflow_projects

    with steps.noted(context.obj, f"train {name}"):
        project = path or str(mlflow_projects.path_of(name, context.obj))
        run_id = mlflow_projects.launch(name, project, _parameters(param or []), run_key, context.obj)
    report({"model": name, "run_id": run_id})


@app.command()
def promote(
    context: typer.Context,
    names: Names,
    run_key: RunKey = "",
    run_id: Annotated[str, typer.Option(help="This run of the one model named; default: its newest.")] = "",
) -> None:
    """Register the newest run of each model, hold it against the gate, and move its alias if it passes."""
    from dataclasses import asdict

    from turo.gate.promote import promote as decide

    if run_id and len(names) != 1:
        raise ConfigError(f"--run-id {run_id} belongs to one model, not to {names}.", "Name that model only.")
    decisions = []
    for name in names:
        with steps.noted(context.obj, f"promote {name}"):
            decisions.append(asdict(decide(name, run_id or None, run_key, context.obj)))
    report(decisions)


@app.command()
def horizons(context: typer.Context, model: ForecastModel = "", horizons: ForecastDays = "") -> None:
    """Prepare the tables of the other horizons, and list which of their models must be trained."""
    from turo.forecast.prepare_horizons import make_ready

    with steps.noted(context.obj, "horizons"):
        report(make_ready(context.obj, model, days(horizons)))


@app.command()
def forecast(context: typer.Context, model: ForecastModel = "", horizons: ForecastDays = "") -> None:
    """Score every active vehicle with the champions; write forecasts.csv, report.html and the look back."""
    from turo.forecast.fleet_forecast import run

    with steps.noted(context.obj, "forecast"):
        report(run(context.obj, model, days(horizons)))


@app.command()
def rollback(context: typer.Context, name: Name, to: Earlier = "") -> None:
    """Let an earlier champion serve again, proven by a request; to ask again finishes the same rollback."""
    from turo.serving.control.rollback_command import rollback as restore

    report(restore(name, context.obj, to))


@app.command()
def ledger(name: Annotated[str, typer.Argument(help="Model name; empty for all.")] = "") -> None:
    """Print the append-only record of what moved which alias, when and why."""
    from turo.registry.decision_log import read_entries

    for entry in read_entries(name or None):
        typer.echo(json.dumps(entry, default=str))


@app.command()
def trace(context: typer.Context, request_id: RequestId) -> None:
    """Show where an answer came from: model version, run, data digest, commit, features, prediction."""
    from turo.serving.replica.prediction_log import trace as find

    rows = find(context.obj.data_dir, request_id)
    if not rows:
        raise InputError(
            f"Request {request_id!r} is not in the prediction log.",
            "It keeps the newest SERVE_LOG_ROWS rows a model, written every ten seconds.",
        )
    for row in rows:
        typer.echo(json.dumps(row, default=str))


def _usable() -> settings_module.Settings | None:
    """For the doctor, who judges the settings himself: he must run where they cannot be used."""
    try:
        return settings_module.load()
    except ConfigError:
        return None


def main() -> None:
    """Run the command; a known error is one plain line and exit code 1, anything else a traceback."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    os.environ.update(OUR_INTERPRETER)  # Ray reads it once, when it is imported
    try:
        if sys.argv[1:2] == ["doctor"]:
            app(obj=_usable())
        settings = settings_module.load()
        logging.getLogger().setLevel(settings.log_level)
        use_mlflow(settings)
        app(obj=settings)  # every command finds it in its context
    except TuroError as error:
        # Whoever follows a job looks for this line, see job_log.py.
        logging.getLogger("turo").error("%s: %s", kind(error), error)  # noqa: TRY400 - a user's error
        sys.exit(1)
