"""`atelier keys`: on an installation that runs, that is stopped, that never was."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from api.services import Services
from atelier.cli import main
from atelier.local.redis_server import EmbeddedServer
from shared.access.key import KeyText, Scope
from shared.access.store import KeyStore


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["keys", *arguments])


@pytest.fixture
def installation(monkeypatch: pytest.MonkeyPatch, server: EmbeddedServer, tmp_path: Path) -> None:
    monkeypatch.setenv("REDIS_URL", server.url)
    monkeypatch.setenv("ATELIER_STATE_DIR", str(tmp_path))


@pytest.mark.usefixtures("installation")
def test_a_key_is_created_listed_and_revoked(services: Services) -> None:
    made = run("create", "shop", "--owner", "anna", "--scope", "read,metrics", "--expires", "90d")
    text = KeyText.read(made.stdout.strip())
    (key,) = KeyStore(services.store.scripts).page().items
    assert (key.id, key.name, key.owner) == (text.id, "shop", "anna")
    assert key.scopes == {Scope.READ, Scope.METRICS}
    assert key.expires_at == key.created_at + 90 * 24 * 3600 * 1000
    (row,) = json.loads(run("list", "--json").stdout)
    assert (row["id"], row["scopes"], row["fault"]) == (text.id, ["read", "metrics"], None)
    assert text.secret not in run("list").stdout
    assert run("revoke", "0" * 16, text.id).exit_code == 1  # the one that is not there stops no other
    assert "revoked" in run("list").stdout


@pytest.mark.usefixtures("installation")
@pytest.mark.parametrize(
    "arguments",
    [("create", "Anna"), ("create", "a", "--owner", "../a"), ("create", "a", "--scope", "all"),
     ("create", "a", "--expires", "90"), ("create", "a", "--expires", "0d"), ("revoke", "0" * 16)],
)  # fmt: skip
def test_what_cannot_be_is_refused(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == (1 if arguments[0] == "revoke" else 2)


def test_a_key_can_be_created_before_the_first_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("ATELIER_STATE_DIR", str(tmp_path / "new"))
    assert "no keys" in run("list").stderr
    assert run("create", "root", "--scope", "admin").exit_code == 0
    assert "root" in run("list").stdout
