"""How long something is tried, how often, with what pause, at what errors: the project's one retry policy.

Everything that tries again, or waits for a condition, goes through here. Loops that never end (a reconciler,
a watcher, the lines of a log) do not: there is no patience to lose.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from tenacity import Retrying
    from tenacity.retry import retry_base

Answer = TypeVar("Answer")
Errors = type[BaseException] | tuple[type[BaseException], ...] | Callable[[BaseException], bool]


@dataclass(frozen=True)
class Patience:
    """How long something is waited for. It is tried at least once, however short that is.

    Attributes:
        pause_s: seconds between two tries.
        within_s: seconds from the first try; a pause that would lead past them is not begun.
        tries: at most so many; 0: as many as there is time for.
        longest_pause_s: pauses double up to this; 0: they stay the same.
        sleep: waits some seconds.
    """

    pause_s: float
    within_s: float = math.inf
    tries: int = 0
    longest_pause_s: float = 0.0
    sleep: Callable[[float], None] = time.sleep

    def retry(
        self, do: Callable[[], Answer], errors: Errors, note: Callable[[Any], object] | None = None
    ) -> Answer:
        """Do something until it succeeds; the last error is raised where patience ends, any other at once.

        Args:
            errors: those that may pass, or what tells whether one may.
            note: told each error that is followed by another try, before the pause.
        """
        from tenacity import retry_if_exception, retry_if_exception_type

        if isinstance(errors, type | tuple):
            return self._retrying(retry_if_exception_type(errors), note)(do)
        return self._retrying(retry_if_exception(errors), note)(do)

    def poll(
        self,
        look: Callable[[], Answer],
        done: Callable[[Answer], object] = bool,
        note: Callable[[Answer], object] | None = None,
    ) -> Answer:
        """Look until what is seen will do; where patience ends, it is what was seen last.

        Args:
            done: whether it will do.
            note: told each answer that is followed by another look, before the pause.
        """
        from tenacity import retry_if_result

        return self._retrying(retry_if_result(lambda seen: not done(seen)), note)(look)

    def _retrying(self, again: retry_base, note: Callable[[Any], object] | None) -> Retrying:
        # Not at the top: a process that waits for nothing need not spend 20 ms on it.
        from tenacity import Retrying, stop_after_attempt, stop_before_delay, stop_never, wait_exponential

        def tell(state: Any) -> None:
            if note:
                note(state.outcome.exception() if state.outcome.failed else state.outcome.result())

        def give_up(state: Any) -> Any:
            return state.outcome.result()  # the last answer; or raises the last error

        often_enough = stop_after_attempt(self.tries) if self.tries else stop_never
        return Retrying(
            retry=again,
            wait=wait_exponential(self.pause_s, max=self.longest_pause_s or self.pause_s),
            stop=stop_before_delay(self.within_s) | often_enough,
            before_sleep=tell,
            sleep=self.sleep,
            retry_error_callback=give_up,
        )
