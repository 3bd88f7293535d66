"""Buckets on real S3 servers: what the contract of all storages does not say."""

import secrets
import time
from collections.abc import Iterator

import httpx
import obstore
import pytest

from shared.bucket_settings import BucketSettings
from shared.errors import ObjectDamaged, ObjectNotFound, StorageUnavailable
from shared.setting_groups import JobRules
from shared.settings import Settings, SettingsError
from shared.storage.base import ObjectStore
from shared.storage.bucket import DELETED_AT_ONCE, BucketStore
from shared.storage.bucket_access import bucket_access
from shared.storage.object_store import open_object_store
from shared.storage.places import check_storage
from tests.support.http.tcp_proxy import TcpProxy
from tests.support.s3.servers import KEY, REAL, SECRET, RunningServers, S3Server

LEASE_SECONDS = 1.6
SPARE_SECONDS = 1.0  # for a busy machine


@pytest.fixture(params=REAL)
def server(request: pytest.FixtureRequest, s3: RunningServers) -> S3Server:
    return s3(request.param)


@pytest.fixture
def folder() -> str:
    return f"of/{secrets.token_hex(8)}"


def settings_for(url: str, **bucket: str) -> Settings:
    rules = BucketSettings.model_validate(bucket)
    return Settings(storage_url=url, bucket=rules, jobs=JobRules(lease_seconds=LEASE_SECONDS))


def test_the_settings_say_what_the_url_does_not(server: S3Server, folder: str) -> None:
    settings = settings_for(
        f"s3://pictures/{folder}",
        endpoint=server.endpoint,
        access_key_id=KEY,
        secret_access_key=SECRET,
        region="eu-central-1",
    )
    open_object_store(settings.storage, settings).put("a/1", b"x")
    assert open_object_store(server.url(folder)).get("a/1") == b"x"


def test_a_link_is_readable_without_credentials_and_says_what_it_is(server: S3Server, folder: str) -> None:
    settings = settings_for(server.url(folder), links="on")
    objects = open_object_store(settings.storage, settings)
    objects.put("outputs/j/1/0.png", b"picture")
    link = objects.link("outputs/j/1/0.png", 60)
    assert link is not None
    assert SECRET not in link
    answer = httpx.get(link)
    assert (answer.status_code, answer.content) == (200, b"picture")
    assert answer.headers["Content-Type"] == "image/png"
    assert httpx.get(link, headers={"Range": "bytes=2-3"}).content == b"ct"
    assert httpx.get(link.replace("0.png", "1.png")).status_code in (403, 404)


def test_a_link_ends(server: S3Server, folder: str) -> None:
    settings = settings_for(server.url(folder), links="on")
    objects = open_object_store(settings.storage, settings)
    objects.put("a", b"x")
    link = objects.link("a", 1)
    assert link is not None
    deadline = time.monotonic() + 30
    while httpx.get(link).status_code == 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_links_name_the_endpoint_that_clients_use(server: S3Server, folder: str) -> None:
    with TcpProxy(f"redis://127.0.0.1:{server.port}") as proxy:
        outside = proxy.url.replace("redis", "http")
        settings = settings_for(server.url(folder), links=outside)
        objects = open_object_store(settings.storage, settings)
        objects.put("a", b"x")
        link = objects.link("a", 60)
        assert link is not None
        assert link.startswith(outside)
        assert httpx.get(link).content == b"x"
        assert proxy.accepted == 1  # the service itself goes straight there


def test_nobody_is_sent_to_a_bucket_that_clients_do_not_reach(server: S3Server, folder: str) -> None:
    assert open_object_store(server.url(folder)).link("a", 60) is None


@pytest.mark.parametrize("size", [3, 6_000_000])
def test_bytes_that_are_not_those_that_were_put_are_an_error(
    server: S3Server, folder: str, size: int
) -> None:
    store = BucketStore(bucket_access(server.url(folder)))
    store.put("a/1", b"a" * size)
    known = obstore.get(store._store, "a/1").attributes
    obstore.put(store._store, "a/1", b"b" * size, attributes=known, use_multipart=False)
    with pytest.raises(ObjectDamaged, match="a/1"):
        store.get("a/1")


def test_more_are_deleted_than_fit_into_one_request(server: S3Server, folder: str) -> None:
    objects = open_object_store(server.url(folder))
    for number in range(DELETED_AT_ONCE + 3):
        objects.put(f"job/1/{number}", b"")
    objects.put("job/2/0", b"")
    objects.delete_prefix("job/1/")
    assert list(objects.keys("job/")) == ["job/2/0"]


def refusals(objects: ObjectStore) -> Iterator[StorageUnavailable]:
    """Yield the error of each operation."""
    for operation in (
        lambda: objects.put("a/1", b"x"),
        lambda: objects.get("a/1"),
        lambda: objects.get_range("a/1", 0, 1),
        lambda: list(objects.entries("a/")),
        lambda: objects.delete("a/1"),
        lambda: objects.delete_many(["a/1", "a/2"]),
        objects.now,
        objects.check,
    ):
        with pytest.raises(StorageUnavailable) as caught:
            operation()
        yield caught.value


def test_a_missing_bucket_is_no_missing_object(server: S3Server) -> None:
    for error in refusals(open_object_store(server.url(bucket="nobody"))):
        assert "the bucket does not exist" in error.inside
        assert error.is_lasting


def test_wrong_credentials_name_their_settings(server: S3Server) -> None:
    for error in refusals(open_object_store(server.url().replace(SECRET, "wrong"))):
        assert "ATELIER_BUCKET_SECRET_ACCESS_KEY" in error.inside
        assert error.is_lasting
        assert "wrong" not in str(error)


@pytest.mark.parametrize("url", [{"bucket": "nobody"}, {"endpoint": ""}])
def test_what_stays_wrong_stops_the_start_with_the_setting(server: S3Server, url: dict[str, str]) -> None:
    address = server.url(**url) if url.get("bucket") else server.url().replace(SECRET, "wrong")
    with pytest.raises(SettingsError, match=r"^ATELIER_STORAGE_URL: s3://\w+ cannot be used: ") as caught:
        check_storage(settings_for(address))
    assert "wrong" not in str(caught.value)


def test_a_bucket_that_hangs_is_given_up_before_the_lease_ends(server: S3Server, folder: str) -> None:
    with TcpProxy(f"redis://127.0.0.1:{server.port}") as proxy:
        settings = settings_for(server.url(folder, endpoint=proxy.url.replace("redis", "http")))
        objects = open_object_store(settings.storage, settings)
        objects.put("a/1", b"x")
        proxy.freeze()
        for operation in (lambda: objects.put("a/2", b"x"), lambda: objects.get("a/1"), objects.check):
            began = time.monotonic()
            with pytest.raises(StorageUnavailable, match=r"no answer within 0.8 s .*_TIMEOUT_SECONDS"):
                operation()
            assert time.monotonic() - began < LEASE_SECONDS + SPARE_SECONDS
        proxy.thaw()
        assert objects.get("a/1") == b"x"


def test_a_bucket_that_refuses_connections_is_given_up_before_the_lease_ends(
    server: S3Server, folder: str
) -> None:
    with TcpProxy(f"redis://127.0.0.1:{server.port}") as proxy:
        settings = settings_for(server.url(folder, endpoint=proxy.url.replace("redis", "http")))
        objects = open_object_store(settings.storage, settings)
        proxy.refuse()
        began = time.monotonic()
        with pytest.raises(StorageUnavailable):
            objects.put("a/1", b"x")
        assert time.monotonic() - began < LEASE_SECONDS + SPARE_SECONDS
        assert proxy.accepted > 1  # it was tried again
        proxy.thaw()
        with pytest.raises(ObjectNotFound):
            objects.get("a/1")
