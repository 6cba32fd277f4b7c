"""How a Ray job is followed, without Ray: how often its status and its log are asked for."""

from __future__ import annotations

import pytest
from fake_jobs import fake_jobs

from turo.cluster import jobs


def test_the_end_of_a_job_is_noticed_while_its_log_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "FETCH_SHARE", 1e9)  # after its first fetch the log is due in days
    asked, seen, seen_before_the_end = 0, list[str](), list[str]()
    with fake_jobs() as ray:

        def go_on(name: str) -> None:
            nonlocal asked
            asked += 1
            ray.jobs[name]["log"] += f"line {asked}\n"
            if asked == 5:
                seen_before_the_end.extend(seen)
                ray.jobs[name] |= {"status": "SUCCEEDED", "log": f"{ray.jobs[name]['log']}TURO_RESULT 7\n"}

        ray.add("slow", "RUNNING")
        ray.asked = go_on
        outcome = jobs.Jobs(ray.url, poll_s=0.01).follow("slow", seen.append)
    assert (outcome.result, asked) == (7, 5)
    assert seen_before_the_end == ["line 1"]
    assert seen == [*(f"line {number}" for number in range(1, 6)), "TURO_RESULT 7"]
