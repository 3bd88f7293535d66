"""Items of a batch share what they have in common, and every reader sees them whole."""

import json
from typing import Any

import pytest

from shared.batches.batch import ItemDraft
from shared.batches.sharing import in_pieces, split
from shared.batches.store import BatchStore
from shared.errors import JobGone
from shared.files.file_store import FileStore
from shared.identifiers import ANONYMOUS
from shared.images.limits import ImageLimits
from shared.images.probe import probe
from shared.jobs.job import Job
from shared.jobs.listing import JobFilter
from shared.jobs.queries import JobQueries
from shared.jobs.store import JobStore
from shared.redis.client import Client
from shared.specs.spec import JOB_SPEC, JobSpec
from tests.support.images import pictures
from tests.support.jobs.batch_steps import DIGIT, draft, drain, fail, finish

FILE = "file_" + "a" * 64
LATENTS = {"type": "generate", "model": "mnist-dcgan", "latents": [[0.1234567890123] * 100] * 64}
METADATA = {"metadata": {str(number): "ö" * 300 for number in range(16)}}
KINDS: dict[str, dict[str, Any]] = {
    "digit": DIGIT,
    "digit with metadata": {**DIGIT, **METADATA},
    "latents": LATENTS,
    "many seeds": {**DIGIT, "seeds": list(range(256))},
    "stylization": {"type": "stylize", "content": FILE, "styles": [{"image": FILE}], "mask": FILE},
    "transformation": {"type": "transform", "content": FILE, "model": "m", "metadata": {"a": "b"}},
}


def drafts(count: int, spec: dict[str, Any], first: int = 0) -> list[ItemDraft]:
    return [ItemDraft(f"n{n}", JOB_SPEC.validate_python(spec)) for n in range(first, first + count)]


def start(batches: BatchStore, spec: dict[str, Any], count: int = 3) -> str:
    batch, _ = batches.open(draft())
    batches.append(batch.id, ANONYMOUS, drafts(count, spec), first=0)
    return batch.id


def parts_of(client: Client, batch_id: str) -> dict[str, str]:
    return dict(client.hgetall(f"atelier:batch-parts:{batch_id}"))


@pytest.mark.parametrize("spec", KINDS.values(), ids=KINDS.keys())
def test_every_reader_sees_an_item_whole(
    spec: dict[str, Any],
    store: JobStore,
    batches: BatchStore,
    queries: JobQueries,
    files: FileStore,
) -> None:
    picture = pictures.png(32, 24)
    file, _ = files.add(ANONYMOUS, picture, probe(picture, ImageLimits()))
    batch, _ = batches.open(draft())
    items = drafts(3, json.loads(json.dumps(spec).replace(FILE, file.id)))
    batches.append(batch.id, ANONYMOUS, items, first=0)
    wanted = [items[0].spec] * 3

    def specs(jobs: list[Job] | tuple[Job, ...]) -> list[JobSpec]:
        return [job.spec for job in jobs]

    def read() -> list[list[JobSpec]]:
        listed = batches.items(batch.id, ANONYMOUS).items
        return [
            specs(listed),
            specs([store.get(job.id, ANONYMOUS) for job in listed]),
            specs(queries.page(ANONYMOUS, JobFilter(), items=True).items),
        ]

    assert read() == [wanted] * 3
    claimed = drain(store)
    assert specs(claimed) == wanted
    finish(store, claimed[0])
    for job in claimed[1:]:
        fail(store, job)
    assert [*read(), specs(batches.finished(batch.id, ANONYMOUS).items)] == [wanted] * 4
    assert batches.retry_failed(batch.id, ANONYMOUS) == 2
    assert [*read(), specs(drain(store))] == [*[wanted] * 3, wanted[:2]]


def test_what_items_share_is_stored_once(batches: BatchStore, store: JobStore, redis_client: Client) -> None:
    batch_id = start(batches, LATENTS, count=4)
    (large, small) = sorted(parts_of(redis_client, batch_id).values(), key=len, reverse=True)
    assert len(large) > 64_000
    assert "latents" not in small
    batches.append(batch_id, ANONYMOUS, drafts(1, LATENTS, first=4), first=4)  # alone, and known
    for job in drain(store):
        fail(store, job)
    assert batches.retry_failed(batch_id, ANONYMOUS) == 5
    jobs = redis_client.keys("atelier:job:*")
    assert len(jobs) == 10
    assert max(redis_client.memory_usage(job) for job in jobs) < 2500
    assert len(parts_of(redis_client, batch_id)) == 2
    assert batches.get(batch_id, ANONYMOUS).record_bytes < len(large) + 5 * 1800


def test_later_items_share_what_earlier_ones_would_have_brought_that_are_there_already(
    batches: BatchStore, store: JobStore
) -> None:
    batch, _ = batches.open(draft())
    for n in range(2):  # one at a time: they share nothing
        batches.append(batch.id, ANONYMOUS, drafts(1, DIGIT, first=n), first=n)
    known: set[str] = set()
    packs = [batches.pack(batch.id, in_pieces(drafts(2, DIGIT, first=n)), known) for n in (0, 2)]
    assert [
        batches.add(batch.id, ANONYMOUS, pack, first=n) for n, pack in zip((0, 2), packs, strict=True)
    ] == [2, 4]
    assert [job.spec for job in drain(store)] == [JOB_SPEC.validate_python(DIGIT)] * 4


def test_an_item_that_shares_nothing_keeps_all_of_its_own(batches: BatchStore, redis_client: Client) -> None:
    batch_id = start(batches, LATENTS, count=1)
    assert parts_of(redis_client, batch_id) == {}
    (job,) = batches.items(batch_id, ANONYMOUS).items
    assert job.spec == JOB_SPEC.validate_python(LATENTS)


def test_what_is_shared_goes_with_the_batch(
    batches: BatchStore, store: JobStore, redis_client: Client
) -> None:
    batch_id = start(batches, DIGIT)
    item = batches.items(batch_id, ANONYMOUS).items[0]
    batches.cancel(batch_id, ANONYMOUS)
    assert parts_of(redis_client, batch_id)
    batches.delete(batch_id, ANONYMOUS)
    assert parts_of(redis_client, batch_id) == {}
    with pytest.raises(JobGone):
        store.get(item.id, ANONYMOUS)


def test_an_item_whose_batch_is_deleted_while_it_is_read_is_gone(
    batches: BatchStore, store: JobStore, redis_client: Client
) -> None:
    batch_id = start(batches, DIGIT)
    item = batches.items(batch_id, ANONYMOUS).items[0]
    redis_client.delete(f"atelier:batch-parts:{batch_id}")
    redis_client.set(f"atelier:gone:{batch_id}", ANONYMOUS)
    with pytest.raises(JobGone):
        store.get(item.id, ANONYMOUS)
    assert batches.items(batch_id, ANONYMOUS).items == ()


def test_an_older_record_beside_newer_ones_is_read(
    batches: BatchStore, store: JobStore, redis_client: Client
) -> None:
    batch_id = start(batches, DIGIT)
    item = batches.items(batch_id, ANONYMOUS).items[0]
    redis_client.hset(f"atelier:job:{item.id}", mapping={"spec": item.spec.model_dump_json(), "schema": "3"})
    redis_client.hdel(f"atelier:job:{item.id}", "parts")
    assert [job.spec for job in batches.items(batch_id, ANONYMOUS).items] == [item.spec] * 3
    assert len(drain(store)) == 3


def test_files_stay_in_the_item_where_scripts_look_for_them() -> None:
    items = split(in_pieces(drafts(3, KINDS["stylization"])), known=())
    assert all(item.own.count(FILE) == 3 for item in items)
    assert all(item.shared for item in items)
