"""Atelier's main job on real input, over HTTP, through every process."""

import io
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from atelier.client.client import Client
from atelier.client.errors import ApiError
from atelier.client.request_parts import Encoding
from atelier.local.stack import SERVER_VARIABLES, RunningStack
from shared.cards.card import bundled_cards
from tests.support.files import files_below
from tests.support.images import pictures
from tests.support.waiting import eventually
from worker.models.store import ModelStore

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]


def image(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_readmes_curl_gives_a_picture_of_the_contents_size(
    stack: RunningStack, tmp_path: Path, style: bytes
) -> None:
    (tmp_path / "photo.jpg").write_bytes(pictures.photo(320, 200))
    (tmp_path / "painting.png").write_bytes(style)
    command = ["curl", "-si", "-F", "content=@photo.jpg", "-F", "style=@painting.png"]
    answer = subprocess.run(
        [*command, f"{stack.url}/v1/jobs/stylize"], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout
    head = answer.partition("\r\n\r\n")[0].lower().splitlines()
    assert head[0].split()[1] == "202"
    location = next(line.split(": ")[1] for line in head if line.startswith("location: "))
    job_url = str(httpx.URL(stack.url).join(location))
    deadline = time.monotonic() + 60
    while (job := httpx.get(job_url, params={"wait": 10}).json())["status"] != "succeeded":
        assert job["status"] in ("queued", "running")
        assert time.monotonic() < deadline
    picture = httpx.get(f"{job_url}/result", follow_redirects=True)
    assert picture.headers["content-type"] == "image/png"
    assert image(picture.content).size == (320, 200)


def test_a_stylized_picture_differs_from_its_photo(client: Client, style: bytes) -> None:
    photo = pictures.photo(256, 160)
    made = client.stylize(photo, style)
    before, after = (np.asarray(image(data).convert("RGB"), np.float32) for data in (photo, made.data))
    assert after.shape == before.shape
    assert np.abs(after - before).mean() > 10


def test_strength_zero_gives_back_the_photo(client: Client, style: bytes) -> None:
    photo = pictures.png(128, 96)
    made = client.stylize(photo, style, strength=0)
    assert (np.asarray(image(made.data)) == np.asarray(image(photo))).all()


def test_the_same_seed_gives_the_same_bytes_alone_and_in_company(client: Client) -> None:
    alone = client.generate(seeds=[7])
    company = client.generate(seeds=[3, 7, 11])
    assert alone[0].data == company[1].data
    assert image(alone[0].data).size == (28, 28)


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
def test_a_picture_made_again_by_its_recipe_has_the_same_bytes(
    client: Client, style: bytes, form: Any
) -> None:
    photo, output = pictures.photo(96, 64), Encoding(format=form)
    painted = client.stylize(photo, style, strength=0.7, output=output)
    again = client.jobs.wait(client.jobs.again(painted.data, content=photo), timeout_seconds=60)
    assert client.jobs.download(again) == painted.data
    (digit,) = client.generate(seed=7, truncation=0.8, output=output)
    same = client.jobs.wait(client.jobs.again(digit.data), timeout_seconds=60)
    other = client.jobs.wait(client.jobs.again(digit.data, options={"seed": 8}), timeout_seconds=60)
    assert client.jobs.download(same) == digit.data != client.jobs.download(other)


def test_a_seed_and_its_model_are_written_into_the_file(client: Client) -> None:
    (made,) = client.generate(seeds=[7])
    with image(made.data) as picture:
        picture.load()
        assert picture.info["atelier:seed"] == "7"
        assert picture.info["atelier:model"].startswith("mnist-dcgan@")


def test_an_image_that_breaks_while_decoding_fails_alone(client: Client, style: bytes) -> None:
    broken = pictures.broken(200, 200)
    bad = client.jobs.create(
        {
            "type": "stylize",
            "content": client.files.upload(broken),
            "styles": [{"image": client.files.upload(style)}],
        }
    )
    neighbours = [client.jobs.create({"type": "generate", "seed": n}) for n in range(4)]
    failed = client.jobs.wait(bad, timeout_seconds=60)
    assert (failed.status, failed.attempt) == ("failed", 1)
    assert failed.error is not None
    assert (failed.error.code, failed.error.errors[0].pointer) == ("corrupt_image", "/content")
    assert all(client.jobs.wait(job, timeout_seconds=60).succeeded for job in neighbours)


def test_a_model_that_was_never_pulled_is_refused_by_name_and_taken_once_it_is_pulled(
    client: Client, stack: RunningStack, style: bytes
) -> None:
    name = "multistyle-26"
    file = client.files.upload(style)
    request = {"type": "stylize", "model": name, "content": file, "styles": [{"number": 3}]}
    with pytest.raises(ApiError, match=f"atelier models pull {name}") as refused:
        client.jobs.create(request)
    assert [(fault.field, fault.code) for fault in refused.value.errors] == [("model", "model_unavailable")]
    environ = {name: value for name, value in os.environ.items() if name not in SERVER_VARIABLES}
    subprocess.run(
        [sys.executable, "-m", "atelier", "models", "pull", name],
        env={**environ, "ATELIER_STATE_DIR": str(stack.folder)},
        check=True,
    )
    assert client.jobs.wait(client.jobs.create(request), timeout_seconds=60).succeeded


def test_deleted_jobs_leave_no_bytes(client: Client, stack: RunningStack) -> None:
    job = client.jobs.wait(client.jobs.create({"type": "generate", "seed": 1}), timeout_seconds=60)
    folder = stack.folder / "storage" / "outputs" / job.id
    assert files_below(folder)
    client.jobs.delete(job)
    eventually(lambda: not files_below(folder), seconds=60)


def test_a_new_version_comes_into_service_without_a_restart(client: Client, stack: RunningStack) -> None:
    """Trained or pulled elsewhere, announced by its card, asked for by a reload."""
    card = next(card for card in bundled_cards() if card.name == "mnist-dcgan")
    card = card.model_copy(update={"version": "next"})
    stored = ModelStore(stack.folder / "models").pull(card)
    (stack.folder / "cards").mkdir(exist_ok=True)
    (stack.folder / "cards" / "mnist-dcgan.json").write_text(card.model_dump_json())
    worker = stack.pid_of("worker")
    client.models.reload()

    def model_of_a_new_job() -> dict[str, str]:
        job = client.jobs.wait(client.jobs.create({"type": "generate", "seed": 1}), timeout_seconds=60)
        model: dict[str, str] = job.raw["model"]
        return model

    eventually(lambda: model_of_a_new_job()["version"] == "next")
    assert model_of_a_new_job()["digest"] == stored.manifest.digest
    assert stack.pid_of("worker") == worker
