"""Orphans are found and removed, and nothing that a record names ever is."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from shared.batches.store import BatchStore
from shared.files.file_store import FileStore
from shared.identifiers import ANONYMOUS, sha256
from shared.images.limits import ImageLimits
from shared.images.probe import probe
from shared.jobs.job import Job, StoredOutput
from shared.jobs.store import JobStore
from shared.maintenance.garbage import Orphan, Reason, collect, plan
from shared.setting_groups import BatchRules
from shared.storage.base import ObjectStore, output_key, preview_key
from shared.storage.local import STAGING
from tests.support.images import pictures
from tests.support.jobs.batch_steps import begin
from tests.support.jobs.job_steps import claim, lapse, submit


def output(objects: ObjectStore, job: Job, index: int = 0) -> StoredOutput:
    key = output_key(job.id, job.attempt, index, "png")
    objects.put(key, b"picture")
    return StoredOutput(key, "image/png", 8, 8, 7, sha256(b"picture"))


def succeed(store: JobStore, objects: ObjectStore, job: Job) -> str:
    made = output(objects, job)
    store.succeed(*(job.id, job.attempt), outputs=(made,), timings={}, model=("1", "d"))
    return made.key


def planned(store: JobStore, objects: ObjectStore, grace: float = 0) -> list[Orphan]:
    return list(plan(store.client, objects, grace_seconds=grace - 1))


def test_uploads_and_results_that_records_name_stay(
    store: JobStore, files: FileStore, objects: ObjectStore
) -> None:
    data = pictures.png(8, 8)
    files.add(ANONYMOUS, data, probe(data, ImageLimits()))
    succeed(store, objects, claim(store, submit(store)))
    running = claim(store, submit(store))
    output(objects, running)
    objects.put(preview_key(running.id, running.attempt, 3), b"preview")
    assert planned(store, objects) == []


def test_results_of_a_batchs_items_stay(store: JobStore, objects: ObjectStore) -> None:
    batches = BatchStore(store, BatchRules())
    begin(batches, 2)
    done, canceled = store.claim_next("w", most=2)
    succeed(store, objects, done)
    late = output(objects, canceled)
    store.cancel(canceled.id, ANONYMOUS)
    assert planned(store, objects) == [Orphan(late.key, 7, Reason.SUPERSEDED)]


def test_bytes_whose_record_was_never_written_go(store: JobStore, objects: ObjectStore) -> None:
    objects.put(f"inputs/anonymous/{'0' * 64}/abc", b"12345")
    objects.put("outputs/job_unknown/1/0.png", b"123")
    found = [Orphan(f"inputs/anonymous/{'0' * 64}/abc", 5, Reason.FORGOTTEN)]
    found += [Orphan("outputs/job_unknown/1/0.png", 3, Reason.FORGOTTEN)]
    assert planned(store, objects) == found
    collected = collect(store.client, objects, grace_seconds=-1)
    assert (collected.objects, collected.bytes) == (2, 8)
    assert list(objects.keys("")) == []


def test_a_second_copy_of_an_upload_goes(store: JobStore, files: FileStore, objects: ObjectStore) -> None:
    data = pictures.png(8, 8)
    file, _ = files.add(ANONYMOUS, data, probe(data, ImageLimits()))
    copy = file.key.rpartition("/")[0] + "/copy"
    objects.put(copy, data)
    assert [orphan.key for orphan in planned(store, objects)] == [copy]


def test_what_a_late_worker_writes_after_its_job_was_taken_back_goes(
    store: JobStore, objects: ObjectStore
) -> None:
    job_id = submit(store)
    late = claim(store, job_id)
    lapse(store, job_id)
    store.reap()
    named = succeed(store, objects, claim(store, job_id))
    written = output(objects, late).key
    assert planned(store, objects) == [Orphan(written, 7, Reason.SUPERSEDED)]
    collect(store.client, objects, grace_seconds=-1)
    assert list(objects.keys("")) == [named]


def test_what_a_canceled_job_had_stored_goes(store: JobStore, objects: ObjectStore) -> None:
    job = claim(store, submit(store))
    written = output(objects, job).key
    store.cancel(job.id, ANONYMOUS)
    assert planned(store, objects) == [Orphan(written, 7, Reason.SUPERSEDED)]


def test_a_write_that_a_crash_cut_short_goes(store: JobStore, objects: ObjectStore, tmp_path: Path) -> None:
    objects.now()
    (tmp_path / "storage" / STAGING / "cut").write_bytes(b"123")
    assert planned(store, objects) == [Orphan(f"{STAGING}/cut", 3, Reason.UNFINISHED)]
    collect(store.client, objects, grace_seconds=-1)
    assert list(objects.unfinished()) == []


def test_young_bytes_are_left_alone(store: JobStore, objects: ObjectStore, tmp_path: Path) -> None:
    objects.put("outputs/job_unknown/1/0.png", b"123")
    (tmp_path / "storage" / STAGING / "cut").write_bytes(b"123")
    assert planned(store, objects, grace=60) == []


def test_what_is_not_ours_is_left_alone(store: JobStore, objects: ObjectStore) -> None:
    for key in ("elsewhere/a/b/c", "outputs/readme.txt", "inputs/a/b"):
        objects.put(key, b"x")
    assert planned(store, objects) == []


def test_progress_is_told(store: JobStore, objects: ObjectStore) -> None:
    for n in range(3):
        objects.put(f"outputs/job_{n}/1/0.png", b"x")
    seen: list[int] = []
    list(plan(store.client, objects, on_looked=seen.append))
    assert seen == [3]


@pytest.mark.slow
def test_nothing_named_is_removed_while_jobs_come_and_end(
    store: JobStore, files: FileStore, objects: ObjectStore
) -> None:
    """Submitters, workers that win and lose, and collectors with a short grace, all at once.

    The grace is longer than any step takes on a busy machine, and work goes on for longer than the grace.
    """
    over, grace_seconds = threading.Event(), 3.0
    until = time.monotonic() + 2 * grace_seconds

    def work(seed: int) -> list[str]:
        named: list[str] = []
        while time.monotonic() < until or not named:
            n = len(named)
            data = pictures.png(8 + seed, 8 + n)
            file, _ = files.add(ANONYMOUS, data, probe(data, ImageLimits()))
            lost = claim(store, submit(store))
            store.release(lost.id, lost.attempt)
            output(objects, lost)
            named += [file.key, succeed(store, objects, claim(store, lost.id))]
        return named

    def keep_collecting() -> int:
        removed = 0
        while not over.is_set():
            removed += collect(store.client, objects, grace_seconds=grace_seconds).objects
        return removed

    with ThreadPoolExecutor(5) as pool:
        collector = pool.submit(keep_collecting)
        works = [pool.submit(work, seed) for seed in range(4)]
        wait(works)
        over.set()
        named = [key for work_ in works for key in work_.result()]
        assert collector.result() > 0
    collect(store.client, objects, grace_seconds=-1)
    assert sorted(objects.keys("")) == sorted(named)
