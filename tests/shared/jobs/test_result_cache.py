"""Equal jobs are computed once: later ones take over the result, or wait for it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.batches.store import BatchStore
from shared.cards.card import Catalog, load_catalog
from shared.errors import JobGone
from shared.identifiers import ANONYMOUS, sha256
from shared.jobs.job import Job, StoredOutput
from shared.jobs.queries import JobQueries
from shared.jobs.status import Status
from shared.jobs.store import JobStore
from shared.jobs.submission import print_of
from shared.maintenance.garbage import Garbage, plan
from shared.setting_groups import BatchRules
from shared.specs.spec import JOB_SPEC, JobSpec, resolve
from shared.storage.base import ObjectStore, output_key
from shared.workers import LoadedModel, Worker, WorkerRoster
from tests.support.jobs.batch_steps import begin, counts, draft, drain, fail, items
from tests.support.jobs.job_steps import lapse, pass_deadline, pass_pause, submit

DIGIT = {"type": "generate", "model": "mnist-dcgan", "seeds": [7], "truncation": 1.0, "cache": True}


@pytest.fixture(autouse=True)
def roster(store: JobStore) -> WorkerRoster:
    roster = WorkerRoster(store.client)
    announce(roster, "d")
    return roster


@pytest.fixture
def batches(store: JobStore) -> BatchStore:
    return BatchStore(store, BatchRules())


def announce(roster: WorkerRoster, digest: str, worker: str = "w", numerics: str = "") -> None:
    roster.announce(Worker(worker, 4, (LoadedModel("mnist-dcgan", "1", digest),), numerics=numerics))


def spec(**changes: object) -> JobSpec:
    return JOB_SPEC.validate_python({**DIGIT, **changes})


def ask(store: JobStore, **changes: object) -> str:
    return submit(store, spec=spec(**changes))


def finish(store: JobStore, objects: ObjectStore, job: Job, numerics: str = "") -> StoredOutput:
    key = output_key(job.id, job.attempt, 0, "png")
    objects.put(key, b"picture")
    made = StoredOutput(key, "image/png", 8, 8, 7, sha256(b"picture"))
    store.succeed(job.id, job.attempt, outputs=(made,), timings={}, model=("1", "d"), numerics=numerics)
    return made


def carry_out(store: JobStore, objects: ObjectStore) -> StoredOutput:
    """Run the one job that waits."""
    (job,) = drain(store)
    return finish(store, objects, job)


def job_of(store: JobStore, job_id: str) -> Job:
    return store.get(job_id, ANONYMOUS)


def test_an_equal_job_is_answered_at_once(store: JobStore, objects: ObjectStore, queries: JobQueries) -> None:
    first = ask(store)
    made = carry_out(store, objects)
    for lane in ("bulk", "interactive"):
        again = job_of(store, ask(store, lane=lane, metadata={"a": "b"}, ttl_seconds=5, deadline_seconds=9))
        assert (again.status, again.outputs, again.cached_from) == (Status.SUCCEEDED, (made,), first)
        assert (again.attempt, again.history, again.model_digest) == (0, (), "d")
        told = [event.data["status"] for event in queries.events(again.id)]
        assert told == ["queued", "succeeded"]
    assert drain(store) == []


@pytest.mark.parametrize("changes", [{"seeds": [8]}, {"truncation": 0.5}, {"cache": False}])
def test_another_job_or_one_that_does_not_ask_is_computed(
    store: JobStore, objects: ObjectStore, changes: dict[str, object]
) -> None:
    ask(store)
    carry_out(store, objects)
    other = ask(store, **changes)
    assert [job.id for job in drain(store)] == [other]


def test_owners_share_nothing(store: JobStore, objects: ObjectStore) -> None:
    ask(store)
    carry_out(store, objects)
    assert [job.id for job in drain(store)] == []
    other = submit(store, spec=spec(), owner="else")
    assert [job.id for job in drain(store)] == [other]


@pytest.mark.parametrize(
    ("made_by", "live", "is_answer"),
    [
        ("plain", ["plain"], True),
        ("plain", ["plain", "plain"], True),
        ("plain", ["onednn"], False),
        ("plain", ["plain", "onednn"], False),
        ("plain", [""], False),  # an older worker tells none
        ("", ["plain"], False),  # and none of its results
    ],
)
def test_a_result_of_other_numerics_than_all_workers_have_is_no_answer(
    store: JobStore,
    objects: ObjectStore,
    roster: WorkerRoster,
    made_by: str,
    live: list[str],
    is_answer: bool,
) -> None:
    first = ask(store)
    (job,) = drain(store)
    finish(store, objects, job, made_by)
    roster.withdraw("w")
    for number, numerics in enumerate(live):
        announce(roster, "d", worker=f"w{number}", numerics=numerics)
    again = job_of(store, ask(store))
    assert (again.status is Status.SUCCEEDED, again.cached_from == first) == (is_answer, is_answer)
    assert again.numerics == (made_by if is_answer else None)


def test_one_that_asks_for_exact_is_equal_to_one_that_says_nothing() -> None:
    def painting(**more: object) -> str:
        file = "file_" + "a" * 64
        fields = {"type": "stylize", "content": file, "styles": [{"image": file}], **more}
        return print_of(JOB_SPEC.validate_python(fields))

    assert painting(precision="exact") == painting()
    assert painting(precision="fast") != painting()


@pytest.mark.parametrize("digests", [["new"], ["d", "new"], []])
def test_a_result_of_another_model_than_the_workers_have_is_no_answer(
    store: JobStore, objects: ObjectStore, roster: WorkerRoster, digests: list[str]
) -> None:
    ask(store)
    carry_out(store, objects)
    roster.withdraw("w")
    for digest in digests:
        announce(roster, digest, worker=f"w-{digest}")
    again = ask(store)
    assert [job.id for job in drain(store)] == [again]


def test_the_warnings_of_a_result_are_taken_over_with_it(store: JobStore, objects: ObjectStore) -> None:
    first, follower = ask(store), ask(store)
    (job,) = store.claim_next("w")
    store.succeed(job.id, job.attempt, outputs=(), timings={}, model=("1", "d"), warnings=("truncated",))
    later = ask(store)
    assert [job_of(store, name).warnings for name in (first, follower, later)] == [("truncated",)] * 3


def test_fifty_equal_jobs_at_once_are_computed_once(store: JobStore, objects: ObjectStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda _: ask(store), range(50)))
    made = carry_out(store, objects)
    done = [job_of(store, job_id) for job_id in ids]
    assert {job.status for job in done} == {Status.SUCCEEDED}
    assert {job.outputs for job in done} == {(made,)}
    assert [job.cached_from for job in done].count(None) == 1
    assert list(objects.keys("outputs/")) == [made.key]


def test_more_jobs_than_a_script_moves_are_settled_by_and_by(
    store: JobStore, batches: BatchStore, objects: ObjectStore
) -> None:
    batch, _ = batches.open(draft())
    drafts = [type(item)(item.custom_id, spec()) for item in items(450)]
    batches.append(batch.id, ANONYMOUS, drafts, first=0)
    batches.finalize(batch.id, ANONYMOUS)
    carry_out(store, objects)
    assert counts(batches, batch.id) == {"total": 450, "queued": 399, "succeeded": 51}
    store.settle()
    assert counts(batches, batch.id) == {"total": 450, "succeeded": 450}
    assert batches.get(batch.id, ANONYMOUS).is_done
    last = batches.items(batch.id, ANONYMOUS, cursor="449").items[0]
    assert (last.cached_from, last.history) == (batches.items(batch.id, ANONYMOUS).items[0].id, ())


def end_by_failing(store: JobStore, job: Job) -> None:
    fail(store, job)


def end_by_canceling(store: JobStore, job: Job) -> None:
    store.cancel(job.id, ANONYMOUS)


def end_by_expiring(store: JobStore, job: Job) -> None:
    pass_deadline(store, job.id)
    store.reap()


@pytest.mark.parametrize("end", [end_by_failing, end_by_canceling, end_by_expiring])
def test_when_the_first_does_not_succeed_the_next_goes_and_the_others_wait_for_it(  # type: ignore[no-untyped-def]
    store: JobStore, objects: ObjectStore, end
) -> None:
    first = ask(store, deadline_seconds=60)
    second, third = ask(store), ask(store)
    (job,) = drain(store)
    assert job.id == first
    end(store, job)
    (job,) = drain(store)
    assert job.id == second
    made = finish(store, objects, job)
    assert (job_of(store, third).outputs, job_of(store, third).cached_from) == ((made,), second)


def test_those_that_wait_outlast_the_workers_death(store: JobStore, objects: ObjectStore) -> None:
    ids = [ask(store) for _ in range(3)]
    (job,) = drain(store)
    lapse(store, job.id)
    store.reap()
    made = carry_out(store, objects)
    assert [job_of(store, job_id).outputs for job_id in ids] == [(made,)] * 3


def test_one_that_waits_may_be_canceled_or_sent_its_own_way(store: JobStore, objects: ObjectStore) -> None:
    first, second, third = (ask(store) for _ in range(3))
    store.cancel(second, ANONYMOUS)
    store.restart(third, ANONYMOUS)
    one, other = drain(store)
    assert {one.id, other.id} == {first, third}
    made = {job.id: finish(store, objects, job) for job in (one, other)}
    assert job_of(store, third).outputs == (made[third],)
    assert job_of(store, second).status is Status.CANCELED


def test_one_that_waits_expires_at_its_deadline(store: JobStore) -> None:
    ask(store)
    late = ask(store, deadline_seconds=60)
    pass_deadline(store, late)
    assert store.reap().expired == (late,)
    assert store.claim(late, "w") is None


def test_an_interactive_job_does_not_wait_for_an_equal_one_in_the_bulk_lane(
    store: JobStore, objects: ObjectStore
) -> None:
    slow, fast = ask(store, lane="bulk"), ask(store)
    (job,) = drain(store)
    assert job.id == fast
    finish(store, objects, job)
    assert job_of(store, slow).cached_from == fast


@pytest.mark.parametrize("lane", ["bulk", "interactive"])
def test_an_interactive_job_that_pauses_does_not_wait_for_an_equal_one_that_comes_later(
    store: JobStore, lane: str
) -> None:
    first = ask(store)
    (job,) = drain(store)
    ask(store, seeds=[8], lane=lane)
    store.release(job.id, job.attempt, pause_seconds=3600)
    ask(store, lane=lane)
    pass_pause(store, first)
    assert drain(store)[0].id == first


def test_a_job_does_not_wait_for_an_equal_one_of_a_paused_batch(
    store: JobStore, batches: BatchStore, objects: ObjectStore
) -> None:
    batch, _ = batches.open(draft())
    batches.append(batch.id, ANONYMOUS, [type(items(1)[0])("n", spec(lane="bulk"))], first=0)
    batches.pause(batch.id, ANONYMOUS)
    single = ask(store, lane="bulk")
    (job,) = drain(store)
    assert job.id == single
    finish(store, objects, job)
    assert counts(batches, batch.id) == {"total": 1, "succeeded": 1}


def test_shared_bytes_stay_until_the_last_job_that_names_them_is_forgotten(
    store: JobStore, objects: ObjectStore
) -> None:
    ids = [ask(store)]
    made = carry_out(store, objects)
    ids += [ask(store), ask(store)]
    garbage = Garbage(store.client, objects)
    for job_id in ids[:2]:
        store.delete(job_id, ANONYMOUS)
        while len(garbage):
            garbage.sweep()
        assert list(plan(store.client, objects, grace_seconds=-1)) == []
        assert objects.get(made.key) == b"picture"
    late = job_of(store, ask(store))
    assert (late.outputs, late.cached_from) == ((made,), ids[0])
    for job_id in (ids[2], late.id):
        store.delete(job_id, ANONYMOUS)
    while len(garbage):
        garbage.sweep()
    assert list(objects.keys("outputs/")) == []
    assert store.client.keys("atelier:reuse:*") + store.client.keys("atelier:sharers") == []
    with pytest.raises(JobGone):
        job_of(store, ids[0])


def test_a_batch_takes_over_what_a_single_job_made_and_keeps_it(
    store: JobStore, batches: BatchStore, objects: ObjectStore
) -> None:
    single = ask(store)
    made = carry_out(store, objects)
    batch, _ = batches.open(draft())
    batches.append(batch.id, ANONYMOUS, [type(items(1)[0])("n", spec())], first=0)
    batches.finalize(batch.id, ANONYMOUS)
    assert batches.get(batch.id, ANONYMOUS).is_done
    (item,) = batches.finished(batch.id, ANONYMOUS).items
    assert (item.outputs, item.cached_from) == ((made,), single)
    store.delete(single, ANONYMOUS)
    assert store.client.zscore("atelier:garbage", f"outputs/{single}/") is None
    batches.delete(batch.id, ANONYMOUS)
    assert store.client.zscore("atelier:garbage", f"outputs/{single}/") is not None


def test_items_tried_again_share_the_work_too(
    store: JobStore, batches: BatchStore, objects: ObjectStore
) -> None:
    batch, _ = batches.open(draft())
    drafts = [type(item)(item.custom_id, spec()) for item in items(3)]
    batches.append(batch.id, ANONYMOUS, drafts, first=0)
    batches.finalize(batch.id, ANONYMOUS)
    while jobs := drain(store):
        fail(store, jobs[0])
    assert batches.retry_failed(batch.id, ANONYMOUS) == 3
    carry_out(store, objects)
    assert counts(batches, batch.id) == {"total": 3, "succeeded": 3}


def test_a_canceled_batch_of_equal_items_leaves_nobody_waiting(store: JobStore, batches: BatchStore) -> None:
    batch, _ = batches.open(draft())
    drafts = [type(item)(item.custom_id, spec()) for item in items(30)]
    batches.append(batch.id, ANONYMOUS, drafts, first=0)
    single = ask(store, lane="bulk")
    batches.cancel(batch.id, ANONYMOUS)
    assert [job.id for job in drain(store)] == [single]
    assert begin(batches, 1)


def test_a_style_counts_by_its_picture_and_not_by_its_name() -> None:
    styled = {"type": "stylize", "content": f"file_{'a' * 64}", "model": "m"}
    image = f"file_{'b' * 64}"
    named = JOB_SPEC.validate_python({**styled, "styles": [{"name": "waves", "image": image}]})
    plain = JOB_SPEC.validate_python({**styled, "styles": [{"image": image}], "lane": "bulk"})
    other = JOB_SPEC.validate_python({**styled, "styles": [{"image": image, "weight": 2}]})
    assert print_of(named) == print_of(plain) != print_of(other)


def test_strokes_old_and_new_are_never_mixed() -> None:
    raw = {
        "type": "stylize",
        "content": f"file_{'a' * 64}",
        "styles": [{"number": 1}],
        "model": "multistyle-26",
    }
    plain = JOB_SPEC.validate_python(raw)  # as records of old have it: its own size was meant
    default, named, native = (
        resolve(JOB_SPEC.validate_python({**raw, **stroke}), load_catalog())
        for stroke in ({}, {"stroke": 1024}, {"stroke": "native"})
    )
    assert print_of(default) == print_of(named)
    assert (
        len({print_of(spec) for spec in (plain.model_copy(update={"strength": 1.0}), default, native)}) == 3
    )


@pytest.mark.parametrize(
    ("asked", "model"),
    [
        ({"type": "generate", "seeds": [1], "output": {"enlarge": 2}}, "enlarge-x2"),
        (
            {
                "type": "stylize",
                "content": f"file_{'0' * 64}",
                "styles": [{"number": 1}],
                "upsample": "network",
            },
            "enlarge-x4",
        ),
    ],
)
def test_another_version_of_a_further_model_makes_another_job(
    monkeypatch: pytest.MonkeyPatch, asked: dict[str, object], model: str
) -> None:
    spec = JOB_SPEC.validate_python(asked)
    before, card = print_of(spec), load_catalog().get(model)
    newer = Catalog([card.model_copy(update={"version": "2"})])
    monkeypatch.setattr("shared.jobs.submission.load_catalog", lambda: newer)
    assert print_of(spec) != before
