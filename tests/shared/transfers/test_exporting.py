"""Results at a destination: each once, whole, under one name, and what is there stays as it is."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from shared.batches.transfers import Delivering
from shared.errors import StorageUnavailable
from shared.identifiers import ANONYMOUS
from shared.jobs.job import Job
from shared.jobs.store import JobStore
from shared.places.folder import FolderPlace
from shared.places.objects import is_same
from shared.places.request import Destination, Source
from shared.storage.base import ObjectStore
from shared.transfers import exporting
from shared.transfers.errors import PlaceUnavailable
from tests.support.files import files_below
from tests.support.jobs.batch_steps import items as digit_items
from tests.support.places.transfer_steps import Transferring, bucket_rule, put_photos, result_of, rules_of
from tests.support.s3.servers import RunningServers

ALL = Source(place="in")
NAMED = Destination(place="out", prefix="done", name="{path}{stem}-{style}.{ext}")


def below(folder: Path) -> dict[str, bytes]:
    found = files_below(folder)
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in found if ".atelier" not in path.parts
    }


def begun(moving: Transferring, tmp_path: Path, *names: str, to: Destination = NAMED, **more: Any) -> str:
    put_photos(tmp_path / "in", *names)
    batch_id = moving.open(ALL, to, **more)
    moving.go_on("source", batch_id)
    return batch_id


def state(moving: Transferring, batch_id: str) -> Delivering:
    found = moving.get(batch_id).delivering
    assert found is not None
    return found


def deliveries(moving: Transferring, batch_id: str) -> dict[str, Any]:
    page = moving.batches.items(batch_id, ANONYMOUS, limit=500)
    return {job.custom_id or "": job.delivery for job in page.items}


def key_of_result(moving: Transferring, job: Job) -> str:
    (output,) = moving.store.get(job.id, ANONYMOUS).outputs
    return output.key


def test_results_are_put_as_their_items_end(moving: Transferring, tmp_path: Path) -> None:
    batch_id = begun(moving, tmp_path, "a.png", "deep/b.png")
    (first,) = moving.finish(most=1)
    assert below(tmp_path / "out") == {}  # the record ends first
    moving.go_on("destination", batch_id)
    assert below(tmp_path / "out") == {"done/a-waves.png": result_of(first)}
    assert (state(moving, batch_id).status, state(moving, batch_id).delivered) == ("delivering", 1)
    (second,) = moving.finish()
    moving.go_on("destination", batch_id)
    assert below(tmp_path / "out")["done/deep/b-waves.png"] == result_of(second)
    assert (state(moving, batch_id).status, state(moving, batch_id).delivered) == ("delivered", 2)
    told = deliveries(moving, batch_id)["00001-b-0.5"]
    assert told == {"status": "delivered", "names": ["done/deep/b-waves.png"]}
    assert moving.store.client.zcard("atelier:exports") == 0


def test_of_one_place_few_batches_are_moved_at_once(moving: Transferring) -> None:
    ids = [moving.open(ALL, NAMED) for _ in range(4)]
    taken = moving.transfers.take("destination", 8, {})
    assert taken == [(ids[0], "out"), (ids[1], "out")]
    assert moving.transfers.take("destination", 8, {"out": 2}) == []
    assert moving.transfers.take("source", 1, {"in": 1}) == [(ids[0], "in")]


def test_items_without_results_are_passed_over(moving: Transferring, tmp_path: Path) -> None:
    (tmp_path / "in" / "text.png").write_text("no picture")
    batch_id = begun(moving, tmp_path, "a.png")
    moving.finish()
    moving.go_on("destination", batch_id)
    assert (state(moving, batch_id).status, state(moving, batch_id).delivered) == ("delivered", 1)
    assert deliveries(moving, batch_id)["00001-text-0.5"] is None


def test_a_batch_of_items_has_a_destination_too(moving: Transferring, tmp_path: Path) -> None:
    batch_id = moving.open(None, Destination(place="out"))
    moving.batches.append(batch_id, ANONYMOUS, digit_items(3), first=0)
    moving.batches.finalize(batch_id, ANONYMOUS)
    moving.finish()
    moving.go_on("destination", batch_id)
    assert sorted(below(tmp_path / "out")) == ["n0.png", "n1.png", "n2.png"]


@pytest.mark.parametrize("moment", ["before", "after", "noted"])
def test_a_process_that_dies_puts_nothing_twice_and_loses_nothing(
    moving: Transferring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    batch_id = begun(moving, tmp_path, *(f"{n}.png" for n in range(6)))
    done = moving.finish()
    create, note = FolderPlace.create, moving.transfers.note_delivered
    with monkeypatch.context() as dying:
        if moment == "noted":

            def noted(*what: Any) -> bool:
                note(*what)
                raise SystemExit

            dying.setattr(type(moving.transfers), "note_delivered", lambda _, *what: noted(*what))
        else:

            def put(place: FolderPlace, key: str, data: bytes) -> bool:
                if moment == "after":
                    create(place, key, data)
                raise SystemExit

            dying.setattr(FolderPlace, "create", put)
        with pytest.raises(SystemExit):
            moving.exporter.step(batch_id)
    moving.go_on("destination", batch_id)
    expected = {
        f"done/{job.source.removesuffix('.png')}-waves.png": result_of(job) for job in done if job.source
    }
    assert below(tmp_path / "out") == expected
    assert (state(moving, batch_id).status, state(moving, batch_id).delivered) == ("delivered", 6)


def test_what_another_process_noted_is_not_counted_again(moving: Transferring, tmp_path: Path) -> None:
    batch_id = begun(moving, tmp_path, "a.png")
    (job,) = moving.finish()
    text = json.dumps({"status": "delivered", "names": ["x"]})
    assert moving.transfers.note_delivered(batch_id, 0, [(job.id, text)])
    assert not moving.transfers.note_delivered(batch_id, 0, [(job.id, text)])
    assert state(moving, batch_id).delivered == 1


def test_other_bytes_of_the_name_stay_and_the_result_gets_its_index(
    moving: Transferring, tmp_path: Path
) -> None:
    (tmp_path / "out" / "done").mkdir()
    (tmp_path / "out" / "done" / "a-waves.png").write_bytes(b"somebody's")
    batch_id = begun(moving, tmp_path, "a.png")
    (job,) = moving.finish()
    moving.go_on("destination", batch_id)
    assert below(tmp_path / "out") == {
        "done/a-waves.png": b"somebody's", "done/0~a-waves.png": result_of(job)
    }  # fmt: skip
    assert deliveries(moving, batch_id)["00000-a-0.5"]["names"] == ["done/0~a-waves.png"]


def test_where_both_names_are_taken_the_item_fails_and_the_result_stays_here(
    moving: Transferring, tmp_path: Path
) -> None:
    (tmp_path / "out" / "done").mkdir()
    for name in ("a-waves.png", "0~a-waves.png"):
        (tmp_path / "out" / "done" / name).write_bytes(b"somebody's")
    batch_id = begun(moving, tmp_path, "a.png", "b.png")
    done = {job.source: job for job in moving.finish()}
    moving.go_on("destination", batch_id)
    found = state(moving, batch_id)
    assert (found.status, found.delivered, found.failed) == ("delivery_failed", 1, 1)
    told = deliveries(moving, batch_id)["00000-a-0.5"]
    assert (told["status"], told["error"]["code"]) == ("failed", "name_taken")
    (output,) = moving.store.get(done["a.png"].id, ANONYMOUS).outputs
    assert moving.objects.get(output.key) == result_of(done["a.png"])
    assert set(below(tmp_path / "out").values()) == {b"somebody's", result_of(done["b.png"])}


def test_items_of_one_batch_never_share_a_name(moving: Transferring, tmp_path: Path) -> None:
    plain = Destination(place="out", name="{stem}.{ext}")
    batch_id = begun(moving, tmp_path, "x/a.png", "y/a.png", "a.png", to=plain, strengths=(0.5, 1.0))
    done = moving.finish()
    moving.go_on("destination", batch_id)
    found = below(tmp_path / "out")
    assert sorted(found.values()) == sorted(map(result_of, done))
    names = [told["names"][0] for told in deliveries(moving, batch_id).values()]
    assert sorted(names) == sorted(found)
    assert "a.png" in names


def test_the_same_batch_again_finds_its_results(moving: Transferring, tmp_path: Path) -> None:
    for _ in range(2):
        batch_id = begun(moving, tmp_path, "a.png")
        moving.finish(data=b"always the same")
        moving.go_on("destination", batch_id)
    assert below(tmp_path / "out") == {"done/a-waves.png": b"always the same"}
    assert state(moving, batch_id).status == "delivered"


def test_a_destination_that_is_away_is_told_and_caught_up_with(moving: Transferring, tmp_path: Path) -> None:
    batch_id = begun(moving, tmp_path, "a.png", "b.png")
    done = moving.finish()
    (tmp_path / "out").rename(tmp_path / "away")
    moving.runner.go_on("destination", batch_id)
    obstacle = state(moving, batch_id).obstacle
    assert obstacle is not None
    assert (obstacle.code, obstacle.detail) == ("place_unavailable", "the place out does not answer")
    assert obstacle.retry_at is not None
    assert moving.get(batch_id).status == "completed"
    (output,) = moving.store.get(done[0].id, ANONYMOUS).outputs
    assert moving.objects.get(output.key) == result_of(done[0])
    (tmp_path / "away").rename(tmp_path / "out")
    moving.go_on("destination", batch_id)
    assert (state(moving, batch_id).status, state(moving, batch_id).obstacle) == ("delivered", None)


def test_what_was_put_before_a_failure_is_noted(
    moving: Transferring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = begun(moving, tmp_path, "a.png", "b.png", "c.png")
    moving.finish()
    create = FolderPlace.create

    def fussy(place: FolderPlace, key: str, data: bytes) -> bool:
        if key.startswith("done/b"):
            raise StorageUnavailable
        return create(place, key, data)

    with monkeypatch.context() as failing:
        failing.setattr(FolderPlace, "create", fussy)
        with pytest.raises(PlaceUnavailable):
            moving.exporter.step(batch_id)
    assert state(moving, batch_id).delivered == 1
    moving.go_on("destination", batch_id)
    assert (state(moving, batch_id).delivered, len(below(tmp_path / "out"))) == (3, 3)


def test_a_destination_that_stays_away_is_given_up_and_the_results_are_kept(
    moving: Transferring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "GIVE_UP_SECONDS", 0)
    batch_id = begun(moving, tmp_path, "a.png", "b.png")
    moving.finish()
    (tmp_path / "out").rename(tmp_path / "away")
    moving.runner.go_on("destination", batch_id)
    moving.go_on("destination", batch_id)
    found = state(moving, batch_id)
    assert (found.status, found.delivered, found.failed) == ("delivery_failed", 0, 2)
    told = deliveries(moving, batch_id)["00000-a-0.5"]
    assert told["error"]["code"] == "place_unavailable"
    assert moving.get(batch_id).counts["succeeded"] == 2


def test_a_result_that_is_damaged_or_gone_fails_alone(moving: Transferring, tmp_path: Path) -> None:
    batch_id = begun(moving, tmp_path, "a.png", "b.png", "c.png")
    jobs = {job.source: job for job in moving.finish()}
    moving.objects.put(key_of_result(moving, jobs["a.png"]), b"x")
    moving.objects.delete(key_of_result(moving, jobs["b.png"]))
    moving.runner.go_on("destination", batch_id)
    found = state(moving, batch_id)
    assert (found.status, found.delivered, found.failed) == ("delivery_failed", 1, 2)
    told = deliveries(moving, batch_id)
    assert told["00000-a-0.5"]["error"]["code"] == "object_damaged"
    assert told["00001-b-0.5"]["error"]["code"] == "object_not_found"
    assert below(tmp_path / "out") == {"done/c-waves.png": result_of(jobs["c.png"])}


def test_what_the_own_storage_does_not_give_for_a_day_is_given_up(
    moving: Transferring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = begun(moving, tmp_path, "a.png", "b.png")
    (first, _) = moving.finish()
    lost, get = key_of_result(moving, first), type(moving.objects).get

    def broken(objects: ObjectStore, key: str) -> bytes:
        if key == lost:
            raise StorageUnavailable(inside="an input/output error")
        return get(objects, key)  # type: ignore[arg-type]

    monkeypatch.setattr(type(moving.objects), "get", broken)
    for _ in range(2):
        moving.runner.go_on("destination", batch_id)
        assert state(moving, batch_id).status == "delivering"
    assert failures(moving, batch_id) == 2
    monkeypatch.setattr(exporting, "GIVE_UP_SECONDS", 0)
    moving.go_on("destination", batch_id)
    assert (state(moving, batch_id).status, state(moving, batch_id).failed) == ("delivery_failed", 2)
    assert deliveries(moving, batch_id)["00000-a-0.5"]["error"]["code"] == "storage_unavailable"


def test_failures_before_something_came_do_not_count(moving: Transferring, tmp_path: Path) -> None:
    batch_id = begun(moving, tmp_path, "a.png", "b.png")
    moving.finish(most=1)
    (tmp_path / "out").rename(tmp_path / "away")
    moving.runner.go_on("destination", batch_id)
    assert failures(moving, batch_id) == 1
    (tmp_path / "away").rename(tmp_path / "out")
    moving.exporter.step(batch_id)
    assert failures(moving, batch_id) == 0
    assert state(moving, batch_id).obstacle is None


def failures(moving: Transferring, batch_id: str) -> int:
    found = moving.transfers.read("destination", batch_id)
    assert found is not None
    return found.tries


def test_a_batch_does_not_expire_before_its_results_are_there(
    moving: Transferring, tmp_path: Path, store: JobStore
) -> None:
    batch_id = begun(moving, tmp_path, "a.png")
    moving.finish()
    long_ago = {batch_id: 1}
    store.client.zadd("atelier:expiring", long_ago)
    store.expire()
    assert moving.get(batch_id).status == "completed"
    moving.go_on("destination", batch_id)
    store.client.zadd("atelier:expiring", long_ago)
    store.expire()
    assert moving.transfers.read("destination", batch_id) is None


def test_a_deleted_batch_is_not_delivered(moving: Transferring, tmp_path: Path) -> None:
    batch_id = begun(moving, tmp_path, "a.png")
    moving.finish()
    moving.batches.delete(batch_id, ANONYMOUS)
    assert not moving.exporter.step(batch_id)
    assert below(tmp_path / "out") == {}


def test_items_that_go_again_are_delivered_too(moving: Transferring, tmp_path: Path) -> None:
    batch_id = begun(moving, tmp_path, "a.png")
    (job,) = moving.store.claim_next("w")
    moving.store.fail(job.id, job.attempt, StorageUnavailable())
    moving.go_on("destination", batch_id)
    assert state(moving, batch_id).status == "delivered"
    moving.batches.retry_failed(batch_id, ANONYMOUS)
    assert state(moving, batch_id).status == "delivering"
    assert moving.transfers.take("destination", 8, {}) == [(batch_id, "out")]
    (again,) = moving.finish()
    moving.go_on("destination", batch_id)
    assert below(tmp_path / "out") == {"done/a-waves.png": result_of(again)}


def test_a_bucket_is_a_destination_and_a_source(
    s3: RunningServers, store: JobStore, objects: ObjectStore, tmp_path: Path
) -> None:
    rules = {**rules_of(tmp_path), "bucket": bucket_rule(s3("seaweedfs"))}
    moving = Transferring(store, objects, rules)
    to_bucket = Destination(place="bucket", prefix="done", name="{stem}.{ext}")
    batch_id = begun(moving, tmp_path, "a.png", "b.png", to=to_bucket)
    png = (tmp_path / "in" / "a.png").read_bytes()
    moving.finish(data=png)
    moving.go_on("destination", batch_id)
    assert state(moving, batch_id).delivered == 2
    bucket = moving.exporter.places.open("bucket", ANONYMOUS, "read")
    assert is_same(bucket, "done/a.png", png)
    back = moving.open(Source(place="bucket", prefix="done", match="*.png"))
    assert moving.go_on("source", back).counts["queued"] == 2


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"url": "s3://no-such-bucket/x"}, "does not answer"),
        ({"options": {"secret_access_key": SecretStr("wrong")}}, "refuses"),
        ({"options": {"endpoint": SecretStr("http://127.0.0.1:9")}}, "does not answer"),
    ],
)
def test_a_bucket_that_is_of_no_use_is_told_and_tried_again(
    s3: RunningServers,
    store: JobStore,
    objects: ObjectStore,
    tmp_path: Path,
    change: dict[str, Any],
    says: str,
) -> None:
    rule = bucket_rule(s3("seaweedfs"))
    options = {**rule.options, **change.get("options", {})}
    wrong = rule.model_copy(update={**change, "options": options})
    moving = Transferring(store, objects, {**rules_of(tmp_path), "bucket": wrong})
    batch_id = begun(moving, tmp_path, "a.png", to=Destination(place="bucket"))
    moving.finish()
    back = moving.open(Source(place="bucket"))
    moving.runner.go_on("destination", batch_id)
    moving.runner.go_on("source", back)
    for end in (moving.get(batch_id).delivering, moving.get(back).reading):
        assert end is not None
        assert end.obstacle is not None
        assert end.obstacle.retry_at is not None
        assert end.obstacle.detail == f"the place bucket {says}"
