"""What a bucket's URL and the settings say, and which of them counts."""

from datetime import timedelta
from pathlib import Path

import pytest

from shared.bucket_settings import BucketSettings
from shared.setting_groups import JobRules
from shared.settings import Settings, SettingsError
from shared.storage.bucket_access import bucket_access
from shared.storage.places import check_storage


def test_a_url_says_it_all() -> None:
    url = "s3://id:s%2Fcret@pictures/a/b?endpoint=http://10.0.0.5:9000&region=here&path_style=true"
    access = bucket_access(url)
    assert access.url == "s3://pictures/a/b"
    assert access.config == {
        "access_key_id": "id",
        "secret_access_key": "s/cret",
        "endpoint": "http://10.0.0.5:9000",
        "region": "here",
    }
    assert access.client_options["allow_http"] is True


def test_no_secret_is_in_what_a_debugger_shows() -> None:
    shown = repr(bucket_access("s3://keyname:s%2Fcret@pictures/a"))
    assert "pictures" in shown
    assert not {"keyname", "s/cret"} & set(shown.replace("'", " ").split())


def test_what_the_url_says_goes_before_the_settings() -> None:
    rules = BucketSettings.model_validate(
        {"endpoint": "https://one", "region": "one", "access_key_id": "one", "secret_access_key": "x"}
    )
    access = bucket_access("s3://pictures?region=two", Settings(bucket=rules))
    assert access.config == {
        "endpoint": "https://one",
        "region": "two",
        "access_key_id": "one",
        "secret_access_key": "x",
    }
    assert access.client_options["allow_http"] is False


def test_a_buckets_name_may_stand_before_the_host() -> None:
    access = bucket_access("s3://pictures?endpoint=https://s3.example:9000&path_style=false")
    assert access.config["endpoint"] == "https://pictures.s3.example:9000"
    assert access.config["virtual_hosted_style_request"] is True


def test_other_providers_are_not_told_what_is_s3s() -> None:
    rules = BucketSettings.model_validate({"endpoint": "https://one", "region": "one"})
    access = bucket_access("gs://pictures/a", Settings(bucket=rules))
    assert (access.url, access.config) == ("gs://pictures/a", {})


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (
            "s3://pictures?zone=1",
            "'zone' is no option of a bucket's URL; known: endpoint, region, path_style",
        ),
        ("s3://pictures?endpoint=nowhere", "endpoint: .* give an address such as https://"),
        ("s3://pictures?path_style=perhaps", "path_style: .* valid boolean"),
        ("s3://onlyid@pictures", ".*ACCESS_KEY_ID and SECRET_ACCESS_KEY go together"),
    ],
)
def test_a_url_of_no_use_is_refused_by_the_name_of_its_setting(url: str, said: str) -> None:
    with pytest.raises(SettingsError, match=f"^ATELIER_STORAGE_URL: s3://pictures is no storage: {said}"):
        check_storage(Settings(storage_url=url))


@pytest.mark.parametrize("lease", [0.5, 5.0, 300.0])
@pytest.mark.parametrize("share", [None, 0.3, 0.9])
def test_a_request_and_its_repetitions_end_before_the_lease(lease: float, share: float | None) -> None:
    rules = BucketSettings(timeout_seconds=share and max(0.1, lease * share))
    access = bucket_access("s3://pictures", Settings(bucket=rules, jobs=JobRules(lease_seconds=lease)))
    retry: timedelta = access.retry_config["retry_timeout"]
    request: timedelta = access.client_options["timeout"]
    assert timedelta(0) < request
    assert timedelta(0) < retry
    assert (retry + request).total_seconds() < lease
    assert access.client_options["connect_timeout"] <= request


def test_a_time_out_that_outlasts_the_lease_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_BUCKET_TIMEOUT_SECONDS", "5")
    with pytest.raises(
        SettingsError, match="ATELIER_BUCKET_TIMEOUT_SECONDS must be below ATELIER_JOBS_LEASE"
    ):
        Settings.from_env()
    monkeypatch.setenv("ATELIER_JOBS_LEASE_SECONDS", "20")
    assert Settings.from_env().bucket.timeout_seconds == 5


def test_a_secret_may_come_by_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {"ACCESS_KEY_ID": "id", "SECRET_ACCESS_KEY": "secret"}.items():
        (tmp_path / name).write_text(f"{text}\n")
        monkeypatch.setenv(f"ATELIER_BUCKET_{name}_FILE", str(tmp_path / name))
    settings = Settings.from_env()
    access = bucket_access("s3://pictures", settings)
    assert access.config == {"access_key_id": "id", "secret_access_key": "secret"}
    assert "'secret'" not in repr(settings.bucket)


def test_certificates_that_cannot_be_read_name_their_setting(tmp_path: Path) -> None:
    settings = Settings(storage_url="s3://pictures", bucket=BucketSettings(ca_file=tmp_path / "none.pem"))
    with pytest.raises(SettingsError, match=r"ATELIER_BUCKET_CA_FILE: cannot read .*none\.pem: No such"):
        check_storage(settings)


def test_an_endpoint_that_the_library_would_put_first_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://elsewhere")
    with pytest.raises(ValueError, match="AWS_ENDPOINT_URL_S3"):
        bucket_access("s3://pictures?endpoint=https://here")


@pytest.mark.parametrize("value", ["perhaps", "ftp://x", "https://x?y=1"])
def test_links_are_on_off_or_an_address(value: str) -> None:
    with pytest.raises(ValueError, match="give an address"):
        BucketSettings(links=value)
