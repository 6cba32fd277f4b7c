"""The Serve application of one model. No annotations from the future here: Serve reads them at run time."""

import asyncio
import logging
import sys
from functools import partial
from typing import Any

import orjson
from pydantic import BaseModel
from ray import serve
from ray.serve import Application

from turo.cluster.lean_imports import absent
from turo.registry.route_names import SHADOW
from turo.serving.http.asgi import App
from turo.serving.http.messages import Request, Response, request_id
from turo.serving.lookup.feature_lookup import table_in
from turo.serving.lookup.table_watch import TableWatch
from turo.serving.replica.metrics import Gauges
from turo.serving.replica.model_slot import ModelSlot, load
from turo.serving.replica.observer import Observer, Shadow
from turo.serving.replica.state_reporter import Reporter
from turo.serving.replica.states import State
from turo.serving.serve_config import DEPLOYMENT, SHADOW_DEPLOYMENT, Content
from turo.settings import load as load_settings

SWITCH_S = 0.0005

logger = logging.getLogger("ray.serve")


class Arguments(BaseModel):
    """What never changes for a replica; everything else comes as user_config."""

    name: str


class Model:
    """One replica. Serve calls `reconfigure` after the constructor and before the first request."""

    def __init__(self, name: str) -> None:
        # A large batch is predicted in a thread; Python's 5 ms would hold the loop up at every turn of it.
        sys.setswitchinterval(SWITCH_S)
        settings = load_settings()
        log_through_serve()
        do_without_pandas()
        self.slot = ModelSlot(partial(load, settings=settings))
        self.gauges = Gauges(name)
        self.observer = Observer(name, self.gauges, settings.data_dir, settings.serve_log_rows)
        self.exchange = asyncio.Lock()
        self.content: Content | None = None
        self.reporter = Reporter(name, self.state, self.again)
        self.application = App(
            api_key=settings.serve_api_key, adds_request_id=False, count=self.observer.count
        )
        self.observer.start()
        self.watch = TableWatch(table_in(settings.data_dir), self.compare)
        self.watch.start()

    def __serve_build_asgi_app__(self) -> App:
        return self.application

    async def reconfigure(self, content: dict[str, Any]) -> None:
        """Load the named version beside the serving one and let it take over; requests go on meanwhile.

        Raises:
            Exception: only in a replica that serves nothing yet. Later, Serve would take the replica down.
        """
        wanted = Content.model_validate(content)
        async with self.exchange:
            self.content = wanted
            await self.take(wanted)
        self.reporter.news()

    async def take(self, wanted: Content) -> None:
        """Let the slot exchange the version if need be, and answer with what it holds."""
        predictor = await asyncio.to_thread(self.slot.take, wanted)
        if self.slot.failed and not self.slot.failed.passing:
            self.gauges.refused()
        predictor.observe = self.observer.see
        predictor.compare(await asyncio.to_thread(self.watch.look))
        self.application.limits = wanted.limits
        self.application.service = predictor
        self.gauges.serves(predictor.about)
        challenged = wanted.notes.challenger is not None and wanted.spec == self.slot.spec
        self.observer.shadow = self.copy() if challenged else None

    async def again(self) -> None:
        """Try again what failed, when its time has come."""
        async with self.exchange:
            if self.slot.due and self.content is not None:
                await self.take(self.content)

    def state(self) -> State:
        """What is told to the reconciler."""
        replica = serve.get_replica_context().replica_id.unique_id
        return State(replica=replica, serves=self.slot.spec, failed=self.slot.failed)

    def compare(self, manifest: dict[str, Any]) -> None:
        """Hold what serves against the prepared table, of which this is the manifest."""
        if self.application.service is not None:
            self.application.service.compare(manifest)

    def copy(self) -> Shadow:
        """How copies of the traffic reach the challengers: sent and forgotten."""
        loop = asyncio.get_running_loop()
        handles: list[Any] = []

        async def send(*batch: Any) -> None:
            try:
                # Not earlier: the challengers' application may be deployed after this one is told of them.
                handles[:] = handles or [
                    await asyncio.to_thread(serve.get_deployment_handle, SHADOW_DEPLOYMENT, app_name=SHADOW)
                ]
                await handles[0].observe.remote(*batch)
            except Exception as error:
                logger.debug("a copy was not compared: %r", error)

        def hand_over(*batch: Any) -> None:
            asyncio.run_coroutine_threadsafe(send(*batch), loop)

        return hand_over

    async def call(self, request: Request) -> tuple[Response, list[tuple[bytes, bytes]]]:
        """The same answers for a caller inside Serve (the catalog, for /v2), with this version's headers."""
        service = self.application.service
        response = await self.application.answer(request, None, service)
        self.observer.count(response.status)
        return response, service.headers

    async def predict(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """The answer to `POST /<NAME>` for a caller with a handle, a notebook for instance.

        Args:
            rows: one dict a row, as in `{"inputs": rows}`; NumPy's numbers are fine, NaN is a missing value.

        Raises:
            Problem: the rows are refused, as over HTTP; `errors` names row and column.
        """
        body = orjson.dumps({"inputs": rows}, option=orjson.OPT_SERIALIZE_NUMPY)
        request = Request("POST", "", {b"x-request-id": request_id(b"")}, body)
        response = await self.application.in_turn(request, self.application.service)
        self.observer.count(response.status)
        answer: dict[str, Any] = orjson.loads(response.body)
        return answer

    def check_health(self) -> None:
        """Really predict."""
        if self.slot.predictor is not None:
            self.slot.predictor.check()


def do_without_pandas() -> None:
    """To be called before pyarrow takes its first list, when it looks, once, whether pandas is there."""
    import pyarrow as pa

    with absent("pandas"):
        pa.array([None])


def log_through_serve() -> None:
    """Let what this package logs appear in the replica's log, which Ray's dashboard shows."""
    package = logging.getLogger("turo")
    package.handlers = logger.handlers
    package.setLevel(logging.INFO)


def build(args: Arguments) -> Application:
    """Entry point named in the Serve configuration."""
    return serve.deployment(name=DEPLOYMENT)(serve.ingress()(Model)).bind(args.name)
