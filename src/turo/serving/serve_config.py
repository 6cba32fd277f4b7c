"""The deployment specification: what each application is, and the whole Serve configuration made of them.

Serve's PUT is declarative and deletes what is absent, so there is one function that writes all of it.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from turo.registry.route_names import CATALOG, SHADOW
from turo.settings import Settings

MODEL_IMPORT = "turo.serving.replica.model_app:build"
CATALOG_IMPORT = "turo.serving.replica.catalog:build"
DEPLOYMENT = "Model"
CATALOG_DEPLOYMENT = "Catalog"
SHADOW_IMPORT = "turo.serving.replica.shadow:build"
SHADOW_DEPLOYMENT = "Shadow"
BELOW_BASELINE = "turo.below_baseline"  # tag of a version
GRACE_S = 40  # more than the 30 s for which a replica that shuts down stays reachable
SPARE = 100  # requests above the application's limit that Serve lets through, so that the application refuses


class TrainedOn(BaseModel):
    """What a version was fitted to, as its tags say; never changes. Empty where its release noted nothing."""

    model_config = ConfigDict(frozen=True)

    fleet: str = ""  # as `turo.data.fleet_sketch.as_tag` writes it
    data_digest: str = ""
    snapshot: str = ""
    metric: str = "mae"  # what it is judged by: its forecasts are medians under mae, means under rmse


class ModelSpec(BaseModel):
    """Which version an application serves."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    name: str
    version: str
    run_id: str
    model_uri: str
    sha256: str = ""
    trained_on: TrainedOn = TrainedOn()


class Notes(BaseModel):
    """What is told about a version beside what it is; may change while it serves."""

    tags: dict[str, str] = {}
    metrics: dict[str, float] = {}
    refused: dict[str, str] | None = None
    challenger: ModelSpec | None = None

    @property
    def below_baseline(self) -> bool:
        """Whether the version serves although the best baseline is better."""
        return self.tags.get(BELOW_BASELINE) == "true"


class Limits(BaseModel):
    """What one request, and all that wait at once, may ask of a replica."""

    max_rows: int
    max_bytes: int
    max_in_flight: int
    timeout_s: float
    body_timeout_s: float = 10.0

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """The limits in the settings of the process that deploys."""
        return cls(
            max_rows=settings.serve_max_rows,
            max_bytes=settings.serve_max_bytes,
            max_in_flight=settings.serve_max_ongoing + settings.serve_max_queued,
            timeout_s=settings.serve_timeout_s,
            body_timeout_s=settings.serve_body_timeout_s,
        )


class Content(BaseModel):
    """What replicas are told as Serve's user_config: they take it over in place, without a restart."""

    spec: ModelSpec
    limits: Limits
    notes: Notes = Notes()
    attempt: int = 0  # a change of it alone makes Serve start replicas again that could not start
    stand_in: ModelSpec | None = (
        None  # the fallback: what a replica that starts serves while it cannot load `spec`
    )


class CatalogContent(BaseModel):
    """What the catalog is told as its user_config."""

    models: list[ModelSpec]
    awaited: tuple[str, ...] = ()  # configured, without a version so far
    below_baseline: tuple[str, ...] = ()  # models that do not beat their best baseline
    refused: dict[str, dict[str, str]] = {}  # by model the version that could not be served, and why
    limits: Limits


class ShadowContent(BaseModel):
    """What the application that runs the challengers is told as its user_config."""

    challengers: list[ModelSpec]


def configuration(models: list[Content], settings: Settings) -> dict[str, Any]:
    """The body of PUT /api/serve/applications/: these models and the catalog, and nothing else."""
    applications = [_model(content, settings) for content in models]
    specs = [content.spec for content in models]
    awaited = tuple(n for n in settings.model_names if n not in {spec.name for spec in specs})
    below = tuple(content.spec.name for content in models if content.notes.below_baseline)
    refused = {content.spec.name: content.notes.refused for content in models if content.notes.refused}
    limits = Limits.of(settings)
    told = CatalogContent(models=specs, awaited=awaited, below_baseline=below, refused=refused, limits=limits)
    catalog = {
        "name": CATALOG,
        "route_prefix": "/",
        "import_path": CATALOG_IMPORT,
        "deployments": [
            {
                "name": CATALOG_DEPLOYMENT,
                "user_config": told.model_dump(),
                # Requests that wait for a model must not keep the replicas' reports out.
                "max_ongoing_requests": limits.max_in_flight + SPARE,
            }
        ],
    }
    challengers = [content.notes.challenger for content in models if content.notes.challenger]
    if challengers:
        applications.append(_shadow(challengers))
    return {
        "proxy_location": "HeadOnly",
        "http_options": {"host": settings.ray_http_host, "port": settings.ray_http_port},
        "applications": [*applications, catalog],
    }


def _shadow(challengers: list[ModelSpec]) -> dict[str, Any]:
    content = ShadowContent(challengers=challengers).model_dump()
    deployment = {
        "name": SHADOW_DEPLOYMENT,
        "user_config": content,
        "max_ongoing_requests": 1,
        "max_queued_requests": 20,  # further copies are dropped by the sender
    }
    return {"name": SHADOW, "route_prefix": None, "import_path": SHADOW_IMPORT, "deployments": [deployment]}


def _model(content: Content, settings: Settings) -> dict[str, Any]:
    return {
        "name": content.spec.name,
        "route_prefix": f"/{content.spec.name}",
        "import_path": MODEL_IMPORT,
        # One line a request costs a tenth of the throughput; the prediction log knows more.
        "logging_config": {"enable_access_log": False},
        "args": {"name": content.spec.name},
        "deployments": [
            {
                "name": DEPLOYMENT,
                "user_config": content.model_dump(),
                # A replica that is replaced (new code, new limits) goes on until its successor answers.
                "max_surge_percent": 100,
                "graceful_shutdown_timeout_s": GRACE_S,
                "health_check_period_s": 10,
                "health_check_timeout_s": 30,
                # The application itself bounds its queue and answers 503; Serve's own limit lies above that.
                "max_ongoing_requests": content.limits.max_in_flight + SPARE,
                "max_queued_requests": -1,
                "ray_actor_options": {"num_cpus": settings.serve_replica_cpus},
                "autoscaling_config": {
                    "min_replicas": settings.serve_min_replicas,
                    "max_replicas": max(settings.serve_min_replicas, settings.serve_max_replicas),
                    "target_ongoing_requests": max(1, settings.serve_max_ongoing // 2),
                },
            }
        ],
    }
