"""A reader, and what he has at hand: an installation that runs, and a folder with a few small pictures."""

import re
import shutil
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from atelier.local.stack import RunningStack
from tests.support.http.receiver import Receiver, receiver
from tests.support.images import pictures
from tests.support.pages.pages import Block, blocks_of
from tests.support.pages.reader import Reader

ALONE = {
    "docs/start/network-owner.md"
}  # makes keys, without which the other pages' requests would be refused


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    folder = tmp_path_factory.mktemp("installation")
    environ = {"ATELIER_WEBHOOK_ALLOW_PRIVATE": "true"}  # as the page on webhooks says
    with RunningStack(folder, environ=environ, start_seconds=600) as running:
        yield running


@pytest.fixture(scope="session")
def told() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


Follow = Callable[[list[Block], RunningStack], Path]


@pytest.fixture(scope="session")
def follow(told: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Follow:
    """Return what does all that blocks say, at a new desk beside an installation, and returns the desk."""

    def do(blocks: list[Block], installation: RunningStack) -> Path:
        folder, scripts = tmp_path_factory.mktemp("desk"), tmp_path_factory.mktemp("scripts")
        _lay_out(folder, installation)
        with Reader(folder, scripts, _words(installation, told), told) as reader:
            reader.follow(blocks)
        return folder

    return do


@pytest.fixture(scope="session")
def read(
    installation: RunningStack, follow: Follow, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Return what does all that a page says, once, in a folder of the page's own, and returns the folder."""

    @cache
    def do(page: str) -> Path:
        _need_tools(page)
        if page == "docs/operations.md":
            _let_a_job_fail(installation)
        if page not in ALONE:
            return follow(blocks_of(page), installation)
        environ = {"ATELIER_MODELS_DIR": str(installation.folder / "models")}
        with RunningStack(tmp_path_factory.mktemp("alone"), environ=environ, start_seconds=600) as own:
            return follow(blocks_of(page), own)

    return do


def _words(installation: RunningStack, told: Receiver) -> Mapping[str, str]:
    """Return the addresses of the pages, each with the one that it has here."""
    address, port = installation.url.removeprefix("http://"), _free_port()
    return {
        "127.0.0.1:8480": address,
        "localhost:8480": address,
        "Client()": f'Client("{installation.url}")',
        "https://receiver.example": told.url.removesuffix("/told"),
        "port 9000": f"port {port}",
        "127.0.0.1:9000": f"127.0.0.1:{port}",
    }


def _need_tools(page: str) -> None:
    """Skip a page whose commands this machine lacks."""
    commands = "\n".join(block.text for block in blocks_of(page) if block.language == "sh")
    for tool in ("curl", "jq"):
        if re.search(rf"\b{tool}\b", commands) and shutil.which(tool) is None:
            pytest.skip(f"{page} uses {tool}, which is not installed here")


def _lay_out(folder: Path, installation: RunningStack) -> None:
    """Put there what the pages take for granted."""
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / ".atelier").symlink_to(installation.folder)
    for name, data in _files().items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


@cache
def _files() -> dict[str, bytes]:
    photos = {f"photos/{name}.jpg": pictures.photo(96, 64 + len(name)) for name in ("boat", "trip/sea")}
    shapes = {f"shapes/{side}/{n}.png": pictures.png(side, n + 8) for side in (16, 32) for n in range(32)}
    return {
        "photo.jpg": pictures.photo(160, 120),
        "other.jpg": pictures.photo(120, 160),
        "painting.png": pictures.png(128, 128),
        "sketch.png": pictures.grey(128, 96),
        "mask.png": pictures.grey(160, 120),
        "clip.gif": pictures.gif(3, 64, 64),
        **photos,
        **shapes,
    }


def _let_a_job_fail(installation: RunningStack) -> None:
    """Leave a job whose photo is damaged, for the page on what to do then."""
    with installation.client() as client:
        file = client.files.upload(pictures.broken())
        job = client.jobs.create({"type": "stylize", "content": file, "styles": [{"image": file}]})
        assert client.jobs.wait(job).status == "failed"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
