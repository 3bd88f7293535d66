"""Chains in a backup: what waits goes on waiting, and what was taken is there."""

from pathlib import Path

from api.services import Services
from shared.batches.batch import ItemDraft
from shared.identifiers import ANONYMOUS
from shared.jobs.status import Status
from shared.maintenance.garbage import Garbage
from tests.atelier.backup.test_backup import bring_back, take
from tests.support.jobs.batch_steps import counts, draft
from tests.support.jobs.chain_steps import make, output_of, paint, painting
from tests.support.jobs.fake_worker import PICTURE
from tests.support.jobs.job_steps import claim, status, submit


def move(old: Services, new: Services, folder: Path) -> None:
    take(old, folder / "atelier.tar")
    bring_back(new, folder / "atelier.tar")


def test_a_chain_goes_on_after_a_restore(services: Services, empty: Services, tmp_path: Path) -> None:
    parent = submit(services.store)
    child = paint(services.store, parent)
    grandchild = paint(services.store, child)
    move(services, empty, tmp_path)
    store = empty.store
    store.settle()
    assert [store.claim(job_id, "w1") for job_id in (child, grandchild)] == [None, None]
    for job_id in (parent, child, grandchild):
        make(store, empty.objects, claim(store, job_id))
    assert status(store, grandchild) is Status.SUCCEEDED


def test_what_a_child_had_taken_is_there_though_its_parent_is_deleted(
    services: Services, empty: Services, tmp_path: Path
) -> None:
    parent = submit(services.store)
    make(services.store, services.objects, claim(services.store, parent), PICTURE)
    child = paint(services.store, parent)
    services.store.delete(parent, ANONYMOUS)
    move(services, empty, tmp_path)
    running = claim(empty.store, child)
    assert empty.objects.get(running.inputs[output_of(parent)]) == PICTURE
    make(empty.store, empty.objects, running)
    Garbage(empty.store.client, empty.objects).sweep()
    assert [key.split("/")[1] for key in empty.objects.keys("outputs/")] == [child]
    held = empty.store.client.hget(f"atelier:holdings:{ANONYMOUS}", "stored_bytes")
    assert int(held or 0) == 4096


def test_a_child_whose_parent_the_backup_lacks_fails_with_its_name(
    services: Services, empty: Services, tmp_path: Path
) -> None:
    parent = submit(services.store)
    child = paint(services.store, parent)
    services.store.client.delete(f"atelier:job:{parent}")  # between the two reads
    move(services, empty, tmp_path)
    empty.store.settle()
    error = empty.store.get(child, ANONYMOUS).error
    assert error is not None
    assert error["detail"] == f"the job {parent}, whose output it takes, is gone"


def test_items_of_a_batch_go_on_waiting(services: Services, empty: Services, tmp_path: Path) -> None:
    parent, batches = submit(services.store), services.batches
    batch_id = batches.open(draft())[0].id
    drafts = [ItemDraft(f"n{n}", painting(output_of(parent), lane="bulk")) for n in range(3)]
    batches.append(batch_id, ANONYMOUS, drafts, first=0)
    batches.finalize(batch_id, ANONYMOUS)
    move(services, empty, tmp_path)
    make(empty.store, empty.objects, claim(empty.store, parent))
    empty.store.settle()
    while jobs := empty.store.claim_next("w1"):
        for job in jobs:
            make(empty.store, empty.objects, job)
    assert counts(empty.batches, batch_id) == {"total": 3, "succeeded": 3}
