"""An MLflow of its own for each test that asks for one."""

from tracking import empty_mlflow, tracking

__all__ = ["empty_mlflow", "tracking"]
