"""`python -m turo.mlflow_container.accounts FILE`: what MLflow's app `basic-auth` starts with.

Users are in the database of runs and registry, so that a backup holds them. The administrator's password
is always the one of `.env`: MLflow itself would take it only once, and whoever changed it later would be
locked out.
"""

from __future__ import annotations

import sys
from configparser import ConfigParser
from pathlib import Path
from typing import TYPE_CHECKING

from turo.errors import ConfigError

if TYPE_CHECKING:
    from turo.settings import Settings

SHORTEST = 12  # characters, of a password: MLflow's own rule
PUBLISHED = ("password1234",)  # its own default: it refuses every login by that
REMEMBERED_S = 60  # how long a checked password counts: to check one takes longer than most answers


def write_options(path: Path, settings: Settings) -> None:
    """MLflow's file of options. Whoever has an account may read everything, and write what is his own."""
    options = ConfigParser(interpolation=None)
    options["mlflow"] = {
        "default_permission": "READ",
        # MLflow reads the file with interpolation, to which % is special.
        "database_uri": settings.backend_uri.replace("%", "%%"),
        "auth_cache_ttl_seconds": str(REMEMBERED_S),
    }
    with path.open("w") as file:
        options.write(file)
    path.chmod(0o600)


def keep_password(settings: Settings) -> bool:
    """Give the administrator, where there is one, the password of the settings; whether it was another.

    Raises:
        ConfigError: no password, too short a one, or the one that everybody knows.
    """
    from mlflow.server.auth.sqlalchemy_store import SqlAlchemyStore

    name, password = settings.mlflow_tracking_username, settings.mlflow_tracking_password
    if len(password) < SHORTEST:
        raise ConfigError(
            f"MLflow's password has {len(password)} characters, it takes {SHORTEST} or more.",
            "Set MLFLOW_ADMIN_PASSWORD in .env.",
        )
    if password in PUBLISHED:
        raise ConfigError(
            "MLflow's password is the published default, by which it lets nobody in.",
            "Set another MLFLOW_ADMIN_PASSWORD in .env.",
        )
    store = SqlAlchemyStore()
    store.init_db(settings.backend_uri)
    try:
        if not store.has_user(name) or store.authenticate_user(name, password):
            return False
        store.update_user(name, password=password)
    finally:
        store.engine.dispose()
    return True


def main() -> int:
    """Write the options to the file that is named, then see to the password."""
    from turo import settings as settings_module

    settings, path = settings_module.load(), Path(sys.argv[1])
    try:
        write_options(path, settings)
        if keep_password(settings):
            sys.stdout.write("accounts: the administrator's password is now the one of .env\n")
    except (ConfigError, OSError) as error:
        sys.stderr.write(f"accounts: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
