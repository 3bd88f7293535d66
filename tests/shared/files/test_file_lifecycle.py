"""A file is kept while a job's record or a style names it; afterwards for its retention, or not at all."""

from dataclasses import replace

import pytest

from shared.cards.card import load_catalog
from shared.errors import FileNotFound
from shared.files.file_store import FileStore, StoredFile
from shared.files.style_library import StyleLibrary
from shared.identifiers import ANONYMOUS, new_job_id
from shared.images.limits import ImageLimits
from shared.images.probe import probe
from shared.jobs.store import JobStore
from shared.jobs.submission import Submission
from shared.maintenance.garbage import Garbage
from shared.specs.spec import JOB_SPEC, resolve
from shared.storage.base import ObjectStore
from tests.support.images import pictures

DATA = pictures.png(32, 24)
DAY = 24 * 3600 * 1000


def add(files: FileStore, *, with_form: bool = False) -> StoredFile:
    return files.add(ANONYMOUS, DATA, probe(DATA, ImageLimits()), with_form=with_form)[0]


def accept(store: JobStore, file: StoredFile) -> str:
    raw = {"type": "stylize", "content": file.id, "styles": [{"image": file.id}]}
    spec = resolve(JOB_SPEC.validate_python(raw), load_catalog())
    return store.submit(Submission(new_job_id(), ANONYMOUS, spec, "f")).id


def end(store: JobStore, job_id: str) -> None:
    store.cancel(job_id, ANONYMOUS)
    store.delete(job_id, ANONYMOUS)


def expiry(files: FileStore, file: StoredFile) -> int | None:
    return files.get(ANONYMOUS, file.id).expires_at


def let_time_pass(store: JobStore) -> None:
    """Let every file that is at rest be due."""
    for member in store.client.zrange("atelier:expiring-files", 0, -1):
        store.client.zadd("atelier:expiring-files", {member: 1})


def is_there(files: FileStore, objects: ObjectStore, store: JobStore, file: StoredFile) -> bool:
    garbage = Garbage(store.client, objects)
    garbage.add_expired_files()
    garbage.sweep()
    known = files.find(ANONYMOUS, file.id) is not None
    assert (file.key in objects.keys("inputs/")) == known
    return known


def test_a_file_that_nothing_names_expires_and_its_bytes_go(
    files: FileStore, objects: ObjectStore, store: JobStore
) -> None:
    file = add(files)
    assert file.expires_at == file.created_at + 30 * DAY
    assert is_there(files, objects, store, file)
    let_time_pass(store)
    assert not is_there(files, objects, store, file)
    with pytest.raises(FileNotFound):
        accept(store, file)


def test_a_file_has_no_end_while_a_job_is_there_that_names_it(
    files: FileStore, objects: ObjectStore, store: JobStore
) -> None:
    file = add(files)
    first, second = accept(store, file), accept(store, file)
    store.cancel(first, ANONYMOUS)
    assert expiry(files, file) is None
    end(store, second)
    assert expiry(files, file) is None
    store.delete(first, ANONYMOUS)
    assert expiry(files, file) is not None
    let_time_pass(store)
    assert not is_there(files, objects, store, file)


def test_a_file_has_no_end_while_a_style_names_it(files: FileStore, store: JobStore) -> None:
    file = add(files)
    styles = StyleLibrary(store.client)
    styles.add(ANONYMOUS, "waves", file.id)
    assert expiry(files, file) is None
    end(store, accept(store, file))
    assert expiry(files, file) is None
    styles.delete(ANONYMOUS, "waves")
    assert expiry(files, file) is not None


def test_a_file_that_comes_again_stays_longer(files: FileStore, store: JobStore) -> None:
    file = add(files)
    store.client.hset(f"atelier:file:{ANONYMOUS}:{file.id}", "expires_at", 5)
    again = add(files)
    assert again.expires_at is not None
    assert again.expires_at >= file.expires_at  # type: ignore[operator]
    assert replace(again, expires_at=None) == replace(file, expires_at=None)


def test_what_came_with_a_form_goes_with_the_last_job_that_names_it(
    files: FileStore, objects: ObjectStore, store: JobStore
) -> None:
    file = add(files, with_form=True)
    first, second = accept(store, file), accept(store, file)
    end(store, first)
    assert is_there(files, objects, store, file)
    end(store, second)
    assert not is_there(files, objects, store, file)


def test_what_came_with_a_form_that_was_refused_stays_for_an_hour_at_most(files: FileStore) -> None:
    file = add(files, with_form=True)
    assert file.expires_at == file.created_at + 3600 * 1000


@pytest.mark.parametrize("first", [True, False])
def test_what_also_came_by_itself_does_not_go_with_the_job(
    files: FileStore, objects: ObjectStore, store: JobStore, first: bool
) -> None:
    add(files, with_form=first)
    file = add(files, with_form=not first)
    end(store, accept(store, file))
    assert is_there(files, objects, store, file)


def test_a_form_picture_that_became_a_style_stays(
    files: FileStore, objects: ObjectStore, store: JobStore
) -> None:
    file = add(files, with_form=True)
    job_id = accept(store, file)
    StyleLibrary(store.client).add(ANONYMOUS, "waves", file.id)
    end(store, job_id)
    StyleLibrary(store.client).delete(ANONYMOUS, "waves")
    assert is_there(files, objects, store, file)


def test_a_forgotten_job_does_not_count_against_a_later_upload_of_the_same_bytes(
    files: FileStore, objects: ObjectStore, store: JobStore
) -> None:
    file = add(files)
    old = accept(store, file)
    store.cancel(old, ANONYMOUS)
    files.delete(ANONYMOUS, file.id)
    later = add(files, with_form=True)
    job_id = accept(store, later)
    store.delete(old, ANONYMOUS)
    assert expiry(files, later) is None
    assert is_there(files, objects, store, later)
    end(store, job_id)
    assert not is_there(files, objects, store, later)


def test_files_go_when_their_jobs_expire_by_themselves(
    files: FileStore, objects: ObjectStore, store: JobStore
) -> None:
    file = add(files, with_form=True)
    job_id = accept(store, file)
    store.cancel(job_id, ANONYMOUS)
    store.client.zadd("atelier:expiring", {job_id: 1})
    assert store.expire() == [job_id]
    assert not is_there(files, objects, store, file)
