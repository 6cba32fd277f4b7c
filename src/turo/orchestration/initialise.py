"""What Airflow needs before its first start, in one process: database, administrator, Variables, pool.

Safe to run again: nothing a user edited is overwritten. One `airflow` command costs five to nine seconds of
processor time, most of it imports; this pays once for all of them.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Mapping

from turo.training.project import AT_ONCE

logger = logging.getLogger(__name__)

DEFAULT_LOGIN = "admin"
POOL = ("trainings", AT_ONCE, "Models trained at the same time.")


def initialise(environment: Mapping[str, str]) -> None:
    """Bring the database up to date, then add what is missing.

    Args:
        environment: AIRFLOW_ADMIN_USER and AIRFLOW_ADMIN_PASSWORD (both `admin` unless given), RAY_ADDRESS.
    """
    # Airflow reads this to know that the process may use the database.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    _airflow("db", "migrate")
    _administrator(
        environment.get("AIRFLOW_ADMIN_USER") or DEFAULT_LOGIN,
        environment.get("AIRFLOW_ADMIN_PASSWORD") or DEFAULT_LOGIN,
    )
    _variable("RAY_ADDRESS", environment.get("RAY_ADDRESS") or "ray://ray:10001")
    _pool(*POOL)


def _airflow(*words: str) -> None:
    from airflow.cli.cli_parser import get_parser

    arguments = get_parser().parse_args(words)
    arguments.func(arguments)


def _administrator(name: str, password: str) -> None:
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
    from werkzeug.security import check_password_hash

    with get_application_builder() as builder:
        manager = builder.sm
        known = manager.find_user(username=name)
        if known is None:
            role = manager.find_role("Admin")
            added = manager.add_user(name, name, name, f"{name}@localhost.localdomain", role, password)
            if not added:
                raise SystemExit(f"Airflow would not add the account {name!r}; see the line above.")
            logger.info("Added the administrator %s", name)
        elif password != DEFAULT_LOGIN:
            # A password set in .env counts; the default never replaces one that was changed in the UI.
            manager.reset_password(known.id, password)
            logger.info("Set the password of the administrator %s", name)
        first = manager.find_user(username=DEFAULT_LOGIN)
        if name != DEFAULT_LOGIN and first and check_password_hash(first.password, DEFAULT_LOGIN):
            # Of an earlier start, before another was named: everybody knows this one.
            manager.reset_password(first.id, secrets.token_urlsafe(32))
            logger.warning("The account %s lets nobody in by its default password any more", DEFAULT_LOGIN)


def _variable(key: str, value: str) -> None:
    from airflow.models.variable import Variable
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        if session.scalar(select(Variable.id).where(Variable.key == key)) is None:
            session.add(Variable(key=key, val=value, description="Ray cluster; read by every task run."))
            logger.info("Stored the Variable %s=%s", key, value)


def _pool(name: str, slots: int, description: str) -> None:
    from airflow.models.pool import Pool

    if Pool.get_pool(name) is None:
        Pool.create_or_update_pool(name, slots, description, include_deferred=True)
        logger.info("Made the pool %s with %d slots", name, slots)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    initialise(os.environ)
    logger.info("Airflow is initialised")
