"""What Serve's dashboard and the catalog answer about one model, as the reconciler and a rollback read it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from turo.serving.replica.states import State
from turo.serving.serve_config import MODEL_IMPORT, ModelSpec


def applications(spec: ModelSpec, replicas: Sequence[str], state: str = "RUNNING") -> dict[str, Any]:
    """One application that was told to serve `spec`, and its replicas in this state."""
    deployment = {"replicas": [{"replica_id": replica, "state": state} for replica in replicas]}
    config = {"import_path": MODEL_IMPORT, "deployments": [{"user_config": {"spec": spec.model_dump()}}]}
    told = {"status": "RUNNING", "deployments": {"Model": deployment}, "deployed_app_config": config}
    return {"applications": {spec.name: told}}


def reports(name: str, states: Sequence[State]) -> dict[str, Any]:
    """What the replicas of a model last said that they serve."""
    return {"replicas": [{"name": name, **state.model_dump()} for state in states]}
