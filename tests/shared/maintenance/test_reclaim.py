"""Room is made on a real disk: the oldest results go, and nothing that must stay."""

from dataclasses import replace
from pathlib import Path

import pytest

from shared.batches.store import BatchStore
from shared.errors import JobGone, JobReclaimed
from shared.identifiers import ANONYMOUS
from shared.jobs.changes import ChangeQueries
from shared.jobs.job import Job, StoredOutput
from shared.jobs.store import JobStore
from shared.jobs.submission import Submission
from shared.maintenance.garbage import Garbage
from shared.maintenance.reclaim import Reclaimer
from shared.setting_groups import MEBIBYTE, BatchRules, DiskRules
from shared.storage.base import ObjectStore, output_key
from shared.storage.local import LocalObjectStore
from tests.support.jobs.batch_steps import begin
from tests.support.jobs.job_steps import claim, submission, submit

PICTURE = b"x" * 100_000  # 25 blocks of the disk
TAKEN = 102_400
QUOTA = MEBIBYTE  # ten of them; room is made from the tenth on, until nine are left
RULES = DiskRules(quota_mebibytes=1, reclaim="oldest", reclaim_min_age_seconds=0)


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    return LocalObjectStore(tmp_path / "storage")


@pytest.fixture
def batches(store: JobStore) -> BatchStore:
    return BatchStore(store, BatchRules())


@pytest.fixture
def reclaimer(store: JobStore, batches: BatchStore, objects: ObjectStore) -> Reclaimer:
    return made(store, batches, objects)


def made(store: JobStore, batches: BatchStore, objects: ObjectStore, **rules: object) -> Reclaimer:
    garbage = Garbage(store.client, objects)
    return Reclaimer(store, batches, objects, garbage, RULES.model_copy(update=rules))


def finish(store: JobStore, objects: ObjectStore, job: Job, size: int = len(PICTURE)) -> str:
    key = output_key(job.id, job.attempt, 0, "png")
    objects.put(key, PICTURE[:1] * size)
    output = StoredOutput(key, "image/png", 28, 28, size, "0" * 64)
    store.succeed(job.id, job.attempt, outputs=(output,), timings={}, model=("1", "d"))
    return job.id


def results(store: JobStore, objects: ObjectStore, count: int) -> list[str]:
    """Make jobs that succeeded, oldest first."""
    return [finish(store, objects, claim(store, submit(store))) for _ in range(count)]


def fetch(store: JobStore, *ids: str) -> None:
    for job_id in ids:
        store.note_fetched(store.get(job_id, ANONYMOUS), 0)


def kept(store: JobStore, ids: list[str]) -> list[bool]:
    return [bool(store.client.exists(f"atelier:job:{job_id}")) for job_id in ids]


def used(objects: ObjectStore) -> int:
    return sum(entry.bytes for entry in objects.entries(""))


def test_the_oldest_results_go_until_there_is_room(
    store: JobStore, objects: ObjectStore, reclaimer: Reclaimer
) -> None:
    ids = results(store, objects, 12)
    freed = reclaimer.step()
    assert (freed.ids, freed.bytes) == (tuple(ids[:3]), 3 * TAKEN)
    assert kept(store, ids) == [False] * 3 + [True] * 9
    assert used(objects) == 9 * len(PICTURE)
    assert store.client.hget(f"atelier:holdings:{ANONYMOUS}", "stored_bytes") == str(9 * TAKEN)
    assert reclaimer.step().ids == ()


def test_nothing_goes_while_there_is_room(
    store: JobStore, objects: ObjectStore, reclaimer: Reclaimer
) -> None:
    results(store, objects, 9)
    assert reclaimer.step().ids == ()


def test_a_removed_job_says_why_it_is_gone(
    store: JobStore, objects: ObjectStore, reclaimer: Reclaimer
) -> None:
    deleted, *ids = results(store, objects, 13)
    store.delete(deleted, ANONYMOUS)
    assert reclaimer.step().ids == tuple(ids[:3])  # and not less: the bytes of the deleted one are gone
    with pytest.raises(JobReclaimed, match="to make room"):
        store.get(ids[0], ANONYMOUS)
    with pytest.raises(JobGone) as told:
        store.get(deleted, ANONYMOUS)
    assert told.value.code == "job_gone"


def test_who_follows_an_owners_changes_is_told_what_went_to_make_room(
    store: JobStore, objects: ObjectStore, batches: BatchStore, reclaimer: Reclaimer
) -> None:
    batch_id = begin(batches, 2)
    batches.finalize(batch_id, ANONYMOUS)
    for job in store.claim_next("w", most=2):
        finish(store, objects, job)
    deleted, *ids = results(store, objects, 13)
    changes = ChangeQueries(store.scripts)
    place = changes.after(ANONYMOUS).place
    store.delete(deleted, ANONYMOUS)
    gone = reclaimer.step().ids + reclaimer.step().ids
    assert gone[:2] == (batch_id, ids[0])
    told = [(change.id, change.state, change.why) for change in changes.after(ANONYMOUS, place).some]
    assert told == [(deleted, None, None), *((name, None, "reclaimed") for name in gone)]


def test_what_is_pinned_stays_however_old_it_is(
    store: JobStore, objects: ObjectStore, reclaimer: Reclaimer
) -> None:
    ids = results(store, objects, 12)
    for job_id in ids[:2]:
        store.pin(job_id, ANONYMOUS)
    assert reclaimer.step().ids == tuple(ids[2:5])
    store.unpin(ids[0], ANONYMOUS)
    more = results(store, objects, 3)
    assert reclaimer.step().ids == (ids[0], *ids[5:7])
    assert kept(store, more) == [True] * 3


def test_a_young_result_goes_only_once_it_was_fetched(
    store: JobStore, batches: BatchStore, objects: ObjectStore
) -> None:
    careful = made(store, batches, objects, reclaim_min_age_seconds=3600)
    ids = results(store, objects, 12)
    assert careful.step().ids == ()
    fetch(store, ids[7], ids[4])
    assert careful.step().ids == (ids[4], ids[7])
    assert careful.step().ids == ()
    old = store.client.zscore("atelier:results", ids[9]) - 3_600_001
    store.client.zadd("atelier:results", {ids[9]: old})
    assert careful.step().ids == (ids[9],)


def test_what_is_not_done_and_uploads_stay(
    store: JobStore, objects: ObjectStore, reclaimer: Reclaimer
) -> None:
    objects.put("inputs/anonymous/abc/def", b"x" * 2 * MEBIBYTE)
    waiting, running = submit(store), submit(store)
    claim(store, running)
    ids = results(store, objects, 3)
    assert reclaimer.step().ids == tuple(ids)
    assert kept(store, [waiting, running]) == [True, True]
    assert list(objects.keys("inputs/")) == ["inputs/anonymous/abc/def"]


def cached(store: JobStore) -> Submission:
    ready = submission()
    return replace(ready, spec=ready.spec.model_copy(update={"cache": True}))


def test_a_result_that_a_kept_job_shares_stays(
    store: JobStore, objects: ObjectStore, reclaimer: Reclaimer
) -> None:
    leader = store.submit(cached(store)).id
    follower = store.submit(cached(store)).id
    finish(store, objects, claim(store, leader))
    assert store.get(follower, ANONYMOUS).cached_from == leader
    ids = results(store, objects, 11)
    assert reclaimer.step().ids == tuple(ids[:3])
    store.delete(leader, ANONYMOUS)  # what the other still names stays on the disk
    more = results(store, objects, 3)
    assert reclaimer.step().ids == (follower, *ids[3:5])
    assert used(objects) == 9 * len(PICTURE)
    assert kept(store, more) == [True] * 3


def test_a_batch_goes_as_a_whole(
    store: JobStore, batches: BatchStore, objects: ObjectStore, reclaimer: Reclaimer
) -> None:
    batch = begin(batches, 4)
    batches.finalize(batch, ANONYMOUS)
    for job in store.claim_next("w", most=16):
        finish(store, objects, job)
    while jobs := store.claim_next("w"):
        finish(store, objects, jobs[0])
    ids = results(store, objects, 9)
    assert reclaimer.step().ids == (batch,)
    with pytest.raises(JobReclaimed):
        batches.get(batch, ANONYMOUS)
    with pytest.raises(JobReclaimed):
        store.get(f"job_{batch.removeprefix('batch_')}-0", ANONYMOUS)
    assert used(objects) == 9 * len(PICTURE)
    assert reclaimer.step().ids == ()
    assert kept(store, ids) == [True] * 9


def test_a_batch_counts_as_fetched_once_all_that_it_made_was(
    store: JobStore, batches: BatchStore, objects: ObjectStore
) -> None:
    careful = made(store, batches, objects, reclaim_min_age_seconds=3600)
    batch = begin(batches, 3)
    batches.finalize(batch, ANONYMOUS)
    jobs = [job for _ in range(3) for job in store.claim_next("w")]
    results(store, objects, 10)
    finish(store, objects, jobs[0])
    fetch(store, jobs[0].id)  # while the others run
    for job in jobs[1:]:
        finish(store, objects, job)
    batches.note_fetched(batch, [1])
    assert careful.step().ids == ()
    fetch(store, jobs[2].id)
    assert careful.step().ids == (batch,)


def test_a_job_with_several_pictures_is_fetched_with_the_last_of_them(store: JobStore) -> None:
    job = claim(store, submit(store))
    outputs = tuple(StoredOutput(f"k{n}", "image/png", 8, 8, 10, "0" * 64) for n in range(12))
    store.succeed(job.id, job.attempt, outputs=outputs, timings={}, model=("1", "d"))
    done = store.get(job.id, ANONYMOUS)
    for number in (1, 11, 11, *range(2, 11)):
        store.note_fetched(done, number)
    assert store.client.zcard("atelier:fetched") == 0
    store.note_fetched(done, 0)
    assert store.client.zrange("atelier:fetched", 0, -1) == [job.id]


def test_a_step_whose_process_died_is_gone_on_with_and_takes_nothing_twice(
    store: JobStore, batches: BatchStore, objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = results(store, objects, 12)
    dying = made(store, batches, objects)
    monkeypatch.setattr(dying, "_sweep", lambda: True)
    assert dying.step().ids == tuple(ids[:3])
    assert used(objects) == 12 * len(PICTURE)
    other = made(store, batches, objects)
    assert other.step().ids == ()  # only the bytes go
    assert used(objects) == 9 * len(PICTURE)
    assert other.step().ids == ()


def test_a_process_that_measured_before_another_made_room_frees_nothing(
    store: JobStore, batches: BatchStore, objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = results(store, objects, 12)
    slow, quick = made(store, batches, objects), made(store, batches, objects)
    measured = list(objects.entries(""))

    def while_the_other_is_quicker(prefix: str) -> list[object]:
        monkeypatch.undo()
        assert quick.step().ids == tuple(ids[:3])
        return list(measured)

    monkeypatch.setattr(objects, "entries", while_the_other_is_quicker)
    assert slow.step().ids == ()
    assert kept(store, ids) == [False] * 3 + [True] * 9


def test_more_than_one_script_takes_goes_in_one_step(
    store: JobStore, batches: BatchStore, objects: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.maintenance.reclaim.MOST_FORGOTTEN", 2)
    ids = results(store, objects, 14)
    assert made(store, batches, objects).step().ids == tuple(ids[:5])
