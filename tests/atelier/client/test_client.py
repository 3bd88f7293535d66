"""The client against a real API over real sockets."""

import base64
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path

import httpx
import numpy as np
import pytest

from api.services import Services
from atelier import (
    Animation,
    ApiError,
    Client,
    Encoding,
    GenerateRequest,
    Interpolation,
    Job,
    JobFailed,
    Optimization,
    ProtocolError,
    ServiceUnreachable,
    Style,
    StylizeRequest,
    Upscale,
    WaitTimeout,
    Webhook,
)
from atelier.client.downloads import check_digest, extension_of
from atelier.client.transport import Transport
from shared.identifiers import ANONYMOUS
from shared.workers import ReloadRequest
from tests.support.http.trouble import Trouble
from tests.support.http.web_server import web_server
from tests.support.images import pictures
from tests.support.jobs.fake_worker import PICTURE, FakeWorker
from tests.support.models.transform_card import write_card

REQUEST = GenerateRequest(seed=7)


@pytest.mark.usefixtures("busy_worker")
def test_a_seed_becomes_a_picture(client: Client) -> None:
    (picture,) = client.generate(seed=7, digit=3)
    assert picture.data == PICTURE
    assert picture.job.input["digit"] == 3


@pytest.mark.usefixtures("busy_worker")
def test_a_photo_and_styles_become_a_picture(client: Client, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(pictures.jpeg())
    picture = client.stylize(photo, [pictures.png(), pictures.webp()], strength=0.5)
    assert picture.save(tmp_path / "new" / "out.png").read_bytes() == PICTURE
    assert [len(picture.job.input["styles"]), picture.job.input["strength"]] == [2, 0.5]


@pytest.mark.usefixtures("busy_worker")
def test_an_address_is_handed_on_for_the_service_to_read(client: Client) -> None:
    data = base64.b64encode(pictures.jpeg()).decode()
    address = f"data:image/jpeg;base64,{data}"
    picture = client.stylize(address, address, mask=address)
    assert picture.job.input["content"] == client.files.upload(pictures.jpeg())
    with pytest.raises(ApiError) as caught:
        client.stylize("http://127.0.0.1/photo.jpg", pictures.png())
    assert [fault.pointer for fault in caught.value.errors] == ["/content"]


@pytest.mark.usefixtures("busy_worker")
def test_every_wish_of_a_stylization_reaches_the_service(client: Client) -> None:
    styles = [Style(image=client.files.upload(pictures.webp()), weight=2), pictures.png()]
    wishes = {"preserve_color": True, "stroke": 100, "steadiness": 0.25, "max_side": 30, "strength": 0.5}
    picture = client.stylize(pictures.jpeg(), styles, mask=pictures.grey(), **wishes)
    spec = picture.job.input
    assert spec["size"] == {"max_side": 30}
    assert spec["mask"] == client.files.upload(pictures.grey())
    assert [style["weight"] for style in spec["styles"]] == [2, 1]
    assert all(spec[name] == wishes[name] for name in ("preserve_color", "stroke", "steadiness", "strength"))


@pytest.mark.usefixtures("busy_worker")
def test_built_in_styles_are_given_by_number(client: Client) -> None:
    picture = client.stylize(pictures.jpeg(), [3, Style(number=7, weight=3)], model="multistyle-26")
    assert [(s["number"], s["weight"]) for s in picture.job.input["styles"]] == [(3, 1), (7, 3)]


def test_an_optimization_has_its_own_options(client: Client) -> None:
    content, style = client.files.upload(pictures.photo(64, 64)), client.files.upload(pictures.png())
    options = Optimization(steps=20, optimizer="lbfgs", preview_every=5)
    request = StylizeRequest(
        content=content, styles=[Style(image=style)], model="nst-gatys", optimize=options
    )
    known = client.jobs.create(request).input["optimize"]
    assert known == {**asdict(Optimization()), "steps": 20, "optimizer": "lbfgs", "preview_every": 5}


def test_every_wish_of_a_generation_reaches_the_service(client: Client) -> None:
    walk = GenerateRequest(
        interpolate=Interpolation(seeds=(1, 2, 3), steps=4),
        digit=0,
        animation=Animation(frame_milliseconds=40, loop=False),
        upscale=Upscale(factor=2, filter="lanczos"),
        output=Encoding(format="gif"),
    )
    spec = client.jobs.create(walk).input
    assert spec["interpolate"] == {"seeds": [1, 2, 3], "latents": None, "steps": 4}
    assert (spec["digit"], spec["animation"]) == (0, {"frame_milliseconds": 40, "loop": False})
    assert (spec["upscale"], spec["output"]["format"]) == ({"factor": 2, "filter": "lanczos"}, "gif")
    assert client.jobs.create(GenerateRequest(digits="0042")).input["digits"] == "0042"


def test_a_notice_reaches_the_service_and_is_not_shown_again(client: Client) -> None:
    notice = Webhook(url="https://ntfy.example/topic", template="ntfy")
    job = client.jobs.create(GenerateRequest(webhook=notice))
    assert job.input["webhook"] is None
    with pytest.raises(ApiError, match="a topic"):
        client.jobs.create(GenerateRequest(webhook=Webhook(url="https://ntfy.example/", template="ntfy")))


def test_a_webhook_reaches_the_service(client: Client) -> None:
    webhook = Webhook(url="https://receiver.example/told", events=["job.failed"])
    job = client.jobs.create(GenerateRequest(webhook=webhook))
    assert job.input["webhook"] == {"url": "https://receiver.example/told", "events": ["job.failed"]}


def test_latents_may_be_arrays(client: Client) -> None:
    latents = np.linspace(-1, 1, 200).reshape(2, 100)
    assert client.jobs.create(GenerateRequest(latents=latents)).input["latents"] == latents.tolist()


@pytest.mark.usefixtures("busy_worker")
def test_a_picture_goes_through_a_network(client: Client, services: Services) -> None:
    write_card(services.settings.cards)
    picture = client.transform(pictures.png(), model="colorizer", max_side=20)
    assert (picture.job.type, picture.job.input["size"]) == ("transform", {"max_side": 20})


def test_styles_are_kept_listed_and_forgotten(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atelier.client.styles.PAGE_SIZE", 2)
    monkeypatch.setattr("atelier.client.aio.styles.PAGE_SIZE", 2)
    first = client.styles.create("waves", pictures.png())
    assert client.styles.create("waves", pictures.png()) == first
    for name in ("a", "b"):
        client.styles.create(name, first.image)
    styles = client.styles.list()
    assert [style.name for style in styles.stored] == ["b", "a", "waves"]
    (builtin,) = styles.builtin
    assert (builtin.model, len(builtin.names)) == ("multistyle-26", 26)
    assert client.styles.sheet("multistyle-26").startswith(b"\xff\xd8\xff")
    client.styles.delete("waves")
    assert [style.name for style in client.styles.list().stored] == ["b", "a"]
    with pytest.raises(ApiError, match="waves") as caught:
        client.styles.delete("waves")
    assert caught.value.code == "style_not_found"


def test_a_style_is_given_by_its_name(client: Client) -> None:
    style = client.styles.create("waves", pictures.png())
    content = client.files.upload(pictures.jpeg())
    job = client.jobs.create(StylizeRequest(content=content, styles=[Style(name="waves")]))
    assert [(s["name"], s["image"]) for s in job.input["styles"]] == [("waves", style.image)]


def test_the_work_so_far_can_be_looked_at(client: Client, worker: FakeWorker) -> None:
    job = client.jobs.create(REQUEST)
    running = worker.claim(job.id)
    assert client.jobs.preview(job) is None
    worker.show(running, 3, 12, data=pictures.jpeg())
    progress = client.jobs.get(job).progress
    assert progress is not None
    assert (progress.step, progress.total, bool(progress.preview_url)) == (3, 12, True)
    assert client.jobs.preview(job) == pictures.jpeg()


def test_an_animation_is_written_with_its_extension(client: Client, worker: FakeWorker) -> None:
    job = client.jobs.create(REQUEST)
    worker.run(job.id)
    output = replace(client.jobs.get(job).outputs[0], content_type="image/gif")
    assert extension_of(output) == "gif"


def test_workers_are_asked_to_look_for_new_versions(client: Client, services: Services) -> None:
    request = ReloadRequest(services.store.scripts)
    assert not request.is_new()
    client.models.reload()
    assert request.is_new()


def test_a_submission_whose_answer_was_lost_makes_one_job(client: Client, trouble: Trouble) -> None:
    trouble.lose.append("POST")
    job = client.jobs.create(REQUEST)
    assert [found.id for found in client.jobs.list()] == [job.id]
    assert trouble.requests.count(("POST", "/v1/jobs")) == 2


def test_a_service_that_is_busy_is_asked_again(client: Client, trouble: Trouble) -> None:
    trouble.refuse += ["POST", "POST", "GET"]
    assert client.jobs.get(client.jobs.create(REQUEST)).status == "queued"


def test_a_dictionary_and_a_typed_request_ask_for_the_same(client: Client) -> None:
    first = client.jobs.create(REQUEST, idempotency_key="a")
    assert client.jobs.create({"type": "generate", "seed": 7}, idempotency_key="a").id == first.id


def test_a_problem_names_code_and_fields(client: Client) -> None:
    with pytest.raises(ApiError, match="count") as caught:
        client.jobs.create({"type": "generate", "count": 100_000, "truncation": 7})
    assert (caught.value.status, caught.value.code) == (422, "invalid_request")
    assert {fault.field for fault in caught.value.errors} >= {"count"}


def test_waiting_tells_every_change(client: Client, services: Services, worker: FakeWorker) -> None:
    seen: list[tuple[str, float | None]] = []

    def drive(job: Job) -> None:
        seen.append((job.status, job.progress.fraction if job.progress else None))
        if job.status == "queued":
            worker.report(worker.claim(job.id), 0.5)
        elif job.status == "running":
            worker.succeed(services.store.get(job.id, ANONYMOUS))

    done = client.jobs.wait(client.jobs.create(REQUEST), on_progress=drive, timeout_seconds=20)
    assert done.succeeded
    assert seen == [("queued", None), ("running", 0.5), ("succeeded", seen[-1][1])]


def test_waiting_outlasts_lost_connections(client: Client, trouble: Trouble, busy_worker: FakeWorker) -> None:
    job = client.jobs.create(REQUEST)
    trouble.lose += ["GET", "GET"]
    trouble.refuse.append("GET")
    assert client.jobs.wait(job, timeout_seconds=20).succeeded


def test_waiting_ends_in_time_and_the_job_goes_on(client: Client) -> None:
    job = client.jobs.create(REQUEST)
    with pytest.raises(WaitTimeout, match=job.id):
        client.jobs.wait(job, timeout_seconds=0.1)
    assert client.jobs.get(job).status == "queued"


def test_a_wait_that_ends_tells_the_job_as_it_was_last_seen(client: Client, worker: FakeWorker) -> None:
    job = client.jobs.create(REQUEST)
    worker.claim(job.id)
    for known in (job, job.id):
        with pytest.raises(WaitTimeout) as caught:
            client.jobs.wait(known, timeout_seconds=0.1)
        assert caught.value.job is not None
        assert (caught.value.id, caught.value.job.id, caught.value.job.status) == (job.id, job.id, "running")


def test_what_fails_in_on_progress_is_raised_as_it_is(client: Client) -> None:
    def fail(_: Job) -> None:
        raise ServiceUnreachable("somewhere else")

    with pytest.raises(ServiceUnreachable, match=r"^somewhere else$") as caught:
        client.jobs.wait(client.jobs.create(REQUEST), on_progress=fail, timeout_seconds=5)
    assert caught.value.job_id == ""


def test_a_picture_that_is_not_made_in_time_can_be_had_later(client: Client, worker: FakeWorker) -> None:
    with pytest.raises(WaitTimeout) as caught:
        client.generate(seed=8, timeout_seconds=0.1)
    job = caught.value.job
    assert job is not None
    assert job.input["seeds"] == [8]
    worker.run(job.id)
    assert client.jobs.pictures(client.jobs.wait(job))[0].data == PICTURE


def test_a_wait_without_one_answer_tells_what_was_known_before(client: Client, trouble: Trouble) -> None:
    job = client.jobs.create(REQUEST)
    trouble.refuse += ["GET"] * 50
    for known, last in ((job.id, None), (job, job)):
        with pytest.raises(WaitTimeout) as caught:
            client.jobs.wait(known, timeout_seconds=0.3)
        assert (caught.value.id, caught.value.job) == (job.id, last)


def test_the_id_of_a_job_does_where_its_pictures_are_wanted(
    client: Client, busy_worker: FakeWorker, tmp_path: Path
) -> None:
    job = client.jobs.wait(client.jobs.create(REQUEST))
    assert client.jobs.download(job.id) == PICTURE
    assert client.jobs.pictures(job.id) == client.jobs.pictures(job)
    path = client.jobs.pictures(job.id)[0].save(tmp_path / "a.png")
    assert path.read_bytes() == PICTURE


def test_a_job_that_is_not_done_has_no_pictures_yet(client: Client) -> None:
    job = client.jobs.create(REQUEST)
    for known in (job, job.id):
        with pytest.raises(
            JobFailed, match=r"queued: the job was not done .* `wait` returns the finished job"
        ):
            client.jobs.pictures(known)


def test_a_service_that_goes_away_for_good_while_a_job_is_waited_for_leaves_the_id(
    client: Client, trouble: Trouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atelier.client.retries.PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr("atelier.client.aio.retries.PATIENCE_SECONDS", 0.3)
    job = client.jobs.create(REQUEST)
    trouble.lose += ["GET"] * 500
    with pytest.raises(ServiceUnreachable, match=job.id) as caught:
        client.jobs.wait(job)
    assert caught.value.job_id == job.id


def test_a_job_that_failed_gives_no_pictures_but_the_reason(client: Client, worker: FakeWorker) -> None:
    job = client.jobs.create(REQUEST)
    worker.fail(worker.claim(job.id))
    with pytest.raises(JobFailed, match="it ends early") as caught:
        client.jobs.pictures(client.jobs.wait(job))
    assert caught.value.job.error is not None
    assert caught.value.job.error.code == "corrupt_image"


def test_events_go_on_after_the_last_one_seen(client: Client, trouble: Trouble, worker: FakeWorker) -> None:
    job = client.jobs.create(REQUEST)
    worker.run(job.id)
    trouble.cut_after += [2]  # the retry hint, and the first event
    events = list(client.jobs.events(job))
    assert [event.kind for event in events] == ["state", "state", "state", "done"]
    assert trouble.resumed_after == ["", events[0].id]
    assert events[-1].data["id"] == job.id


def test_the_same_bytes_are_one_file_and_an_id_stays_itself(client: Client) -> None:
    first = client.files.upload(pictures.png())
    assert client.files.upload(pictures.png()) == first
    assert client.files.upload(first) == first


def test_every_picture_of_a_job_is_written_whole(client: Client, worker: FakeWorker, tmp_path: Path) -> None:
    job = client.jobs.create(REQUEST)
    worker.run(job.id)
    (path,) = (
        picture.save(tmp_path / "out" / "a.png") for picture in client.jobs.pictures(client.jobs.get(job))
    )
    assert path.read_bytes() == PICTURE
    assert list((tmp_path / "out").iterdir()) == [path]


def test_a_picture_that_arrives_damaged_is_refused(client: Client, worker: FakeWorker) -> None:
    job = client.jobs.create(REQUEST)
    worker.run(job.id)
    with pytest.raises(ProtocolError, match="sha256"):
        check_digest(PICTURE[:-1], client.jobs.get(job).outputs[0])


def test_jobs_are_canceled_retried_and_deleted(client: Client) -> None:
    job = client.jobs.create(REQUEST)
    assert client.jobs.cancel(job).status == "canceled"
    again = client.jobs.retry(job)
    assert (again.id != job.id, again.input["seeds"]) == (True, [7])
    client.jobs.delete(job)
    with pytest.raises(ApiError) as caught:
        client.jobs.get(job)
    assert caught.value.status == 410


def test_a_job_tells_its_attempts_and_its_deadline(client: Client, worker: FakeWorker) -> None:
    job = client.jobs.create(GenerateRequest(seed=7, deadline_seconds=3600))
    worker.claim(job.id)
    (running,) = client.jobs.get(job).attempts
    assert (running.number, running.worker, running.outcome, running.ended_at) == (1, "w1", None, None)
    assert client.jobs.requeue(job).status == "queued"
    worker.fail(worker.claim(job.id))
    (dead,) = client.jobs.list(status="failed", code="corrupt_image", worker="w1")
    assert [(each.number, each.outcome) for each in dead.attempts] == [(1, "requeued"), (2, "failed")]
    assert (dead.attempts[1].code, dead.attempts[1].ended_at) == ("corrupt_image", dead.completed_at)
    assert dead.created_at is not None
    assert dead.deadline_at == dead.created_at + timedelta(hours=1)
    assert dead.expires_at is not None
    assert list(client.jobs.list(model="magenta-mobile")) == []


def test_all_pages_of_jobs_are_read(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atelier.client.transport.PAGE_SIZE", 2)
    monkeypatch.setattr("atelier.client.aio.transport.PAGE_SIZE", 2)
    ids = [client.jobs.create(REQUEST).id for _ in range(5)]
    assert [job.id for job in client.jobs.list()] == ids[::-1]
    assert list(client.jobs.list(status="failed")) == []


def test_models_are_listed(client: Client) -> None:
    assert {model.name: model.type for model in client.models.list()}["mnist-dcgan"] == "generate"


def test_a_service_that_is_not_there_is_said_to_be_unreachable() -> None:
    with (
        Client("http://127.0.0.1:9", retries=1) as client,
        pytest.raises(ServiceUnreachable, match=r"127\.0\.0\.1:9"),
    ):
        client.jobs.get("job_1")


UNANSWERED: dict[str, Callable[[Client], object]] = {
    "read": lambda client: client.jobs.get("job_1"),
    "submit": lambda client: client.jobs.create(REQUEST),
    "upload": lambda client: client.files.upload(pictures.png()),
    "wait": lambda client: client.jobs.wait("job_1"),
    "wait for a while": lambda client: client.jobs.wait("job_1", timeout_seconds=60),
    "events": lambda client: list(client.jobs.events("job_1")),
    "batch": lambda client: client.batches.create([REQUEST]),
    "template": lambda client: client.batches.create(template={"type": "generate"}),
    "list": lambda client: list(client.jobs.list()),
}


@pytest.mark.parametrize("ask", UNANSWERED.values(), ids=UNANSWERED)
def test_that_no_service_is_there_is_told_at_once(ask: Callable[[Client], object]) -> None:
    with Client("http://127.0.0.1:9", retries=18) as client:
        began = time.monotonic()
        with pytest.raises(ServiceUnreachable, match=r"no service answers at http://127\.0\.0\.1:9"):
            ask(client)
        assert time.monotonic() - began < 3  # 18 retries pause for minutes


def test_a_name_that_leads_nowhere_is_told_at_once() -> None:
    with (
        Client("http://no-such-host.invalid:80") as client,
        pytest.raises(ServiceUnreachable, match="invalid"),
    ):
        client.jobs.get("job_1")


def test_a_service_that_was_there_and_restarts_is_waited_for() -> None:
    with ExitStack() as stack, web_server() as first:
        first.files["/v1/models"] = b"{}"
        ports = [httpx.URL(first.url).port or 0]

        def restart(seconds: float) -> None:
            if ports:
                stack.enter_context(web_server(ports.pop())).files |= first.files

        transport = Transport(first.url, timeout_seconds=5, retries=3, sleep=restart)
        stack.callback(transport.close)
        transport.send("GET", "/v1/models")
        first.stop()
        assert transport.send("GET", "/v1/models").content == b"{}"
        assert not ports


def test_a_wait_outlasts_a_service_that_was_there_and_is_away() -> None:
    with web_server() as server, Client(server.url) as client:
        server.files["/v1/jobs/job_1"] = b'{"id": "job_1", "type": "generate", "status": "queued"}'
        job = client.jobs.get("job_1")
        server.stop()
        with pytest.raises(WaitTimeout) as caught:
            client.jobs.wait("job_1", timeout_seconds=0.6)
        assert (caught.value.id, job.id) == ("job_1", "job_1")


def test_a_server_that_is_no_atelier_is_told_apart() -> None:
    with web_server() as server, Client(server.url) as client:
        server.files["/v1/jobs/job_1"] = b"<html>"
        with pytest.raises(ProtocolError, match="Atelier"):
            client.jobs.get("job_1")
        server.files["/v1/jobs/job_1"] = b'{"a": 1}'
        with pytest.raises(ProtocolError, match="not a job"):
            client.jobs.get("job_1")


FOREIGN: dict[str, Callable[[Client], object]] = {
    **UNANSWERED,
    "cancel": lambda client: client.jobs.cancel("job_1"),
    "styles": lambda client: client.styles.list(),
    "add a style": lambda client: client.styles.create("a", "file_" + "0" * 64),
    "models": lambda client: client.models.list(),
    "limits": lambda client: client.files.limits(),
    "file": lambda client: client.files.expires_at("file_1"),
    "batches": lambda client: list(client.batches.list()),
    "one batch": lambda client: client.batches.get("batch_1"),
    "items": lambda client: client.jobs.unlisted_items(),
}
PAGES = (b"<html>", b"{}", b"[]", b"null", b'{"data": {}}', b'"text"', b'{"data": [1]}')


@pytest.mark.parametrize("ask", FOREIGN.values(), ids=FOREIGN)
def test_whatever_a_foreign_server_answers_is_no_atelier(ask: Callable[[Client], object]) -> None:
    with (
        web_server() as server,
        Client(server.url, retries=0) as client,
        pytest.raises(ProtocolError, match=r"404|501|Atelier"),
    ):
        ask(client)
    answers = [httpx.Response(status, content=body) for status in (200, 404, 405, 400, 501) for body in PAGES]
    transport = httpx.MockTransport(lambda _: answers[-1])
    with Client("http://foreign", retries=0) as client:
        client._transport._http = httpx.Client(transport=transport, base_url="http://foreign")
        while answers:
            with pytest.raises(ProtocolError):
                assert ask(client) == "nothing", answers[-1]
            answers.pop()


@pytest.mark.parametrize("status", [401, 403, 413, 429, 502, 503, 504])
def test_what_a_gateway_answers_is_no_foreign_server(status: int) -> None:
    with Client("http://gateway", retries=0) as client:
        transport = httpx.MockTransport(lambda _: httpx.Response(status, html="<html>no</html>"))
        client._transport._http = httpx.Client(transport=transport, base_url="http://gateway")
        with pytest.raises(ApiError) as caught:
            client.models.list()
        assert (caught.value.status, caught.value.code) == (status, f"http_{status}")


def test_the_environment_names_the_service_and_an_argument_wins(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATELIER_URL", url)
    with Client() as client, Client("http://127.0.0.1:9") as other:
        assert (client.base_url, other.base_url) == (url, "http://127.0.0.1:9")
        assert client.models.list()
    monkeypatch.setenv("ATELIER_URL", "")
    with Client() as client:
        assert client.base_url == "http://127.0.0.1:8480"


def test_many_jobs_are_read_with_few_requests(client: Client, worker: FakeWorker, trouble: Trouble) -> None:
    ids = [client.jobs.create({"type": "generate", "seeds": [1]}).id for _ in range(3)]
    worker.run(ids[1])
    before = len(trouble.requests)
    assert client.jobs.statuses([*ids, "job_unknown"]) == {
        ids[0]: "queued", ids[1]: "succeeded", ids[2]: "queued"
    }  # fmt: skip
    assert client.jobs.read(ids)[ids[1]].succeeded
    assert len(trouble.requests) - before == 2
    assert client.jobs.read([]) == {}
