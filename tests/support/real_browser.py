"""Chromium on this machine, pages that remember what went wrong on them, and what axe-core says of them.

`python tests/support/real_browser.py` ends with 0 where a browser is found, and names it.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    Response,
    expect,
    sync_playwright,
)

NAMES = ("chromium", "chromium-browser", "google-chrome")  # a system's own, before Playwright's
REMEDY = "apt install chromium, or `playwright install chromium`"
WIDE, NARROW, HEIGHT = 1280, 390, 900
PATIENCE_MS = 20_000  # this machine may be busy
SERIOUS = ("serious", "critical")
MOST_STOPS = 400  # presses of Tab until all of a page must have been reached
FOCUSABLE = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']"


def executable(playwright: Playwright) -> str | None:
    """The browser's program; None where there is none."""
    own = Path(playwright.chromium.executable_path)
    return next(filter(None, map(shutil.which, NAMES)), None) or (str(own) if own.is_file() else None)


@contextmanager
def started() -> Iterator[Browser]:
    """A browser without a window; without one the test is skipped, in CI it fails."""
    with sync_playwright() as playwright:
        found = executable(playwright)
        if found is None and os.environ.get("CI") == "true":
            pytest.fail(f"No browser is installed ({REMEDY}).")
        if found is None:
            pytest.skip(f"No browser is installed ({REMEDY}).")
        running = playwright.chromium.launch(executable_path=found)
        expect.set_options(timeout=PATIENCE_MS)
        try:
            yield running
        finally:
            running.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for the tests of a file; others of the same run may want an event loop of their own."""
    with started() as running:
        yield running


@dataclass
class Visit:
    """A page and what went wrong on it.

    Attributes:
        problems: errors and warnings of its console, what its scripts raised, requests that failed or were
            refused, and requests to another host.
    """

    page: Page
    site: str
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.problems.append(f"raised: {error}"))
        self.page.on("requestfailed", self._failed)
        self.page.on("request", self._asked)

    def open(self, path: str) -> Response:
        """Go to a path of the site and wait until all of it is there."""
        answer = self.page.goto(self.site + path, wait_until="networkidle")
        assert answer is not None, path
        return answer

    def press(self, button: str) -> None:
        """Press a button that sends a form, and wait for the page that answers."""
        with self.page.expect_navigation(wait_until="networkidle"):
            self.page.get_by_role("button", name=button).first.click()

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console {message.type}: {message.text} {message.location}")

    def _failed(self, request: Request) -> None:
        self.problems.append(f"failed: {request.url} {request.failure}")

    def _asked(self, request: Request) -> None:
        there = urlsplit(request.url)
        if there.scheme.startswith("http") and there.netloc != urlsplit(self.site).netloc:
            self.problems.append(f"another host was asked: {request.url}")


@contextmanager
def visit(
    browser: Browser, site: str, width: int = WIDE, scheme: str = "light", **more: Any
) -> Iterator[Visit]:
    """A page of a visitor without a past."""
    view = {"width": width, "height": HEIGHT}
    context = browser.new_context(viewport=view, color_scheme=scheme, locale="en-GB", **more)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    try:
        yield Visit(context.new_page(), site)
    finally:
        context.close()


def serious(page: Page) -> list[str]:
    """What axe-core finds that keeps somebody out: rule, element, and what is wrong with it."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found
        if rule["impact"] in SERIOUS
        for node in rule["nodes"]
    ]


def beyond_the_edge(page: Page) -> list[str]:
    """The elements that make the page wider than the window; empty where nobody must scroll sideways."""
    told: list[str] = page.evaluate(
        """() => {
          const root = document.documentElement, width = root.clientWidth;
          if (root.scrollWidth <= width) return [];
          const told = one => `${one.tagName}.${one.getAttribute("class")} ${one.textContent.slice(0, 40)}`;
          const wide = [...document.querySelectorAll("body *")]
            .filter(one => one.getBoundingClientRect().right > width + 1);
          return [`${root.scrollWidth} of ${width}`, ...wide.slice(0, 8).map(told)];
        }"""
    )
    return told


def out_of_reach(page: Page) -> list[str]:
    """What can be operated, is shown, and the Tab key does not come to."""
    page.evaluate(
        """focusable => {
          const groups = new Set();
          const isShown = one => one.checkVisibility({visibilityProperty: true}) && !one.disabled;
          const isFirst = one => one.type !== "radio" || (!groups.has(one.name) && groups.add(one.name));
          const found = [...document.querySelectorAll(focusable)]
            .filter(one => isShown(one) && one.tabIndex >= 0 && isFirst(one));
          for (const one of found) {
            const called = one.textContent.trim().slice(0, 40) || one.name || one.id;
            one.dataset.toReach = `${one.tagName} ${called}`;
          }
        }""",
        FOCUSABLE,
    )
    page.evaluate("() => { document.activeElement.blur(); window.scrollTo(0, 0); }")
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if page.evaluate(
            """() => {
              delete document.activeElement.dataset.toReach;
              return document.querySelector("[data-to-reach]") === null;
            }"""
        ):
            break
    left: list[str] = page.evaluate(
        "() => [...document.querySelectorAll('[data-to-reach]')].map(one => one.dataset.toReach)"
    )
    return left


def main() -> int:
    """Name the browser, or what to install."""
    with sync_playwright() as playwright:
        found = executable(playwright)
    print(found or f"No browser is installed. {REMEDY[0].upper()}{REMEDY[1:]}.")
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
