"""What every place must do, whatever it is: a folder, memory, a bucket of a real S3 server."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr

from shared.errors import ObjectNotFound, StorageUnavailable
from shared.places.bucket import BucketPlace
from shared.places.catalog import open_place
from shared.places.folder import STAGING, FolderPlace
from shared.places.objects import NameRefused, PlaceObjects, is_same
from shared.storage.bucket_access import bucket_access
from tests.support.files import files_below
from tests.support.http.lossy_http import LossyHttp, lossy_http
from tests.support.places.transfer_steps import bucket_rule
from tests.support.s3.servers import RunningServers


@pytest.fixture(params=["folder", "memory", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path, s3: RunningServers) -> PlaceObjects:
    if request.param == "folder":
        (tmp_path / "a place").mkdir()
        return FolderPlace(tmp_path / "a place")
    if request.param == "memory":
        return BucketPlace(bucket_access("memory:///"))
    return open_place(bucket_rule(s3("seaweedfs")))


def test_what_is_there_is_listed_below_its_folder_and_read_in_part(place: PlaceObjects) -> None:
    for key in ("in/a.png", "in/b c/ü.png", "into/c.png", "d.png"):
        assert place.create(key, b"0123456789")
    listed = {entry.key: entry.bytes for entry in place.entries("in/")}
    assert listed == {"in/a.png": 10, "in/b c/ü.png": 10}
    assert place.read("in/b c/ü.png", 4) == b"0123"
    assert place.read("in/a.png", 99) == b"0123456789"
    assert {entry.key for entry in place.entries("")} == {*listed, "into/c.png", "d.png"}
    assert list(place.entries("none/")) == []


def test_what_is_there_is_never_replaced(place: PlaceObjects) -> None:
    assert place.create("out/a.png", b"one")
    assert not place.create("out/a.png", b"two")
    assert place.read("out/a.png", 9) == b"one"
    assert is_same(place, "out/a.png", b"one")
    assert not is_same(place, "out/a.png", b"two")
    assert not is_same(place, "out/a.png", b"one!")


def test_of_many_that_create_one_name_one_does(place: PlaceObjects) -> None:
    ready = threading.Barrier(8)

    def create(number: int) -> bool:
        ready.wait()
        return place.create("out/same.png", bytes([number]) * 100_000)

    with ThreadPoolExecutor(8) as pool:
        created = list(pool.map(create, range(8)))
    assert created.count(True) == 1
    assert is_same(place, "out/same.png", bytes([created.index(True)]) * 100_000)


def test_what_is_not_there_has_no_size(place: PlaceObjects) -> None:
    assert place.size_of("no/such.png") is None
    with pytest.raises(ObjectNotFound):
        place.read("no/such.png", 9)


def test_an_empty_object_is_one(place: PlaceObjects) -> None:
    assert place.create("empty", b"")
    assert (place.size_of("empty"), place.read("empty", 9)) == (0, b"")
    assert is_same(place, "empty", b"")


# Buckets alone.


@pytest.fixture
def lossy(s3: RunningServers) -> Iterator[tuple[LossyHttp, PlaceObjects, PlaceObjects]]:
    """A bucket by way of who loses responses; its place, and the same straight."""
    server = s3("seaweedfs")
    rule = bucket_rule(server)
    with lossy_http(server.port) as way:
        options = {**rule.options, "endpoint": SecretStr(way.endpoint)}
        yield way, open_place(rule.model_copy(update={"options": options})), open_place(rule)


def test_a_put_whose_response_is_lost_knows_its_own_object(
    lossy: tuple[LossyHttp, PlaceObjects, PlaceObjects],
) -> None:
    way, place, straight = lossy
    way.lose = [502]
    assert place.create("out/a.png", b"one")
    assert way.puts == 2
    assert is_same(straight, "out/a.png", b"one")
    assert not place.create("out/a.png", b"one"), "another put of the same bytes made nothing"


def test_another_object_of_the_name_is_not_its_own(
    lossy: tuple[LossyHttp, PlaceObjects, PlaceObjects], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody was faster, after the look and before the put: with other bytes, or with the same."""
    way, place, straight = lossy
    assert straight.create("out/a.png", b"one")
    monkeypatch.setattr(type(place), "size_of", lambda *_: None)
    for data in (b"two", b"one"):
        assert not place.create("out/a.png", data)
    monkeypatch.undo()
    assert way.puts == 2
    assert is_same(straight, "out/a.png", b"one")


# Folders alone.


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    missing = FolderPlace(tmp_path / "mount")
    for use in (
        lambda: list(missing.entries("")),
        lambda: missing.create("a", b"x"),
        lambda: missing.read("a", 1),
        lambda: missing.size_of("a"),
    ):
        with pytest.raises(StorageUnavailable):
            use()
    assert not (tmp_path / "mount").exists()


def test_no_link_leads_out_of_a_folder(tmp_path: Path) -> None:
    inside, outside = tmp_path / "place", tmp_path / "other"
    inside.mkdir()
    outside.mkdir()
    (outside / "secret.png").write_bytes(b"secret")
    (inside / "way").symlink_to(outside)
    (inside / "link.png").symlink_to(outside / "secret.png")
    place = FolderPlace(inside)
    assert list(place.entries("")) == []
    with pytest.raises(StorageUnavailable):
        place.read("link.png", 9)
    for use in (
        lambda: place.read("way/secret.png", 9),
        lambda: place.create("way/new.png", b"x"),
        lambda: list(place.entries("way/")),
    ):
        with pytest.raises(NameRefused):
            use()
    with pytest.raises(ValueError, match="no object's key"):
        place.create("../other/new.png", b"x")
    assert files_below(outside) == [outside / "secret.png"]


def test_what_is_no_file_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    place = FolderPlace(tmp_path)
    assert list(place.entries("")) == []
    with pytest.raises(ObjectNotFound):
        place.read("pipe.png", 9)


def test_hidden_names_and_unfinished_files_are_not_listed(tmp_path: Path) -> None:
    place = FolderPlace(tmp_path)
    assert place.create("a.png", b"x")
    (tmp_path / ".hidden.png").write_bytes(b"x")
    (tmp_path / STAGING / "half").write_bytes(b"x")
    assert [entry.key for entry in place.entries("")] == ["a.png"]
    assert files_below(tmp_path / STAGING) == [tmp_path / STAGING / "half"]


def test_files_that_a_dead_process_left_are_removed_after_a_day(tmp_path: Path) -> None:
    staging = tmp_path / STAGING
    staging.mkdir()
    for name in ("old", "new"):
        (staging / name).write_bytes(b"x")
    os.utime(staging / "old", (0, 0))
    assert FolderPlace(tmp_path).create("a.png", b"x")
    assert files_below(staging) == [staging / "new"]


@pytest.mark.parametrize("key", ["a.png/b.png", "x" * 300 + ".png"])
def test_a_name_that_cannot_be_is_refused_for_good(tmp_path: Path, key: str) -> None:
    place = FolderPlace(tmp_path)
    assert place.create("a.png", b"x")
    with pytest.raises(NameRefused):
        place.create(key, b"x")
    assert files_below(tmp_path / STAGING) == []


def test_others_may_read_what_is_put(tmp_path: Path) -> None:
    mask = os.umask(0o022)
    try:
        FolderPlace(tmp_path).create("out/a.png", b"x")
    finally:
        os.umask(mask)
    assert (tmp_path / "out" / "a.png").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o755
