"""Which places there are, what an owner may know of them, and which names a source matches."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from shared.errors import InvalidRequest
from shared.place_settings import read_places
from shared.places.catalog import AllowedPlace, Places, PlaceUnknown, matching
from shared.places.folder import FolderPlace
from shared.places.request import Source
from shared.settings import Settings, SettingsError

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
