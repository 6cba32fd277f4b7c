"""Versions in the running stack's registry that must not be served, and what the route says of them."""

from __future__ import annotations

import httpx
from compose_stack import Stack
from stack_runs import ledger

# A copy of what serves whose digest is of other files, as a damaged registry would hold it.
WRONG_DIGEST = """
import sys
from turo import settings
from turo.registry import client as connection
name, version = sys.argv[1:]
connection.use_mlflow(settings.load())
client = connection.client()
good = client.get_model_version(name, version)
tags = dict(good.tags) | {"turo.model_sha256": "0" * 64}
model = good.source.rpartition("/")[2]
print(client.create_model_version(name, good.source, good.run_id, tags=tags, model_id=model).version)
"""
# Its files, spoilt, as a model of their own with the digest that the program `spoil` leaves in the tags.
SPOILT = """
import sys, tempfile
from pathlib import Path
import mlflow
from turo import settings
from turo.registry import client as connection
name, version = sys.argv[1:]
connection.use_mlflow(settings.load())
client = connection.client()
good = client.get_model_version(name, version)
experiment = mlflow.set_experiment("drills").experiment_id
with tempfile.TemporaryDirectory() as place:
    folder = Path(mlflow.artifacts.download_artifacts(good.source, dst_path=place + "/model"))
    spoil(folder)
    run = client.create_run(experiment)
    model = client.create_logged_model(experiment, name="spoilt", source_run_id=run.info.run_id)
    client.log_model_artifacts(model.model_id, str(folder))
    client.finalize_logged_model(model.model_id, "READY")
    client.set_terminated(run.info.run_id)
source = "models:/" + model.model_id
tags = dict(good.tags) | {"turo.model_uri": source}
made = client.create_model_version(name, source, run.info.run_id, tags=tags, model_id=model.model_id)
print(made.version)
"""
DAMAGED = """
def spoil(folder):
    largest = max((p for p in (folder / "data").rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)
    told = bytearray(largest.read_bytes())
    told[len(told) // 2] ^= 1
    largest.write_bytes(told)
"""
CANARY = "/tmp/canary-of-a-pickle"
PICKLED = f"""
import os, pickle, yaml
class Bomb:
    def __reduce__(self):
        return os.system, ("touch {CANARY}",)
def spoil(folder):
    (folder / "python_model.pkl").write_bytes(pickle.dumps(Bomb()))
    told = yaml.safe_load((folder / "MLmodel").read_text())
    file = "python_model.pkl"
    pickled = dict(loader_module="mlflow.pyfunc.model", python_model=file, data=file)
    told["flavors"] = dict(python_function=pickled)
    (folder / "MLmodel").write_text(yaml.safe_dump(told))
"""
SPOIL = {
    "a wrong digest": WRONG_DIGEST,
    "a damaged artifact": DAMAGED + SPOILT,
    "a hostile pickle": PICKLED + SPOILT,
}
POINT = """
import sys
from turo import settings
from turo.registry import client as connection
name, alias, version = sys.argv[1:]
connection.use_mlflow(settings.load())
connection.client().set_registered_model_alias(name, alias, version)
"""
CHAMPION = """
import sys
from turo import settings
from turo.registry import client as connection
connection.use_mlflow(settings.load())
print(connection.client().get_model_version_by_alias(sys.argv[1], "champion").version)
"""


def copied(stack: Stack, name: str, version: str, program: str = WRONG_DIGEST) -> str:
    """A new version, made of another one by the program."""
    return stack.execute("mlflow", "python", "-c", program, name, version).split()[-1]


def point(stack: Stack, name: str, alias: str, version: str) -> None:
    """Move an alias behind everybody's back, as a user of MLflow's page may."""
    stack.execute("mlflow", "python", "-c", POINT, name, alias, version)


def champion(stack: Stack, name: str) -> str:
    """The version that the registry calls champion."""
    return stack.execute("mlflow", "python", "-c", CHAMPION, name).split()[-1]


def refused(serve: str, name: str) -> str | None:
    """The version that the route says it does not serve."""
    told = httpx.get(f"{serve}/{name}", timeout=30).json()["refused"] or {}
    return told.get("version")


def refusals(stack: Stack, name: str) -> list[str]:
    """The versions that the decision log says were refused, first to last."""
    return [entry["version"] for entry in ledger(stack, name) if entry["event"] == "refused"]
