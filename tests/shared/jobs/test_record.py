"""Records that an older, or a newer, Atelier wrote."""

import json
import logging
from collections.abc import Mapping

import pytest

from shared.cards.card import load_catalog
from shared.errors import RecordTooNew
from shared.identifiers import ANONYMOUS
from shared.jobs.job import Job
from shared.jobs.queries import JobQueries
from shared.jobs.record import RECORD_SCHEMA, schema_of
from shared.jobs.status import LeaseLost, Outcome, Status
from shared.jobs.store import JobStore
from shared.redis.client import Client
from shared.specs.spec import JOB_SPEC, resolve
from shared.specs.stylize import StylizeSpec
from tests.support.jobs.chain_steps import paint
from tests.support.jobs.job_steps import OUTPUT, claim, lapse, status, submit
from tests.support.jobs.old_records import load

FILE = "file_" + "a" * 64
DONE = {
    "succeeded": Status.SUCCEEDED,
    "animated": Status.SUCCEEDED,
    "stylized": Status.SUCCEEDED,
    "retried": Status.SUCCEEDED,
    "digits": Status.SUCCEEDED,
    "failed": Status.FAILED,
    "canceled": Status.CANCELED,
}


@pytest.fixture
def old(redis_client: Client) -> Mapping[str, str]:
    """Records of schema 1: jobs by what is special about them."""
    return load(redis_client, 1)


def succeed(store: JobStore, job: Job) -> Job:
    store.succeed(job.id, job.attempt, outputs=(OUTPUT,), timings={}, model=("1", "d"))
    return store.get(job.id, ANONYMOUS)


def make_newer(store: JobStore, job_id: str) -> None:
    store.client.hset(f"atelier:job:{job_id}", "schema", RECORD_SCHEMA + 1)


def test_old_records_are_read(store: JobStore, old: Mapping[str, str]) -> None:
    jobs = {name: store.get(job_id, ANONYMOUS) for name, job_id in old.items()}
    assert {name: job.status for name, job in jobs.items()} == {
        **DONE, "running": Status.RUNNING, "queued": Status.QUEUED
    }  # fmt: skip
    assert {(job.history, job.deadline_at, job.spec.deadline_seconds) for job in jobs.values()} == {
        ((), None, None)
    }
    assert [output.seed for output in jobs["succeeded"].outputs] == [7, 8]
    assert jobs["animated"].outputs[0].media_type == "image/gif"
    assert jobs["retried"].retried_from == jobs["canceled"].id
    assert (jobs["running"].attempt, jobs["running"].crashes) == (2, 1)
    assert (jobs["failed"].error or {})["code"] == "model_unavailable"


def test_all_that_the_version_before_left_is_carried_on_and_a_version_is_told_apart(
    redis_client: Client, store: JobStore
) -> None:
    kept = load(redis_client, 6)
    waiting = {kept[name] for name in ("queued", "enlarged", "prints")}
    assert {redis_client.hget(f"atelier:job:{kept[name]}", "schema") for name in kept if name != "batch"} == {
        "4",
        "5",
        "6",
    }
    lapse(store, kept["running"])
    store.reap()
    redis_client.hset(f"atelier:job:{kept['running']}", "not_before", 1)
    redis_client.zadd("atelier:delayed", {kept["running"]: 1}, xx=True)
    store.reap()
    done = {succeed(store, job).id for _ in range(6) for job in store.claim_next("w1")}
    assert done >= waiting | {kept["running"]}
    assert len(done) == 6  # with the items that waited
    assert {status(store, kept[name]) for name in ("succeeded", "failed")} == {
        Status.SUCCEEDED,
        Status.FAILED,
    }
    (batch,) = [redis_client.hgetall(f"atelier:batch:{kept['batch']}")]
    assert (batch["succeeded"], batch["total"]) == ("3", "3")


def test_an_old_stylization_keeps_the_stroke_that_it_was_accepted_with(
    store: JobStore, old: Mapping[str, str]
) -> None:
    stylized = store.get(old["stylized"], ANONYMOUS)
    assert isinstance(stylized.spec, StylizeSpec)
    assert stylized.spec.stroke == "native"


@pytest.mark.parametrize(
    ("stroke", "means"), [({}, "native"), ({"stroke": None}, "native"), ({"stroke": 300}, 300)]
)
def test_a_stylization_accepted_before_there_was_a_default_is_painted_at_its_own_size(
    store: JobStore, stroke: dict[str, object], means: object
) -> None:
    spec = {"type": "stylize", "model": "multistyle-26", "content": FILE, "styles": [{"number": 1}], **stroke}
    job_id = submit(store)
    store.client.hset(f"atelier:job:{job_id}", mapping={"schema": 2, "spec": json.dumps(spec)})
    claimed = claim(store, job_id)
    assert isinstance(claimed.spec, StylizeSpec)
    assert claimed.spec.stroke == means
    assert store.client.hget(f"atelier:job:{job_id}", "schema") == "2"


def test_old_jobs_are_listed(queries: JobQueries, old: Mapping[str, str]) -> None:
    assert {job.id for job in queries.page(ANONYMOUS).items} == set(old.values())


def test_an_old_queued_job_is_carried_out(store: JobStore, old: Mapping[str, str]) -> None:
    store.reap()  # an older Atelier noted none of what waits
    claimed = {job.id: job for _ in range(2) for job in store.claim_next("w1")}
    done = succeed(store, claimed[old["queued"]])
    assert (done.status, [ended.number for ended in done.history]) == (Status.SUCCEEDED, [1])
    assert not store.client.exists("atelier:lane:bulk", "atelier:line:bulk:anonymous")


def test_an_old_running_job_stays_with_its_worker(store: JobStore, old: Mapping[str, str]) -> None:
    job_id = old["running"]
    assert store.beat([(job_id, 2)]) == ["ok"]
    done = succeed(store, store.get(job_id, ANONYMOUS))
    assert [(e.number, e.outcome) for e in done.history] == [(2, Outcome.SUCCEEDED)]


def test_an_old_running_job_is_taken_back_and_carried_out(store: JobStore, old: Mapping[str, str]) -> None:
    job_id = old["running"]
    lapse(store, job_id)
    assert store.reap().reclaimed == (job_id,)
    assert store.beat([(job_id, 2)]) == ["lost"]
    done = succeed(store, claim(store, job_id))
    assert [(e.number, e.outcome) for e in done.history] == [(2, Outcome.LOST), (3, Outcome.SUCCEEDED)]
    assert done.crashes == 2


def test_old_jobs_are_requeued_canceled_and_deleted(store: JobStore, old: Mapping[str, str]) -> None:
    store.restart(old["running"], ANONYMOUS)
    with pytest.raises(LeaseLost):
        store.succeed(old["running"], 2, outputs=(), timings={}, model=("1", "d"))
    for name in ("running", "queued"):
        store.cancel(old[name], ANONYMOUS)
    for job_id in old.values():
        store.delete(job_id, ANONYMOUS)
    left = set(store.client.keys("atelier:*job*")) - set(store.client.keys("atelier:gone:*"))
    assert left == set()


@pytest.mark.parametrize(
    ("fields", "schema"),
    [
        ({}, 4),
        ({"output": {"recipe": True}}, 4),
        ({"output": {"recipe": False}}, 5),
        ({"recipe": "a@1"}, 5),
        ({"output": {"enlarge": 2}}, 5),
    ],
)
def test_a_new_record_says_the_oldest_schema_whose_readers_know_what_it_asks_for(
    store: JobStore, fields: dict[str, object], schema: int
) -> None:
    spec = JOB_SPEC.validate_python({"type": "generate", "seeds": [1], **fields})
    record = store.client.hgetall(f"atelier:job:{submit(store, spec=spec)}")
    assert record["schema"] == str(schema)
    assert any(name in record["spec"] for name in ("recipe", "enlarge")) == (schema == 5)


@pytest.mark.parametrize(
    ("output", "schema"),
    [({}, 4), ({"profile": "keep"}, 5), ({"metadata": "safe"}, 5), ({"metadata": "none"}, 4)],
)
def test_what_a_result_takes_over_needs_workers_that_know_of_it(output: dict[str, str], schema: int) -> None:
    picture = f"file_{'0' * 64}"
    fields = {"type": "stylize", "content": picture, "styles": [{"image": picture}], "output": output}
    spec = JOB_SPEC.validate_python(fields)
    assert schema_of(spec) == str(schema)
    kept = spec.model_dump(mode="json")["output"]
    assert bool({"profile", "metadata"} & kept.keys()) == (schema == 5)


def test_only_a_job_that_asks_for_a_network_to_its_size_needs_workers_that_know_of_it() -> None:
    picture = f"file_{'0' * 64}"
    asked = {"type": "stylize", "content": picture, "styles": [{"image": picture}]}
    found = {}
    for way in (None, "guided", "network"):
        spec = resolve(JOB_SPEC.validate_python({**asked, "upsample": way}), load_catalog())
        found[way] = (schema_of(spec), "upsample" in spec.model_dump(mode="json"))
    assert found == {None: ("4", False), "guided": ("4", False), "network": ("6", True)}


def test_a_new_record_says_the_schema_that_its_readers_need(store: JobStore) -> None:
    parent = submit(store)
    child = paint(store, parent)
    schemas = [store.client.hget(f"atelier:job:{job_id}", "schema") for job_id in (parent, child)]
    assert schemas == ["4", "5"]


def test_a_newer_record_is_refused(store: JobStore) -> None:
    job_id = submit(store)
    make_newer(store, job_id)
    with pytest.raises(RecordTooNew, match="written by a newer Atelier"):
        store.get(job_id, ANONYMOUS)


def test_a_worker_leaves_newer_jobs_queued_and_says_so_once(
    store: JobStore, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = submit(store), submit(store)
    make_newer(store, first)
    make_newer(store, second)
    with caplog.at_level(logging.WARNING, "atelier.store"):
        assert [store.claim(job_id, "w1") for job_id in (first, second, first)] == [None] * 3
    assert [record.message for record in caplog.records] == ["record written by a newer Atelier; left queued"]
    store.client.hset(f"atelier:job:{first}", "schema", RECORD_SCHEMA)
    assert (status(store, first), claim(store, first).attempt) == (Status.QUEUED, 1)
