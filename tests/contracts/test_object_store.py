"""What every object store must do, whatever it keeps its bytes in."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from obstore.exceptions import GenericError

from shared.errors import ObjectNotFound, OutOfDisk, StorageUnavailable
from shared.object_store import ObjectStore, _mapped, open_object_store


@pytest.fixture(params=["file", "memory"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    url = "memory:///" if request.param == "memory" else (tmp_path / "a b" / "store").as_uri()
    return open_object_store(url)


def test_what_is_put_can_be_read_whole_and_in_part(objects: ObjectStore) -> None:
    objects.put("a/b/1.png", b"0123456789")
    assert objects.get("a/b/1.png") == b"0123456789"
    assert objects.get_range("a/b/1.png", 2, 5) == b"234"


def test_a_put_replaces(objects: ObjectStore) -> None:
    objects.put("k", b"one")
    objects.put("k", b"two")
    assert objects.get("k") == b"two"


def test_a_missing_object_is_named(objects: ObjectStore) -> None:
    with pytest.raises(ObjectNotFound, match="no/such"):
        objects.get("no/such")
    with pytest.raises(ObjectNotFound):
        objects.get_range("no/such", 0, 1)


def test_deleting_twice_is_no_error(objects: ObjectStore) -> None:
    objects.put("k", b"x")
    objects.delete("k")
    objects.delete("k")
    with pytest.raises(ObjectNotFound):
        objects.get("k")


def test_a_prefix_is_a_folder_and_not_the_start_of_a_name(objects: ObjectStore) -> None:
    for key in ("job/1/0.png", "job/1/1.png", "job/10/0.png"):
        objects.put(key, b"x")
    assert sorted(objects.keys("job/1/")) == ["job/1/0.png", "job/1/1.png"]
    objects.delete_prefix("job/1/")
    assert list(objects.keys("job/")) == ["job/10/0.png"]


def test_readers_see_all_of_a_put_or_none(objects: ObjectStore) -> None:
    versions = [bytes([n]) * 200_000 for n in range(8)]
    objects.put("k", versions[0])
    with ThreadPoolExecutor(4) as pool:
        writes = [pool.submit(objects.put, "k", version) for version in versions]
        seen = [pool.submit(objects.get, "k") for _ in range(40)]
        assert all(read.result() in versions for read in seen)
        assert all(write.result() is None for write in writes)


def test_an_available_store_passes_its_check(objects: ObjectStore) -> None:
    objects.check()


def test_a_storage_that_can_be_used_passes_the_check(objects: ObjectStore) -> None:
    objects.check()


def test_a_folder_that_went_away_fails_the_check(tmp_path: Path) -> None:
    objects = open_object_store((tmp_path / "store").as_uri())
    (tmp_path / "store").rmdir()
    with pytest.raises(StorageUnavailable, match="store"):
        objects.check()


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("No space left on device (os error 28)", OutOfDisk),
        ("Input/output error (os error 5)", StorageUnavailable),
    ],
)
def test_a_full_disk_is_told_from_other_faults(reason: str, kind: type[StorageUnavailable]) -> None:
    with pytest.raises(kind) as caught, _mapped("a/b"):
        raise GenericError(f"Generic LocalFileSystem error: {reason}\n\nDebug source:\nGeneric")
    assert type(caught.value) is kind
    assert caught.value.detail.endswith(reason)
