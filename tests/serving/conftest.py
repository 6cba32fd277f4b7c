"""One tiny model behind the serving code, asked the way a caller asks."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_client import AsgiClient
from served import LIMITS, NAME, tiny_predictor

from turo.serving.api.predictor import Predictor
from turo.serving.http.asgi import App


@pytest.fixture(scope="session")
def predictor() -> Predictor:
    """A tiny XGBoost model as `/Tiny`, version 7."""
    return tiny_predictor()


@pytest.fixture
def ask(predictor: Predictor) -> AsgiClient:
    """The application of that model."""
    return AsgiClient(App(predictor, LIMITS), f"/{NAME}")


@pytest.fixture
def row(predictor: Predictor) -> dict[str, Any]:
    """A valid row, free to be spoilt."""
    return dict(predictor.about.example)
