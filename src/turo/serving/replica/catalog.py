"""The application at `/`: list of models, documentation, V2 by model name, and paths nobody serves."""

# No annotations from the future here: Serve reads them at run time.
import asyncio
import logging
import time
from typing import Any

from ray import serve
from ray.serve import Application

from turo.serving.api.directory import Directory, DirectoryApp
from turo.serving.front.fleet_files import FleetFolder
from turo.serving.front.operator_findings import OperatorFindings
from turo.serving.front.pages import Front
from turo.serving.front.pipeline_notes import watched
from turo.serving.front.services import services
from turo.serving.http.asgi import App
from turo.serving.http.messages import Request, Response, json_response
from turo.serving.http.problems import overloaded
from turo.serving.lookup.feature_lookup import table_in
from turo.serving.lookup.table_watch import TableWatch
from turo.serving.replica.model_app import log_through_serve
from turo.serving.replica.states import STATES_PATH, State
from turo.serving.serve_config import CATALOG_DEPLOYMENT, DEPLOYMENT, CatalogContent
from turo.settings import load as load_settings

CPUS = 0.05
FORGOTTEN_S = 60.0  # replicas report every five seconds

logger = logging.getLogger(__name__)


class Reports:
    """The newest report of every replica that is alive."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[float, State]] = {}

    def take(self, name: str, state: State) -> None:
        """Note a report; what has not been heard of for long is forgotten."""
        now = time.monotonic()
        known = {key: told for key, told in self._known.items() if now - told[0] < FORGOTTEN_S}
        self._known = {**known, (name, state.replica): (now, state)}

    def listed(self) -> dict[str, Any]:
        """The body that the reconciler reads."""
        states = [{"name": name, **told.model_dump()} for (name, _), (_, told) in self._known.items()]
        return {"replicas": states}


class ReportingDirectory(Directory):
    """The directory, and for the reconciler the newest reports of all replicas."""

    reports: Reports

    async def handle(self, request: Request) -> Response:
        if request.path == STATES_PATH:
            return json_response(self.reports.listed())
        return await super().handle(request)


class CatalogApp(DirectoryApp):
    """The application around it: whoever has the key may read the reports, however long the queue is."""

    def admit(self, request: Request) -> None:
        if request.path != STATES_PATH:
            super().admit(request)


class Catalog:
    """Knows which models exist and passes V2 requests to them over Serve's own handles."""

    def __init__(self) -> None:
        log_through_serve()
        self.handles: dict[str, Any] = {}
        settings = load_settings()
        front = Front(
            FleetFolder(settings.data_dir, settings.code_version),
            services(settings),
            settings.serve_api_key,
            watched=watched(settings),
        )
        front.findings = OperatorFindings(settings.operator_url).now
        self.directory = ReportingDirectory(self.forward, secured=bool(settings.serve_api_key), front=front)
        self.directory.reports = self.reports = Reports()
        self.application = CatalogApp(self.directory, api_key=settings.serve_api_key, adds_request_id=False)
        watch = TableWatch(table_in(settings.data_dir), self.directory.compare)
        watch.round()
        watch.start()

    def __serve_build_asgi_app__(self) -> App:
        return self.application

    def reconfigure(self, config: dict[str, Any]) -> None:
        """Take over the list of models."""
        content = CatalogContent.model_validate(config)
        self.directory.models = {model.name: model for model in content.models}
        self.directory.awaited = content.awaited
        self.directory.below_baseline = content.below_baseline
        self.directory.refused = content.refused
        self.application.limits = content.limits

    async def forward(self, name: str, request: Request) -> Response:
        """The model's own answer.

        Raises:
            Problem: 503, the model has too many requests or no replica that answers.
        """
        from ray.exceptions import RayError
        from ray.serve.exceptions import BackPressureError, RayServeException

        try:
            response, headers = await (await self.handle(name)).call.remote(request)
        except BackPressureError as error:
            raise overloaded(f"{name} has too many requests waiting.") from error
        except (RayError, RayServeException) as error:  # its replica died, or is being replaced
            logger.warning("%s does not answer: %r", name, error)
            raise overloaded(f"{name} does not answer now; try again shortly.") from error
        return Response(response.status, [*response.headers, *headers], response.body)

    async def handle(self, name: str) -> Any:
        """Serve's handle of a model; the controller is asked for it once, beside the loop: it may be busy.

        Raises:
            Problem: 503, Serve does not know the model yet: it is being deployed for the first time.
        """
        if name not in self.handles:
            try:
                self.handles[name] = await asyncio.to_thread(
                    serve.get_deployment_handle, DEPLOYMENT, app_name=name
                )
            except KeyError as error:
                raise overloaded(f"{name} is being deployed; try again shortly.") from error
        return self.handles[name]

    async def report(self, name: str, state: dict[str, Any]) -> None:
        """Take over what a replica says of itself."""
        self.reports.take(name, State.model_validate(state))


def build(args: dict[str, Any]) -> Application:
    """Entry point named in the Serve configuration."""
    deployment = serve.deployment(name=CATALOG_DEPLOYMENT, ray_actor_options={"num_cpus": CPUS})
    return deployment(serve.ingress()(Catalog)).bind()
