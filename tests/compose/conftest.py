"""Tests of the compose stack need a Docker engine and minutes: only `-m compose` runs them."""

import os
from collections.abc import Iterator

import pytest

from atelier.client.client import Client
from tests.support.compose_stack import ComposeStack


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "compose: needs a Docker engine; runs with -m compose alone")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "compose" in config.option.markexpr:
        return
    wanted = [item for item in items if item.get_closest_marker("compose") is None]
    config.hook.pytest_deselected(items=[item for item in items if item not in wanted])
    items[:] = wanted


@pytest.fixture(scope="session")
def stack() -> Iterator[ComposeStack]:
    """The whole stack under a project name, a port and volumes of its own."""
    running = ComposeStack(project="atelier-test", tag=os.environ.get("IMAGE_TAG", "test"))
    running.remove()  # what a killed run left
    try:
        running.start(build=True)
        yield running
    finally:
        running.remove()


@pytest.fixture(scope="module")
def alone(stack: ComposeStack) -> Iterator[ComposeStack]:
    """Another stack of the same images, of which nothing runs yet."""
    running = ComposeStack(project="atelier-test-alone", tag=stack.environ["IMAGE_TAG"])
    running.remove()
    try:
        yield running
    finally:
        running.remove()


@pytest.fixture
def client(stack: ComposeStack) -> Iterator[Client]:
    with Client(stack.url) as running:
        yield running
