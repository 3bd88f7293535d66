"""Errors of commands: one sentence a fault, in the words of the options that were typed."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from atelier.cli import main
from atelier.client.client import Client
from atelier.client.errors import ApiError, Fault
from atelier.client.job import JobFailed
from atelier.commands.stylize import stylize
from atelier.display.errors import say_error
from shared.errors import CorruptImage
from tests.support.images import pictures
from tests.support.jobs.fake_worker import FakeWorker

Run = Callable[..., Result]
STYLIZE = "stylize photo.jpg --style art.jpg"
MISTAKES = [
    (f"{STYLIZE} --strength 7", "--strength must be between 0 and 1; got 7"),
    (f"{STYLIZE} --stroke 5", "--stroke must be at least 64; got 5"),
    (f"{STYLIZE} --steps 50", "--steps cannot be given: the model magenta-mobile does not take it"),
    (
        f"{STYLIZE} --style-weight 2 --optimizer adam",
        "--style-weight cannot be given: the model magenta-mobile",
    ),
    (f"{STYLIZE} --weight 0", "--weight must be greater than 0; got 0"),
    (f"{STYLIZE} --model nobody", "no stylize model is named 'nobody'"),
    (f"{STYLIZE} --model multistyle-26", "multistyle-26 has 26 built-in styles and takes no images"),
    (f"{STYLIZE} --webhook ftp://a", "--webhook must start with http:// or https://"),
    (f"{STYLIZE} --max-side 99999", "--max-side must be at most 16384; got 99999"),
    ("stylize small.png --style art.jpg", "small.png: The image is 4 x 4 pixels; a side needs at least 8"),
    ("stylize text.jpg --style art.jpg", "text.jpg: "),
    ("stylize photo.jpg --style text.jpg", "text.jpg: "),
    ("transform photo.jpg --model nobody", "no transform model is named 'nobody'"),
    ("generate --count 5000", "--count must be at most 1024; got 5000"),
    ("generate --count 300", "--count must be between 1 and 256; got 300"),
    ("generate --seeds 1,2 --seed 3", "give either --seeds, or --seed and --count"),
    ("generate --seeds 1,2 --grid --animation --format png", "give either --grid or --animation, not both"),
    ("generate --format gif", "the --format gif is for animations: give --animation too"),
    ("generate --digit 12", "--digit must be between 0 and 9; got 12"),
    ("generate --digits 4a", '--digits must be 1 to 64 digits, such as 0042; got "4a"'),
    ("generate --interpolate 1 --steps 4", "--interpolate must have 2 or more entries"),
    ("generate --upscale 99", "--upscale must be at most 32; got 99"),
    ("generate --animation --frame-milliseconds 1", "--frame-milliseconds must be at least 20; got 1"),
    ("generate --latents short.json", "--latents must hold vectors of 100 numbers for mnist-dcgan; got 2"),
    ("styles add 123 art.jpg", "NAME must hold a letter: digits alone are the number of a built-in style"),
    ("jobs list --worker x --limit 5 --code " + "c" * 70, "--code must have 64 characters or fewer"),
]


@pytest.fixture
def run(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    Path("photo.jpg").write_bytes(pictures.jpeg())
    Path("art.jpg").write_bytes(pictures.jpeg())
    Path("small.png").write_bytes(pictures.png(4, 4))
    Path("text.jpg").write_text("no picture")
    Path("short.json").write_text("[0.5, 0.5]")
    return lambda line: CliRunner().invoke(main, ["--url", url, *line.split()])


@pytest.mark.parametrize(("line", "sentence"), MISTAKES)
def test_a_mistake_is_told_in_the_words_that_were_typed(run: Run, line: str, sentence: str) -> None:
    answer = run(line)
    assert answer.exit_code == 2
    assert answer.stderr.startswith(f"error: {sentence}"), answer.stderr
    assert answer.stderr.count("\n") == 1
    assert not re.search(r"\^|/v1/|(?<![\w.:/])/[a-z]+|styles\.\d|Input|pydantic|not valid", answer.stderr)


def test_a_failed_job_is_told_in_the_words_that_were_typed(
    run: Run, client: Client, worker: FakeWorker
) -> None:
    job = client.jobs.create({"type": "generate"})
    worker.fail(worker.claim(job.id), CorruptImage.of_field("/styles/0/image", "it ends early"))
    told, advice = run(f"watch {job.id}").stderr.splitlines()[-2:]
    assert told == f"error: {job.id} failed: styles.0.image: it ends early"
    assert f"`atelier jobs show {job.id}`" in advice


@pytest.mark.usefixtures("run")
def test_a_job_that_fails_for_a_photo_names_its_file(client: Client, worker: FakeWorker) -> None:
    job = client.jobs.create({"type": "generate"})
    worker.fail(worker.claim(job.id), CorruptImage.of_field("/content", "it ends early"))
    with stylize.make_context("stylize", ["photo.jpg", "--style", "art.jpg"], obj=None) as command:
        told = say_error(JobFailed(client.jobs.get(job.id)), command)
    assert told == f"{job.id} failed: photo.jpg: it ends early"


@pytest.mark.parametrize(
    ("pointer", "detail", "sentence"),
    [
        ("/strength", "strength must be a number", "strength must be a number"),
        ("/styles/0/weight", "styles.0.weight must be a number", "styles.0.weight must be a number"),
        ("/content", "it ends early", "content: it ends early"),
        ("", "the body must be a JSON object", "the body must be a JSON object"),
        ("/seed", "seeds are many", "seed: seeds are many"),
    ],
)
def test_a_fault_names_its_field_once(pointer: str, detail: str, sentence: str) -> None:
    assert Fault(pointer, detail, "x").sentence == sentence
    problem = {"title": "T", "code": "x", "errors": [{"pointer": pointer, "detail": detail, "code": "x"}]}
    assert str(ApiError(problem, status=422)) == sentence


def test_an_answer_of_another_service_is_told_by_its_status() -> None:
    problem = {"title": "HTTP 502 Bad Gateway", "detail": "<html>"}
    assert str(ApiError(problem, status=502)) == "HTTP 502 Bad Gateway: <html>"
