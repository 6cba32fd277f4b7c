"""Why a test failed, printed when it fails: a session that is ended from outside never prints its summary."""

from __future__ import annotations

import pytest

MOST_CHARACTERS = 3000


class FailuresAtOnce:
    """A plugin of pytest for the process that prints."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if not report.failed or terminal is None:
            return
        crash = getattr(report.longrepr, "reprcrash", None)
        why = str(crash.message if crash else report.longrepr)[:MOST_CHARACTERS]
        terminal.write_line(f"\n{report.nodeid}, {report.when}: {why}")


def register(config: pytest.Config) -> None:
    """Have it, but in a process that reports to another one (pytest-xdist), which prints instead."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(FailuresAtOnce(config))
