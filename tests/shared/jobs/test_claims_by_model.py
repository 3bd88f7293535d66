"""Claims that pass over jobs of some models: paused ones, limited ones, and those that the worker lacks."""

import pytest

from shared.batches.store import BatchStore
from shared.identifiers import ANONYMOUS
from shared.jobs.job import Job
from shared.jobs.status import Status
from shared.jobs.store import JobStore
from shared.pauses.pause import Pause
from shared.specs.parts import Lane, Output
from shared.workers import Worker, WorkerRoster
from tests.support.jobs.batch_steps import draft, finish, items
from tests.support.jobs.job_steps import submission, submit

HERE = ("here",)


def submit_to(store: JobStore, model: str, *, owner: str = ANONYMOUS, lane: Lane = Lane.INTERACTIVE) -> str:
    spec = submission().spec.model_copy(update={"model": model, "lane": lane})
    return submit(store, owner=owner, spec=spec, work=f"{model}:3")


def claim_all(store: JobStore, models: tuple[str, ...] | None = HERE) -> list[str]:
    jobs: list[Job] = []
    while claimed := store.claim_next("w", most=16, models=models):
        jobs += claimed
    return [job.id for job in jobs]


def pause(store: JobStore, number: int = 1, **scope: str) -> None:
    made = Pause(f"pause_{number}", "a test", ANONYMOUS, 1, **scope)  # type: ignore[arg-type]
    store.client.hset("atelier:pauses", made.id, made.to_json())


def limit(store: JobStore, model: str, running: int) -> None:
    store.client.hset("atelier:model-limits", model, running)


def test_a_worker_passes_over_thousands_of_jobs_that_it_cannot_run_and_touches_none(store: JobStore) -> None:
    front = [submit_to(store, "elsewhere") for _ in range(2000)]
    behind = [submit_to(store, "here") for _ in range(3)]
    front.append(submit_to(store, "elsewhere"))
    before = {key: store.client.hgetall(key) for key in map("atelier:job:{}".format, front)}
    store.client.config_resetstat()
    assert claim_all(store) == behind
    calls = sum(stat["calls"] for stat in store.client.info("commandstats").values())
    assert calls < 300
    assert {key: store.client.hgetall(key) for key in before} == before
    assert claim_all(store, ("elsewhere",)) == front


def test_a_worker_that_can_run_nothing_gets_nothing(store: JobStore) -> None:
    job_id = submit_to(store, "here")
    assert claim_all(store, ()) == []
    assert claim_all(store, None) == [job_id]


def test_more_owners_than_a_claim_once_looked_at_are_passed_over(store: JobStore) -> None:
    for number in range(150):
        submit_to(store, "elsewhere", owner=f"o{number}")
    job_id = submit_to(store, "here", owner="last")
    assert claim_all(store) == [job_id]
    assert store.client.zcard("atelier:turns:interactive") == 150  # they still have their turns


def test_items_that_were_started_out_of_turn_are_started_once(store: JobStore, batches: BatchStore) -> None:
    batch, _ = batches.open(draft())
    mixed = [item for n in range(40) for item in items(1, n, model="here" if n % 2 else "elsewhere")]
    batches.append(batch.id, ANONYMOUS, mixed, first=0)
    after = submit_to(store, "here", lane=Lane.BULK)
    names = [f"job_{batch.id[6:]}-{n}" for n in range(40)]
    assert claim_all(store) == [*names[1::2], after]
    assert claim_all(store, None) == names[0::2]
    assert claim_all(store, None) == []
    assert batches.get(batch.id, ANONYMOUS).counts["running"] == 40


def test_light_items_behind_blocked_ones_start_together(store: JobStore, batches: BatchStore) -> None:
    submit_to(store, "elsewhere", lane=Lane.BULK)
    batch, _ = batches.open(draft())
    batches.append(batch.id, ANONYMOUS, items(20, model="here"), first=0)
    sizes = [len(store.claim_next("w", most=16, models=HERE)) for _ in range(3)]
    assert sizes == [16, 4, 0]


def test_items_of_a_paused_batch_are_passed_over_too(store: JobStore, batches: BatchStore) -> None:
    submit_to(store, "elsewhere", lane=Lane.BULK)
    ids = []
    for _ in range(2):
        batch, _ = batches.open(draft())
        batches.append(batch.id, ANONYMOUS, items(2, model="here"), first=0)
        ids.append(batch.id)
    batches.pause(ids[0], ANONYMOUS)
    assert [name[4:36] for name in claim_all(store)] == [ids[1][6:]] * 2


@pytest.mark.parametrize(
    ("scope", "started"),
    [
        ({}, []),
        ({"lane": "interactive"}, ["bulk"]),
        ({"owner": "anonymous"}, ["other"]),
        ({"model": "a"}, ["b", "other"]),
        ({"model": "a", "owner": "nobody"}, ["a", "b", "bulk", "other"]),
        ({"model": "a", "lane": "interactive", "owner": "anonymous"}, ["b", "bulk", "other"]),
    ],
)
def test_a_pause_holds_for_what_it_names(store: JobStore, scope: dict[str, str], started: list[str]) -> None:
    ids = {
        "a": submit_to(store, "a"),
        "b": submit_to(store, "b"),
        "bulk": submit_to(store, "a", lane=Lane.BULK),
        "other": submit_to(store, "c", owner="other"),
    }
    pause(store, **scope)
    assert set(claim_all(store, None)) == {ids[name] for name in started}
    for name in ids.keys() - started:  # no worker may ask for one of these by its id either
        assert store.claim(ids[name], "w") is None
    store.client.delete("atelier:pauses")
    assert set(claim_all(store, None)) == {ids[name] for name in ids.keys() - started}


def test_a_model_has_no_more_jobs_running_than_its_limit(store: JobStore, batches: BatchStore) -> None:
    limit(store, "here", 3)
    batch, _ = batches.open(draft())
    batches.append(batch.id, ANONYMOUS, items(5, model="here"), first=0)
    other = submit_to(store, "other", lane=Lane.BULK)
    first = claim_all(store, None)
    assert first == [f"job_{batch.id[6:]}-{n}" for n in range(3)] + [other]
    assert store.claim(f"job_{batch.id[6:]}-4", "w") is None
    finish(store, store.get(first[0], ANONYMOUS))
    assert claim_all(store, None) == [f"job_{batch.id[6:]}-3"]
    store.client.delete("atelier:model-limits")
    assert claim_all(store, None) == [f"job_{batch.id[6:]}-4"]


def test_nobody_is_told_of_jobs_that_cannot_start(store: JobStore) -> None:
    for model, count in (("paused", 2), ("limited", 3), ("nowhere", 4), ("here", 1)):
        for _ in range(count):
            submit_to(store, model)
    assert store.reap().lines[0].waiting == 10
    pause(store, model="paused")
    limit(store, "limited", 1)
    WorkerRoster(store.client).announce(Worker("w", 4, (), available=("paused", "limited", "here")))
    assert store.reap().lines[0].waiting == 4
    assert len(claim_all(store, ("paused", "limited", "here"))) == 2
    assert store.reap().lines[0].waiting == 0


def test_a_job_that_starts_is_no_less_the_owners_turn(store: JobStore) -> None:
    for owner in ("a", "b"):
        submit_to(store, "elsewhere", owner=owner)
        for _ in range(2):
            submit_to(store, "here", owner=owner)
    owners = [store.client.hget(f"atelier:job:{name}", "owner") for name in claim_all(store)]
    assert owners == ["a", "b", "a", "b"]


def test_the_jobs_wait_until_their_deadline_and_no_longer(store: JobStore) -> None:
    spec = submission().spec.model_copy(update={"model": "nowhere", "deadline_seconds": 60})
    job_id = submit(store, spec=spec, work="nowhere:3")
    store.client.hset(f"atelier:job:{job_id}", "deadline_at", 1)
    store.client.zadd("atelier:deadlines", {job_id: 1}, xx=True)
    assert claim_all(store) == []
    store.reap()
    assert store.get(job_id, ANONYMOUS).status is Status.EXPIRED


def submit_enlarged(store: JobStore) -> str:
    spec = submission().spec.model_copy(update={"model": "here", "output": Output(enlarge=2)})
    return submit(store, spec=spec, work="here+enlarge-x2:9")


def test_a_worker_that_cannot_enlarge_passes_over_hundreds_of_such_jobs_and_touches_none(
    store: JobStore,
) -> None:
    front = [submit_enlarged(store) for _ in range(300)]
    behind = submit_to(store, "here")
    assert claim_all(store) == [behind]
    assert {store.get(job_id, ANONYMOUS).version for job_id in front} == {0}
    assert claim_all(store, ("enlarge-x2",)) == []
    assert claim_all(store, ("here", "enlarge-x2")) == front


def test_a_job_that_needs_two_further_models_starts_where_all_are(store: JobStore) -> None:
    job_id = submit(store, work="here+enlarge-x4+enlarge-x2:9")
    for names in (("here", "enlarge-x2"), ("here", "enlarge-x4"), ("enlarge-x2", "enlarge-x4")):
        assert claim_all(store, names) == []
    assert claim_all(store, ("here", "enlarge-x2", "enlarge-x4")) == [job_id]


def test_pauses_and_limits_of_its_model_hold_a_job_that_is_enlarged(store: JobStore) -> None:
    submit_enlarged(store)
    pause(store, model="here")
    assert claim_all(store, None) == []
    store.client.delete("atelier:pauses")
    limit(store, "here", 0)
    assert claim_all(store, None) == []
