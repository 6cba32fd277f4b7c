"""The first start of Airflow, and every later one."""

from __future__ import annotations

import airflow_home


def test_it_makes_what_is_missing_and_leaves_what_was_edited() -> None:
    airflow_home.database()
    from airflow.models.pool import Pool
    from airflow.models.variable import Variable
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
    from werkzeug.security import check_password_hash

    from turo.orchestration.initialise import initialise

    def accepted(password: str, name: str = "admin") -> bool:
        with get_application_builder() as builder:
            return check_password_hash(builder.sm.find_user(name).password, password)

    def slots() -> int:
        pool = Pool.get_pool("trainings")
        assert pool is not None
        return int(pool.slots)

    assert Variable.get("RAY_ADDRESS") == "ray://nowhere:10001"
    assert slots() == 2
    with get_application_builder() as builder:
        assert [role.name for role in builder.sm.find_user("admin").roles] == ["Admin"]
    assert accepted("admin")
    initialise({"AIRFLOW_ADMIN_USER": "alice", "AIRFLOW_ADMIN_PASSWORD": "of-alice"})
    assert accepted("of-alice", "alice")
    assert not accepted("admin")  # the account that everybody knows

    Variable.set("RAY_ADDRESS", "ray://mine:10001")
    Pool.create_or_update_pool("trainings", 4, "mine", include_deferred=True)
    initialise({"RAY_ADDRESS": "ray://ray:10001", "AIRFLOW_ADMIN_PASSWORD": "set-in-.env"})
    try:
        assert Variable.get("RAY_ADDRESS") == "ray://mine:10001"
        assert slots() == 4
        assert accepted("set-in-.env")
        initialise({"AIRFLOW_ADMIN_USER": "alice"})
        assert accepted("set-in-.env")  # one of the user's own stays
        initialise({})  # the default password does not come back
        assert not accepted("admin")
    finally:
        Variable.set("RAY_ADDRESS", "ray://nowhere:10001")
