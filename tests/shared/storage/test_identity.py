"""All who use a job store have the same storage."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared.errors import StorageUnavailable
from shared.redis.client import Client, connect
from shared.settings import Settings, SettingsError
from shared.storage.base import INSTALLATION
from shared.storage.identity import check_identity
from shared.storage.local import LocalObjectStore


def of(folder: Path) -> Settings:
    return Settings(storage_url=folder.as_uri())


def test_all_who_begin_at_once_with_one_storage_may_use_it(redis_client: Client, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: check_identity(of(tmp_path / "one"), redis_client), range(8)))


def test_another_storage_is_refused_by_its_address(redis_client: Client, tmp_path: Path) -> None:
    check_identity(of(tmp_path / "one"), redis_client)
    check_identity(of(tmp_path / "one"), redis_client)
    with pytest.raises(SettingsError, match=f"ATELIER_STORAGE_URL: {(tmp_path / 'other').as_uri()} is not"):
        check_identity(of(tmp_path / "other"), redis_client)


def test_a_storage_that_is_adopted_is_the_one_from_then_on(redis_client: Client, tmp_path: Path) -> None:
    check_identity(of(tmp_path / "one"), redis_client)
    check_identity(of(tmp_path / "other"), redis_client, adopt=True)
    check_identity(of(tmp_path / "other"), redis_client)
    with pytest.raises(SettingsError, match="--adopt-storage"):
        check_identity(of(tmp_path / "one"), redis_client)


def test_a_new_job_store_takes_the_storage_that_is_there(redis_client: Client, tmp_path: Path) -> None:
    check_identity(of(tmp_path / "one"), redis_client)
    redis_client.flushall()
    check_identity(of(tmp_path / "one"), redis_client)


def test_a_server_that_is_away_keeps_nobody_from_starting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    check_identity(of(tmp_path / "one"), connect("redis://127.0.0.1:1", retries=0))
    assert "not known whether all have this storage" in caplog.text


def refuse(*_: object) -> None:
    raise StorageUnavailable(inside="denied")


@pytest.mark.parametrize("adopt", [False, True])
def test_a_storage_that_takes_no_name_does_not_lock_the_next_start_out(
    redis_client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, adopt: bool
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(LocalObjectStore, "put", refuse)
        check_identity(of(tmp_path), redis_client, adopt=adopt)
    assert redis_client.get("atelier:storage") is None
    check_identity(of(tmp_path), redis_client)
    assert redis_client.get("atelier:storage") == (tmp_path / INSTALLATION).read_text("ascii")


def test_a_storage_that_cannot_be_adopted_leaves_the_one_before(
    redis_client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_identity(of(tmp_path / "one"), redis_client)
    with monkeypatch.context() as patch:
        patch.setattr(LocalObjectStore, "put", refuse)
        check_identity(of(tmp_path / "other"), redis_client, adopt=True)
    check_identity(of(tmp_path / "one"), redis_client)


def test_a_process_that_ends_before_it_stores_the_name_keeps_nobody_out_for_long(
    redis_client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(LocalObjectStore, "put", interrupt)
        with pytest.raises(KeyboardInterrupt):
            check_identity(of(tmp_path), redis_client)
    assert 0 < redis_client.ttl("atelier:storage") <= 120
    redis_client.delete("atelier:storage")  # as its end would
    check_identity(of(tmp_path), redis_client)
    assert redis_client.ttl("atelier:storage") == -1


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_lost_reply_of_the_job_store_does_not_lock_anybody_out(
    redis_client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = redis_client.set

    def twice(*given: object, **how: object) -> object:
        put(*given, **how)  # type: ignore[arg-type]
        return put(*given, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(redis_client, "set", twice)
    check_identity(of(tmp_path), redis_client)
    assert redis_client.get("atelier:storage") == (tmp_path / INSTALLATION).read_text("ascii")
