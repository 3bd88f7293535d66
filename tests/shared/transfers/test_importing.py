"""A source's pictures become items: all of them, each once, whichever process dies between."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shared.batches.batch import BatchStatus
from shared.batches.store import BatchStore
from shared.batches.transfers import Obstacle
from shared.errors import OutOfDisk, QuotaExceeded, StorageUnavailable, StoreUnavailable
from shared.identifiers import ANONYMOUS
from shared.jobs.job import Job
from shared.jobs.status import Status
from shared.jobs.store import JobStore
from shared.places.catalog import Places, PlaceUnknown
from shared.places.folder import FolderPlace
from shared.places.request import Source
from shared.setting_groups import BatchRules, JobRules, QuotaRules
from shared.storage.base import ObjectStore
from shared.transfers import importing
from shared.transfers.errors import PlaceUnavailable, SourceTooLarge
from shared.transfers.store import Kind
from tests.support.images import pictures
from tests.support.places.transfer_steps import LIMITS, Transferring, put_photos, rules_of

ALL = Source(place="in")
KINDS: tuple[tuple[Kind, str], ...] = (("source", "imports"), ("destination", "exports"))


def items(moving: Transferring, batch_id: str) -> list[Job]:
    return list(moving.batches.items(batch_id, ANONYMOUS, limit=500).items)


def names(moving: Transferring, batch_id: str) -> list[str | None]:
    return [job.source for job in items(moving, batch_id)]


def test_each_picture_becomes_an_item_in_the_order_of_names(moving: Transferring, tmp_path: Path) -> None:
    put_photos(tmp_path / "in", "b.png", "2026/c.png", "a.png", "notes.txt")
    batch_id = moving.open(Source(place="in", match="*.png"))
    assert moving.get(batch_id).reading.status == "listing"  # type: ignore[union-attr]
    batch = moving.go_on("source", batch_id)
    assert names(moving, batch_id) == ["2026/c.png", "a.png", "b.png"]
    assert [job.custom_id for job in items(moving, batch_id)] == ["00000-c-0.5", "00001-a-0.5", "00002-b-0.5"]
    assert batch.reading is not None
    assert (batch.reading.status, batch.reading.found, batch.status) == ("done", 3, BatchStatus.RUNNING)
    assert len(moving.finish()) == 3
    assert moving.get(batch_id).status is BatchStatus.COMPLETED


def test_a_template_makes_several_items_of_each_picture(moving: Transferring, tmp_path: Path) -> None:
    put_photos(tmp_path / "in", *(f"{n:02d}.png" for n in range(40)))
    batch_id = moving.open(ALL, strengths=(0.5, 1.0, 0.25))
    assert moving.go_on("source", batch_id).counts["total"] == 120
    found = items(moving, batch_id)
    assert [(job.source, job.spec.strength) for job in found[:4]] == [  # type: ignore[union-attr]
        ("00.png", 0.5), ("00.png", 1.0), ("00.png", 0.25), ("01.png", 0.5)
    ]  # fmt: skip
    assert len({job.spec.content for job in found}) == 40  # type: ignore[union-attr]


def test_what_is_of_no_use_fails_by_itself_and_is_named(moving: Transferring, tmp_path: Path) -> None:
    put_photos(tmp_path / "in", "good.png")
    (tmp_path / "in" / "text.png").write_text("no picture")
    (tmp_path / "in" / "empty.png").write_bytes(b"")
    (tmp_path / "in" / "large.png").write_bytes(b"\x89PNG" * LIMITS.max_body_bytes)
    (tmp_path / "in" / "tiny.png").write_bytes(pictures.png(2, 2))
    batch_id = moving.open(ALL)
    batch = moving.go_on("source", batch_id)
    assert {name: batch.counts[name] for name in ("total", "queued", "failed")} == {
        "total": 5, "queued": 1, "failed": 4
    }  # fmt: skip
    errors = {job.source: job.error for job in items(moving, batch_id) if job.error}
    codes = {name: error["code"] for name, error in errors.items()}
    assert codes == {
        "text.png": "unsupported_image_format",
        "empty.png": "unsupported_image_format",
        "large.png": "body_too_large",
        "tiny.png": "image_too_small",
    }
    assert all(error["detail"].startswith(f"{name}: ") for name, error in errors.items())
    assert len(moving.finish()) == 1
    assert moving.get(batch_id).status is BatchStatus.COMPLETED


def test_a_large_file_is_not_read(
    moving: Transferring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in" / "large.png").write_bytes(b"x" * (LIMITS.max_body_bytes + 1))
    batch_id = moving.open(ALL)
    moving.importer.step(batch_id)
    monkeypatch.setattr("shared.places.folder.FolderPlace.read", None)
    assert moving.go_on("source", batch_id).counts["failed"] == 1


def test_a_picture_that_goes_after_it_was_listed_fails_alone(moving: Transferring, tmp_path: Path) -> None:
    put_photos(tmp_path / "in", "a.png", "b.png")
    batch_id = moving.open(ALL)
    moving.importer.step(batch_id)
    (tmp_path / "in" / "a.png").unlink()
    put_photos(tmp_path / "in", "c.png")
    batch = moving.go_on("source", batch_id)
    assert (batch.counts["total"], batch.counts["failed"]) == (2, 1)
    assert names(moving, batch_id) == ["a.png", "b.png"]


@pytest.mark.parametrize("dies_at", range(1, 9))
def test_a_process_that_dies_anywhere_loses_and_doubles_nothing(
    moving: Transferring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_at: int
) -> None:
    put_photos(tmp_path / "in", *(f"{n:02d}.png" for n in range(20)))
    batch_id = moving.open(ALL, strengths=(0.5, 1.0))
    run, calls = moving.store.scripts.run, 0

    def mortal(name: str, *arguments: Any) -> Any:
        nonlocal calls
        calls += name.startswith(("transfers/", "batches/"))
        if calls == dies_at:
            raise SystemExit
        answer = run(name, *arguments)
        calls += name.startswith(("transfers/", "batches/"))
        if calls == dies_at:
            raise SystemExit
        return answer

    with monkeypatch.context() as dying:
        dying.setattr(type(moving.store.scripts), "run", lambda _, *args: mortal(*args))
        with pytest.raises(SystemExit):
            moving.go_on("source", batch_id)
    batch = moving.go_on("source", batch_id)
    assert batch.counts["total"] == 40
    assert names(moving, batch_id) == [f"{n:02d}.png" for n in range(20) for _ in range(2)]
    assert batch.reading is not None
    assert batch.reading.status == "done"


def test_a_process_that_dies_among_the_items_of_a_picture_loses_none(
    moving: Transferring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_photos(tmp_path / "in", *(f"{n:02d}.png" for n in range(16)))
    strengths = tuple(n / 32 for n in range(30))
    batch_id = moving.open(ALL, strengths=strengths)
    moving.importer.step(batch_id)
    add = BatchStore.add

    def mortal(*what: Any, **where: Any) -> int:
        add(*what, **where)
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(BatchStore, "add", mortal)
        with pytest.raises(SystemExit):
            moving.importer.step(batch_id)
    assert moving.get(batch_id).counts["total"] == 200  # six pictures, and twenty items of the seventh
    moving.go_on("source", batch_id)
    made = [(job.source, job.spec.strength) for job in items(moving, batch_id)]  # type: ignore[union-attr]
    assert made == [(f"{n:02d}.png", strength) for n in range(16) for strength in strengths]


def test_two_processes_at_once_do_no_harm(
    moving: Transferring, store: JobStore, objects: ObjectStore, tmp_path: Path
) -> None:
    put_photos(tmp_path / "in", *(f"{n:02d}.png" for n in range(40)))
    batch_id = moving.open(ALL)
    other = Transferring(store, objects, rules_of(tmp_path))
    while moving.importer.step(batch_id) and other.importer.step(batch_id):
        other.importer.step(batch_id)
    assert names(moving, batch_id) == [f"{n:02d}.png" for n in range(40)]


def test_a_late_listing_changes_nothing(moving: Transferring, tmp_path: Path) -> None:
    put_photos(tmp_path / "in", "a.png")
    batch_id = moving.open(ALL)
    assert moving.transfers.begin_listing(batch_id, "late")
    assert moving.transfers.add_listed(batch_id, "late", ["9 y.png"])
    assert moving.transfers.begin_listing(batch_id, "new")
    assert not moving.transfers.add_listed(batch_id, "late", ["9 z.png"])
    assert moving.transfers.add_listed(batch_id, "new", ["9 a.png"])
    assert not moving.transfers.end_listing(batch_id, "late", 99)
    assert moving.transfers.listed(batch_id, 0, 9) == ["9 a.png"]
    assert moving.go_on("source", batch_id).counts["total"] == 1


def test_few_are_taken_ahead(moving: Transferring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MOST_AHEAD", 10)
    put_photos(tmp_path / "in", *(f"{n:02d}.png" for n in range(60)))
    batch_id = moving.open(ALL)
    assert moving.go_on("source", batch_id).counts["total"] == 16
    assert moving.go_on("source", batch_id).counts["total"] == 16
    moving.finish()
    assert moving.go_on("source", batch_id).counts["total"] == 32


# Limits, quotas, and what is refused.


def test_a_source_with_more_than_a_batch_may_have_starts_nothing(
    store: JobStore, objects: ObjectStore, tmp_path: Path
) -> None:
    moving = Transferring(store, objects, rules_of(tmp_path), BatchRules(max_items=5))
    put_photos(tmp_path / "in", "a.png", "b.png", "c.png")
    batch_id = moving.open(ALL, strengths=(0.5, 1.0))
    batch = moving.go_on("source", batch_id)
    assert batch.status is BatchStatus.CANCELED
    assert batch.counts["total"] == 0
    assert batch.reading is not None
    assert batch.reading.status == "failed"
    assert batch.reading.obstacle == Obstacle(
        "source_too_large", "more than 2 pictures match; a batch may have 5 items (max_items)", None
    )


def test_what_its_results_come_to_is_bounded(store: JobStore, objects: ObjectStore, tmp_path: Path) -> None:
    moving = Transferring(store, objects, rules_of(tmp_path), BatchRules(max_gigapixels=0.00002))
    put_photos(tmp_path / "in", *(f"{n:02d}.png" for n in range(40)))
    batch_id = moving.open(ALL)
    batch = moving.go_on("source", batch_id)
    assert (batch.counts["total"], batch.counts["queued"]) == (16, 16)
    assert batch.reading is not None
    assert batch.reading.status == "failed"
    assert "max_gigapixels" in batch.reading.obstacle.detail  # type: ignore[union-attr]
    assert len(moving.finish()) == 16
    assert moving.get(batch_id).status is BatchStatus.COMPLETED


def test_a_spent_quota_is_told_and_waited_for(
    redis_client: Any, objects: ObjectStore, tmp_path: Path, rules: JobRules
) -> None:
    store = JobStore(redis_client, rules, QuotaRules(queued=16))
    moving = Transferring(store, objects, rules_of(tmp_path))
    put_photos(tmp_path / "in", *(f"{n:02d}.png" for n in range(20)))
    batch_id = moving.open(ALL)
    with pytest.raises(QuotaExceeded):
        moving.go_on("source", batch_id)
    moving.runner.go_on("source", batch_id)
    obstacle = moving.get(batch_id).reading.obstacle  # type: ignore[union-attr]
    assert obstacle is not None
    assert (obstacle.code, obstacle.retry_at is not None) == ("quota_exceeded", True)
    moving.finish()
    batch = moving.go_on("source", batch_id)
    assert batch.counts["total"] == 20
    assert batch.reading.obstacle is None  # type: ignore[union-attr]


def test_a_full_disk_is_no_fault_of_a_picture(
    moving: Transferring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_photos(tmp_path / "in", "a.png")
    batch_id = moving.open(ALL)
    moving.importer.step(batch_id)

    def full(*_: Any) -> None:
        raise OutOfDisk

    with monkeypatch.context() as filled:
        filled.setattr(type(moving.objects), "put", full)
        with pytest.raises(OutOfDisk):
            moving.importer.step(batch_id)
    assert moving.go_on("source", batch_id).counts["queued"] == 1


def test_a_place_that_is_away_is_tried_again_with_growing_pauses(
    moving: Transferring, tmp_path: Path
) -> None:
    put_photos(tmp_path / "in", "a.png")
    batch_id = moving.open(ALL)
    (tmp_path / "in").rename(tmp_path / "away")
    with pytest.raises(PlaceUnavailable, match="the place in does not answer"):
        moving.importer.step(batch_id)
    pauses = []
    for _ in range(4):
        now = moving.get(batch_id).created_at
        moving.runner.go_on("source", batch_id)
        reading = moving.get(batch_id).reading
        assert reading is not None
        assert reading.obstacle is not None
        assert (reading.obstacle.code, reading.obstacle.detail) == (
            "place_unavailable", "the place in does not answer"
        )  # fmt: skip
        pauses.append((reading.obstacle.retry_at or 0) - now)
    assert pauses[0] >= 2000
    assert pauses[3] >= 16_000
    assert moving.transfers.take("source", 8, {}) == []
    (tmp_path / "away").rename(tmp_path / "in")
    assert moving.go_on("source", batch_id).counts["total"] == 1


def test_a_place_that_the_operator_takes_away_is_told(
    moving: Transferring, store: JobStore, objects: ObjectStore, tmp_path: Path
) -> None:
    batch_id = moving.open(ALL)
    other = Transferring(store, objects, {})
    with pytest.raises(PlaceUnknown):
        other.importer.step(batch_id)
    moving.importer = replace(moving.importer, places=Places({}))
    other.runner.go_on("source", batch_id)
    assert moving.get(batch_id).reading.obstacle.code == "place_unknown"  # type: ignore[union-attr]


@pytest.mark.parametrize("end", ["cancel", "delete"])
def test_a_batch_that_is_withdrawn_takes_no_more(moving: Transferring, tmp_path: Path, end: str) -> None:
    put_photos(tmp_path / "in", *(f"{n:02d}.png" for n in range(40)))
    batch_id = moving.open(ALL)
    assert moving.importer.step(batch_id)
    assert moving.importer.step(batch_id)
    moving.batches.cancel(batch_id, ANONYMOUS)
    if end == "delete":
        moving.batches.delete(batch_id, ANONYMOUS)
        assert not moving.importer.step(batch_id)
    else:
        reading = moving.go_on("source", batch_id).reading
        assert reading is not None
        assert (reading.status, reading.obstacle.code) == (  # type: ignore[union-attr]
            "failed", "batch_canceled"
        )  # fmt: skip
    keys = moving.store.client.keys("*batch-listing*") + moving.store.client.keys("*batch-templates*")
    assert keys == []
    assert moving.store.client.zcard("atelier:imports") == 0


def test_an_empty_source_completes_at_once(moving: Transferring) -> None:
    batch = moving.go_on("source", moving.open(ALL))
    assert (batch.status, batch.counts["total"]) == (BatchStatus.COMPLETED, 0)


def test_a_refused_item_is_not_tried_again(moving: Transferring, tmp_path: Path) -> None:
    (tmp_path / "in" / "text.png").write_text("no picture")
    put_photos(tmp_path / "in", "a.png")
    batch_id = moving.open(ALL)
    moving.go_on("source", batch_id)
    (job,) = moving.store.claim_next("w")
    moving.store.fail(job.id, job.attempt, StoreUnavailable("for a moment"))
    assert moving.batches.retry_failed(batch_id, ANONYMOUS) == 1
    (again,) = moving.store.claim_next("w")
    assert (again.source, again.style_label) == ("a.png", "waves")
    assert {job.status for job in items(moving, batch_id)} == {Status.RUNNING, Status.FAILED}


# A place that refuses, and a batch that goes meanwhile.


def refusing(monkeypatch: pytest.MonkeyPatch, *refused: str) -> None:
    read = FolderPlace.read

    def some(place: FolderPlace, key: str, most: int) -> bytes:
        if not refused or key in refused:
            raise StorageUnavailable(inside=f"at {key}: InvalidObjectState") from PermissionError()
        return read(place, key, most)

    monkeypatch.setattr(FolderPlace, "read", some)


@pytest.mark.parametrize("refused", [["05.png"], ["00.png"], ["39.png"], [f"{n:02d}.png" for n in range(20)]])
def test_pictures_that_a_place_refuses_fail_after_some_tries_and_the_others_go_on(
    moving: Transferring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: list[str]
) -> None:
    put_photos(tmp_path / "in", *(f"{n:02d}.png" for n in range(40)))
    batch_id = moving.open(ALL)
    refusing(monkeypatch, *refused)
    with pytest.raises(PlaceUnavailable, match="the place in refuses"):
        moving.go_on("source", batch_id)
    assert moving.get(batch_id).counts["queued"] == int(refused[0].removesuffix(".png"))  # those before it
    for _ in range(40):
        moving.runner.go_on("source", batch_id)
        batch = moving.get(batch_id)
        if batch.finalized_at is not None:
            break
    assert (batch.counts["total"], batch.counts["failed"]) == (40, len(refused))
    assert batch.reading is not None
    assert (batch.reading.status, batch.reading.obstacle) == ("done", None)
    errors = {job.source: job.error for job in items(moving, batch_id) if job.error}
    assert sorted(errors) == refused  # type: ignore[type-var]
    assert errors[refused[0]]["code"] == "place_unavailable"
    assert errors[refused[0]]["detail"].startswith(f"{refused[0]}: the place in refuses")


def test_a_place_that_refuses_all_is_waited_for(
    moving: Transferring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_photos(tmp_path / "in", *(f"{n:02d}.png" for n in range(20)))
    batch_id = moving.open(ALL)
    with monkeypatch.context() as away:
        refusing(away)
        for _ in range(importing.TRIES * 2):
            moving.runner.go_on("source", batch_id)
    assert moving.get(batch_id).counts["total"] == 0
    moving.runner.go_on("source", batch_id)
    assert moving.get(batch_id).counts["queued"] == 20


@pytest.mark.parametrize("count", [0, 16])
def test_a_source_that_is_given_up_after_a_time_leaves_what_was_taken(
    moving: Transferring, tmp_path: Path, count: int
) -> None:
    put_photos(tmp_path / "in", *(f"{n:02d}.png" for n in range(40)))
    batch_id = moving.open(ALL)
    for _ in range(1 + count // 16):
        moving.importer.step(batch_id)
    (tmp_path / "in").rename(tmp_path / "away")
    moving.runner.go_on("source", batch_id)
    moving.store.client.zadd("atelier:open-batches", {batch_id: 1}, xx=True)
    moving.batches.clean_up()
    batch = moving.get(batch_id)
    assert (batch.status, batch.counts["queued"]) == (BatchStatus.OPEN, count)
    assert batch.reading is not None
    assert batch.reading.status == "reading"
    moving.store.client.hset(f"atelier:batch:{batch_id}", "source_since", 1)
    moving.runner.go_on("source", batch_id)
    batch = moving.get(batch_id)
    assert batch.status is (BatchStatus.RUNNING if count else BatchStatus.CANCELED)
    assert (batch.counts["total"], batch.counts["queued"]) == (count, count)
    assert batch.reading is not None
    assert batch.reading.status == "failed"
    assert batch.reading.obstacle == Obstacle("place_unavailable", "the place in does not answer", None)


def test_a_batch_that_is_gone_is_not_made_anew(moving: Transferring) -> None:
    batch_id = moving.open(ALL)
    moving.batches.cancel(batch_id, ANONYMOUS)
    moving.batches.delete(batch_id, ANONYMOUS)
    assert moving.transfers.read("source", batch_id) is None
    moving.transfers.note_final(batch_id, SourceTooLarge("late"))
    for kind, name in KINDS:
        moving.store.client.zadd(f"atelier:{name}", {batch_id: 1})  # a process that took it before
        moving.transfers.postpone(kind, batch_id, 1, PlaceUnavailable(), failing=True)
        moving.transfers.postpone(kind, batch_id, 1, PlaceUnavailable())
        moving.transfers.finish(kind, batch_id, "{}")
    moving.transfers.begin_listing(batch_id, "late")
    moving.transfers.note_delivered(batch_id, 0, [("job_x", "{}")])
    assert moving.store.client.keys(f"atelier:batch*:{batch_id}") == []
