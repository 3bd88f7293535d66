"""Pages of large records: shorter, and nothing is left out or told twice."""

import pytest

from shared.batches.store import BatchStore
from shared.identifiers import ANONYMOUS
from shared.jobs import reading
from shared.jobs.reading import PageReader
from shared.jobs.status import Status
from shared.jobs.store import JobStore
from tests.support.jobs.batch_steps import begin, drain, fail, finish
from tests.support.jobs.job_steps import submit


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGE_BYTES", 2500)  # two or three records


def test_a_page_ends_with_the_record_that_fills_it(store: JobStore) -> None:
    ids = [submit(store) for _ in range(9)]
    reader = PageReader(store.scripts)
    some = reader.read(ids)
    assert [job.id for job in some if job] == ids[: len(some)]
    assert 1 < len(some) < 9
    assert reader.is_full
    assert reader.read(ids) == []


def test_a_record_that_is_gone_takes_no_room(store: JobStore) -> None:
    known = submit(store)
    reader = PageReader(store.scripts)
    jobs = reader.read(["none", known, *["none"] * 60])
    assert [job.id if job else None for job in jobs] == [None, known, *[None] * 60]
    assert not reader.is_full


def test_a_record_larger_than_a_page_is_a_page(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGE_BYTES", 1)
    ids = [submit(store), submit(store)]
    assert [job.id for job in PageReader(store.scripts).read(ids) if job] == ids[:1]


def test_items_are_all_listed_over_short_pages(store: JobStore, batches: BatchStore) -> None:
    batch_id = begin(batches, 12)
    for job in drain(store)[::2]:
        fail(store, job)
    for status, wanted in ((None, list(range(12))), (Status.FAILED, [0, 2, 4, 6, 8, 10])):
        found, cursor, pages = [], None, 0
        while pages == 0 or cursor is not None:
            page = batches.items(batch_id, ANONYMOUS, status=status, cursor=cursor)
            found += [job.index for job in page.items]
            cursor, pages = page.next_cursor, pages + 1
        assert found == wanted
        assert pages > 1


def test_results_are_all_told_over_short_pages(store: JobStore, batches: BatchStore) -> None:
    batch_id = begin(batches, 12)
    for job in drain(store):
        finish(store, job)
    found, after, pages = [], 0, 0
    while True:
        page = batches.finished(batch_id, ANONYMOUS, after=after)
        found += [job.index for job in page.items]
        after, pages = page.next, pages + 1
        if page.is_last:
            break
    assert (found, after) == (list(range(12)), 12)
    assert pages > 2
    assert batches.finished(batch_id, ANONYMOUS, after=after).is_last
