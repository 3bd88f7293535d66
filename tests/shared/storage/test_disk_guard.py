"""New work is refused before the disk is full; by how much, the settings say."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.errors import OutOfDisk
from shared.setting_groups import MEBIBYTE, DiskRules
from shared.settings import Settings
from shared.storage.base import ObjectStore
from shared.storage.disk_guard import FILES_FLOOR, RESULTS_SHARE, DiskGuard, Usage, open_disk_guard
from shared.storage.object_store import open_object_store
from tests.support.waiting import eventually

GIBIBYTE = 1024 * MEBIBYTE


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the disk have so many bytes in all, and so many free."""

    def has(total: int, free: int, *, files: int = 10**6) -> None:
        fields = (1024, 1024, total // 1024, free // 1024, free // 1024, 10**6, files, files, 0, 255)
        monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(fields))

    return has


def guard(tmp_path: Path, used: int = 0, **rules: int) -> DiskGuard:
    return DiskGuard(tmp_path, DiskRules(**rules), lambda: used)


def test_new_work_leaves_the_floor_free(tmp_path: Path, disk: Callable[..., None]) -> None:
    disk(100 * GIBIBYTE, 257 * MEBIBYTE)
    guard(tmp_path).check(MEBIBYTE)
    with pytest.raises(OutOfDisk, match=r"257.0 MiB are free.*256.0 MiB \(ATELIER_DISK_FLOOR_MEBIBYTES\)"):
        guard(tmp_path).check(MEBIBYTE + 1)


def test_the_floor_of_a_small_disk_is_a_twentieth_of_it(tmp_path: Path, disk: Callable[..., None]) -> None:
    disk(1000 * MEBIBYTE, 51 * MEBIBYTE)
    guard(tmp_path).check()
    with pytest.raises(OutOfDisk, match=r"at least 50\.0 MiB"):
        guard(tmp_path).check(2 * MEBIBYTE)


def test_results_of_accepted_work_may_use_most_of_the_floor(
    tmp_path: Path, disk: Callable[..., None]
) -> None:
    share = 256 * MEBIBYTE // RESULTS_SHARE
    for free, expected in ((255 * MEBIBYTE, True), (share + 1024, True), (share, False), (0, False)):
        disk(100 * GIBIBYTE, free)
        assert guard(tmp_path).has_room_for_results() is expected


def test_a_disk_that_can_hold_no_more_files_is_full(tmp_path: Path, disk: Callable[..., None]) -> None:
    disk(100 * GIBIBYTE, 50 * GIBIBYTE, files=FILES_FLOOR - 1)
    with pytest.raises(OutOfDisk, match="9999 more files, new work leaves at least 10000"):
        guard(tmp_path).check()


def test_files_count_before_they_are_made(tmp_path: Path, disk: Callable[..., None]) -> None:
    disk(100 * GIBIBYTE, 50 * GIBIBYTE, files=FILES_FLOOR + 500)
    guard(tmp_path).check(0, 500)
    with pytest.raises(OutOfDisk, match="10500 more files, 501 are asked for"):
        guard(tmp_path).check(0, 501)


def test_results_of_accepted_work_may_use_most_of_the_files_left(
    tmp_path: Path, disk: Callable[..., None]
) -> None:
    share = FILES_FLOOR // RESULTS_SHARE
    for files, expected in ((FILES_FLOOR - 1, True), (share + 1, True), (share, False), (0, False)):
        disk(100 * GIBIBYTE, 50 * GIBIBYTE, files=files)
        assert guard(tmp_path).has_room_for_results() is expected


def test_a_disk_that_does_not_count_files_has_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = (4096, 4096, 10**8, 10**8, 10**8, 0, 0, 0, 0, 255)
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(fields))
    guard(tmp_path).check(0, 10**6)
    assert guard(tmp_path).has_room_for_results()


def test_new_work_stays_within_the_quota(tmp_path: Path) -> None:
    kept = guard(tmp_path, 9 * MEBIBYTE, floor_mebibytes=0, quota_mebibytes=10)
    kept.check(MEBIBYTE)
    with pytest.raises(OutOfDisk, match=r"holds 10.0 MiB of 10.0 MiB \(ATELIER_DISK_QUOTA_MEBIBYTES\)"):
        kept.check(1)


def test_a_quota_that_was_used_up_is_noticed_to_have_room_again() -> None:
    sizes = [10, 3]
    usage = Usage(lambda: sizes.pop(0) if len(sizes) > 1 else sizes[0])
    assert usage.bytes(below=5) == 10
    usage.note(1)
    eventually(lambda: usage.bytes(below=5) == 3, seconds=10)


def test_the_usage_is_that_of_all_objects(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path, disk=DiskRules(floor_mebibytes=0, quota_mebibytes=1))
    objects = open_object_store(settings.storage)
    objects.put("a/1", b"x" * (MEBIBYTE - 4096 - 10))
    open_disk_guard(settings, objects).check(10)
    with pytest.raises(OutOfDisk):
        open_disk_guard(settings, objects).check(4097)


def test_small_files_count_by_the_blocks_that_they_take(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path, disk=DiskRules(floor_mebibytes=0, quota_mebibytes=1))
    objects = open_object_store(settings.storage)
    for number in range(256):
        objects.put(f"a/{number}", b"x")
    with pytest.raises(OutOfDisk, match=r"1\.0 MiB of 1\.0 MiB"):
        open_disk_guard(settings, objects).check(1)


def test_buckets_have_no_limits(objects: ObjectStore) -> None:
    settings = Settings(storage_url="memory:///", disk=DiskRules(floor_mebibytes=10**9, quota_mebibytes=1))
    kept = open_disk_guard(settings, objects)
    kept.check(10**15)
    assert kept.has_room_for_results()
