"""The tools, called in memory by the package's own client."""

import base64
import json
import threading
import time
from collections.abc import Callable
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from mcp_types import CallToolResult
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from api.services import Services
from atelier import Client, GenerateRequest
from atelier.mcp_server.answers import PREVIEW_SIDE, thumbnail
from atelier.mcp_server.door import Door
from atelier.mcp_server.server import build_server
from shared.access.key import DEFAULT_SCOPES
from shared.access.store import KeyStore
from shared.identifiers import ANONYMOUS
from shared.jobs.record import RECORD_SCHEMA
from shared.workers import Worker
from tests.atelier.mcp_server.conftest import played, words
from tests.support.http.trouble import Trouble
from tests.support.images import pictures
from tests.support.jobs.fake_worker import FakeWorker
from tests.support.waiting import eventually

Call = Callable[..., CallToolResult]
TOOLS = {"stylize", "transform", "generate", "again", "wait", "cancel", "jobs", "styles"}


def kinds(answer: CallToolResult) -> list[str]:
    return [block.type for block in answer.content]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_program_learns_the_tools_and_how_to_use_them(url: str, mode: str) -> None:
    async def look(program: Any) -> Any:
        return program.instructions, (await program.list_tools()).tools

    instructions, tools = played(build_server(Door(url)), look, mode=mode)
    assert {tool.name for tool in tools} == TOOLS
    assert all(f"`{name}`" in instructions for name in TOOLS)
    for tool in tools:
        assert tool.description
        assert tool.output_schema
        assert all(part.get("description") for part in tool.input_schema["properties"].values()), tool.name


@pytest.mark.usefixtures("busy_worker")
@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_photo_is_painted_with_a_preview_and_a_link(call: Call, photo: Path, mode: str) -> None:
    answer = call("stylize", mode=mode, content=str(photo), styles=["photo.jpg"], strength=0.5)
    assert not answer.is_error, words(answer)
    assert kinds(answer) == ["text", "image", "resource_link"]
    told = answer.structured_content
    assert told is not None
    assert (told["status"], told["done"], len(told["pictures"])) == ("succeeded", True, 1)
    assert told["job"] in words(answer)
    assert answer.content[2].uri == told["pictures"][0]["url"]
    with Image.open(BytesIO(base64.b64decode(answer.content[1].data))) as preview:
        assert (preview.format, max(preview.size) <= PREVIEW_SIDE) == ("JPEG", True)


@pytest.mark.usefixtures("busy_worker")
def test_what_is_asked_for_reaches_the_service(call: Call, client: Client, photo: Path) -> None:
    client.styles.create("waves", pictures.png())
    file = client.files.upload(pictures.jpeg())
    call("stylize", content=file, styles=["waves"], mask=str(photo), max_side=64, preserve_color=True)
    (job,) = client.jobs.list()
    assert (job.input["content"], job.input["styles"][0]["name"]) == (file, "waves")
    assert (job.input["size"], job.input["preserve_color"]) == ({"max_side": 64}, True)
    assert job.input["mask"] == client.files.upload(photo)
    call("generate", digit=3, seed=7, count=2)
    assert next(client.jobs.list()).input["seeds"] == [7, 8]


@pytest.fixture
def enlargers(services: Services) -> None:
    """A worker that has what enlarges."""
    models = ("mnist-dcgan", "magenta-mobile", "enlarge-x2", "old-photo")
    services.roster.announce(Worker("w", 1, (), available=models, schema=RECORD_SCHEMA))


@pytest.mark.usefixtures("enlargers")
def test_what_a_result_takes_over_and_how_it_ends_reaches_the_service(call: Call, client: Client) -> None:
    file = client.files.upload(pictures.jpeg())
    how = {"profile": "keep", "metadata": "safe", "wait_seconds": 0}
    call("stylize", content=file, styles=[file], enlarge=2, **how)
    output = next(client.jobs.list()).input["output"]
    assert (output["profile"], output["metadata"], output["enlarge"]) == ("keep", "safe", 2)
    call("transform", content=file, model="old-photo", max_side=64, **how)
    job = next(client.jobs.list())
    assert (job.type, job.input["model"], job.input["size"]) == ("transform", "old-photo", {"max_side": 64})
    assert (job.input["output"]["profile"], job.input["output"]["metadata"]) == ("keep", "safe")
    call("transform", content=f"job:{job.id}", model="enlarge-x2", wait_seconds=0)
    assert next(client.jobs.list()).input["content"] == f"job:{job.id}/0"
    call("generate", digit=3, enlarge=2, wait_seconds=0)
    assert next(client.jobs.list()).input["output"]["enlarge"] == 2


def test_a_model_that_no_worker_has_is_refused_with_what_to_do(
    call: Call, photo: Path, services: Services
) -> None:
    services.roster.announce(Worker("w", 1, (), available=("mnist-dcgan",), schema=RECORD_SCHEMA))
    answer = call("transform", content=str(photo), model="enlarge-x2")
    assert (answer.is_error, "atelier models pull enlarge-x2" in words(answer)) == (True, True)


def test_a_picture_is_made_again_for_another_photo(
    call: Call, client: Client, worker: FakeWorker, photo: Path
) -> None:
    style = client.files.upload(pictures.png())
    recipe = {"atelier": 1, "type": "stylize", "model": "magenta-mobile@1.0.0", "strength": 0.4}
    made = with_recipe({**recipe, "styles": [{"image": style}]})
    (photo.parent / "painted.png").write_bytes(made)
    job = (call("generate", wait_seconds=0).structured_content or {})["job"]
    worker.succeed(worker.claim(job), data=made)
    for picture in ("painted.png", client.files.upload(made), f"job:{job}"):
        call("again", picture=picture, content="photo.jpg", wait_seconds=0)
        asked = next(client.jobs.list()).input
        assert (asked["strength"], asked["styles"][0]["image"]) == (0.4, style)
        assert asked["content"] == client.files.upload(photo)
    call("again", picture="painted.png", content="photo.jpg", strength=0.7, wait_seconds=0)
    assert next(client.jobs.list()).input["strength"] == 0.7
    for picture, said in (
        ("photo.jpg", "no recipe"),
        ("https://example.org/a.png", "not fetched"),
        (f"job:{job}/3", "no picture 3"),
    ):
        answer = call("again", picture=picture, content="photo.jpg")
        assert (answer.is_error, said in words(answer)) == (True, True), words(answer)


def with_recipe(recipe: dict[str, Any]) -> bytes:
    text = PngInfo()
    text.add_itxt("atelier:recipe", json.dumps(recipe))
    return pictures.save(Image.new("RGB", (64, 48), "red"), "png", pnginfo=text)


@pytest.mark.parametrize("wait_seconds", [0, 0.2])
def test_what_is_not_done_in_time_has_its_id_and_can_be_had_later(
    call: Call, worker: FakeWorker, wait_seconds: float
) -> None:
    answer = call("generate", seed=7, wait_seconds=wait_seconds)
    told = answer.structured_content
    assert told is not None
    assert (answer.is_error, told["status"], told["done"]) == (False, "queued", False)
    assert f"Call `wait` with the job {told['job']}" in words(answer)
    worker.run(told["job"])
    later = call("wait", job=told["job"])
    assert later.structured_content is not None
    assert later.structured_content["status"] == "succeeded"
    assert kinds(later) == ["text", "image", "resource_link"]


def test_the_id_is_told_though_the_service_goes_away_after_the_job_was_made(
    call: Call, client: Client, trouble: Trouble
) -> None:
    trouble.refuse += ["GET"] * 500
    answer = call("generate", seed=7, wait_seconds=0.5)
    trouble.refuse.clear()
    (job,) = client.jobs.list()
    assert job.id in words(answer)


def test_progress_is_told_and_grows(url: str, client: Client, worker: FakeWorker) -> None:
    told: list[tuple[float, float | None, str | None]] = []
    job = client.jobs.create(GenerateRequest(seed=7))

    async def note(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    def work() -> None:
        eventually(lambda: told)
        running = worker.claim(job.id)
        for count, percent in enumerate((20, 60), start=2):
            worker.report(running, percent / 100)
            eventually(partial(lambda least: len(told) >= least, count))
        worker.succeed(running)

    thread = threading.Thread(target=work)
    thread.start()
    server = build_server(Door(url))
    played(server, lambda program: program.call_tool("wait", {"job": job.id}, progress_callback=note))
    thread.join()
    assert [entry[0] for entry in told] == [0, 20, 60, 100]
    assert [entry[1] for entry in told] == [100] * 4
    assert (told[0][2] or "").startswith("queued")


def test_a_call_ends_before_programs_give_up(call: Call) -> None:
    refused = call("wait", job="job_1", seconds=26)
    assert (refused.is_error, "25" in words(refused)) == (True, True)
    began = time.monotonic()
    call("generate", wait_seconds=0)
    assert time.monotonic() - began < 25


def test_a_job_is_canceled_and_listed(call: Call) -> None:
    job = (call("generate", wait_seconds=0).structured_content or {})["job"]
    call("generate", wait_seconds=0)
    canceled = call("cancel", job=job)
    assert (canceled.is_error, (canceled.structured_content or {})["status"]) == (False, "canceled")
    listed = (call("jobs", status="canceled").structured_content or {})["jobs"]
    assert [(entry["job"], entry["status"]) for entry in listed] == [(job, "canceled")]
    assert len((call("jobs", limit=1).structured_content or {})["jobs"]) == 1
    assert len((call("jobs").structured_content or {})["jobs"]) == 2


def test_styles_are_listed_by_name_and_number(call: Call, client: Client) -> None:
    client.styles.create("waves", pictures.png())
    found = call("styles").structured_content or {}
    assert found["stored"] == ["waves"]
    assert [(entry["model"], len(entry["names"])) for entry in found["builtin"]] == [("multistyle-26", 26)]


def test_a_job_that_failed_says_why_and_what_to_do(call: Call, worker: FakeWorker) -> None:
    job = (call("generate", wait_seconds=0).structured_content or {})["job"]
    worker.fail(worker.claim(job))
    answer = call("wait", job=job)
    assert answer.is_error
    assert f"The job {job} failed" in words(answer)
    assert "Call the tool again with other arguments." in words(answer)


@pytest.mark.parametrize(
    ("tool", "arguments", "said", "then"),
    [
        ("wait", {"job": "job_unknown"}, "job_unknown", "See which there are"),
        ("generate", {"digit": 3, "model": "no-such"}, "no-such", "Put that right and call again."),
        ("stylize", {"content": "file_" + "0" * 64, "styles": ["a"]}, "no style a", "and call again."),
        ("stylize", {"content": "data:image/png;base64,AAAA", "styles": ["a"]}, "no picture", "Give a path"),
        ("stylize", {"content": "A" * 5000, "styles": ["a"]}, "holds no picture", "Give a path"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence_with_the_next_step(
    call: Call, tool: str, arguments: dict[str, Any], said: str, then: str
) -> None:
    answer = call(tool, **arguments)
    assert answer.is_error
    assert said in words(answer)
    assert then in words(answer)


def test_that_no_service_is_there_is_said_with_what_to_start(call: Call) -> None:
    answer = call("jobs", door=Door("http://127.0.0.1:9"))
    assert answer.is_error
    assert "no service answers at http://127.0.0.1:9" in words(answer)
    assert "`atelier up`" in words(answer)


def test_a_service_with_keys_wants_one(call: Call, url: str, services: Services) -> None:
    _, key = KeyStore(services.store.scripts).create("shop", owner=ANONYMOUS, scopes=DEFAULT_SCOPES)
    refused = call("jobs", door=Door(url, key=""))
    assert refused.is_error
    assert "Give a key" in words(refused)
    assert not call("jobs", door=Door(url, key=str(key))).is_error
    wrong = call("jobs", door=Door(url, key="atl_\n"))
    assert wrong.is_error


@pytest.mark.parametrize(
    "data", [pictures.gif(3), pictures.with_alpha(), pictures.grey16_png(), pictures.photo(2000, 900)]
)
def test_previews_are_small_jpegs_of_every_kind_of_picture(data: bytes) -> None:
    small = thumbnail(data)
    assert small.startswith(b"\xff\xd8\xff")
    assert len(small) < 60_000
    with Image.open(BytesIO(small)) as image:
        assert max(image.size) <= PREVIEW_SIDE


def test_a_picture_that_gives_no_preview_still_has_its_link(call: Call, worker: FakeWorker) -> None:
    job = (call("generate", wait_seconds=0).structured_content or {})["job"]
    worker.succeed(worker.claim(job), data=b"no picture")
    answer = call("wait", job=job)
    assert kinds(answer) == ["text", "resource_link"]
