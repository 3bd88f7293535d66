"""What a record stops naming is swept, also where the worker that stored it is dead."""

from pathlib import Path

import pytest

from shared.errors import InvalidRequest, StorageUnavailable
from shared.identifiers import ANONYMOUS, sha256
from shared.jobs.job import Job, Progress, StoredOutput
from shared.jobs.store import JobStore
from shared.maintenance.garbage import Garbage
from shared.storage.base import ObjectStore, output_key, preview_key
from shared.storage.local import LocalObjectStore
from tests.support.jobs.job_steps import claim, lapse, submit


def stored(objects: ObjectStore, job: Job) -> StoredOutput:
    preview = preview_key(job.id, job.attempt, 1)
    key = output_key(job.id, job.attempt, 0, "png")
    for name in (preview, key):
        objects.put(name, b"picture")
    return StoredOutput(key, "image/png", 8, 8, 7, sha256(b"picture"))


def lose(store: JobStore, job: Job) -> None:
    lapse(store, job.id)
    store.reap()


@pytest.mark.parametrize(
    "end",
    [
        lose,
        lambda store, job: store.release(job.id, job.attempt),
        lambda store, job: store.requeue(job.id, job.attempt, StorageUnavailable()),
        lambda store, job: store.fail(job.id, job.attempt, InvalidRequest()),
        lambda store, job: store.cancel(job.id, ANONYMOUS),
    ],
    ids=["lost", "released", "requeued", "failed", "canceled"],
)
def test_what_an_attempt_stored_that_did_not_win_is_swept(  # type: ignore[no-untyped-def]
    store: JobStore, objects: ObjectStore, end
) -> None:
    job = claim(store, submit(store))
    stored(objects, job)
    end(store, job)
    assert Garbage(store.client, objects).sweep() == 1
    assert list(objects.keys("")) == []


def test_of_the_attempt_that_won_only_the_previews_are_swept(store: JobStore, objects: ObjectStore) -> None:
    job = claim(store, submit(store))
    output = stored(objects, job)
    preview = preview_key(job.id, job.attempt, 1)
    store.report(job.id, job.attempt, Progress("predict", 0.5, 1, 2, preview))
    store.succeed(job.id, job.attempt, outputs=(output,), timings={}, model=("1", "d"))
    assert Garbage(store.client, objects).sweep() == 1
    assert list(objects.keys("")) == [output.key]


def test_a_win_without_previews_leaves_nothing_to_sweep(store: JobStore, objects: ObjectStore) -> None:
    job = claim(store, submit(store))
    store.succeed(job.id, job.attempt, outputs=(), timings={}, model=("1", "d"))
    assert len(Garbage(store.client, objects)) == 0


class Refusing(LocalObjectStore):
    """Refuses to delete what lies below a prefix."""

    def __init__(self, folder: Path, prefix: str) -> None:
        super().__init__(folder)
        self.prefix, self.is_away = prefix, False

    def check(self) -> None:
        if self.is_away:
            raise StorageUnavailable(inside="no answer")

    def delete(self, key: str) -> None:
        if key.startswith(self.prefix):
            raise StorageUnavailable(inside="denied")
        super().delete(key)


def test_what_cannot_be_removed_holds_nothing_else_up(store: JobStore, tmp_path: Path) -> None:
    objects = Refusing(tmp_path / "storage", "outputs/locked/")
    keys = ["outputs/locked/1/0.png", "outputs/free/1/0.png", "inputs/a/b/c.png"]
    for key in keys:
        objects.put(key, b"x")
    entries = ["outputs/locked/1/", "outputs/free/1/", "outputs/locked/1/0.png", "inputs/a/b/c.png"]
    store.client.zadd("atelier:garbage", {entry: at for at, entry in enumerate(entries)})
    garbage = Garbage(store.client, objects)
    assert [garbage.sweep(1) for _ in range(4)] == [0, 1, 0, 1]  # each one that is refused goes behind
    assert list(objects.keys("")) == keys[:1]
    assert garbage.sweep() == 0
    objects.prefix = "nothing"
    assert garbage.sweep() == 2
    assert (list(objects.keys("")), len(garbage)) == ([], 0)


def test_a_sweep_ends_where_the_storage_does_not_answer(store: JobStore, tmp_path: Path) -> None:
    objects = Refusing(tmp_path / "storage", "")
    objects.put("outputs/a/1/0.png", b"x")
    objects.is_away = True
    store.client.zadd("atelier:garbage", {"outputs/a/1/": 1})
    with pytest.raises(StorageUnavailable):
        Garbage(store.client, objects).sweep()
    assert store.client.zscore("atelier:garbage", "outputs/a/1/") == 1


def test_an_attempt_that_stored_nothing_leaves_nothing_to_sweep(
    store: JobStore, objects: ObjectStore
) -> None:
    job = claim(store, submit(store))
    store.release(job.id, job.attempt, stored_nothing=True)
    assert len(Garbage(store.client, objects)) == 0
