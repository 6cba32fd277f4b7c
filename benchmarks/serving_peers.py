"""The other servers: installed into throw-away environments, started, and asked in their own form."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MLSERVER = ["mlserver==1.7.1", "mlserver-xgboost==1.7.1", "uvloop<0.22"]
BENTOML = ["bentoml>=1.4,<1.5", "xgboost>=3", "pandas", "scikit-learn"]
BENTO_SHIPPED = """
import bentoml, pandas as pd, xgboost
@bentoml.service
class Bench:
    def __init__(self):
        self.model = xgboost.XGBRegressor()
        self.model.load_model("{model}")
    @bentoml.api
    def predict(self, rows: list[dict[str, float]]) -> list[float]:
        return self.model.predict(pd.DataFrame(rows)).tolist()
"""
BENTO_TUNED = """
import bentoml, numpy as np, xgboost
@bentoml.service(workers=1)
class Bench:
    def __init__(self):
        self.model = xgboost.Booster()
        self.model.load_model("{model}")
        self.model.set_param("nthread", 1)
    @bentoml.api
    async def predict(self, rows: list[list[float]]) -> list[float]:
        return self.model.inplace_predict(np.array(rows)).tolist()
"""
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
ALONE = {"parallel_workers": 0}

Rows = list[dict[str, float]]


@dataclass
class Peer:
    """A running server: where it predicts, how a batch is written for it, and how many rows it is asked for.

    `write` gives the document to send, or the bytes of a body and its headers.
    """

    title: str
    url: str
    write: Callable[[Rows], Any]
    process: subprocess.Popen[bytes] | None = None
    log: Path | None = None
    tuned: bool = False
    rows: tuple[int, ...] = (1, 1000)

    def body(self, rows: Rows) -> tuple[bytes, dict[str, str]]:
        written = self.write(rows)
        return written if isinstance(written, tuple) else (json.dumps(written).encode(), {})


def environment(folder: Path, name: str, packages: list[str]) -> Path:
    """The `bin` folder of a fresh virtual environment with these packages."""
    uv = shutil.which("uv") or str(Path(".uv/bin/uv").resolve())
    target = folder / f"venv-{name}"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(target)], check=True)
    command = [uv, "pip", "install", "--quiet", "--python", str(target / "bin/python"), *packages]
    subprocess.run(command, check=True)
    return target / "bin"


def start(command: list[str], folder: Path, log: str, **variables: str) -> subprocess.Popen[bytes]:
    """A server in a process group of its own, its output in a file; it finds what lies beside its program."""
    path = os.pathsep.join([str(Path(command[0]).parent), os.environ["PATH"]])
    with (folder / log).open("wb") as output:
        return subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "PATH": path, **variables},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def mlflow_serve(folder: Path, port: int) -> list[Peer]:
    """`mlflow models serve`, as shipped and with one thread a worker."""
    shipped = [str(Path(sys.executable).parent / "mlflow"), "models", "serve", "-m", str(folder / "mlflow")]
    shipped += ["--env-manager", "local", "-h", "127.0.0.1"]
    return [
        Peer(
            "mlflow models serve", f"http://127.0.0.1:{port}/invocations",
            lambda rows: {"dataframe_records": rows},
            start([*shipped, "-p", str(port)], folder, "mlflow.log"), folder / "mlflow.log",
        ),
        Peer(
            "mlflow models serve, 2 workers, 1 thread", f"http://127.0.0.1:{port + 1}/invocations",
            lambda rows: {"dataframe_records": rows},
            start([*shipped, "-p", str(port + 1), "--workers", "2"], folder, "mlflow2.log", **ONE_THREAD),
            folder / "mlflow2.log", True,
        ),
    ]  # fmt: skip


def mlserver(folder: Path, port: int) -> list[Peer]:
    """MLServer with its XGBoost runtime, as shipped and as its documentation tunes it."""
    program = environment(folder, "mlserver", MLSERVER) / "mlserver"

    def one(name: str, title: str, first: int, settings: dict[str, Any], **variables: str) -> Peer:
        place = folder / name
        (place / "model").mkdir(parents=True)
        shutil.copy(folder / "model.json", place / "model" / "model.json")
        ports = {"http_port": first, "grpc_port": first + 1, "metrics_port": first + 2, "host": "127.0.0.1"}
        (place / "settings.json").write_text(json.dumps({**ports, "debug": False, **settings}))
        runtime = {"name": "bench", "implementation": "mlserver_xgboost.XGBoostModel"}
        runtime["parameters"] = {"uri": "./model.json"}  # type: ignore[assignment]
        (place / "model" / "model-settings.json").write_text(json.dumps(runtime))
        process = start([str(program), "start", "."], place, "log", **variables)
        return Peer(
            title,
            f"http://127.0.0.1:{first}/v2/models/bench/infer",
            as_v2,
            process,
            place / "log",
            bool(settings),
        )

    return [
        one("mlserver", "MLServer", port, {}),
        one("tuned", "MLServer, parallel_workers 0, 1 thread", port + 3, ALONE, **ONE_THREAD),
    ]  # fmt: skip


def bentoml(folder: Path, port: int) -> list[Peer]:
    """BentoML as its first example has it, and with the native booster."""
    program = environment(folder, "bentoml", BENTOML) / "bentoml"

    def one(
        name: str, title: str, at: int, source: str, write: Callable[[Rows], Any], **variables: str
    ) -> Peer:
        place = folder / name
        place.mkdir()
        (place / "service.py").write_text(source.replace("{model}", str(folder / "model.json")))
        command = [str(program), "serve", "service:Bench", "--host", "127.0.0.1", "--port", str(at)]
        process = start(command, place, "log", BENTOML_DO_NOT_TRACK="True", **variables)
        return Peer(
            title, f"http://127.0.0.1:{at}/predict", write, process, place / "log", name.endswith("tuned")
        )

    def lists(rows: Rows) -> Any:
        return {"rows": [list(row.values()) for row in rows]}

    return [
        one("bento", "BentoML", port, BENTO_SHIPPED, lambda rows: {"rows": rows}),
        one("bento-tuned", "BentoML, native booster, 1 thread", port + 1, BENTO_TUNED, lists, **ONE_THREAD),
    ]


def as_v2(rows: Rows) -> Any:
    """One tensor with all columns, the cheapest form MLServer's runtime takes."""
    flat = [value for row in rows for value in row.values()]
    shape = [len(rows), len(rows[0])]
    return {"inputs": [{"name": "rows", "datatype": "FP64", "shape": shape, "data": flat}]}
