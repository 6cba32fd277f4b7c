"""Ids of Ray jobs: derived from what a job stands for, with a number for each further attempt."""

from __future__ import annotations

import hashlib
import re

MAX_ID = 120  # the id is part of a log file's name


def job_id(*parts: object) -> str:
    """A submission id from its parts: safe in a file name, not too long, different for different parts."""
    text = ".".join(str(part) for part in parts)
    safe = re.sub(r"[^A-Za-z0-9_.-]+", "_", text)
    if safe == text and len(safe) <= MAX_ID:
        return safe
    return f"{safe[: MAX_ID - 9]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def attempt(job_id: str, number: int) -> str:
    """The id of one attempt, counted from 1."""
    return job_id if number == 1 else f"{job_id}-{number}"


def is_attempt(found: str, job_id: str) -> bool:
    """Whether an id that was found is that of an attempt of this job."""
    return found == job_id or (found.startswith(f"{job_id}-") and found[len(job_id) + 1 :].isdigit())
