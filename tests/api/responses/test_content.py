"""Archives that are written while they are sent."""

import io
import tracemalloc
import zipfile
from collections.abc import Iterator

import pytest

from api.responses.content import Member, Text, archive
from shared.errors import ObjectNotFound, StorageUnavailable
from shared.storage.base import ObjectStore

MEGABYTE = 1_000_000


def members(objects: ObjectStore, count: int, size: int) -> Iterator[Member]:
    objects.put("outputs/x", bytes(size))
    return (Member(f"{number:05d}.png", "outputs/x", size) for number in range(count))


def test_members_come_out_as_they_went_in(objects: ObjectStore) -> None:
    objects.put("a", b"first")
    objects.put("b", bytes(3 * MEGABYTE))
    parts = [
        Member("a/ä.png", "a", 5),
        Member("b.png", "b", 3 * MEGABYTE),
        Text("told.txt", iter([b"one ", b"two"])),
    ]
    with zipfile.ZipFile(io.BytesIO(b"".join(archive(parts, objects)))) as made:
        assert made.testzip() is None
        assert made.namelist() == ["a/ä.png", "b.png", "told.txt"]
        assert (made.read("a/ä.png"), made.read("told.txt")) == (b"first", b"one two")
        assert {info.compress_type for info in made.infolist()} == {zipfile.ZIP_STORED}


def test_an_archive_of_nothing_is_an_archive(objects: ObjectStore) -> None:
    with zipfile.ZipFile(io.BytesIO(b"".join(archive([], objects)))) as made:
        assert made.namelist() == []


def test_memory_does_not_grow_with_what_is_sent(objects: ObjectStore) -> None:
    pieces = archive(members(objects, 200, MEGABYTE), objects)
    tracemalloc.start()
    try:
        sent = sum(len(piece) for piece in pieces)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sent > 200 * MEGABYTE
    assert peak < 8 * MEGABYTE


def test_small_members_are_sent_together(objects: ObjectStore) -> None:
    pieces = [len(piece) for piece in archive(members(objects, 2000, 100), objects)]
    assert min(pieces[:-1]) >= 128 * 1024


def test_a_member_that_is_not_there_breaks_the_archive_off(objects: ObjectStore) -> None:
    objects.put("a", bytes(MEGABYTE))
    pieces = archive([Member("a.png", "a", MEGABYTE), Member("b.png", "b", 5)], objects)
    assert len(next(pieces)) >= MEGABYTE
    with pytest.raises(ObjectNotFound):
        list(pieces)


def test_a_member_that_is_shorter_than_told_breaks_the_archive_off(objects: ObjectStore) -> None:
    objects.put("a", b"short")
    with pytest.raises(StorageUnavailable):
        list(archive([Member("a.png", "a", 500)], objects))
