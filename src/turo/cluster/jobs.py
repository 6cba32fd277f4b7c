"""Ray jobs over the dashboard's REST interface: submit, attach, follow the log, stop. Needs no Ray here.

A job is known by an id derived from what it stands for, so asking twice is the same as asking once: `run`
attaches to a job under way or done, and starts attempt `<id>-2`, `<id>-3`, … after a failed or stopped one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from turo.cluster import free_processors
from turo.cluster.dashboard import RayHttp, dashboard_url, last_line
from turo.cluster.job_ids import attempt
from turo.cluster.job_log import Log, LogLines, fetch
from turo.cluster.priority import job_command, job_environment
from turo.errors import LastingError, ServiceError
from turo.patience import Patience

if TYPE_CHECKING:
    from turo.settings import Settings

logger = logging.getLogger(__name__)

TO_REPEAT = frozenset({"FAILED", "STOPPED"})
ENDED = TO_REPEAT | {"SUCCEEDED"}
POLL_S = 1.0
FETCH_SHARE = 20  # the log comes whole each time: it rests this many times as long as fetching it took
PENDING_NOTE_S = 20.0
READ_TRIES, READ_PAUSE_S = 6, 5.0  # of the log of a job that ended: it holds the result


@dataclass(frozen=True)
class Outcome:
    """How a job ended well: its id with the attempt, and what its `TURO_RESULT` line said (else None)."""

    job_id: str
    result: Any


def connect(settings: Settings, ray_address: str = "") -> Jobs:
    """The job interface of the cluster in the settings, or of the one at `ray_address`."""
    own = "" if ray_address else settings.ray_dashboard_url
    address = own or dashboard_url(ray_address or settings.ray_address, settings.ray_dashboard_port)
    return Jobs(address, settings.token(), deadline_s=settings.service_deadline_s)


class Jobs:
    """The job interface of one cluster; arguments as for `RayHttp`."""

    def __init__(
        self, address: str, token: str = "", *, deadline_s: float = 180.0, poll_s: float = POLL_S
    ) -> None:
        self._http = RayHttp(address, token, deadline_s)
        self.address = self._http.address
        self.poll_s = poll_s

    def submit(
        self,
        job_id: str,
        entrypoint: str | Sequence[str],
        env: Mapping[str, str] | None = None,
        num_cpus: float = 0.5,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        """Start a job; one that exists under this id already is left as it is.

        Args:
            job_id: see `job_id()`.
            entrypoint: a shell command, or its words, which are then quoted one by one.
            env: environment variables of the job.
            num_cpus: reserved for the driver itself, if that many are free.
            metadata: shown beside the job in Ray's dashboard.
        """
        body = {
            "submission_id": job_id,
            "entrypoint": job_command(entrypoint),
            "entrypoint_num_cpus": free_processors.claim(self._http, num_cpus, job_id),
            "runtime_env": job_environment(env or {}),
            "metadata": dict(metadata or {}),
        }
        # Not by `retry_500`, because 500 also says "already exists", which is as good as 200 here.
        answer = Patience(self.poll_s, self._http.deadline_s).poll(
            lambda: self._http.call("POST", "/api/jobs/", json=body, retry_500=False),
            done=lambda answer: answer.status_code != 500 or "already exists" in answer.text,
            note=lambda _: logger.warning("Ray at %s cannot take jobs yet; trying again", self.address),
        )
        if not answer.is_success and "already exists" not in answer.text:
            raise ServiceError(
                f"Ray at {self.address} refused job {job_id}: {last_line(answer.text)}",
                "Correct the command or its environment.",
            )

    def details(self, job_id: str) -> dict[str, Any] | None:
        """What Ray knows of a job (status, message, driver_exit_code, metadata …); None if nothing."""
        answer = self._http.call("GET", f"/api/jobs/{quote(job_id)}")
        return dict(answer.json()) if answer.is_success else None

    def status(self, job_id: str) -> str | None:
        """PENDING, RUNNING, SUCCEEDED, FAILED or STOPPED; None for an unknown job."""
        return str(found["status"]) if (found := self.details(job_id)) else None

    def stop(self, job_id: str) -> None:
        """Ask Ray to end a job; returns at once (Ray: SIGTERM, SIGKILL after RAY_JOB_STOP_WAIT_TIME_S)."""
        self._http.call("POST", f"/api/jobs/{quote(job_id)}/stop")

    def attempts(self, job_id: str) -> dict[str, str]:
        """Every attempt of a job, first to last, with its status."""
        found: dict[str, str] = {}
        while status := self.status(name := attempt(job_id, len(found) + 1)):
            found[name] = status
        return found

    def all(self) -> list[dict[str, Any]]:
        """What Ray knows of every job that was submitted to it, see `details`."""
        return [dict(job) for job in self._http.call("GET", "/api/jobs/").json() if job["submission_id"]]

    def start(self, job_id: str, entrypoint: str | Sequence[str], *, tries: int = 0, **more: Any) -> str:
        """Attach to the attempt that is under way or done, else submit the next one; returns its id.

        After `tries` attempts that failed (0: no limit) it is the last of them.
        """
        known = self.attempts(job_id)
        for name, status in known.items():
            if status not in TO_REPEAT:
                logger.info("Attached to Ray job %s (%s) at %s", name, status, self.address)
                return name
        if tries and len(known) >= tries:
            return attempt(job_id, tries)
        name = attempt(job_id, len(known) + 1)
        self.submit(name, entrypoint, **more)
        logger.info("Submitted Ray job %s to %s", name, self.address)
        return name

    def follow(self, job_id: str, log: Log = logger.info, *, last: bool = False) -> Outcome:
        """Hand every line the job prints to `log`, once and in order; `last`: a failure lasts.

        Raises:
            ServiceError: it failed, was stopped, or Ray no longer knows it; with the last lines of its log.
            LastingError: it failed and is the last, or a `turo` command that failed over input or settings.
        """
        lines, noted, due = LogLines(log), time.monotonic(), 0.0
        while found := self.details(job_id):
            # The status is read before the log: once it says the job ended, the log is complete.
            began, ended = time.monotonic(), found["status"] in ENDED
            if ended or began >= due:
                whole = fetch(self._http, job_id, found, lines)
                due = began + (1 + FETCH_SHARE) * (time.monotonic() - began)
            if ended and not whole:
                reading = Patience(READ_PAUSE_S, tries=READ_TRIES - 1)
                whole = reading.poll(lambda: self._read_again(job_id, lines))
            if ended:
                lines.close()
                if found["status"] == "SUCCEEDED" and not whole:
                    raise ServiceError(
                        f"Ray job {job_id} ended well, but its log, which holds its result, cannot be read.",
                        "Is the Ray node on which it ran still there?",
                    )
                return self._outcome(job_id, found, lines, last)
            if found["status"] == "PENDING" and time.monotonic() - noted > PENDING_NOTE_S:
                noted = time.monotonic()
                more = free_processors.pending(self._http)
                logger.warning("Ray job %s is not started yet: %s%s", job_id, found.get("message"), more)
            time.sleep(self.poll_s)
        raise ServiceError(
            f"Ray at {self.address} does not know job {job_id} (any more).",
            "If Ray's head was restarted its jobs are gone: run it again.",
        )

    def _read_again(self, job_id: str, lines: LogLines) -> bool:
        """Fetch the log of an ended job from the node that Ray names now."""
        return fetch(self._http, job_id, self.details(job_id) or {}, lines)

    def run(
        self,
        job_id: str,
        entrypoint: str | Sequence[str],
        *,
        log: Log = logger.info,
        tries: int = 0,
        **more: Any,
    ) -> Outcome:
        """`start` the job, then `follow` it. `more` is what `submit` takes."""
        name = self.start(job_id, entrypoint, tries=tries, **more)
        return self.follow(name, log, last=bool(tries) and name == attempt(job_id, tries))

    def _outcome(self, job_id: str, found: dict[str, Any], lines: LogLines, last: bool) -> Outcome:
        if found["status"] == "SUCCEEDED":
            return Outcome(job_id, lines.result)
        code = found.get("driver_exit_code")
        how = "was stopped" if found["status"] == "STOPPED" else "failed"
        how += f" (exit code {code})" if code is not None else ""
        tail = "\n".join(lines.tail) or str(found.get("message") or "it printed nothing")
        # Not one that was killed.
        error = LastingError if last or (lines.lasting and code == 1) else ServiceError
        raise error(f"Ray job {job_id} {how}; its last lines:\n{tail}")
