"""Which places there are, what an owner may know of them, and which names a source matches."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from shared.errors import InvalidRequest, StorageUnavailable
from shared.place_settings import PlaceRule, read_places
from shared.places.bucket import BucketPlace
from shared.places.catalog import AllowedPlace, Places, PlaceUnknown, matching, open_place
from shared.places.folder import FolderPlace
from shared.places.request import Source
from shared.settings import Settings, SettingsError
from shared.storage.bucket_access import place_access
from tests.support.http.scripted_server import Reply, scripted_server

RULES: dict[str, Any] = {
    "photos": {"url": "file:///srv/photos", "access": "read"},
    "out": {"url": "s3://bucket/out", "access": "write", "options": {"secret_access_key": "s3cr3t"}},
    "annas": {"url": "file:///srv/anna", "access": "both", "owners": ["anna"]},
}


def places(rules: dict[str, Any] = RULES) -> Places:
    return Places(read_places(json.dumps(rules)))


def test_each_owner_sees_what_it_may_use() -> None:
    assert places().of("bob") == [AllowedPlace("out", False, True), AllowedPlace("photos", True, False)]
    assert places().of("anna")[0] == AllowedPlace("annas", True, True)


@pytest.mark.parametrize("name", ["annas", "nowhere", "out"])
def test_a_refusal_names_the_owners_own_places_and_does_not_tell_of_others(name: str) -> None:
    with pytest.raises(InvalidRequest) as found:
        places().check(name, "bob", "read", "/source/place")
    (fault,) = found.value.errors
    assert fault.pointer == "/source/place"
    assert fault.detail == f"source.place: there is no place {name!r} to read from; there are: photos"


def test_a_place_that_is_not_named_any_more_is_not_opened(tmp_path: Path) -> None:
    rule = {"url": tmp_path.as_uri(), "access": "read", "owners": ["anna"]}
    named = places({"here": rule})
    assert isinstance(named.open("here", "anna", "read"), FolderPlace)
    for name, owner, access in (("gone", "anna", "read"), ("here", "bob", "read"), ("here", "anna", "write")):
        with pytest.raises(PlaceUnknown):
            named.open(name, owner, access)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ("[", "it is no JSON"),
        ("[]", "write places as"),
        ('{"Photos": {}}', "'Photos' is no name"),
        ('{"a": {"url": "http://x/y", "access": "read"}}', "a.url: give a URL"),
        ('{"a": {"url": "file:///", "access": "read"}}', "a.url: a file:// URL takes three slashes"),
        ('{"a": {"url": "s3://u:p@b", "access": "read"}}', "credentials are `options`"),
        ('{"a": {"url": "s3://b"}}', "a.access"),
        ('{"a": {"url": "s3://b", "access": "all"}}', "a.access must be read, write or both"),
        ('{"a": {"url": "s3://b", "access": "read", "owners": ["An na"]}}', "'An na' is no owner's name"),
        ('{"a": {"url": "s3://b", "access": "read", "options": {"bogus": "1"}}}', "bogus is no option"),
    ],
)
def test_what_is_wrong_in_the_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, rules: str, says: str
) -> None:
    monkeypatch.setenv("ATELIER_PLACES", rules)
    with pytest.raises(SettingsError, match="ATELIER_PLACES") as found:
        Settings.from_env()
    assert says in str(found.value)


def test_the_setting_may_be_a_file_and_is_never_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "places.json").write_text(json.dumps(RULES))
    monkeypatch.setenv("ATELIER_PLACES_FILE", str(tmp_path / "places.json"))
    settings = Settings.from_env()
    assert settings.place_rules.keys() == RULES.keys()
    assert "s3cr3t" not in repr(settings) + str(settings.place_rules)


@pytest.mark.parametrize("where", ["state/storage/inputs", "state", "", "link"])
def test_no_place_is_among_what_atelier_keeps(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, where: str
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "state")
    monkeypatch.setenv("ATELIER_STATE_DIR", str(tmp_path / "state"))
    rule = {"url": (tmp_path / where).as_uri(), "access": "read"}
    monkeypatch.setenv("ATELIER_PLACES", json.dumps({"mine": rule}))
    with pytest.raises(SettingsError, match="mine overlaps with what Atelier itself keeps"):
        Settings.from_env()


@pytest.mark.parametrize(
    ("storage", "place", "options"),
    [
        ("s3://pictures/atelier", "s3://pictures", {}),
        ("s3://pictures", "s3a://pictures/in", {}),
        (
            "s3://id:secret@pictures/a?endpoint=http://nas:9000",
            "s3://pictures/a/b",
            {"endpoint": "http://NAS:9000/"},
        ),
        ("s3://pictures?endpoint=https://nas", "s3://pictures", {"endpoint": "https://pictures.nas:443"}),
        ("s3://pictures?endpoint=http://localhost:9", "s3://pictures", {"endpoint": "http://127.0.0.1:9"}),
        ("s3://pictures", "s3://pictures", {"endpoint": "https://s3.eu-west-1.amazonaws.com"}),
        ("https://pictures.s3.eu-west-1.amazonaws.com/a", "s3://pictures/", {}),
        ("gs://pictures/a%20b", "gs://pictures//a b/", {}),
        ("az://pictures/a", "abfss://pictures/x/../a", {}),
        ("abfss://pictures@me.dfs.core.windows.net/a", "az://pictures", {"account_name": "Me"}),
        ("https://me.blob.core.windows.net/pictures/a", "adl://pictures/a", {"account_name": "me"}),
    ],
)
def test_no_place_is_in_ateliers_own_bucket_however_it_is_written(
    monkeypatch: pytest.MonkeyPatch, storage: str, place: str, options: dict[str, str]
) -> None:
    monkeypatch.setenv("ATELIER_STORAGE_URL", storage)
    rule = {"url": place, "access": "both", "options": options}
    monkeypatch.setenv("ATELIER_PLACES", json.dumps({"mine": rule}))
    with pytest.raises(SettingsError, match="mine overlaps with what Atelier itself keeps"):
        Settings.from_env()


def test_an_endpoint_of_the_settings_or_of_the_provider_counts_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ATELIER_STORAGE_URL", "s3://pictures")
    monkeypatch.setenv("ATELIER_BUCKET_ENDPOINT", "http://nas:9000")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://nas:9000/")
    monkeypatch.setenv("ATELIER_PLACES", '{"mine": {"url": "s3://pictures", "access": "read"}}')
    with pytest.raises(SettingsError, match="mine overlaps"):
        Settings.from_env()


@pytest.mark.parametrize(
    ("storage", "place", "options"),
    [
        ("s3://pictures/atelier", "s3://pictures/atelier2", {}),
        ("s3://pictures/atelier", "s3://photos/atelier", {}),
        ("s3://pictures", "gs://pictures", {}),
        ("s3://pictures", "s3://pictures", {"endpoint": "http://nas:9000"}),
        ("s3://pictures?endpoint=http://nas:9001", "s3://pictures", {"endpoint": "http://nas:9000"}),
        ("abfss://pictures@me.dfs.core.windows.net", "az://pictures", {"account_name": "you"}),
        ("", "s3://pictures", {}),
    ],
)
def test_a_place_in_another_bucket_or_folder_is_taken(
    monkeypatch: pytest.MonkeyPatch, storage: str, place: str, options: dict[str, str]
) -> None:
    monkeypatch.setenv("ATELIER_STORAGE_URL", storage)
    rule = {"url": place, "access": "both", "options": options}
    monkeypatch.setenv("ATELIER_PLACES", json.dumps({"mine": rule}))
    assert Settings.from_env().place_rules.keys() == {"mine"}


# How a bucket is reached.


def bucket_rule(**options: str) -> PlaceRule:
    return PlaceRule.model_validate({"url": "s3://pictures", "access": "both", "options": options})


def test_an_endpoint_that_the_library_would_put_before_a_places_own_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://elsewhere")
    with pytest.raises(StorageUnavailable, match="AWS_ENDPOINT_URL_S3 is set beside the endpoint of a place"):
        open_place(bucket_rule(endpoint="https://here"))
    assert open_place(bucket_rule())


def test_certificates_that_are_trusted_beside_the_systems_are_trusted_at_places(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(b"a certificate")
    assert place_access(bucket_rule(), file).client_options["root_certificate"] == b"a certificate"
    file.unlink()
    with pytest.raises(StorageUnavailable, match="ATELIER_BUCKET_CA_FILE: cannot read"):
        Places({"nas": bucket_rule()}, file).open("nas", "anna", "read")


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (404, "NoSuchBucket", "correct the url of the place in ATELIER_PLACES or its endpoint"),
        (403, "InvalidAccessKeyId", "correct its credentials in ATELIER_PLACES"),
        (403, "AccessDenied", "grant listing and getting, or .* the key of the place in ATELIER_PLACES"),
        (400, "AuthorizationHeaderMalformed", "correct its region in ATELIER_PLACES"),
    ],
)
def test_an_error_of_a_place_names_the_setting_of_places(status: int, code: str, said: str) -> None:
    body = f"<Error><Code>{code}</Code></Error>".encode()
    with scripted_server() as server:
        server.replies["/pictures/a"] = Reply(status, {"Content-Type": "application/xml"}, body)
        keys = {"access_key_id": "id", "secret_access_key": "s3cret", "allow_http": "true"}
        place = open_place(bucket_rule(endpoint=server.url, **keys))
        assert isinstance(place, BucketPlace)
        with pytest.raises(StorageUnavailable, match=said) as found:
            place.get("a")
    assert "ATELIER_STORAGE_URL" not in found.value.inside
    assert "ATELIER_BUCKET" not in found.value.inside


def test_a_source_matches_names_below_its_prefix_whatever_their_case(tmp_path: Path) -> None:
    for name in ("2026/a.jpg", "2026/deep/B.JPG", "2026/c.png", "2026/.d.jpg", "2026/.e/f.jpg", "2025/g.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    for odd in (b"\xff.jpg", b"a\nb.jpg"):
        (Path(os.fsdecode(os.fsencode(tmp_path / "2026") + b"/" + odd))).write_bytes(b"x")
    source = Source(place="p", prefix="2026", match="*.jpg")
    found = {entry.key for entry in matching(FolderPlace(tmp_path), source)}
    assert found == {"2026/a.jpg", "2026/deep/B.JPG"}


@pytest.mark.parametrize("prefix", ["/etc", "../up", "a/../b", "a//b", ".hidden/", "a\\b", "a\nb"])
def test_a_prefix_is_a_folder_within_the_place(prefix: str) -> None:
    with pytest.raises(ValueError, match="prefix"):
        Source(place="p", prefix=prefix)
