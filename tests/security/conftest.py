"""The service where a browser's pages reach it, and the fixtures of the API's own tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from atelier.local.redis_server import EmbeddedServer
from tests.api.conftest import *  # noqa: F403  (its fixtures)
from tests.support.http.gunicorn_server import Gunicorn, LoopbackGunicorn, loopback_gunicorn, running_gunicorn

PAGE = "https://gallery.example"
LOCAL_PAGE = "http://localhost:3000"
NAMED = {
    "ATELIER_API_ALLOWED_ORIGINS": f"{PAGE}:443/ , {LOCAL_PAGE}",
    "ATELIER_API_MAX_STREAM_SECONDS": "1",
}
CONFIGURED = {
    "ATELIER_API_KNOWN_HOSTS": "api, Studio.LAN,.pictures.example,b\u00fccher.example",
    "ATELIER_API_PUBLIC_URL": "https://public.example:8443/atelier",
    "ATELIER_API_EMBED_PICTURES": "true",
}
PROXIED = {"ATELIER_API_TRUSTED_PROXIES": "1", "ATELIER_API_KNOWN_HOSTS": "pictures.example"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("services")


@pytest.fixture(scope="module")
def service(module_server: EmbeddedServer, folder: Path) -> Iterator[LoopbackGunicorn]:
    """The service without any settings."""
    with loopback_gunicorn(module_server.url, folder / "plain") as running:
        yield running


@pytest.fixture(scope="module")
def open_service(module_server: EmbeddedServer, folder: Path) -> Iterator[LoopbackGunicorn]:
    """The service of an operator who lets two pages in."""
    with loopback_gunicorn(module_server.url, folder / "open", **NAMED) as running:
        yield running


@pytest.fixture(scope="module")
def configured_service(module_server: EmbeddedServer, folder: Path) -> Iterator[LoopbackGunicorn]:
    """The service with names, and with pictures for every page."""
    with loopback_gunicorn(module_server.url, folder / "configured", **CONFIGURED) as running:
        yield running


@pytest.fixture(scope="module")
def proxied_service(module_server: EmbeddedServer, folder: Path) -> Iterator[LoopbackGunicorn]:
    """The service behind one proxy."""
    with loopback_gunicorn(module_server.url, folder / "proxied", **PROXIED) as running:
        yield running


@pytest.fixture(scope="module")
def unix_service(module_server: EmbeddedServer, folder: Path) -> Iterator[Gunicorn]:
    """The service on a Unix socket."""
    (folder / "unix").mkdir(parents=True)
    with running_gunicorn(module_server.url, folder / "unix") as running:
        yield running
