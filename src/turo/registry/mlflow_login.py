"""The login at MLflow for what asks it without its library, which takes its own from the environment."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from turo.settings import Settings


def mlflow_login(settings: Settings) -> dict[str, str]:
    """The header to send; none where MLflow has no login."""
    if not settings.mlflow_tracking_password:
        return {}
    told = f"{settings.mlflow_tracking_username}:{settings.mlflow_tracking_password}"
    return {"Authorization": "Basic " + base64.b64encode(told.encode()).decode()}
