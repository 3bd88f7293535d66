"""Batches through the client, against a real API over real sockets."""

import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.services import Services
from atelier import (
    ApiError,
    BatchRun,
    BatchWebhook,
    Client,
    Encoding,
    GenerateRequest,
    Grid,
    NotSaved,
    ProtocolError,
    WaitTimeout,
)
from atelier.client import batches
from atelier.client.batch import batch_from_json
from atelier.client.downloads import place_of
from shared.identifiers import ANONYMOUS
from shared.jobs.status import Status
from tests.support.http.trouble import Trouble
from tests.support.jobs.fake_worker import PICTURE, FakeWorker

DIGIT = GenerateRequest(seed=7, digit=3)


def carry_out(
    services: Services, worker: FakeWorker, run: BatchRun, *, failing: tuple[int, ...] = ()
) -> None:
    """Carry out every queued item."""
    for job in services.batches.items(run.id, ANONYMOUS, status=Status.QUEUED).items:
        claimed = worker.claim(job.id)
        if int(job.id.split("-")[1]) in failing:
            worker.fail(claimed)
        else:
            worker.succeed(claimed)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "ITEMS_A_REQUEST", 2)


def test_results_come_as_the_items_end(client: Client, services: Services, worker: FakeWorker) -> None:
    run = client.batches.create(
        [DIGIT, {"type": "generate", "custom_id": "b"}], name="two", metadata={"a": "b"}
    )
    assert (run.batch.name, run.batch.counts["total"], run.batch.metadata) == ("two", 2, {"a": "b"})
    working = threading.Timer(0.1, carry_out, (services, worker, run))
    working.start()
    results = list(run)
    working.join()
    assert [(item.custom_id, item.status) for item in results] == [("0", "succeeded"), ("b", "succeeded")]
    assert run.download(results[0]) == PICTURE
    assert run.refresh().done


def test_an_estimate_tells_amounts_and_problems(client: Client, services: Services) -> None:
    job = client.jobs.estimate(GenerateRequest(count=3))
    assert (job.accepted, job.items, job.pictures, job.pixels) == (True, 1, 3, 3 * 784)
    items = [DIGIT, {"type": "generate", "digit": 77}]
    told = client.batches.estimate(items, name="digits", lane="interactive")
    assert (told.accepted, told.items, told.refused_items, told.pixels) == (False, 2, 1, 784)
    (problem,) = told.problems
    assert (problem.status, problem.code, problem.errors[0].pointer) == (
        422,
        "invalid_request",
        "/items/1/digit",
    )
    template = client.batches.estimate(template={"type": "generate", "multiply": {"seed": [1, 2, 3]}})
    assert (template.accepted, template.items, template.work_seconds) == (True, 3, None)
    assert (list(client.jobs.list(items=True)), list(client.batches.list())) == ([], [])


def test_an_iteration_ends_with_the_sample_and_goes_on_after_it(
    client: Client, services: Services, worker: FakeWorker
) -> None:
    run = client.batches.create([DIGIT] * 5, sample=2)
    working = threading.Timer(0.1, carry_out_claims, (services, worker))
    working.start()
    assert [item.index for item in run] == [0, 1]
    working.join()
    assert (run.batch.status, run.batch.stopped_by, run.batch.sample) == ("paused", "sample", 2)
    assert list(run) == []
    assert run.resume().stopped_by is None
    carry_out_claims(services, worker)
    assert [item.index for item in run] == [2, 3, 4]


def carry_out_claims(services: Services, worker: FakeWorker) -> None:
    """Carry out what may be claimed."""
    while claimed := services.store.claim_next("w"):
        for job in claimed:
            worker.succeed(job)


def test_jobs_and_batches_are_pinned(client: Client) -> None:
    job, run = client.jobs.create(DIGIT), client.batches.create([DIGIT])
    assert client.jobs.pin(job).pinned_at is not None
    assert run.pin().pinned_at is not None
    assert (client.jobs.unpin(job).pinned_at, run.unpin().pinned_at) == (None, None)


def test_items_may_be_given_by_custom_id(client: Client) -> None:
    run = client.batches.create({"x": DIGIT, "y": {"type": "generate"}})
    client.batches.get(run.id).cancel()
    assert [item.custom_id for item in run] == ["x", "y"]


def test_a_template_makes_the_items(client: Client) -> None:
    run = client.batches.create(
        template={"type": "generate", "multiply": {"digit": [1, 2], "seed": [1, 2, 3]}}
    )
    assert run.batch.counts["total"] == 6


Ask = Callable[..., BatchRun]
FORMS: dict[str, Callable[[Client], Ask]] = {
    "list": lambda client: partial(client.batches.create, [DIGIT]),
    "mapping": lambda client: partial(client.batches.create, {"x": DIGIT}),
    "pages": lambda client: partial(client.batches.create, iter([DIGIT] * 7)),
    "template": lambda client: partial(
        client.batches.create, template={"type": "generate", "multiply": {"seed": [1]}}
    ),
    "open": lambda client: client.batches.open,
}
WEBHOOKS: list[tuple[Any, list[str] | None]] = [
    (BatchWebhook(url="https://receiver.example/told"), None),
    (BatchWebhook(url="https://receiver.example/told", events=("batch.completed",)), ["batch.completed"]),
    ({"url": "https://receiver.example/told"}, None),
]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize(("webhook", "events"), WEBHOOKS, ids=["typed", "typed-events", "plain"])
@pytest.mark.usefixtures("small_pages")
def test_every_form_of_a_batch_takes_a_webhook(
    client: Client, services: Services, form: Callable[[Client], Ask], webhook: Any, events: list[str] | None
) -> None:
    run = form(client)(webhook=webhook)
    kept = json.loads(services.store.client.hget(f"atelier:batch:{run.id}", "webhook") or "{}")
    assert kept["url"] == "https://receiver.example/told"
    assert events is None or list(kept["events"]) == events


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.usefixtures("small_pages")
def test_every_form_of_a_batch_takes_every_setting(client: Client, form: Callable[[Client], Ask]) -> None:
    settings = {"name": "Größe & 100 %", "metadata": {"a": "b & c"}, "lane": "interactive"}
    run = form(client)(**settings, ttl_seconds=3600, deadline_seconds=600, cache=True, webhook=None)
    batch = client.batches.get(run.id).batch
    assert {name: batch.raw[name] for name in settings} == settings
    plain = form(client)(name=None, metadata=None, lane=None, ttl_seconds=None, deadline_seconds=None)
    assert (plain.batch.name, plain.batch.metadata, plain.batch.raw["lane"]) == ("", {}, "bulk")
    if batch.counts["total"]:
        job = next(client.batches.get(run.id).jobs())
        assert (job.input["cache"], job.deadline_at is not None) == (True, True)


def test_plain_items_and_templates_may_hold_typed_parts(client: Client) -> None:
    grid = {"type": "generate", "count": 4, "grid": Grid(columns=2), "output": Encoding(format="webp")}
    runs = (
        client.batches.create([grid]),
        client.batches.create(template={**grid, "multiply": {"digit": [1]}}),
    )
    jobs = [*(next(run.jobs()) for run in runs), client.jobs.create(grid)]
    assert [(job.input["grid"]["columns"], job.input["output"]["format"]) for job in jobs] == [
        (2, "webp")
    ] * 3


@pytest.mark.usefixtures("small_pages")
def test_many_items_are_sent_page_by_page(client: Client) -> None:
    items = ({"type": "generate", "seed": seed} for seed in range(7))
    run = client.batches.create(items, lane="interactive")
    assert (run.batch.status, run.batch.counts["total"]) == ("running", 7)


@pytest.mark.usefixtures("small_pages")
def test_the_same_key_goes_on_sending_where_a_call_broke_off(client: Client) -> None:
    def broken() -> Iterator[Any]:
        yield from [DIGIT] * 5
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError):
        client.batches.create(broken(), idempotency_key="k")
    assert next(client.batches.list()).status == "open"
    run = client.batches.create([DIGIT] * 7, idempotency_key="k")
    assert (run.batch.status, run.batch.counts["total"]) == ("running", 7)
    again = client.batches.create([DIGIT] * 7, idempotency_key="k")
    assert again.id == run.id


def test_a_fault_is_told_by_the_item(client: Client) -> None:
    with pytest.raises(ApiError) as caught:
        client.batches.create([DIGIT, GenerateRequest(digit=12)])
    assert [fault.field for fault in caught.value.errors] == ["items.1.digit"]


WRONG = [DIGIT, DIGIT, DIGIT, GenerateRequest(digit=12), DIGIT]


@pytest.mark.usefixtures("small_pages")
def test_a_fault_on_a_later_page_leaves_no_batch_that_goes_on(client: Client) -> None:
    with pytest.raises(ApiError) as caught:
        client.batches.create(WRONG)
    error = caught.value
    assert [fault.field for fault in error.errors] == ["items.3.digit"]
    assert "line 4" in error.errors[0].detail
    (batch,) = client.batches.list()
    assert (batch.status, batch.counts["canceled"], batch.counts["queued"]) == ("canceled", 2, 0)
    assert f"the batch {batch.id} was canceled" in error.detail
    assert "none was accepted" not in str(error.problem)


@pytest.mark.usefixtures("small_pages")
def test_a_list_of_which_a_later_page_was_refused_goes_on_by_its_key(client: Client) -> None:
    with pytest.raises(ApiError, match=r"digit") as caught:
        client.batches.create(WRONG, idempotency_key="k")
    assert "is open and has the first 2" in caught.value.detail
    run = client.batches.create([*WRONG[:3], DIGIT, DIGIT], idempotency_key="k")
    assert (run.batch.status, run.batch.counts["total"]) == ("running", 5)


@pytest.mark.usefixtures("small_pages")
def test_items_that_break_off_leave_no_batch_that_goes_on(client: Client) -> None:
    def broken() -> Iterator[Any]:
        yield from [DIGIT] * 5
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError):
        client.batches.create(broken())
    (batch,) = client.batches.list()
    assert batch.status == "canceled"


def test_an_iteration_goes_on_where_another_was_left(
    client: Client, services: Services, worker: FakeWorker
) -> None:
    run = client.batches.create([DIGIT] * 4)
    carry_out(services, worker, run)
    results = iter(run)
    first = [next(results).index, next(results).index]
    later = client.batches.get(run.id, after=run.after)
    assert sorted([*first, *(item.index for item in later)]) == [0, 1, 2, 3]


def test_pictures_are_saved_once_under_their_items_names(
    client: Client, services: Services, worker: FakeWorker, tmp_path: Path
) -> None:
    run = client.batches.create({"a": DIGIT, "b/c": DIGIT, "d": DIGIT})
    carry_out(services, worker, run, failing=(2,))
    folder = tmp_path / "out"
    made = list(run.save(folder))
    assert (folder / "a.png").read_bytes() == (folder / "b" / "c.png").read_bytes() == PICTURE
    assert {saved.item.custom_id: saved.new for saved in made} == {"a": 1, "b/c": 1, "d": 0}
    (folder / "a.png").write_bytes(b"x" * len(PICTURE))
    again = list(client.batches.get(run.id).save(folder))
    assert sum(saved.new for saved in again) == 1
    assert sorted(path.name for path in folder.rglob("*.*")) == ["a.png", "c.png"]


def test_a_picture_that_cannot_be_saved_stops_no_other(
    client: Client, services: Services, worker: FakeWorker, tmp_path: Path
) -> None:
    run = client.batches.create({name: DIGIT for name in ("a", "b", "c", "d/e")})
    carry_out(services, worker, run)
    (tmp_path / "b.png").mkdir()
    (tmp_path / "d").write_text("a file")
    given = []
    with pytest.raises(
        NotSaved, match=r"pictures of b could not be saved, and those of 1 further items"
    ) as caught:
        given += run.save(tmp_path)
    assert [entry.item.custom_id for entry in caught.value.items] == ["b", "d/e"]
    assert all(isinstance(entry.fault, OSError) for entry in caught.value.items)
    assert [(tmp_path / f"{name}.png").read_bytes() for name in "ac"] == [PICTURE] * 2


def test_a_batch_can_be_stopped_and_mended(client: Client, services: Services, worker: FakeWorker) -> None:
    run = client.batches.create([DIGIT] * 2)
    assert run.pause().status == "paused"
    assert run.resume().status == "running"
    carry_out(services, worker, run, failing=(1,))
    assert run.wait(timeout_seconds=5).counts["failed"] == 1
    assert run.retry_failed() == 1
    with pytest.raises(WaitTimeout) as caught:
        run.wait(timeout_seconds=0.05)
    assert caught.value.batch is not None
    assert (caught.value.id, caught.value.batch.id, caught.value.job) == (run.id, run.id, None)
    assert run.cancel().status == "canceled"
    run.delete()
    with pytest.raises(ApiError) as refused:
        run.refresh()
    assert refused.value.status in (404, 410)


def test_results_survive_a_service_that_is_away_for_a_while(
    client: Client, services: Services, worker: FakeWorker, trouble: Trouble
) -> None:
    run = client.batches.create([DIGIT] * 3)
    carry_out(services, worker, run)
    trouble.refuse += ["GET"] * 2
    trouble.lose += ["GET"] * 2
    assert sorted(item.index for item in run) == [0, 1, 2]


def test_a_wait_outlasts_a_service_that_is_away_for_a_while(
    services: Services, worker: FakeWorker, trouble: Trouble, url: str
) -> None:
    with Client(url, retries=0) as client:
        run = client.batches.create([DIGIT] * 3)
        carry_out(services, worker, run)
        trouble.refuse.append("GET")
        trouble.lose.append("GET")
        assert run.wait(timeout_seconds=20).counts["succeeded"] == 3
        assert run.batch.done


def test_what_is_no_page_of_results_is_refused() -> None:
    with Client("http://foreign", retries=0) as client:
        transport = httpx.MockTransport(lambda _: httpx.Response(200, content=b"null"))
        client._transport._http = httpx.Client(transport=transport, base_url="http://foreign")
        batch = {"id": "batch_1", "status": "running", "done": False, "counts": {"total": 1}}
        with pytest.raises(ProtocolError):
            next(iter(BatchRun(client._transport, batch_from_json(batch))))


def test_a_batch_whose_answer_is_lost_is_made_once(client: Client, trouble: Trouble) -> None:
    trouble.lose += ["POST"] * 2
    run = client.batches.create([DIGIT] * 3)
    assert [batch.id for batch in client.batches.list()] == [run.id]


def test_a_contact_sheet_is_a_picture(client: Client) -> None:
    run = client.batches.create([DIGIT])
    assert run.contact_sheet(columns=1, format="png").startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["../x.png", "/x.png", "a/../../x.png", "a\\b", "c:/x", ""])
def test_no_name_of_the_service_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProtocolError):
        place_of(tmp_path, name)


def test_the_largest_settings_that_are_allowed_are_sent(client: Client) -> None:
    pairs = {f"{number:02d}" * 32: "é" * 512 for number in range(16)}
    run = client.batches.create([DIGIT, DIGIT], name="n" * 200, metadata=pairs)
    assert (run.batch.metadata, run.batch.counts["total"]) == (pairs, 2)


def test_the_line_of_a_fault_is_the_items(client: Client) -> None:
    with pytest.raises(ApiError, match="line 2: digit") as caught:
        client.batches.create([DIGIT, {"type": "generate", "digit": 12}], name="two")
    assert caught.value.errors[0].pointer == "/items/1/digit"
