"""Strict mode: what was accepted is on the disk before its client hears of it; no power cut loses it."""

from pathlib import Path

import pytest
import redis

from atelier.local.processes import ROOT
from atelier.local.redis_server import EmbeddedServer
from atelier.local.stack import RunningStack
from tests.reliability.conftest import LIGHT
from tests.support.models.light_models import write_cards


def persistence(url: str) -> tuple[str, str]:
    """Return whether a server keeps a journal, and when it syncs it."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        found = client.config_get("append*")
    return found["appendonly"], found["appendfsync"]


@pytest.mark.parametrize(("strict", "sync"), [(False, "everysec"), (True, "always")])
def test_a_strict_server_syncs_before_each_answer(tmp_path: Path, strict: bool, sync: str) -> None:
    with EmbeddedServer(tmp_path, strict=strict) as server:
        assert persistence(server.url) == ("yes", sync)


@pytest.mark.slow
def test_an_installation_that_is_started_strict_has_such_a_server(tmp_path: Path) -> None:
    write_cards(tmp_path / "cards")
    (tmp_path / "cards" / "saved_model.pb").touch()  # the cards name their own folder as the model's
    with RunningStack(tmp_path, strict=True, wrap={"worker": LIGHT}) as stack:
        assert persistence(stack.redis_url) == ("yes", "always")


def test_the_compose_file_offers_it() -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    assert "--appendonly yes" in text
    assert "--appendfsync ${REDIS_APPENDFSYNC:-everysec}" in text
