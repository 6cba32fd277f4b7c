"""Asks several things at the same time, none of which can hold up the answer as a whole."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from turo.errors import ServiceError

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")
GRACE_S = 0.1  # whoever keeps to the same limit has this long to say what kept him


@dataclass(frozen=True)
class Question(Generic[Answer]):
    """What is asked, and of whom; `ask` raises a ServiceError where there is no answer."""

    whom: str
    ask: Callable[[], Answer]


def side_by_side(
    questions: Mapping[Key, Question[Answer]], seconds: float
) -> dict[Key, Answer | ServiceError]:
    """Each answer, in the order of the questions, or the reason why there is none.

    Args:
        seconds: after so many what has not answered is given up; its thread ends by itself or with the
            process.

    Raises:
        BaseException: what a question raised that is no ServiceError, a fault of our own: at once.
    """
    told: queue.Queue[tuple[Key, Answer | ServiceError] | BaseException] = queue.Queue()

    def run(key: Key, question: Question[Answer]) -> None:
        try:
            told.put((key, question.ask()))
        except ServiceError as error:
            told.put((key, error))
        except BaseException as error:
            told.put(error)

    # No pool: it would wait at the end of the process for a look-up of a name, or a dead disk, that hangs.
    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in questions.items()]
    until = time.monotonic() + seconds + GRACE_S
    for thread in threads:
        thread.start()
    found = dict[Key, Answer | ServiceError]()
    for _ in threads:
        try:
            one = told.get(timeout=max(until - time.monotonic(), 0))
        except queue.Empty:
            break
        if isinstance(one, BaseException):
            raise one
        found[one[0]] = one[1]
    return {key: found[key] if key in found else late(one.whom, seconds) for key, one in questions.items()}


def late(name: str, seconds: float) -> ServiceError:
    """It did not answer in time."""
    return ServiceError(
        f"{name} did not answer within {seconds:g} s.",
        "It hangs or has too much to do: its log tells, and `docker stats` who takes the processor.",
    )
