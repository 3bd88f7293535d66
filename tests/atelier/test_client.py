"""The client against a real API over real sockets."""

from pathlib import Path

import pytest

from api.services import Services
from atelier import (
    ApiError,
    Client,
    GenerateRequest,
    Job,
    JobFailed,
    ProtocolError,
    ServiceUnreachable,
    WaitTimeout,
)
from atelier.downloads import check_digest
from shared.identifiers import ANONYMOUS
from tests.support import pictures
from tests.support.fake_worker import PICTURE, FakeWorker
from tests.support.trouble import Trouble
from tests.support.web_server import web_server

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


def test_a_submission_whose_answer_was_lost_makes_one_job(client: Client, trouble: Trouble) -> None:
    trouble.lose.append("POST")
    job = client.submit(REQUEST)
    assert [found.id for found in client.jobs()] == [job.id]
    assert trouble.requests.count(("POST", "/v1/jobs")) == 2


def test_a_service_that_is_busy_is_asked_again(client: Client, trouble: Trouble) -> None:
    trouble.refuse += ["POST", "POST", "GET"]
    assert client.get(client.submit(REQUEST)).status == "queued"


def test_a_dictionary_and_a_typed_request_ask_for_the_same(client: Client) -> None:
    first = client.submit(REQUEST, idempotency_key="a")
    assert client.submit({"type": "generate", "seed": 7}, idempotency_key="a").id == first.id


def test_a_problem_names_code_and_fields(client: Client) -> None:
    with pytest.raises(ApiError, match="count") as caught:
        client.submit({"type": "generate", "count": 100_000, "truncation": 7})
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

    done = client.wait(client.submit(REQUEST), on_progress=drive, timeout_seconds=20)
    assert done.succeeded
    assert seen == [("queued", None), ("running", 0.5), ("succeeded", seen[-1][1])]


def test_waiting_outlasts_lost_connections(client: Client, trouble: Trouble, busy_worker: FakeWorker) -> None:
    job = client.submit(REQUEST)
    trouble.lose += ["GET", "GET"]
    trouble.refuse.append("GET")
    assert client.wait(job, timeout_seconds=20).succeeded


def test_waiting_ends_in_time_and_the_job_goes_on(client: Client) -> None:
    job = client.submit(REQUEST)
    with pytest.raises(WaitTimeout, match=job.id):
        client.wait(job, timeout_seconds=0.1)
    assert client.get(job).status == "queued"


def test_a_job_that_failed_gives_no_pictures_but_the_reason(client: Client, worker: FakeWorker) -> None:
    job = client.submit(REQUEST)
    worker.fail(worker.claim(job.id))
    with pytest.raises(JobFailed, match="it ends early") as caught:
        client.pictures(client.wait(job))
    assert caught.value.job.error is not None
    assert caught.value.job.error.code == "corrupt_image"


def test_events_go_on_after_the_last_one_seen(client: Client, trouble: Trouble, worker: FakeWorker) -> None:
    job = client.submit(REQUEST)
    worker.run(job.id)
    trouble.cut_after += [2]  # the retry hint, and the first event
    events = list(client.events(job))
    assert [event.kind for event in events] == ["state", "state", "state", "done"]
    assert trouble.resumed_after == ["", events[0].id]
    assert events[-1].data["id"] == job.id


def test_the_same_bytes_are_one_file_and_an_id_stays_itself(client: Client) -> None:
    first = client.upload(pictures.png())
    assert client.upload(pictures.png()) == first
    assert client.upload(first) == first


def test_every_picture_of_a_job_is_written_whole(client: Client, worker: FakeWorker, tmp_path: Path) -> None:
    job = client.submit(REQUEST)
    worker.run(job.id)
    (path,) = client.download_all(client.get(job), tmp_path / "out")
    assert path.read_bytes() == PICTURE
    assert list((tmp_path / "out").iterdir()) == [path]


def test_a_picture_that_arrives_damaged_is_refused(client: Client, worker: FakeWorker) -> None:
    job = client.submit(REQUEST)
    worker.run(job.id)
    with pytest.raises(ProtocolError, match="sha256"):
        check_digest(PICTURE[:-1], client.get(job).outputs[0])


def test_jobs_are_canceled_retried_and_deleted(client: Client) -> None:
    job = client.submit(REQUEST)
    assert client.cancel(job).status == "canceled"
    again = client.retry(job)
    assert (again.id != job.id, again.input["seeds"]) == (True, [7])
    client.delete(job)
    with pytest.raises(ApiError) as caught:
        client.get(job)
    assert caught.value.status == 410


def test_all_pages_of_jobs_are_read(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atelier.client.PAGE_SIZE", 2)
    ids = [client.submit(REQUEST).id for _ in range(5)]
    assert [job.id for job in client.jobs()] == ids[::-1]
    assert list(client.jobs(status="failed")) == []


def test_models_are_listed(client: Client) -> None:
    assert {model.name: model.type for model in client.models()}["mnist-dcgan"] == "generate"


def test_a_service_that_is_not_there_is_said_to_be_unreachable() -> None:
    with (
        Client("http://127.0.0.1:9", retries=1) as client,
        pytest.raises(ServiceUnreachable, match=r"127\.0\.0\.1:9"),
    ):
        client.get("job_1")


def test_a_server_that_is_no_atelier_is_told_apart() -> None:
    with web_server() as server, Client(server.url) as client:
        server.files["/v1/jobs/job_1"] = b"<html>"
        with pytest.raises(ProtocolError, match="Atelier"):
            client.get("job_1")
        server.files["/v1/jobs/job_1"] = b'{"a": 1}'
        with pytest.raises(ProtocolError, match="not a job"):
            client.get("job_1")
