"""What only a folder must do: survive a power cut, a crash between two steps, and a full disk."""

import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.errors import ObjectNotFound, OutOfDisk, StorageUnavailable
from shared.storage.base import INSTALLATION
from shared.storage.local import STAGING, LocalObjectStore


@pytest.fixture
def objects(tmp_path: Path) -> LocalObjectStore:
    return LocalObjectStore(tmp_path / "storage")


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The calls that reach the disk, in order: what is synced, and what is renamed."""
    seen: list[tuple[str, str]] = []
    sync, replace = os.fsync, Path.replace

    def note_sync(handle: int) -> None:
        seen.append(("sync", Path(f"/proc/self/fd/{handle}").readlink().name))
        sync(handle)

    def note_rename(self: Path, target: Path) -> Path:
        seen.append(("rename", target.name))
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "replace", note_rename)
    return seen


@contextmanager
def small_files() -> Iterator[None]:
    """Let writes beyond 4,096 bytes fail, as with a quota.

    Around the store's calls and nothing else: pytest's own report may go to a file that is longer.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_put_is_on_the_disk_before_it_returns(
    objects: LocalObjectStore, steps: list[tuple[str, str]]
) -> None:
    objects.put("outputs/job/1/0.png", b"x")
    (first, staged), *others = steps
    assert first == "sync"
    assert len(staged) == 32
    assert others == [
        ("rename", "0.png"),
        *(("sync", name) for name in ("1", "job", "outputs", "storage")),
    ]


def test_the_root_is_synced_once_for_each_folder_at_the_top(
    objects: LocalObjectStore, steps: list[tuple[str, str]]
) -> None:
    for key in ("outputs/a/0", "outputs/b/0", "inputs/a/0", "plain"):
        steps.clear()
        objects.put(key, b"x")
        assert (("sync", "storage") in steps) == (key != "outputs/b/0")


def test_a_write_without_room_leaves_nothing(objects: LocalObjectStore, tmp_path: Path) -> None:
    with small_files():
        objects.put("a/1", b"x" * 4096)
    with small_files(), pytest.raises(OutOfDisk, match="a/2"):
        objects.put("a/2", b"x" * 4097)
    assert list(objects.keys("")) == ["a/1"]
    assert list((tmp_path / "storage" / STAGING).iterdir()) == []


def test_what_a_crash_left_half_written_is_listed_apart_and_can_be_removed(
    objects: LocalObjectStore, tmp_path: Path
) -> None:
    objects.put("a/1", b"x")
    (tmp_path / "storage" / STAGING / "left").write_bytes(b"123")
    assert list(objects.keys("")) == ["a/1"]
    (left,) = objects.unfinished()
    assert left.bytes == 3
    objects.delete(left.key)
    assert list(objects.unfinished()) == []


def test_nothing_can_be_put_among_the_unfinished(objects: LocalObjectStore) -> None:
    with pytest.raises(ValueError, match="no object's key"):
        objects.put(f"{STAGING}/x", b"x")


def test_folders_that_are_empty_go_with_their_last_object(objects: LocalObjectStore, tmp_path: Path) -> None:
    objects.put("outputs/job/1/0.png", b"x")
    objects.put("outputs/job/2/0.png", b"x")
    objects.delete("outputs/job/1/0.png")
    assert [path.name for path in (tmp_path / "storage" / "outputs" / "job").iterdir()] == ["2"]
    objects.delete_prefix("outputs/job/")
    assert list((tmp_path / "storage" / "outputs").iterdir()) == []


def test_a_storage_that_went_away_is_unavailable_and_not_made_anew(
    objects: LocalObjectStore, tmp_path: Path
) -> None:
    (tmp_path / "storage").rmdir()
    assert_away(objects)
    assert not (tmp_path / "storage").exists()


def is_away(use: Callable[[], object]) -> bool:
    try:
        use()
    except (StorageUnavailable, ObjectNotFound) as error:
        return isinstance(error, StorageUnavailable)
    return False


def assert_away(objects: LocalObjectStore) -> None:
    uses: dict[str, Callable[[], object]] = {
        "put": lambda: objects.put("a/1", b"x"),
        "get": lambda: objects.get("a/1"),
        "get_range": lambda: objects.get_range("a/1", 0, 1),
        "delete": lambda: objects.delete("a/1"),
        "delete_prefix": lambda: objects.delete_prefix("a/"),
        "keys": lambda: list(objects.keys("")),
        "now": objects.now,
        "check": objects.check,
    }
    for name, use in uses.items():
        assert is_away(use), f"{name} took the folder for the storage"


def test_an_empty_mount_point_is_not_taken_for_the_storage(objects: LocalObjectStore, tmp_path: Path) -> None:
    """A share that is unmounted while a process runs leaves an empty folder; later it is there again."""
    objects.put(INSTALLATION, b"name")
    objects.put("a/1", b"x")
    (tmp_path / "storage").rename(tmp_path / "away")
    (tmp_path / "storage").mkdir()
    assert_away(objects)
    assert list((tmp_path / "storage").iterdir()) == []
    (tmp_path / "storage").rmdir()
    (tmp_path / "away").rename(tmp_path / "storage")
    assert objects.get("a/1") == b"x"
    with pytest.raises(ObjectNotFound):
        objects.get("a/2")


def test_a_storage_without_a_mark_misses_objects_as_ever(objects: LocalObjectStore) -> None:
    with pytest.raises(ObjectNotFound):
        objects.get("a/1")


def test_symbolic_links_are_not_followed_when_listing(objects: LocalObjectStore, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(b"x")
    objects.put("a/1", b"x")
    (tmp_path / "storage" / "a" / "link").symlink_to(tmp_path / "outside")
    objects.delete_prefix("a/")
    assert (tmp_path / "outside" / "secret").exists()
