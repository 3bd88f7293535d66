"""All who use a job store have the same storage."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared.redis.client import Client, connect
from shared.settings import Settings, SettingsError
from shared.storage.identity import check_identity


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
