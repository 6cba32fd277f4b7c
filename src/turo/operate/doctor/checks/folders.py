"""The folders that containers share with the host, and `.env` itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from turo.operate.doctor.facts import Facts
from turo.operate.doctor.finding import Severity, Trouble

SHARED = ("datas", "mlruns", "mlflow_artifacts", "backups", "jupyter/notebooks")
ML_USER = 1000  # as whom the containers run
SHARE_ENV = "setfacl -m u:1000:r .env"
SECRET = (
    "AIRFLOW_ADMIN_PASSWORD",
    "GRAFANA_ADMIN_PASSWORD",
    "JUPYTER_TOKEN",
    "SERVE_API_KEY",
    "MLFLOW_ADMIN_PASSWORD",
    "ALERT_SMTP_PASSWORD",
    "ALERT_WEBHOOK_URL",
    "ALERT_SLACK_WEBHOOK_URL",
)


def folders(facts: Facts) -> Iterator[Trouble]:
    """They exist, and the host's user and the containers' can write to them."""
    for name, writable in facts.folders.items():
        if writable is None:
            yield Trouble(
                f"{name}/ is missing.",
                "Docker makes it as root, and its files are not yours then.",
                f"mkdir -p {name}, or ./doctor.sh --fix",
                Severity.WARNING,
            )
        elif not writable and started_before(facts):
            yield Trouble(
                f"{name}/ cannot be written by user 1000, as whom the containers run.",
                "What they make is refused with: permission denied.",
                "docker compose up bootstrap gives both their rights again.",
            )
    for name in facts.host.unwritable:
        yield Trouble(
            f"{name}/ cannot be written by you.",
            "Mostly Docker made it as root, where it was missing. You cannot put files in or take them out.",
            f'sudo chown -R "$(id -u)" {name} && docker compose up bootstrap',
        )


def started_before(facts: Facts) -> bool:
    """Before the first start the rights are not given yet, and bootstrap gives them."""
    return f"{facts.project}_secrets_vault" in facts.host.volumes


def make_folders(facts: Facts, project: Path) -> Iterator[str]:
    """Make those that are missing; doctor.sh made its own before Docker could, as root."""
    for name in facts.host.made:
        yield f"made {name}/"
    for name in [name for name, writable in facts.folders.items() if writable is None]:
        (project / name).mkdir(parents=True)
        yield f"made {name}/"


def env_private(facts: Facts) -> Iterator[Trouble]:
    """A `.env` with passwords in it is its owner's alone."""
    held = [name for name in SECRET if facts.set_by_user(name)]
    if facts.env_mode is not None and facts.env_mode & 0o044 and held:
        yield Trouble(
            f".env holds {', '.join(held)}, and other users of this machine can read it "
            f"({facts.env_mode:04o}).",
            "Whoever has an account here has these passwords.",
            "chmod 600 .env, or ./doctor.sh --fix"
            if facts.env_owner in (ML_USER, None)
            else f"chmod 600 .env && {SHARE_ENV}: user 1000 reads it for backups",
        )


def close_env(facts: Facts, project: Path) -> Iterator[str]:
    """Take the rights of all others away."""
    if any(env_private(facts)):
        (project / ".env").chmod(0o600)
        yield "made .env readable for its owner only (0600)"
