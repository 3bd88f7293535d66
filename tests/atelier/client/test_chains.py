"""Jobs as the pictures of other jobs, in the client and in the commands."""

import json

import pytest
from click.testing import CliRunner

from api.services import Services
from atelier import (
    Client,
    GenerateRequest,
    Style,
    StylizeRequest,
    TransformRequest,
    Upscale,
)
from atelier.cli import main
from atelier.commands.options.pictures import Address
from shared.jobs.status import Status
from tests.support.images import pictures
from tests.support.jobs.fake_worker import FakeWorker
from tests.support.jobs.job_steps import status

DIGIT = GenerateRequest(seed=7, upscale=Upscale(factor=4))


def test_a_chain_is_sent_in_one_go(client: Client, services: Services, worker: FakeWorker) -> None:
    digit = client.jobs.create(DIGIT)
    painted = client.jobs.create(StylizeRequest(content=digit, styles=[Style(image=digit.as_input())]))
    again = client.jobs.create(
        StylizeRequest(content=painted, mask=digit, styles=[Style(number=1)], model="multistyle-26")
    )
    assert again.input["content"] == f"job:{painted.id}/0"
    assert again.queue is not None
    assert (again.queue.reason, again.queue.detail) == ("waits_for", painted.id)
    for job in (digit, painted, again):
        worker.run(job.id)
    assert client.jobs.wait(again, timeout_seconds=10).succeeded
    assert status(services.store, again.id) is Status.SUCCEEDED


def test_what_a_request_says_of_a_job_is_what_json_says(client: Client) -> None:
    job = client.jobs.create(DIGIT)
    requests = [
        TransformRequest(content=job).to_json(),
        TransformRequest(content=job.as_input()).to_json(),
        TransformRequest(content=f"job:{job.id}/0").to_json(),
    ]
    assert [request["content"] for request in requests] == [f"job:{job.id}/0"] * 3


@pytest.mark.usefixtures("busy_worker")
def test_a_job_stands_for_a_picture_where_one_is_uploaded_else(client: Client) -> None:
    job = client.jobs.create(DIGIT)
    picture = client.stylize(job, [job, pictures.png()], mask=f"job:{job.id}")
    spec = picture.job.input
    assert [spec["content"], spec["mask"], spec["styles"][0]["image"]] == [f"job:{job.id}/0"] * 3


def test_a_command_takes_the_output_of_a_job(client: Client, url: str) -> None:
    job = client.jobs.create(DIGIT)
    words = ["stylize", f"job:{job.id}", "--style", f"job:{job.id}/0", "--mask", f"job:{job.id}"]
    ran = CliRunner().invoke(main, ["--url", url, *words, "--dry-run", "--json"])
    assert ran.exit_code == 0, ran.output
    estimate = json.loads(ran.stdout)
    assert (estimate["accepted"], estimate["pixels"]) == (True, 112 * 112)


def test_a_command_says_that_there_is_no_such_job(url: str) -> None:
    ran = CliRunner().invoke(
        main, ["--url", url, "stylize", "job:nobody", "--style", "job:nobody", "-o", "a.png"]
    )
    assert ran.exit_code != 0
    assert "there is no job nobody" in ran.stderr


@pytest.mark.usefixtures("busy_worker")
def test_what_is_made_of_an_output_is_named_after_its_job(
    client: Client, url: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(str(tmp_path))
    job = client.jobs.create(DIGIT)
    assert [Address(f"job:{job.id}/{number}").stem for number in (0, 2)] == [job.id, f"{job.id}-2"]
    words = ["stylize", f"job:{job.id}", "--style", "1", "--model", "multistyle-26", "-o", "./"]
    ran = CliRunner().invoke(main, ["--url", url, *words])
    assert ran.exit_code == 0, ran.output
    assert ran.output.startswith(f"{job.id}-style1-")
