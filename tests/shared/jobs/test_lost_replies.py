"""Claims whose answer is lost on the way: asked again, they start nothing that nobody knows of."""

from collections.abc import Callable
from typing import Any

import pytest
import redis
from redis.client import Pipeline
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from shared.fleet import Fleet
from shared.identifiers import ANONYMOUS
from shared.jobs.job import Job
from shared.jobs.status import Status
from shared.jobs.store import JobStore, NextClaim
from shared.workers import Worker, WorkerRoster
from tests.support.jobs.job_steps import submit

DONE: dict[str, Any] = {"outputs": (), "timings": {}, "model": ("1", "digest")}


def lose_first(monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> list[str]:
    """Have the first reply that a method reads be lost, after the server did what was asked."""
    method: Callable[..., Any] = getattr(owner, name)
    calls: list[str] = []

    def losing(*given: Any, **named: Any) -> Any:
        reply = method(*given, **named)
        calls.append("lost" if not calls else "read")
        if len(calls) == 1:
            raise RedisTimeoutError("Timeout reading from socket")
        return reply

    monkeypatch.setattr(owner, name, losing)
    return calls


def leases(store: JobStore) -> set[str]:
    return set(store.client.zrange("atelier:leases", 0, -1))


def ids(jobs: list[Job] | None) -> list[str]:
    return [job.id for job in jobs or []]


def test_a_claim_that_the_client_sends_again_returns_what_it_started(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store.claim_next("w") == []  # the server knows the script from here on
    submitted = [submit(store) for _ in range(2)]
    calls = lose_first(monkeypatch, redis.Redis, "_send_command_parse_response")
    claimed = store.claim_next("w")
    assert calls == ["lost", "read"]
    assert ids(claimed) == submitted[:1]
    assert leases(store) == {submitted[0]}
    assert ids(store.claim_next("w")) == submitted[1:]


def test_an_outcome_that_the_client_sends_again_claims_once(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted = [submit(store) for _ in range(3)]
    (job,) = store.claim_next("w")
    calls = lose_first(monkeypatch, Pipeline, "_execute_pipeline")
    claimed = store.succeed(job.id, job.attempt, **DONE, then=NextClaim("w", None))
    assert calls == ["lost", "read"]
    assert ids(claimed) == submitted[1:2]
    assert leases(store) == {submitted[1]}


def test_a_repeated_claim_returns_only_what_the_worker_still_runs(store: JobStore) -> None:
    submit(store)
    (job,) = store.claim_next("w", token="one")
    assert [each.attempt for each in store.claim_next("w", token="one")] == [1]
    store.release(job.id, job.attempt)
    (again,) = store.claim_next("w", token="one")
    assert (again.id, again.attempt) == (job.id, 2)
    store.cancel(job.id, ANONYMOUS)
    assert store.claim_next("w", token="one") == []


def test_a_repeated_claim_prolongs_the_leases(store: JobStore) -> None:
    submit(store)
    (job,) = store.claim_next("w", token="one")
    store.client.zadd("atelier:leases", {job.id: 1})
    store.claim_next("w", token="one")
    assert store.client.zscore("atelier:leases", job.id) > 1


def test_another_worker_gets_nothing_by_the_token_of_one(store: JobStore) -> None:
    submit(store)
    assert store.claim_next("w", token="one")
    assert store.claim_next("v", token="one") == []


def test_a_worker_that_was_cordoned_meanwhile_learns_what_it_has_started(store: JobStore) -> None:
    submit(store)
    claimed = store.claim_next("w1-1-aaaaaa", token="one")
    WorkerRoster(store.client).announce(Worker("w1-1-aaaaaa", 1, ()))
    Fleet(store.client).cordon("w1", by="anna")
    assert ids(store.claim_next("w1-1-aaaaaa", token="one")) == ids(claimed)


def test_what_was_claimed_beside_a_failed_outcome_is_given_back(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = submit(store), submit(store)
    (job,) = store.claim_next("w")
    run = Pipeline._execute_pipeline

    def failing(*given: Any) -> list[Any]:
        _, claimed = run(*given)  # type: ignore[no-untyped-call]
        return [ResponseError("NOPERM no permission to run the 'ltrim' command"), claimed]

    monkeypatch.setattr(Pipeline, "_execute_pipeline", failing)
    with pytest.raises(ResponseError, match="NOPERM"):
        store.succeed(job.id, job.attempt, **DONE, then=NextClaim("w", None))
    released = store.get(second, ANONYMOUS)
    assert (released.status, released.crashes) == (Status.QUEUED, 0)
    assert leases(store) <= {first}
