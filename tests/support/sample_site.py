"""The data folder of a generated fleet as the platform leaves it, and its pages on a port: no Ray, no Docker.

Tables of three horizons, a model fitted to each as `turo train` does, the forecast, its files and the report:
all in this process, with the days of the sample for a clock.
"""

from __future__ import annotations

import contextlib
import runpy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import sample_track_record
import training_table
from asgi_server import asgi_server
from served import LIMITS, rows_of

from turo import settings as settings_module
from turo.data import fleet_sketch
from turo.data.load import load_tables
from turo.data.synthetic.generate import write_sample
from turo.data.tables import Tables
from turo.features import build
from turo.forecast.champions import Champion
from turo.forecast.fleet_forecast import forecast_fleet
from turo.forecast.horizon_tables import further_folder
from turo.prepare import manifest
from turo.replay.known_then import as_known
from turo.serving.api.directory import Directory, DirectoryApp
from turo.serving.api.forecast import Forecast
from turo.serving.api.model_info import About
from turo.serving.api.predictor import Predictor
from turo.serving.front.fleet_files import FleetFolder
from turo.serving.front.pages import Front
from turo.serving.front.pipeline_notes import watched
from turo.serving.front.services import services
from turo.serving.http.asgi import App
from turo.serving.http.messages import Request, Response
from turo.serving.http.problems import overloaded
from turo.serving.lookup.feature_lookup import FeatureTable
from turo.serving.serve_config import ModelSpec, TrainedOn
from turo.settings import Settings
from turo.table.model_columns import feature_columns
from turo.table.names import IN_TRAINING
from turo.table.targets import BOOKED_DAYS
from turo.training.artifacts import final_model, places_of
from turo.training.evaluation.backtest import backtest
from turo.training.evaluation.scores import measure
from turo.training.recipe import Recipe
from turo.training.training_rows import TrainingTable

PROJECTS = Path(__file__).parents[2] / "mlflow" / "projects"
MODEL, MAIN, HORIZONS = "XGBoost", 28, (28, 7, 90)
ORIGIN, NOW = date(2026, 11, 23), datetime(2026, 11, 24, 6)
EARLIER = (5, 1, 0)  # weeks before ORIGIN: a window of 28 days is over, last Monday's forecast is kept
KEY = "a key of the tests' own"
RUN_ID = "5a3e01c7b9d84f62"


@dataclass(frozen=True)
class Sample:
    """A folder with everything in it, and the model that serves.

    Attributes:
        settings: name the folder.
        tables: the input.
        champion: of the main horizon.
        example: one row of the main table, as JSON values.
    """

    settings: Settings
    tables: Tables
    champion: Champion
    example: dict[str, Any]

    @property
    def vehicles(self) -> pl.Series:
        """The ids of those that have a forecast, ascending."""
        forecasts = pl.read_csv(Path(self.settings.data_dir) / "forecasts.csv", infer_schema=False)
        return forecasts["vehicle_id"].unique().sort()


def make(folder: Path, vehicles: int, years: float) -> Sample:
    """Generate, prepare, fit, forecast."""
    write_sample(folder, vehicles=vehicles, years=years, horizons=())
    settings = settings_module.load(data_dir=str(folder), horizon_days=MAIN, forecast_horizons=list(HORIZONS))
    tables = load_tables(settings)
    _write_costs(folder, tables)
    champions = list[Champion]()
    for weeks in EARLIER:
        ago = timedelta(weeks=weeks)
        then = as_known(tables, ORIGIN - ago) if weeks else tables
        then = replace(then, snapshot=tables.snapshot - ago)
        prepared = {horizon: _prepare(settings, then, horizon) for horizon in HORIZONS}
        champions = champions or [_fitted(frame, horizon, then) for horizon, frame in prepared.items()]
        if not weeks:  # the report links to the track record where there is one
            sample_track_record.write(settings, tables, champions, MAIN, NOW)
        forecast_fleet(settings, champions, NOW - ago, source=then)
    main = champions[0]
    names = [field.name for field in main.forecaster.fields]
    newest = prepared[MAIN].filter(pl.col("origin_date") == ORIGIN)
    rows = rows_of({name: newest[name].to_numpy() for name in names})
    return Sample(settings, tables, main, min(rows, key=lambda row: list(row.values()).count(None)))


def _write_costs(folder: Path, tables: Tables) -> None:
    """What the vehicles cost, dear enough that some are paid back late and some never."""
    lines = [
        f"{vehicle},{30_000 + 9_000 * number},2024-01-15,{400 + 30 * number}"
        for number, vehicle in enumerate(tables.vehicles["vehicle_id"].sort())
    ]
    head = "vehicle_id,purchase_price,purchase_date,monthly_cost"
    (folder / "costs.csv").write_text("\n".join([head, *lines, ""]))


def _prepare(settings: Settings, tables: Tables, horizon: int) -> pl.DataFrame:
    """Write the table of a horizon where `turo prepare` and `turo horizons` do."""
    frame = build.of_tables(tables, horizon)
    about = manifest.begin(tables, settings.model_copy(update={"horizon_days": horizon}))
    folder = Path(settings.data_dir) if horizon == MAIN else further_folder(settings, horizon)
    training_table.write(folder, frame, **{**about, "rows": about["rows"] | {"labelled_origins": 100}})
    return frame


def _fitted(frame: pl.DataFrame, horizon: int, tables: Tables) -> Champion:
    """A champion with its default parameters."""
    rows = frame.filter(pl.col(IN_TRAINING) == 1, pl.col(BOOKED_DAYS).is_not_null())
    rows = rows.sort("origin_date", "vehicle_id")
    features = tuple(feature_columns(rows.columns))
    snapshot = tables.snapshot.isoformat()
    table = TrainingTable(rows, features, BOOKED_DAYS, horizon, tables.profile, snapshot, "", {})
    project = runpy.run_path(str(PROJECTS / "xgboost" / "train.py"))["PROJECT"]
    recipe = replace(Recipe.of(table, project.kind, project.params, 7), threads=1)
    result = backtest(table, recipe, None)
    model = final_model(recipe.fit(table.columns(), table.y), table, recipe, result, {})
    name = MODEL if horizon == MAIN else f"{MODEL}-{horizon}d"
    figures = measure(table, result, "").figures
    return Champion(
        name, "3", RUN_ID, model, metrics=figures, places=places_of(table, result), why="asked for by name"
    )


def application(
    sample: Sample | None, settings: Settings, api_key: str = "", reached: list[str] | None = None
) -> App:
    """The front door as the catalog builds it, before the sample's model; without one before none.

    Args:
        reached: gets the model's name at each POST that came through to it.
    """
    folder, asked = FleetFolder(settings.data_dir, ""), watched(settings)
    front = Front(folder, services(settings), api_key, lambda: NOW, asked)
    trained, model = TrainedOn(), None
    if sample:
        fleet = sample.tables.fleet
        tag = fleet_sketch.as_tag(fleet) if fleet else ""
        trained = TrainedOn(fleet=tag, snapshot=sample.tables.snapshot.isoformat())
        model = App(_predictor(sample, trained), LIMITS, api_key=api_key)

    async def forward(name: str, request: Request) -> Response:
        if name != MODEL or model is None:
            raise overloaded(f"{name} does not answer now.")
        if reached is not None and request.method == "POST":
            reached.append(name)
        answer = await model.answer(request)
        return Response(answer.status, [*answer.headers, *model.service.headers], answer.body)

    directory = Directory(forward, secured=bool(api_key), front=front)
    spec = ModelSpec(name=MODEL, version="3", run_id=RUN_ID, model_uri="models:/m-3", trained_on=trained)
    directory.models = {MODEL: spec} if sample else {}
    return DirectoryApp(directory, LIMITS, api_key=api_key)


def _predictor(sample: Sample, trained: TrainedOn) -> Predictor:
    about = About(MODEL, "3", RUN_ID, BOOKED_DAYS, MAIN, metrics=dict(sample.champion.metrics))
    about.example, about.trained_on = sample.example, trained
    model: Any = sample.champion.forecaster
    table = FeatureTable(sample.settings.data_dir)
    return Predictor(model, about, LIMITS.max_rows, forecast=Forecast(table))


@contextlib.contextmanager
def site(
    sample: Sample | None,
    settings: Settings | None = None,
    api_key: str = "",
    reached: list[str] | None = None,
) -> Iterator[str]:
    """Its address while it answers; `settings` name the data folder, by default the sample's."""
    named = settings or (sample and sample.settings) or settings_module.load()
    with asgi_server(application(sample, named, api_key, reached)) as (host, port):
        yield f"http://{host}:{port}"
