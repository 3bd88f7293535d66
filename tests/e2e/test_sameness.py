"""The same request gives the same bytes: alone, in a batch, as a chain, by a recipe, of another worker."""

from collections.abc import Iterator
from typing import Any

import pytest
from PIL import ExifTags, Image

from atelier.client.client import Client
from atelier.client.job import Job
from atelier.local.stack import RunningStack
from shared.images.heif.color import Coding, profile_of
from shared.redis.client import connect
from shared.workers import WorkerRoster
from tests.e2e.test_kills import await_successor
from tests.support.images import pictures

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]

P3 = profile_of(Coding(12, 13)) or b""
OUTPUTS: tuple[dict[str, Any], ...] = (
    {"format": "png", "profile": "keep"},
    {"format": "jpeg", "profile": "keep", "metadata": "safe"},
    {"format": "webp", "metadata": "all", "recipe": False},
)


def photo() -> bytes:
    """Return a small photo with colors of its own and metadata."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Maker"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    return pictures.save(Image.fromarray(pictures.gradient()), "png", exif=exif.tobytes(), icc_profile=P3)


def made(client: Client, job: Job) -> str:
    """Return the digest of the one picture that a job makes."""
    (output,) = client.jobs.wait(job, timeout_seconds=120).outputs
    return output.sha256


@pytest.fixture
def paintings(client: Client, style: bytes) -> list[dict[str, Any]]:
    """Jobs for a photo, which differ in what their results take over."""
    common = {"type": "stylize", "content": client.files.upload(photo()), "strength": 0.7}
    styles = [{"image": client.files.upload(style)}]
    return [{**common, "styles": styles, "output": output} for output in OUTPUTS]


@pytest.fixture
def roster(stack: RunningStack) -> Iterator[WorkerRoster]:
    client = connect(stack.redis_url)
    yield WorkerRoster(client)
    client.close()


def test_paintings_are_the_same_in_a_batch_by_their_recipes_and_of_another_worker(
    client: Client, stack: RunningStack, roster: WorkerRoster, paintings: list[dict[str, Any]]
) -> None:
    alone = [made(client, client.jobs.create(painting)) for painting in paintings]
    assert len(set(alone)) == len(alone)
    together = client.batches.create([*paintings, *({"type": "generate", "seed": seed} for seed in range(8))])
    items = {item.index: item.outputs[0].output.sha256 for item in together}
    assert [items[number] for number in range(len(alone))] == alone
    first, second = (client.jobs.wait(client.jobs.create(painting)) for painting in paintings[:2])
    for job in (first, second):
        again = client.jobs.again(client.jobs.download(job), content=photo())
        assert made(client, again) == job.outputs[0].sha256
    await_successor(stack, roster, stack.kill("worker"))
    assert [made(client, client.jobs.create(painting)) for painting in paintings] == alone


def test_a_chain_gives_what_an_upload_of_its_picture_gives(
    client: Client, paintings: list[dict[str, Any]]
) -> None:
    parent = client.jobs.create({"type": "generate", "seed": 7, "digit": 3, "upscale": {"factor": 2}})
    links = [{"job": parent.id, "output": 0}, f"job:{parent.id}/0"]
    chained = [client.jobs.create({**painting, "content": links[0]}) for painting in paintings]
    items = client.batches.create([{**painting, "content": links[1]} for painting in paintings])
    uploaded = client.files.upload(client.jobs.download(client.jobs.wait(parent, timeout_seconds=120)))
    expected = [made(client, client.jobs.create({**each, "content": uploaded})) for each in paintings]
    assert [made(client, job) for job in chained] == expected
    assert {item.index: item.outputs[0].output.sha256 for item in items} == dict(enumerate(expected))
