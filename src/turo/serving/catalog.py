"""The application at `/`: list of models, documentation, and what is handed on to the models: V2, strays."""

# No annotations from the future here: Serve reads them at run time.
import logging
from typing import Any

from ray import serve
from ray.serve import Application

from turo.serving.app import log_through_serve
from turo.serving.asgi import App
from turo.serving.directory import Directory, FrontApp
from turo.serving.lookup import table_in
from turo.serving.messages import Request, Response
from turo.serving.problems import overloaded
from turo.serving.spec import CATALOG_DEPLOYMENT, DEPLOYMENT, CatalogContent
from turo.serving.watch import Watch
from turo.settings import load as load_settings

CPUS = 0.05

logger = logging.getLogger(__name__)


class Catalog:
    """Knows which models exist and passes V2 requests to them over Serve's own handles."""

    def __init__(self) -> None:
        log_through_serve()
        self.handles: dict[str, Any] = {}
        settings = load_settings()
        self.directory = Directory(self.forward, secured=bool(settings.serve_api_key))
        self.application = FrontApp(self.directory, api_key=settings.serve_api_key, adds_request_id=False)
        watch = Watch(table_in(settings.data_dir), self.directory.compare)
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
        self.application.limits = content.limits

    async def forward(self, name: str, request: Request) -> Response:
        """The model's own answer.

        Raises:
            Problem: 503, the model has too many requests or no replica that answers.
        """
        from ray.exceptions import RayError
        from ray.serve.exceptions import BackPressureError, RayServeException

        if name not in self.handles:
            self.handles[name] = serve.get_deployment_handle(DEPLOYMENT, app_name=name)
        try:
            response, headers = await self.handles[name].call.remote(request)
        except BackPressureError as error:
            raise overloaded(f"{name} has too many requests waiting.") from error
        except (RayError, RayServeException) as error:  # its replica died, or is being replaced
            logger.warning("%s does not answer: %r", name, error)
            raise overloaded(f"{name} does not answer now; try again shortly.") from error
        return Response(response.status, [*response.headers, *headers], response.body)


def build(args: dict[str, Any]) -> Application:
    """Entry point named in the Serve configuration."""
    deployment = serve.deployment(name=CATALOG_DEPLOYMENT, ray_actor_options={"num_cpus": CPUS})
    return deployment(serve.ingress()(Catalog)).bind()
