"""Ray Serve applications to compare with: nothing but an answer, and the pyfunc one would write first."""

import os
from typing import Any

from ray import serve
from ray.serve import Application
from starlette.requests import Request
from starlette.responses import Response

OPTIONS: dict[str, Any] = {"max_ongoing_requests": 500, "ray_actor_options": {"num_cpus": 0.1}}


class Empty:
    """The ceiling: reads the body and answers."""

    async def __call__(self, request: Request) -> Response:
        await request.body()
        return Response(b'{"predictions":[1.0]}', media_type="application/json")


class Pyfunc:
    """MLflow's pyfunc model with a pandas frame a request."""

    def __init__(self, folder: str) -> None:
        import mlflow

        self.model = mlflow.pyfunc.load_model(folder)

    async def __call__(self, request: Request) -> dict[str, Any]:
        import pandas as pd

        rows = (await request.json())["inputs"]
        return {"predictions": self.model.predict(pd.DataFrame(rows)).tolist()}


def empty(args: dict[str, Any]) -> Application:
    """Builder of the ceiling."""
    return serve.deployment(**OPTIONS)(Empty).bind()


def pyfunc(args: dict[str, Any]) -> Application:
    """Builder of the plain one."""
    return serve.deployment(**OPTIONS)(Pyfunc).bind(os.environ["BENCH_PYFUNC"])
