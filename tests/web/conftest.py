"""A real Chromium on a real installation, shared by the tests of one process.

Debian's `chromium` is used, as Playwright's own browsers are a download; CHROMIUM names another one.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from atelier.local.redis_server import EmbeddedServer
from atelier.local.stack import RunningStack
from tests.support.http.gunicorn_server import LoopbackGunicorn, loopback_gunicorn
from tests.support.images import pictures
from tests.web.visit import Visit

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium")
WAIT_MILLISECONDS = 60_000  # for what a busy machine does late; nothing waits so long otherwise


@pytest.fixture(scope="session")
def sync_api() -> Any:
    """The browser's library, where there is a browser."""
    if CHROMIUM is None:
        pytest.skip("needs a browser: apt-get install chromium, or CHROMIUM=/path/to/one")
    return pytest.importorskip("playwright.sync_api", reason="needs pip install playwright")


@pytest.fixture(scope="module")  # while it is open no test of the process can run an event loop
def browser(sync_api: Any) -> Iterator[Any]:
    sync_api.expect.set_options(timeout=WAIT_MILLISECONDS)
    with sync_api.sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-dev-shm-usage"]  # containers have neither
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield running
        running.close()


@pytest.fixture(scope="session")
def stack(sync_api: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """Everything: server, API, worker with real networks."""
    with RunningStack(tmp_path_factory.mktemp("web"), start_seconds=400) as running:
        yield running


@pytest.fixture(scope="module")
def service(
    browser: Any, module_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LoopbackGunicorn]:
    """The API without workers: jobs are accepted, and wait."""
    with loopback_gunicorn(module_server.url, tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture
def visits(browser: Any) -> Iterator["Visits"]:
    """Opens pages as different people do; none of them may log an error that it was not allowed."""
    open_visits = Visits(browser)
    yield open_visits
    open_visits.close()


class Visits:
    """The pages of one test."""

    def __init__(self, browser: Any) -> None:
        self._browser = browser
        self._all: list[Visit] = []

    def __call__(self, url: str, *, phone: bool = False, **options: Any) -> Visit:
        size = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 900}
        context = self._browser.new_context(**{"viewport": size, "locale": "en-US", **options})
        context.set_default_timeout(WAIT_MILLISECONDS)
        visit = Visit(context, url)
        self._all.append(visit)
        return visit

    def close(self) -> None:
        for visit in self._all:
            visit.context.close()
        assert [fault for visit in self._all for fault in visit.faults] == []


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A photo of 480 x 320 pixels."""
    path = tmp_path / "harbor.jpg"
    path.write_bytes(pictures.photo(480, 320))
    return path
