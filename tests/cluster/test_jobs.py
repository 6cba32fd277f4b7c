"""Jobs against a real Ray head with token authentication."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from local_ray import LocalRay, free_port, relay

from turo.cluster.jobs import Jobs
from turo.errors import LastingError, ServiceError

pytestmark = pytest.mark.ray


def script(code: str) -> list[str]:
    return ["python", "-u", "-c", code]


def waits_for(path: Path) -> list[str]:
    """A job that says it began, then ends when `path` exists."""
    return script(
        "import os, time\n"
        "print('began', os.getpid())\n"
        f"while not os.path.exists({str(path)!r}): time.sleep(0.1)\n"
        "print('ended')\n"
    )


@pytest.fixture
def jobs(local_ray: LocalRay) -> Jobs:
    return Jobs(local_ray.url, local_ray.token, deadline_s=60, poll_s=0.3)


def test_every_line_of_a_live_log_comes_once_and_in_order(jobs: Jobs, tmp_path: Path) -> None:
    """Also: words with shell characters, environment, result, bytes that are not UTF-8, no final newline."""
    gate, live = tmp_path / "gate", threading.Event()
    seen: list[str] = []

    def log(line: str) -> None:
        seen.append(line)
        if line == "waiting":
            live.set()
            gate.touch()

    code = (
        "import os, sys, time\n"
        "print(os.environ['WHO'], sys.argv[1])\n"
        "for i in range(50000): print('line', i)\n"
        "print('waiting')\n"
        f"while not os.path.exists({str(gate)!r}): time.sleep(0.1)\n"
        "sys.stdout.buffer.write(b'\\xff\\n')\n"
        "print('TURO_RESULT {\"rows\": 3}')\n"
        "print('no newline', end='')\n"
    )
    outcome = jobs.run(
        "lines", [*script(code), "$(touch /tmp/oops); 'x'"], log=log, env={"WHO": "me; you"}, num_cpus=0.1
    )
    assert live.is_set()  # it waited for us to have seen a line: the log is live
    numbered = [f"line {i}" for i in range(50000)]
    expected = ["me; you $(touch /tmp/oops); 'x'", *numbered, "waiting", "\ufffd", 'TURO_RESULT {"rows": 3}']
    assert seen[-len(expected) - 1 :] == [*expected, "no newline"]
    assert (outcome.job_id, outcome.result) == ("lines", {"rows": 3})
    assert jobs.run("lines", script("print(1)"), log=lambda _: None) == outcome  # done already: not run again


def test_a_second_caller_attaches_to_the_running_job(jobs: Jobs, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    first: list[str] = []
    second: list[str] = []
    assert jobs.start("shared", waits_for(gate), num_cpus=0.1) == "shared"
    follower = threading.Thread(target=jobs.follow, args=("shared", first.append), daemon=True)
    follower.start()

    def log(line: str) -> None:
        second.append(line)
        gate.touch()

    outcome = jobs.run("shared", script("print('a second run')"), log=log)
    follower.join(30)
    assert outcome.job_id == "shared"
    assert second[-1] == "ended"
    assert first == second
    assert sum(line.startswith("began") for line in first) == 1


def test_a_failed_attempt_names_its_last_words_and_the_next_gets_a_number(jobs: Jobs) -> None:
    fails = script("import sys; print('first'); sys.exit('no such column: price')")
    with pytest.raises(ServiceError, match=r"(?s)fails failed \(exit code 1\).*no such column: price"):
        jobs.run("fails", fails, log=lambda _: None, num_cpus=0.1)
    assert jobs.run("fails", script("print('fine')"), num_cpus=0.1).job_id == "fails-2"
    assert jobs.attempts("fails") == {"fails": "FAILED", "fails-2": "SUCCEEDED"}


def test_stopping_a_job_ends_its_process(jobs: Jobs, tmp_path: Path) -> None:
    began: list[str] = []

    def stop_when_it_began(line: str) -> None:
        if line.startswith("began"):
            began.append(line)
            jobs.stop("stopped")

    with pytest.raises(ServiceError, match="Ray job stopped was stopped"):
        jobs.run("stopped", waits_for(tmp_path / "never"), log=stop_when_it_began, num_cpus=0.1)
    process = Path("/proc", began[0].split()[1])
    deadline = time.monotonic() + 10
    while process.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not process.exists()
    jobs.stop("no-such-job")  # harmless


def test_a_missing_or_wrong_token_is_said_at_once_and_starts_nothing(local_ray: LocalRay, jobs: Jobs) -> None:
    with pytest.raises(ServiceError, match=r"wants a token.*401.*RAY_AUTH_TOKEN"):
        Jobs(local_ray.url).run("unauthorised", "true")
    with pytest.raises(ServiceError, match=r"does not accept the token.*403"):
        Jobs(local_ray.url, "wrong").run("unauthorised", "true")
    assert jobs.status("unauthorised") is None


def test_a_head_that_never_answers_is_an_error_with_address_and_remedy() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    began = time.monotonic()
    with pytest.raises(ServiceError, match=f"{url} does not answer; waited 2 s.*RAY_ADDRESS") as raised:
        Jobs(url, deadline_s=2).run("nobody", "true")
    assert "refused" in str(raised.value.__cause__)
    assert time.monotonic() - began < 10


def test_a_job_is_followed_through_an_outage(local_ray: LocalRay, tmp_path: Path) -> None:
    """Refused at first, cut while the job runs, back again: one run, no line lost or doubled."""
    gate = tmp_path / "gate"
    seen: list[str] = []
    with relay(local_ray.url) as line_to_ray:
        jobs = Jobs(line_to_ray.url, local_ray.token, deadline_s=60, poll_s=0.3)
        threading.Timer(1.0, line_to_ray.mend).start()

        def log(line: str) -> None:
            seen.append(line)
            if line.startswith("began"):
                line_to_ray.cut()
                gate.touch()
                threading.Timer(1.0, line_to_ray.mend).start()

        assert jobs.run("outage", waits_for(gate), log=log, num_cpus=0.1).job_id == "outage"
    assert [line.split()[0] for line in seen if line.startswith(("began", "ended"))] == ["began", "ended"]


def test_a_job_that_ray_forgot_is_an_error_that_says_so(jobs: Jobs) -> None:
    with pytest.raises(ServiceError, match="does not know job gone"):
        jobs.follow("gone")


TURO = "import sys; sys.argv = ['turo', *{words!r}]; from turo.cli import main; main()"


def test_an_error_of_the_users_input_is_told_from_one_that_may_pass(jobs: Jobs) -> None:
    """The `turo` command itself: it ends with exit code 1 either way."""
    with pytest.raises(
        LastingError, match=r"(?s)exit code 1\).*ConfigError: Model 'Prophet' is not configured"
    ):
        jobs.run("unknown-model", script(TURO.format(words=["train", "Prophet"])), num_cpus=0.1)
    nowhere = {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{free_port()}", "SERVICE_DEADLINE_S": "0.1"}
    with pytest.raises(ServiceError, match=r"(?s)exit code 1.*ServiceError: MLflow") as passing:
        jobs.run("no-mlflow", script(TURO.format(words=["promote", "XGBoost"])), env=nowhere, num_cpus=0.1)
    assert not isinstance(passing.value, LastingError)


def test_a_job_that_is_killed_after_such_a_line_may_be_tried_again(jobs: Jobs) -> None:
    code = "print('2026-11-24 10:00:00,000 ERROR turo: InputError: x', flush=True)"
    code += "; import os; os.kill(os.getpid(), 9)"
    with pytest.raises(ServiceError) as killed:
        jobs.run("killed-after", script(code), num_cpus=0.1)
    assert not isinstance(killed.value, LastingError)
