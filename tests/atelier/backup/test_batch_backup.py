"""Batches in a backup: taken in the middle of the work, brought back, and carried out to the end."""

from pathlib import Path

import pytest

from api.services import Services
from shared.backup.snapshot import Snapshot
from shared.batches.batch import BatchDraft, BatchStatus, ItemDraft
from shared.batches.request import BatchSettings
from shared.errors import IllegalMove
from shared.identifiers import ANONYMOUS, new_batch_id
from shared.images.limits import ImageLimits
from shared.images.probe import probe
from shared.jobs.job import Job
from shared.jobs.moving import End, Move
from shared.jobs.status import Status
from shared.specs.parts import Lane
from shared.specs.spec import JOB_SPEC, JobSpec
from tests.atelier.backup.test_backup import bring_back, take
from tests.support.images import pictures
from tests.support.jobs.batch_steps import begin, counts, draft, drain
from tests.support.jobs.fake_worker import PICTURE, FakeWorker
from tests.support.jobs.job_steps import submission, submit


def finish(services: Services, jobs: list[Job]) -> None:
    for job in jobs:
        FakeWorker(services).succeed(job)


def style_item(services: Services, **more: object) -> JobSpec:
    picture = pictures.png(32, 24)
    file, _ = services.files.add(ANONYMOUS, picture, probe(picture, ImageLimits()))
    return JOB_SPEC.validate_python(
        {
            "type": "stylize",
            "content": file.id,
            "styles": [{"number": 1}],
            "model": "multistyle-26",
            "lane": "bulk",
            **more,
        }
    )


@pytest.fixture
def batch_id(services: Services) -> str:
    """A batch with items that succeeded, failed, were tried again, run, and wait."""
    batch, _ = services.batches.open(draft())
    drafts = [ItemDraft(f"n{n}", style_item(services)) for n in range(7)]
    services.batches.append(batch.id, ANONYMOUS, drafts, first=0)
    services.batches.finalize(batch.id, ANONYMOUS)
    jobs = [services.store.claim_next("w1")[0] for _ in range(4)]
    for job in jobs[1:3]:
        FakeWorker(services).fail(job)
    services.batches.retry_failed(batch.id, ANONYMOUS)
    (again,) = services.store.claim_next("w1")
    FakeWorker(services).fail(again)
    finish(services, jobs[:1])
    services.store.claim_next("w1")
    return batch.id


def test_a_batch_is_brought_back_from_the_middle_of_its_work_and_completes(
    services: Services, empty: Services, batch_id: str, tmp_path: Path
) -> None:
    assert counts(services.batches, batch_id) == dict(total=7, queued=3, running=2, succeeded=1, failed=1)
    take(services, tmp_path / "backup.tar")
    bring_back(empty, tmp_path / "backup.tar")
    assert counts(empty.batches, batch_id) == dict(total=7, queued=5, succeeded=1, failed=1)
    old, new = (each.batches.get(batch_id, ANONYMOUS) for each in (services, empty))
    assert (new.status, new.settings, new.sequence) == (old.status, old.settings, old.sequence)
    (done,) = empty.batches.items(batch_id, ANONYMOUS, status=Status.SUCCEEDED).items
    assert empty.objects.get(done.outputs[0].key) == PICTURE
    jobs = drain(empty.store)
    assert {job.index for job in jobs} == {2, 3, 4, 5, 6}
    assert {(job.index, job.crashes, job.counted_attempts) for job in jobs} == {
        (n, 0, 1) for n in range(2, 7)
    }
    assert [empty.objects.get(key) for key in jobs[0].inputs.values()]
    finish(empty, jobs)
    assert empty.batches.get(batch_id, ANONYMOUS).status is BatchStatus.COMPLETED
    ended = [job.id for job in empty.batches.finished(batch_id, ANONYMOUS).items]
    assert len(ended) == len(set(ended)) == 9  # two of them were tried again
    assert empty.batches.retry_failed(batch_id, ANONYMOUS) == 1
    assert [batch.id for batch in empty.batches.page(ANONYMOUS).items] == [batch_id]


def test_a_batch_that_is_brought_back_keeps_its_files_and_gives_them_back(
    services: Services, empty: Services, batch_id: str, tmp_path: Path
) -> None:
    take(services, tmp_path / "backup.tar")
    bring_back(empty, tmp_path / "backup.tar")
    (file,) = empty.files.page(ANONYMOUS).items
    named, users = f"atelier:file:{ANONYMOUS}:{file.id}", f"atelier:file-users:{ANONYMOUS}:{file.id}"
    for key, read in ((named, "hgetall"), (users, "smembers")):
        assert getattr(empty.store.client, read)(key) == getattr(services.store.client, read)(key)
    finish(empty, drain(empty.store))
    empty.batches.delete(batch_id, ANONYMOUS)
    assert empty.files.get(ANONYMOUS, file.id).expires_at is not None
    left = {key for key in empty.store.client.keys("atelier:*") if batch_id.removeprefix("batch_") in key}
    assert left == {f"atelier:gone:{batch_id}"}


def test_open_paused_and_done_batches_are_brought_back_as_such(
    services: Services, empty: Services, tmp_path: Path
) -> None:
    batches = services.batches
    done, canceled, paused, opened = (begin(batches, 2) for _ in range(4))
    batches.finalize(done, ANONYMOUS)
    finish(services, services.store.claim_next("w1", most=2))
    services.store.scripts.run("batches/move", canceled, ANONYMOUS, "cancel")  # and its process died
    batches.pause(paused, ANONYMOUS)
    take(services, tmp_path / "backup.tar")
    bring_back(empty, tmp_path / "backup.tar")
    expires = batches.get(done, ANONYMOUS).expires_at
    assert expires is not None
    assert empty.store.client.zscore("atelier:expiring", done) >= expires
    assert empty.batches.append(opened, ANONYMOUS, [ItemDraft("late", style_item(empty))], first=2) == 3
    assert {job.batch_id for job in drain(empty.store)} == {opened}
    empty.batches.clean_up()
    assert counts(empty.batches, canceled) == {"total": 2, "canceled": 2}
    with pytest.raises(IllegalMove, match="is canceled"):  # as a whole
        empty.batches.retry_failed(canceled, ANONYMOUS)
    empty.batches.resume(paused, ANONYMOUS)
    assert [job.index for job in drain(empty.store)] == [0, 1]


def test_what_is_pinned_is_brought_back_so(services: Services, empty: Services, tmp_path: Path) -> None:
    done, waiting = (begin(services.batches, 1) for _ in range(2))
    services.batches.finalize(done, ANONYMOUS)
    finish(services, services.store.claim_next("w1"))
    job = submit(services.store)
    finish(services, services.store.claim_next("w1"))
    for batch in (done, waiting):
        services.batches.pin(batch, ANONYMOUS)
    services.store.pin(job, ANONYMOUS)
    take(services, tmp_path / "backup.tar")
    bring_back(empty, tmp_path / "backup.tar")
    named = f"atelier:owner:{ANONYMOUS}:pinned"
    assert set(empty.store.client.zrange(named, 0, -1)) == {done, waiting, job}
    assert empty.store.client.zrange("atelier:expiring", 0, -1) == []
    empty.store.unpin(job, ANONYMOUS)
    assert empty.store.client.zrange("atelier:expiring", 0, -1) == [job]


def test_a_sample_is_brought_back_as_far_as_it_was(
    services: Services, empty: Services, tmp_path: Path
) -> None:
    settings = BatchSettings(sample=3)
    running, shown = (
        begin(services.batches, 5, ready=BatchDraft(new_batch_id(), ANONYMOUS, settings, "print"))
        for _ in range(2)
    )
    claimed = drain(services.store)
    finish(services, [job for job in claimed if job.batch_id == shown or job.index == 0])
    take(services, tmp_path / "backup.tar")
    bring_back(empty, tmp_path / "backup.tar")
    assert empty.batches.get(shown, ANONYMOUS).stopped_by == "sample"
    again = drain(empty.store)
    assert [(job.batch_id, job.index) for job in again] == [(running, 1), (running, 2)]
    finish(empty, again)
    assert empty.batches.get(running, ANONYMOUS).stopped_by == "sample"
    empty.batches.resume(shown, ANONYMOUS)
    assert [job.index for job in drain(empty.store)] == [3, 4]


def test_equal_jobs_of_a_backup_are_computed_once_still(
    services: Services, empty: Services, tmp_path: Path
) -> None:
    batch, _ = services.batches.open(draft())
    drafts = [ItemDraft(f"n{n}", style_item(services, cache=True)) for n in range(5)]
    services.batches.append(batch.id, ANONYMOUS, drafts, first=0)
    services.batches.finalize(batch.id, ANONYMOUS)
    take(services, tmp_path / "backup.tar")
    bring_back(empty, tmp_path / "backup.tar")
    (leader,) = drain(empty.store)
    finish(empty, [leader])
    assert counts(empty.batches, batch.id) == {"total": 5, "succeeded": 5}
    finish(services, drain(services.store))
    take(services, tmp_path / "later.tar")
    empty.store.client.flushall()
    bring_back(empty, tmp_path / "later.tar")
    assert empty.store.client.hgetall("atelier:sharers") == {f"{leader.id}": "4"}
    assert empty.store.client.keys("atelier:reuse:*")


def test_items_that_come_while_a_backup_is_taken_are_left_out(
    services: Services, empty: Services, tmp_path: Path
) -> None:
    batch_id = begin(services.batches, 3)
    snapshot = Snapshot(services.store.client)
    copies = []
    for copy in snapshot.read():
        if copy.key == f"batch:{batch_id}":
            (first,) = services.store.claim_next("w1")
            FakeWorker(services).fail(first)
            services.batches.retry_failed(batch_id, ANONYMOUS)
            services.batches.append(batch_id, ANONYMOUS, [ItemDraft("n3", style_item(services))], first=3)
            begin(services.batches, 2)
        copies.append(copy)
    for _ in Snapshot(empty.store.client).write(copies, pause_ms=0):
        pass
    assert counts(empty.batches, batch_id) == {"total": 3, "queued": 2, "failed": 1}
    assert [job.index for job in empty.batches.finished(batch_id, ANONYMOUS).items] == [0]
    assert len(empty.store.client.keys("atelier:job:*")) == 3
    assert len(empty.batches.page(ANONYMOUS).items) == 1


def test_a_batch_that_is_deleted_while_a_backup_is_taken_is_not_brought_back(
    services: Services, empty: Services
) -> None:
    batch_id = begin(services.batches, 3)
    services.batches.cancel(batch_id, ANONYMOUS)
    copies = []
    for copy in Snapshot(services.store.client).read():
        if copy.key == f"batch:{batch_id}":
            services.batches.delete(batch_id, ANONYMOUS)
        copies.append(copy)
    for _ in Snapshot(empty.store.client).write(copies, pause_ms=0):
        pass
    assert empty.batches.page(ANONYMOUS).items == ()
    empty.batches.clean_up()
    assert empty.store.client.keys("atelier:job:*") == []


def test_what_was_moved_is_brought_back_at_its_place(
    services: Services, empty: Services, tmp_path: Path
) -> None:
    batches, store = services.batches, services.store
    back, lane, front = (begin(batches, 2) for _ in range(3))
    first, second = (submit(store) for _ in range(2))
    batches.move(back, ANONYMOUS, Move(End.BACK))
    batches.move(lane, ANONYMOUS, Move(lane=Lane.INTERACTIVE))
    batches.move(front, ANONYMOUS, Move(End.FRONT, Lane.INTERACTIVE))
    store.move(first, ANONYMOUS, Move(End.BACK))
    take(services, tmp_path / "backup.tar")
    bring_back(empty, tmp_path / "backup.tar")
    last = submission(id="job_last")
    for each in (services.store, empty.store):
        each.submit(last)
        each.move("job_last", ANONYMOUS, Move(End.FRONT))
    expected = [job.id for job in drain(store)]
    assert [job.id for job in drain(empty.store)] == expected
    assert [expected[0], *expected[5:7]] == ["job_last", second, first]
    assert [each.split("-")[0][4:] for each in expected[1:5:2]] == [front[6:], lane[6:]]
