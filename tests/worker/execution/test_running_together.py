"""Light items of one batch: claimed at once, drawn by one call of the network, each a job of its own."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from shared.batches.batch import BatchDraft, ItemDraft
from shared.batches.request import BatchSettings
from shared.batches.store import BatchStore
from shared.cards.card import load_catalog
from shared.errors import CorruptImage
from shared.identifiers import ANONYMOUS, new_batch_id
from shared.jobs.status import Status
from shared.setting_groups import BatchRules
from shared.specs.parts import Lane
from shared.specs.spec import JOB_SPEC, resolve
from tests.worker.conftest import Bench, Brightness
from worker.execution.attempt import QUIET_SECONDS
from worker.runner import MOST_TOGETHER


@dataclass
class Counting(Brightness):
    """Notes how many pictures each call asks for."""

    sizes: list[int] = field(default_factory=list)

    def generate(self, latents: np.ndarray) -> np.ndarray:
        self.sizes.append(len(latents))
        return super().generate(latents)


def send(bench: Bench, count: int) -> list[str]:
    """Accept a batch of digits; return the ids of its jobs."""
    bench.model = Counting()
    store, batch = BatchStore(bench.store, BatchRules()), new_batch_id()
    store.open(BatchDraft(batch, ANONYMOUS, BatchSettings(), "f"))
    specs = [JOB_SPEC.validate_python({"type": "generate", "seeds": [seed]}) for seed in range(count)]
    items = [ItemDraft(str(n), resolve(spec, load_catalog())) for n, spec in enumerate(specs)]
    store.append(batch, ANONYMOUS, items, first=0)
    store.finalize(batch, ANONYMOUS)
    return [job.id for job in store.items(batch, ANONYMOUS, limit=count).items]


def statuses(bench: Bench, ids: list[str]) -> list[Status]:
    return [bench.job(job_id).status for job_id in ids]


def script_calls(bench: Bench) -> int:
    return int(bench.store.client.info("commandstats")["cmdstat_evalsha"]["calls"])


def test_as_many_as_the_network_takes_are_drawn_by_one_call(bench: Bench) -> None:
    ids = send(bench, 2 * MOST_TOGETHER + 3)
    bench.runner().handle(ids[0], Lane.BULK)
    assert set(statuses(bench, ids)) == {Status.SUCCEEDED}
    assert bench.model.sizes == [MOST_TOGETHER, MOST_TOGETHER, 3]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("seconds", "reports"), [(0.0, True), (float("inf"), False)])
def test_items_report_nothing_at_first(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, seconds: float, reports: bool
) -> None:
    monkeypatch.setattr("worker.execution.attempt.REPORT_EVERY_SECONDS", 0.0)
    monkeypatch.setitem(QUIET_SECONDS, Lane.BULK, seconds)
    ids = send(bench, 3)
    before = script_calls(bench)
    bench.runner().handle(ids[0], Lane.BULK)
    ends_and_claims = 3 + 2
    assert (script_calls(bench) - before > ends_and_claims) == reports


def test_sixteen_are_claimed_in_one_round_trip_and_each_ends_in_one(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.execution.attempt.REPORT_EVERY_SECONDS", float("inf"))
    bench.runner().handle(send(bench, 2)[0], Lane.BULK)  # has the server know the scripts
    ids = send(bench, 2 * MOST_TOGETHER + 3)
    before = script_calls(bench)
    bench.runner().handle(ids[0], Lane.BULK)
    claims = 4  # the last finds nothing
    assert script_calls(bench) - before == claims + len(ids)


def test_the_others_do_not_wait_for_one_that_fails_before_its_call(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = send(bench, 4)
    get, asked = bench.get, []

    def refuse_first(name: str) -> Brightness:
        asked.append(name)
        if len(asked) == 1:
            raise CorruptImage.of_field("/content", "truncated")
        return get(name)

    monkeypatch.setattr(bench, "get", refuse_first)
    bench.runner().handle(ids[0], Lane.BULK)
    assert sorted(statuses(bench, ids)) == [Status.FAILED, *[Status.SUCCEEDED] * 3]
    assert bench.model.sizes == [3]  # type: ignore[attr-defined]


def test_one_that_is_canceled_while_they_are_drawn_takes_none_along(bench: Bench) -> None:
    ids = send(bench, 4)
    bench.model.before = lambda: bench.store.cancel(ids[2], ANONYMOUS)
    bench.runner().handle(ids[0], Lane.BULK)
    done = [Status.SUCCEEDED, Status.SUCCEEDED, Status.CANCELED, Status.SUCCEEDED]
    assert statuses(bench, ids) == done
    assert list(bench.objects.keys(f"outputs/{ids[2]}/")) == []


def test_items_that_lost_their_worker_run_apart(bench: Bench) -> None:
    ids = send(bench, 3)
    lost = bench.store.claim_next("dead", most=MOST_TOGETHER)
    for job in lost:
        bench.store.client.zadd("atelier:leases", {job.id: 1})
    bench.store.reap()
    for job_id in ids:
        bench.store.client.hset(f"atelier:job:{job_id}", "not_before", 0)
        bench.store.client.zadd("atelier:delayed", {job_id: 0}, xx=True)
    bench.store.reap()
    bench.runner().handle(ids[0], Lane.BULK)
    assert set(statuses(bench, ids)) == {Status.SUCCEEDED}
    assert bench.model.sizes == [1, 1, 1]  # type: ignore[attr-defined]
