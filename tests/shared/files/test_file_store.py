from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.cards.card import load_catalog
from shared.errors import FileInUse, FileNotFound, QuotaExceeded, StorageUnavailable, StoreFull
from shared.files.file_store import FileStore
from shared.identifiers import ANONYMOUS, new_job_id, sha256
from shared.images.limits import ImageLimits
from shared.images.probe import ImageInfo, probe
from shared.jobs.store import JobStore
from shared.jobs.submission import Submission
from shared.maintenance.garbage import Garbage
from shared.specs.spec import JOB_SPEC, resolve
from shared.storage.base import ObjectStore
from tests.support.images import pictures


@pytest.fixture
def picture() -> bytes:
    return pictures.png(32, 24)


@pytest.fixture
def info(picture: bytes) -> ImageInfo:
    return probe(picture, ImageLimits())


def test_a_file_is_named_by_its_content(
    files: FileStore, picture: bytes, info: ImageInfo, objects: ObjectStore
) -> None:
    stored, is_new = files.add(ANONYMOUS, picture, info)
    assert is_new
    assert (stored.id, stored.width, stored.height) == (f"file_{sha256(picture)}", 32, 24)
    assert objects.get(stored.key) == picture
    assert files.get(ANONYMOUS, stored.id) == stored


def test_the_same_bytes_at_once_are_stored_once(
    files: FileStore, picture: bytes, info: ImageInfo, objects: ObjectStore
) -> None:
    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(lambda _: files.add(ANONYMOUS, picture, info), range(16)))
    assert len({stored.key for stored, _ in added}) == 1
    assert sum(is_new for _, is_new in added) == 1
    assert list(objects.keys("inputs/")) == [added[0][0].key]


@pytest.mark.parametrize(("left", "with_form"), [(None, False), (None, True), (b"other bytes", False)])
def test_a_picture_that_comes_again_brings_back_what_the_storage_lost_or_damaged(
    files: FileStore,
    picture: bytes,
    info: ImageInfo,
    objects: ObjectStore,
    left: bytes | None,
    with_form: bool,
) -> None:
    stored, _ = files.add(ANONYMOUS, picture, info)
    objects.delete(stored.key)
    if left:
        objects.put(stored.key, left)
    again, is_new = files.add(ANONYMOUS, picture, info, with_form=with_form)
    assert (again.key, is_new) == (stored.key, False)
    assert objects.get(stored.key) == picture


def test_a_known_picture_is_taken_while_the_storage_is_away(
    files: FileStore, picture: bytes, info: ImageInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> bytes:
        raise StorageUnavailable("away")

    stored, _ = files.add(ANONYMOUS, picture, info)
    monkeypatch.setattr(files._objects, "get", away)
    again, is_new = files.add(ANONYMOUS, picture, info)
    assert (again.id, is_new) == (stored.id, False)


def send_twice(files: FileStore, monkeypatch: pytest.MonkeyPatch, last: Exception | None = None) -> None:
    """Let a reply be lost, after which the client library sends the script again; `last` answers that one."""
    run = files._scripts.run

    def twice(name: str, *arguments: Any) -> Any:
        answer = run(name, *arguments)
        if name != "files/add_file":
            return answer
        if last:
            raise last
        return run(name, *arguments)

    monkeypatch.setattr(files._scripts, "run", twice)


def test_an_upload_whose_reply_is_lost_keeps_its_bytes(
    files: FileStore,
    picture: bytes,
    info: ImageInfo,
    objects: ObjectStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send_twice(files, monkeypatch)
    stored, is_new = files.add(ANONYMOUS, picture, info)
    assert (is_new, objects.get(stored.key)) == (True, picture)


@pytest.mark.parametrize("refusal", [StoreFull(), QuotaExceeded()])
def test_an_upload_that_is_refused_at_its_second_try_keeps_the_bytes_of_the_first(
    files: FileStore,
    picture: bytes,
    info: ImageInfo,
    objects: ObjectStore,
    monkeypatch: pytest.MonkeyPatch,
    refusal: Exception,
) -> None:
    send_twice(files, monkeypatch, refusal)
    with pytest.raises(type(refusal)):
        files.add(ANONYMOUS, picture, info)
    stored = files.find(ANONYMOUS, f"file_{sha256(picture)}")
    assert stored is not None
    assert objects.get(stored.key) == picture


def test_owners_do_not_see_each_others_files(files: FileStore, picture: bytes, info: ImageInfo) -> None:
    stored, _ = files.add("alice", picture, info)
    with pytest.raises(FileNotFound):
        files.get(ANONYMOUS, stored.id)
    with pytest.raises(FileNotFound):
        files.delete(ANONYMOUS, stored.id)


def test_a_file_that_a_job_needs_stays(
    files: FileStore, picture: bytes, info: ImageInfo, store: JobStore
) -> None:
    stored, _ = files.add(ANONYMOUS, picture, info)
    raw = {"type": "stylize", "content": stored.id, "styles": [{"image": stored.id}]}
    spec = resolve(JOB_SPEC.validate_python(raw), load_catalog())
    job_id = store.submit(Submission(new_job_id(), ANONYMOUS, spec, "f")).id
    assert store.get(job_id, ANONYMOUS).inputs == {stored.id: stored.key}
    with pytest.raises(FileInUse):
        files.delete(ANONYMOUS, stored.id)
    store.cancel(job_id, ANONYMOUS)
    files.delete(ANONYMOUS, stored.id)


def test_a_delete_never_takes_the_bytes_of_a_later_upload(
    files: FileStore, picture: bytes, info: ImageInfo, store: JobStore, objects: ObjectStore
) -> None:
    first, _ = files.add(ANONYMOUS, picture, info)
    files.delete(ANONYMOUS, first.id)
    again, is_new = files.add(ANONYMOUS, picture, info)
    Garbage(store.client, objects).sweep()
    assert is_new
    assert objects.get(again.key) == picture


def test_files_are_listed_newest_first(files: FileStore) -> None:
    ids = []
    for side in (10, 12, 14):
        data = pictures.png(side, side)
        ids.append(files.add(ANONYMOUS, data, probe(data, ImageLimits()))[0].id)
    first = files.page(ANONYMOUS, limit=2)
    second = files.page(ANONYMOUS, limit=2, cursor=first.next_cursor)
    assert [file.id for file in (*first.items, *second.items)] == ids[::-1]
    assert second.next_cursor is None
