"""`atelier again`, and --sidecar of the commands that download; `client.jobs.again`."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from click.testing import CliRunner, Result

from atelier import AsyncClient, Style
from atelier.cli import main
from atelier.client.client import Client
from atelier.client.errors import ApiError
from atelier.client.recipes.again import FORMAT, recipe_of
from shared.identifiers import file_id, sha256
from shared.images.recipe import RECIPE
from shared.specs.recipe import APART
from shared.specs.recipe import FORMAT as READ
from tests.support.images import pictures
from tests.support.jobs.fake_worker import PICTURE, FakeWorker
from tests.support.waiting import eventually
from worker.codec.encode import encode

DIGIT = {"atelier": 1, "type": "generate", "model": "mnist-dcgan@1", "seeds": [7], "truncation": 0.5}
STYLE, PHOTO = pictures.png(40, 40), pictures.jpeg(64, 48)
PAINTED = {
    "atelier": 1,
    "type": "stylize",
    "model": "magenta-mobile@1",
    "styles": [{"image": file_id(sha256(STYLE))}],
    "strength": 0.5,
}


def made(recipe: dict[str, Any]) -> bytes:
    return encode(pictures.gradient(), format="png", quality=90, text={RECIPE: json.dumps(recipe)}).data


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worker: FakeWorker) -> Path:
    """The folder in which commands run."""
    monkeypatch.chdir(tmp_path)
    worker.announce("mnist-dcgan", "magenta-mobile", available=("mnist-dcgan", "magenta-mobile"))
    (tmp_path / "seven.png").write_bytes(made(DIGIT))
    (tmp_path / "painted.png").write_bytes(made(PAINTED))
    (tmp_path / "photo.jpg").write_bytes(PHOTO)
    return tmp_path


def run(client: Client, worker: FakeWorker, *words: str) -> Result:
    """Run a command whose job a worker carries out."""

    ended = Event()

    def carry_out() -> None:
        eventually(lambda: ended.is_set() or any(client.jobs.list(status="queued")))
        for job in client.jobs.list(status="queued"):
            worker.run(job.id)

    with ThreadPoolExecutor(1) as thread:
        done = thread.submit(carry_out)
        answer = CliRunner().invoke(main, ["--url", client.base_url, *words])
        ended.set()
        done.result(timeout=60)
    return answer


def test_another_photo_is_painted_as_a_picture_says(home: Path, client: Client, worker: FakeWorker) -> None:
    client.files.upload(STYLE)
    answer = run(client, worker, "again", "painted.png", "--content", "photo.jpg", "-o", "out.png", "--json")
    assert answer.exit_code == 0, answer.output
    asked = json.loads(answer.stdout)["input"]
    assert (asked["content"], asked["strength"]) == (file_id(sha256(PHOTO)), 0.5)
    assert asked["styles"][0]["image"] == file_id(sha256(STYLE))
    assert (home / "out.png").read_bytes() == PICTURE


def test_seed_style_and_format_go_over_what_it_says(home: Path, client: Client, worker: FakeWorker) -> None:
    words = ["again", "seven.png", "--seed", "8", "-o", "eight.webp", "--json"]
    asked = json.loads(run(client, worker, *words).stdout)["input"]
    assert (asked["seeds"], asked["truncation"], asked["output"]["format"]) == ([8], 0.5, "webp")
    (home / "other.png").write_bytes(pictures.png(50, 50))
    styles = ["--style", "other.png", "--weight", "3"]
    words = ["again", "painted.png", "--content", "photo.jpg", *styles, "-o", "out.png", "--json"]
    (style,) = json.loads(run(client, worker, *words).stdout)["input"]["styles"]
    assert (style["image"], style["weight"]) == (file_id(sha256(pictures.png(50, 50))), 3.0)


def test_what_sidecar_writes_beside_a_picture_makes_it_again(
    home: Path, client: Client, worker: FakeWorker
) -> None:
    client.files.upload(STYLE)
    words = ["stylize", "photo.jpg", "--style", file_id(sha256(STYLE)), "--strength", "0.25"]
    answer = run(client, worker, *words, "--sidecar", "-o", "out.png")
    assert (answer.exit_code, answer.stdout) == (0, "out.png\n")
    recipe = json.loads((home / "out.png.json").read_text())
    assert (recipe["atelier"], recipe["model"]) == (1, "magenta-mobile@1")
    first = next(client.jobs.list()).input
    again = run(client, worker, "again", "out.png.json", "-o", "again.png", "--json")
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout)["input"] == first
    watched = CliRunner().invoke(
        main, ["--url", client.base_url, "watch", next(client.jobs.list()).id, "-o", "w.png", "--sidecar"]
    )
    assert watched.exit_code == 0
    assert json.loads((home / "w.png.json").read_text()) == recipe


def test_sidecar_needs_a_place_for_files(home: Path, client: Client) -> None:
    for words in (["generate", "--sidecar", "-o", "-"], ["watch", "job_1", "--sidecar"]):
        answer = CliRunner().invoke(main, ["--url", client.base_url, *words])
        assert (answer.exit_code, "--sidecar writes a file" in answer.stderr) == (2, True)
    assert not list(client.jobs.list())


def test_a_picture_without_a_recipe_is_told_by_its_field(home: Path, client: Client) -> None:
    answer = CliRunner().invoke(main, ["--url", client.base_url, "again", "photo.jpg", "-o", "out.png"])
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert "picture has no recipe" in answer.stderr


def test_no_recipe_is_asked_for_and_not_written(home: Path, client: Client, worker: FakeWorker) -> None:
    answer = run(client, worker, "generate", "--no-recipe", "-o", "out.png", "--json")
    assert json.loads(answer.stdout)["input"]["output"]["recipe"] is False


def test_clients_ask_by_bytes_paths_and_ids(home: Path, client: Client) -> None:
    known = client.files.upload(made(DIGIT))
    for picture in (made(DIGIT), home / "seven.png", known, json.dumps(DIGIT).encode()):
        job = client.jobs.again(picture, options={"digit": 3, "write_recipe": False})
        assert (job.input["seeds"], job.input["digit"], job.input["output"]["recipe"]) == ([7], 3, False)
    styles = [Style(image=client.files.upload(STYLE), weight=2), STYLE]
    job = client.jobs.again(home / "painted.png", content=PHOTO, styles=styles, idempotency_key="k")
    assert [style["weight"] for style in job.input["styles"]] == [2.0, 1.0]
    again = client.jobs.again(home / "painted.png", content=PHOTO, styles=styles, idempotency_key="k")
    assert again.id == job.id
    with pytest.raises(ApiError) as caught:
        client.jobs.again(PHOTO)
    assert (caught.value.status, caught.value.code) == (422, "recipe_missing")


def test_the_asynchronous_client_asks_alike(home: Path, client: Client) -> None:
    async def ask() -> str:
        async with AsyncClient(client.base_url) as service:
            return (await service.jobs.again(home / "seven.png")).id

    assert client.jobs.get(asyncio.run(ask())).input["seeds"] == [7]


def test_the_client_writes_the_recipes_that_the_service_reads(client: Client, worker: FakeWorker) -> None:
    assert FORMAT == READ
    job = client.jobs.create({"type": "generate", "seeds": [3, 7], "metadata": {"a": "b"}, "lane": "bulk"})
    worker.run(job.id)
    recipe = recipe_of(client.jobs.get(job), client.jobs.get(job).outputs[0])
    assert recipe["seeds"] == [7]  # of the picture, not of the job
    assert not recipe.keys() & (APART - {"content", "mask"})
