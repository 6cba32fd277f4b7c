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


class LastingError(ServiceError):
    """A job that failed over its input or settings: it would fail again until somebody changes them."""


class TrainingError(TuroError):
    """A model that cannot be trained on the data at hand."""


class CrashError(TrainingError):
    """A training that ended without naming a reason of its own: killed, or an error nobody foresaw."""


class RegistryError(TuroError):
    """A model version or alias that is absent, damaged or not trusted."""


class DeployError(TuroError):
    """A version that Serve could not take over; the previous one keeps serving."""


LASTING = ("InputError", "ConfigError", "TrainingError")  # what another try cannot change, by `kind`


def kind(error: BaseException) -> str:
    """What an error is called here: its own name, or that of the class above it which is defined here."""
    return next((c.__name__ for c in type(error).__mro__ if c.__module__ == __name__), type(error).__name__)
