"""What a bucket's answers mean: each names its cause, and the setting where one helps."""

from collections.abc import Iterator

import pytest

from shared.bucket_settings import BucketSettings
from shared.errors import OutOfDisk, StorageUnavailable
from shared.setting_groups import JobRules
from shared.settings import Settings
from shared.storage.base import ObjectStore
from shared.storage.object_store import open_object_store
from tests.support.http.scripted_server import Reply, ScriptedServer, scripted_server


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


def opened(url: str) -> ObjectStore:
    return open_object_store(url, Settings(bucket=BucketSettings(), jobs=JobRules(lease_seconds=0.6)))


def error_of(server: ScriptedServer, status: int, code: str) -> StorageUnavailable:
    body = f"<?xml version='1.0'?>\n<Error><Code>{code}</Code><Message>Signed: s3cret</Message></Error>"
    server.replies["/pictures/a/1"] = Reply(status, {"Content-Type": "application/xml"}, body.encode())
    with pytest.raises(StorageUnavailable) as caught:
        opened(f"s3://id:s3cret@pictures?endpoint={server.url}").get("a/1")
    return caught.value


@pytest.mark.parametrize(
    ("status", "code", "said", "is_lasting"),
    [
        (404, "NoSuchBucket", "the bucket does not exist.*ATELIER_STORAGE_URL", True),
        (403, "AccessDenied", "do not allow this.*ATELIER_BUCKET_ACCESS_KEY_ID", True),
        (403, "InvalidAccessKeyId", "does not know the credentials.*ATELIER_BUCKET_ACCESS_KEY_ID", True),
        (403, "SignatureDoesNotMatch", "does not know the credentials.*_SECRET_ACCESS_KEY", True),
        (403, "RequestTimeTooSkewed", "clock and the bucket's differ", False),
        (503, "SlowDown", "asks for fewer requests", False),
        (429, "TooManyRequests", "asks for fewer requests", False),
        (400, "AuthorizationHeaderMalformed", "another region.*ATELIER_BUCKET_REGION", True),
        (500, "InternalError", "500", False),
    ],
)
def test_an_answer_says_what_is_wrong(
    server: ScriptedServer, status: int, code: str, said: str, is_lasting: bool
) -> None:
    error = error_of(server, status, code)
    pattern = pytest.raises(StorageUnavailable, match=said)
    with pattern:
        raise error
    assert error.is_lasting is is_lasting
    assert code in error.inside
    assert "s3cret" not in str(error)
    assert error.detail == "Object storage is not available"  # which clients are told


def test_throttled_requests_are_tried_again(server: ScriptedServer) -> None:
    server.asked.clear()
    error_of(server, 503, "SlowDown")
    assert len(server.asked) > 1


def test_a_server_without_bulk_deletes_is_not_taken_for_one_that_has_deleted(server: ScriptedServer) -> None:
    objects = opened(f"s3://id:s3cret@pictures?endpoint={server.url}")
    for delete in (lambda: objects.delete("a/1"), lambda: objects.delete_many(["a/1", "a/2"])):
        with pytest.raises(StorageUnavailable, match="AWS_DISABLE_BULK_DELETE"):
            delete()


def test_a_full_server_is_out_of_disk(server: ScriptedServer) -> None:
    assert isinstance(error_of(server, 507, "XMinioStorageFull"), OutOfDisk)


def test_plain_http_is_used_on_demand_alone(monkeypatch: pytest.MonkeyPatch, server: ScriptedServer) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    with pytest.raises(StorageUnavailable, match="unless ATELIER_BUCKET_ENDPOINT says so"):
        opened("s3://id:s3cret@pictures").get("a/1")


def test_nobody_there_names_the_endpoint() -> None:
    with pytest.raises(StorageUnavailable, match="nothing answers there: see ATELIER_BUCKET_ENDPOINT"):
        opened("s3://id:s3cret@pictures?endpoint=http://127.0.0.1:9").get("a/1")
