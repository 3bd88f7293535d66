"""The commands of the pages that keep an installation and bring it back, as they stand."""

from pathlib import Path

import httpx
import pytest

from atelier.client.client import Client
from tests.support.compose_stack import ComposeStack
from tests.support.images import pictures
from tests.support.pages.pages import commands_of

pytestmark = [pytest.mark.compose, pytest.mark.timeout(900)]

PICTURE = pictures.png(64, 48)


@pytest.fixture
def picture(alone: ComposeStack) -> str:
    """The path of a picture in a new installation."""
    alone.remove()
    alone.start("api")
    with Client(alone.url) as client:
        return f"/v1/files/{client.files.upload(PICTURE)}/content"


def is_there(stack: ComposeStack, path: str) -> bool:
    return httpx.get(f"{stack.url}{path}").content == PICTURE


def test_a_backup_is_restored_into_an_empty_stack(alone: ComposeStack, picture: str, tmp_path: Path) -> None:
    take, *restore = commands_of("docs/operations.md", "atelier restore /atelier.tar").splitlines()
    alone.follow(take, tmp_path)
    alone.remove()
    alone.follow("\n".join(restore), tmp_path)
    assert is_there(alone, picture)


def test_copied_volumes_are_an_installation_again(alone: ComposeStack, picture: str, tmp_path: Path) -> None:
    alone.follow(commands_of("docs/deploy.md", "tar -czf"), tmp_path)
    alone.remove()
    alone.follow(commands_of("docs/deploy.md", "tar -xzf"), tmp_path)
    assert is_there(alone, picture)


def test_the_server_draws_another_password_when_its_volume_is_removed(
    alone: ComposeStack, picture: str, tmp_path: Path
) -> None:
    before = alone.run_in("redis", "cat", "/secrets/redis-password")
    alone.follow(commands_of("docs/deploy.md", "docker volume rm"), tmp_path)
    assert alone.run_in("redis", "cat", "/secrets/redis-password") != before
    assert is_there(alone, picture)
