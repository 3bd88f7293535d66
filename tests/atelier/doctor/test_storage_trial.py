"""What `atelier doctor` finds of a bucket."""

import time
from collections.abc import Iterator

import pytest

from atelier.doctor import Level, storage_trial
from atelier.doctor.installation_checks import check_storage
from shared.bucket_settings import BucketSettings
from shared.settings import Settings
from shared.storage.object_store import open_object_store
from tests.support.s3.servers import S3Server, s3_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3_server("rclone", tmp_path_factory.mktemp("s3")) as running:
        yield running


def settings_for(server: S3Server, *, links: str = "off", bucket: str = "pictures") -> Settings:
    return Settings(storage_url=server.url("a", bucket=bucket), bucket=BucketSettings(links=links))


def test_a_bucket_that_works_is_good_and_holds_nothing_of_the_trial(server: S3Server) -> None:
    finding = check_storage(settings_for(server))
    assert (finding.level, "ms a request" in finding.text) == (Level.OK, True)
    assert "atelier-secret" not in finding.text
    assert list(open_object_store(server.url("a")).keys("doctor/")) == []


def test_links_are_followed_as_a_client_would(server: S3Server) -> None:
    assert "clients reach it" in check_storage(settings_for(server, links="on")).text
    finding = check_storage(settings_for(server, links="http://127.0.0.1:9"))
    assert finding.level is Level.FAIL
    assert "clients cannot fetch http://127.0.0.1:9/pictures/a/doctor/" in finding.text
    assert "ATELIER_BUCKET_LINKS" in finding.mend
    assert "Signature" not in finding.text


def test_a_bucket_that_is_not_there_is_a_failure(server: S3Server) -> None:
    finding = check_storage(settings_for(server, bucket="nobody"))
    assert finding.level is Level.FAIL
    assert "the bucket does not exist" in finding.text
    assert "atelier-secret" not in finding.text


def test_clocks_that_differ_are_a_failure(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage_trial.time, "time", lambda: time.time_ns() / 1e9 + 900)
    finding = check_storage(settings_for(server))
    assert (finding.level, "its clock is -9" in finding.text) == (Level.FAIL, True)
