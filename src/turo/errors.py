"""The project's errors. Each names what failed, which thing it was, and what to do about it."""

from __future__ import annotations


class TuroError(Exception):
    """Base of every error a user may see.

    Args:
        what: what is wrong, naming the file, column, setting or service and the value met.
        remedy: what to do about it, as an imperative.
    """

    def __init__(self, what: str, remedy: str = "") -> None:
        self.what = what
        self.remedy = remedy
        super().__init__(f"{what} {remedy}".strip())

    def __reduce__(self) -> tuple[type[TuroError], tuple[str, str]]:
        # Errors cross process borders (Ray tasks): rebuild from the parts, not from the joined text.
        return (type(self), (self.what, self.remedy))


class InputError(TuroError):
    """A file, row or column that cannot be used."""


class ConfigError(TuroError):
    """A setting that is missing, unknown or contradictory."""


class ServiceError(TuroError):
    """A service (Ray, MLflow, Serve) that does not answer, refuses, or reports a failed job."""


class TrainingError(TuroError):
    """A model that cannot be trained on the data at hand."""


class RegistryError(TuroError):
    """A model version or alias that is absent, damaged or not trusted."""


class DeployError(TuroError):
    """A version that Serve could not take over; the previous one keeps serving."""
