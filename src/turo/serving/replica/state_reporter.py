"""Reports to the catalog what a replica serves, over a Serve handle: at every change and every five seconds.

Reports do not wait behind requests of callers, and a restarted catalog knows all replicas within seconds.
"""

# No annotations from the future here: Serve reads this process's classes at run time.
import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from ray import serve

from turo.registry.route_names import CATALOG
from turo.serving.replica.states import State
from turo.serving.serve_config import CATALOG_DEPLOYMENT

PERIOD_S = 5.0
TIMEOUT_S = 5.0

logger = logging.getLogger(__name__)


class Reporter:
    """Reports and lets what failed be tried again, in a task that lives as long as the replica.

    Args:
        name: the application.
        state: what to report now.
        again: tries again whatever is due.
    """

    def __init__(self, name: str, state: Callable[[], State], again: Callable[[], Awaitable[None]]) -> None:
        self.name = name
        self.state = state
        self.again = again
        self.changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._handle: Any = None
        self._silent = False

    def news(self) -> None:
        """Report now. The first call starts the task in the running loop."""
        self.changed.set()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while True:
            self.changed.clear()
            await self._report()
            try:
                await asyncio.wait_for(self.changed.wait(), PERIOD_S)
            except TimeoutError:
                await self._try_again()

    async def _report(self) -> None:
        """Tell the catalog; while it is away, say so once and go on."""
        try:
            if self._handle is None:  # asks Serve's controller, which may take its time
                self._handle = await asyncio.to_thread(
                    serve.get_deployment_handle, CATALOG_DEPLOYMENT, app_name=CATALOG
                )
            sent = self._handle.report.remote(self.name, self.state().model_dump())
            await asyncio.wait_for(sent, TIMEOUT_S)
        except Exception as error:  # Ray raises many kinds; all mean: later
            if not self._silent:
                logger.warning("%s: the catalog does not take the replica's report: %r", self.name, error)
            self._silent, self._handle = True, None
        else:
            self._silent = False

    async def _try_again(self) -> None:
        try:
            await self.again()
        except Exception:
            logger.exception("%s: trying again failed", self.name)
