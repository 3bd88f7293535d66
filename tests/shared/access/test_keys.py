"""API keys: what is stored of them, and how soon a change is known."""

import re
import time

import pytest

from shared.access.exposure import check_exposure
from shared.access.key import DEFAULT_SCOPES, KeyText, Scope
from shared.access.store import KeyStore
from shared.access.table import KeysAt, KeyTable
from shared.backup.snapshot import Snapshot
from shared.errors import KeyNotFound, StoreUnavailable
from shared.identifiers import ANONYMOUS
from shared.jobs.store import JobStore
from shared.network_settings import AccessSettings, ApiSettings
from shared.redis.client import Client, connect
from shared.redis.scripts import Scripts
from shared.settings import Settings, SettingsError


@pytest.fixture
def keys(store: JobStore) -> KeyStore:
    return KeyStore(store.scripts)


def refreshed(table: KeyTable) -> KeyTable:
    table.refresh()
    return table


def all_text(client: Client) -> str:
    """Return everything that the server holds of keys."""
    names = client.keys("atelier:key*")
    return repr([client.hgetall(name) for name in names if client.type(name) == "hash"]) + repr(names)


def test_the_store_holds_no_key(keys: KeyStore, redis_client: Client) -> None:
    _, text = keys.create("shop", owner="shop", scopes=DEFAULT_SCOPES)
    held = all_text(redis_client)
    assert text.id in held
    assert text.secret not in held
    assert text.secret not in repr(text)


def test_a_key_is_read_as_it_was_shown(keys: KeyStore) -> None:
    key, text = keys.create("shop", owner="anna", scopes=DEFAULT_SCOPES)
    table = refreshed(KeyTable(keys))
    assert table.find(KeyText.read(str(text))) == key
    assert table.find(KeyText(text.id, "0" * 64)) is None
    assert table.find(KeyText("0" * 16, text.secret)) is None


NO_KEYS = [
    "",
    "atl_",
    "atl_0123456789abcdef_",
    f"atl_{'0' * 16}_{'0' * 63}",
    f"atl_{'0' * 16}_{'0' * 64}\n",
    f"ATL_{'0' * 16}_{'0' * 64}",
    f"atl_{chr(0x660) * 16}_{'0' * 64}",  # digits, but not ASCII
]


@pytest.mark.parametrize("text", NO_KEYS)
def test_what_is_no_key_is_not_read_or_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="form") as refused:
        KeyText.read(text)
    assert len(text) < 5 or text not in str(refused.value)


def test_keys_are_needed_from_the_first_on_even_when_all_are_revoked(keys: KeyStore) -> None:
    table = refreshed(KeyTable(keys))
    assert not table.are_needed
    key, _ = keys.create("shop", owner="shop", scopes=DEFAULT_SCOPES)
    keys.revoke(key.id)
    assert refreshed(KeyTable(keys)).are_needed


def test_a_change_is_known_within_a_second(keys: KeyStore) -> None:
    key, text = keys.create("shop", owner="shop", scopes=DEFAULT_SCOPES)
    table = refreshed(KeyTable(keys))
    keys.revoke(key.id)
    revoked_at = time.monotonic()
    while not table.fault(key.id):
        table.refresh()
        assert time.monotonic() - revoked_at < 1
    assert table.find(text) is not None, "it is known, and refused"


def test_what_another_script_tells_of_the_keys_spares_a_reading(keys: KeyStore) -> None:
    key, _ = keys.create("shop", owner="shop", scopes=DEFAULT_SCOPES)
    table = refreshed(KeyTable(keys))
    keys.revoke(key.id)
    assert table.confirm(KeysAt.told(table.version, 0, time.monotonic() + 3600))
    assert table.fault(key.id) == "", "it is confirmed for an hour, and not read"
    table.refresh()
    assert table.fault(key.id) == ""


def test_a_change_of_which_another_script_tells_is_read_at_once(keys: KeyStore) -> None:
    key, _ = keys.create("shop", owner="shop", scopes=DEFAULT_SCOPES)
    table = refreshed(KeyTable(keys))
    keys.revoke(key.id)
    assert not table.confirm(KeysAt.told(keys.read().version, 0, time.monotonic()))
    table.refresh()
    assert "revoked" in table.fault(key.id)


def test_an_expired_key_is_refused_without_asking_the_server(keys: KeyStore) -> None:
    key, _ = keys.create("shop", owner="shop", scopes=DEFAULT_SCOPES, expires_seconds=1)
    table = refreshed(KeyTable(keys))
    assert table.fault(key.id) == ""
    assert 0 < table.seconds_left(key.id) <= 1
    time.sleep(table.seconds_left(key.id) + 0.01)
    assert "expired" in table.fault(key.id)


def test_a_thousand_requests_of_many_keys_ask_the_server_at_most_thrice_a_second(
    keys: KeyStore, redis_client: Client
) -> None:
    texts = [keys.create(f"k{i}", owner="shop", scopes=DEFAULT_SCOPES)[1] for i in range(5)]
    table = refreshed(KeyTable(keys))
    redis_client.config_resetstat()
    began = time.monotonic()
    for i in range(1000):
        table.refresh()
        assert table.find(texts[i % 5])
    rounds = 1 + (time.monotonic() - began) / 0.5
    calls = redis_client.info("commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"]
    assert calls <= rounds


def test_the_last_use_is_noted_once_a_minute(keys: KeyStore, redis_client: Client) -> None:
    key, text = keys.create("shop", owner="shop", scopes=DEFAULT_SCOPES)
    table = refreshed(KeyTable(keys))
    keys.note_use("loads the script")
    redis_client.config_resetstat()
    for _ in range(50):
        table.note_use(key)
    assert redis_client.info("commandstats")["cmdstat_evalsha"]["calls"] == 1
    assert keys.page().items[0].used_at is not None
    assert refreshed(KeyTable(keys)).find(text) is not None


def test_a_server_that_is_away_lets_nobody_in() -> None:
    table = KeyTable(KeyStore(Scripts(connect("redis://127.0.0.1:1", retries=0))))
    with pytest.raises(StoreUnavailable):
        table.refresh()
    table.look()


def test_an_unknown_key_cannot_be_revoked(keys: KeyStore) -> None:
    with pytest.raises(KeyNotFound):
        keys.revoke("no\x1b[2Jkey")


def test_the_key_of_a_file_is_an_admins_and_replaces_the_one_before(keys: KeyStore) -> None:
    first, second = KeyText.new(), KeyText.new()
    table = refreshed(KeyTable(keys, file_key=first))
    known = table.find(first)
    assert known is not None
    assert (known.owner, known.scopes, known.fault(0)) == (ANONYMOUS, {Scope.ADMIN}, "")
    refreshed(KeyTable(keys, file_key=first))
    assert len(keys.page().items) == 1
    table = refreshed(KeyTable(keys, file_key=second))
    assert "revoked" in table.fault(first.id)
    assert table.fault(second.id) == ""


def test_a_revoked_key_of_a_file_stays_revoked_at_the_next_start(keys: KeyStore) -> None:
    text = KeyText.new()
    refreshed(KeyTable(keys, file_key=text))
    keys.revoke(text.id)
    assert "revoked" in refreshed(KeyTable(keys, file_key=text)).fault(text.id)


def test_a_file_cannot_take_over_another_keys_id(keys: KeyStore) -> None:
    key, _ = keys.create("shop", owner="shop", scopes=DEFAULT_SCOPES)
    with pytest.raises(SettingsError, match="BOOTSTRAP"):
        keys.register(KeyText(key.id, "0" * 64), ANONYMOUS)


def test_no_backup_holds_keys_and_no_restore_removes_them(keys: KeyStore, redis_client: Client) -> None:
    _, text = keys.create("shop", owner="shop", scopes=DEFAULT_SCOPES)
    snapshot = Snapshot(redis_client)
    assert not [copy.key for copy in snapshot.read() if re.match("key", copy.key)]
    assert snapshot.kinds() == {}, "an installation that has keys alone can be restored into"
    snapshot.clear()
    assert refreshed(KeyTable(keys)).find(text) is not None


@pytest.mark.parametrize(
    ("api", "is_exposed"),
    [
        ({}, False),
        ({"host": "0.0.0.0"}, True),
        ({"host": "::"}, True),
        ({"host": "192.168.1.5"}, True),
        ({"host": ""}, True),
        ({"host": "0.0.0.0", "published_host": "127.0.0.1"}, False),
        ({"host": "0.0.0.0", "published_host": "0.0.0.0"}, True),
        ({"host": "127.0.0.1", "published_host": "10.0.0.1"}, True),
    ],
)
def test_beyond_this_machine_nothing_starts_without_a_key(
    keys: KeyStore, api: dict[str, str], is_exposed: bool
) -> None:
    settings = Settings(api=ApiSettings(**api))
    if is_exposed:
        with pytest.raises(SettingsError, match=r"(?s)keys create.*BOOTSTRAP_KEY_FILE"):
            check_exposure(settings, keys)
    else:
        check_exposure(settings, keys)
    bootstrap = AccessSettings(bootstrap_key=str(KeyText.new()))
    check_exposure(settings.model_copy(update={"access": bootstrap}), keys)
    keys.create("shop", owner="shop", scopes=DEFAULT_SCOPES)
    check_exposure(settings, keys)


def test_where_a_port_is_published_the_refusal_names_what_compose_takes(keys: KeyStore) -> None:
    settings = Settings(api=ApiSettings(host="0.0.0.0", published_host="0.0.0.0"))
    with pytest.raises(SettingsError, match=r"docker compose run .* api .*BOOTSTRAP_KEY_FILE in \.env"):
        check_exposure(settings, keys)
