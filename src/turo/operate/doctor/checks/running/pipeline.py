"""The running stack: DAGs, their last runs, the table's notes, and backups."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from turo.errors import ServiceError
from turo.operate.backup.places import PROJECT_FILES
from turo.operate.doctor.checks.folders import SHARE_ENV
from turo.operate.doctor.checks.running.services import of
from turo.operate.doctor.facts import Facts
from turo.operate.doctor.finding import Severity, Trouble
from turo.operate.status.ages import age
from turo.words import by_number, counted, listed

BACKUP_DUE = timedelta(days=2)
BACKUP = "backup"


def import_errors(facts: Facts) -> Iterator[Trouble]:
    """Every DAG file can be read."""
    work = of(facts).work
    for name, why in {} if isinstance(work, ServiceError) else work.import_errors.items():
        yield Trouble(
            f"Airflow cannot read {name}: {why}.",
            "Its DAGs do not run; Airflow keeps what it knew of them.",
            "Put the file back as it was (git checkout dags), or correct the line that Airflow's home page "
            "shows.",
        )


def dag_paused(facts: Facts) -> Iterator[Trouble]:
    """No DAG that belongs to the platform is paused."""
    work = of(facts).work
    paused = [] if isinstance(work, ServiceError) else [dag.dag_id for dag in work.dags if dag.paused]
    if paused:
        yield Trouble(
            f"{listed(sorted(paused))} {by_number(len(paused), 'is', 'are')} paused in Airflow.",
            "A paused DAG starts by no schedule, no file and no other DAG; triggered runs wait.",
            "Turn the switch before its name on, in Airflow's list of DAGs.",
        )


def failed_run(facts: Facts) -> Iterator[Trouble]:
    """The last run of each DAG went well."""
    work = of(facts).work
    for dag, run in {} if isinstance(work, ServiceError) else work.failed.items():
        yield Trouble(
            f"The last run of {dag} failed ({run}).",
            "What it makes is as old as its last run that went well.",
            f"Open the run in Airflow: its red task's log ends with what to do. Then trigger {dag}.",
        )


def failed_step(facts: Facts) -> Iterator[Trouble]:
    """The last run of each step went well."""
    for one in of(facts).kept.runs:
        if one.problem:
            yield Trouble(
                f"“{one.step}” failed on {one.ended[:16].replace('T', ' ')} UTC: {one.problem}",
                "What it makes is as old as its last run that went well.",
                "Do what the sentence says; then start the DAG or command again.",
                Severity.ERROR if one.step == BACKUP else None,
            )


def table_notes(facts: Facts) -> Iterator[Trouble]:
    """What is noted beside the table and the forecast can be read."""
    for state in (of(facts).kept.data, of(facts).kept.forecast):
        if state.problem and ("damaged" in state.problem or "cannot be read" in state.problem):
            yield Trouble(
                state.problem,
                "Models answer without knowing whether they fit the table, and no forecast is made.",
                "Trigger prepare_data, or bring datas/ back from a backup.",
            )


def backup_fresh(facts: Facts) -> Iterator[Trouble]:
    """Where backups are made every night, the newest is not older than two days."""
    stack = of(facts)
    if not stack.settings.nightly_backup or stack.settings.operator_secrets is None:
        return
    now, newest = datetime.fromtimestamp(facts.now, UTC), stack.kept.newest_backup
    remedy = (
        "docker compose exec operator turo backup makes one now; the log of nightly_backup in Airflow tells "
        "why none was made."
    )
    why = "What came since then is lost with this machine's disk."
    if newest is None:
        began = stack.kept.data.prepared_at, "" if isinstance(stack.work, ServiceError) else stack.work.since
        long_there = now - min(_moment(text, now) for text in began) > BACKUP_DUE
        yield Trouble(
            "There is no backup.",
            "What is here is lost with this machine's disk.",
            remedy,
            None if long_there else Severity.NOTE,
        )
    elif now - newest > BACKUP_DUE:
        yield Trouble(f"The newest backup was made {age(newest, now)}.", why, remedy)


def backup_whole(facts: Facts) -> Iterator[Trouble]:
    """The newest backup has all that it should have."""
    if notes := of(facts).kept.backup_holes:
        closed = any(f"/{name} cannot be read" in note for note in notes for name in PROJECT_FILES)
        more = f" (and {counted(len(notes) - 1, 'more note')})" if notes[1:] else ""
        yield Trouble(
            f"The newest backup is not whole: {notes[0].rstrip('.')}{more}.",
            "A restore brings back no more than is in it, and older ones that have more are removed in time.",
            f"{SHARE_ENV} lets containers read it, or the file named. Then docker compose exec operator "
            "turo backup makes another and tells all."
            if closed
            else "docker compose run --rm bootstrap lets containers read what they may not; put files in the "
            "place of links. Then docker compose exec operator turo backup makes another and tells all.",
        )


def _moment(told: str, now: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        return now
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
