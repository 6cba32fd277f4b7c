"""What a stack knows and answers, for comparing it before and after something that must not change it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import httpx
import polars as pl
from airflow_api import ENDED, AirflowApi
from compose_stack import MODELS, Stack, served_versions

from turo.table.names import IN_TRAINING
from turo.table.targets import BOOKED_DAYS

ROWS = 100
DISTINCT = 10  # numbers among the answers, at the least: rows that differ for no model prove nothing
REGISTRY = """
import json
from turo import settings
from turo.registry import client as connection
connection.use_mlflow(settings.load())
client = connection.client()
models = client.search_registered_models(max_results=1000)
versions = client.search_model_versions(max_results=10000)
print(json.dumps({
    "aliases": {one.name: {name: str(to) for name, to in one.aliases.items()} for one in models},
    "versions": sorted([one.name, int(one.version), one.run_id, one.status] for one in versions),
}))
"""


def rows(table: Path, names: list[str]) -> list[dict[str, Any]]:
    """Rows of a prepared table that was trained on, all different: spread over its vehicles and Mondays.

    Args:
        table: datas.parquet.
        names: columns that a model asks for.
    """
    trained = pl.read_parquet(table).filter(pl.col(IN_TRAINING) == 1, pl.col(BOOKED_DAYS).is_not_null())
    different = trained.select(names).unique(maintain_order=True)
    assert different.height >= ROWS, different.height
    chosen = [number * different.height // ROWS for number in range(ROWS)]
    return different[chosen].with_columns(pl.col(pl.Float64).fill_nan(None)).to_dicts()


def predictions(serve: str, examples: dict[str, dict[str, object]], table: Path) -> dict[str, list[Any]]:
    """What each model answers to a hundred rows of the prepared table."""
    found = dict[str, list[Any]]()
    for name, example in examples.items():
        records = example["inputs"]
        assert isinstance(records, list)
        body = {"inputs": rows(table, list(records[0]))}
        answer = httpx.post(f"{serve}/{name}", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        found[name] = answer.json()["predictions"]
        assert len(found[name]) == ROWS
        assert len(set(found[name])) >= DISTINCT, (name, found[name])
    return found


def history(airflow: AirflowApi) -> set[tuple[str, str, str]]:
    """Every run of every DAG that has ended."""
    return {
        (run["dag_id"], run["dag_run_id"], run["state"]) for run in airflow.runs("~") if run["state"] in ENDED
    }


def registry(stack: Stack) -> dict[str, Any]:
    """Aliases of every registered model, and every version with its run, whether it is served or not."""
    told = stack.execute("mlflow", "python", "-c", REGISTRY).splitlines()[-1]
    found: dict[str, Any] = json.loads(told)
    assert all("champion" in found["aliases"][name] for name in MODELS), found
    return found


def kept(stack: Stack, serve: str, examples: dict[str, dict[str, object]], folder: Path) -> dict[str, Any]:
    """Predictions bit for bit, versions served, registry and its aliases, decision log, report's digest."""
    return {
        "predictions": predictions(serve, examples, folder / "datas" / "datas.parquet"),
        "versions": served_versions(serve),
        "registry": registry(stack),
        "ledger": stack.execute("mlflow", "turo", "ledger"),
        "report": hashlib.sha256((folder / "datas/report.html").read_bytes()).hexdigest(),
    }
