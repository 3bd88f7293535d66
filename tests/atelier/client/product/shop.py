"""A product beside the client: it has modules `shared` and `api` of its own, and is type checked strictly."""

import json
import sys
from array import array
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import assert_type

import shared
from api import bill
from atelier import (
    Animation,
    ApiError,
    AsyncBatchRun,
    AsyncClient,
    AsyncPicture,
    Attempt,
    BatchItem,
    BatchRun,
    BatchSettings,
    BatchWebhook,
    Client,
    Encoding,
    GenerateOptions,
    GenerateRequest,
    Grid,
    Interpolation,
    Job,
    JobFailed,
    Optimization,
    Output,
    Picture,
    Queue,
    Saved,
    Style,
    StylizeRequest,
    WaitTimeout,
    Webhook,
)

STRANGERS = ("api.app", "worker", "shared.settings", "atelier.cli", "tensorflow", "click", "flask", "redis")


class Tensor:
    """An array of a library that the client does not know."""

    def tolist(self) -> list[list[float]]:
        """Return two vectors."""
        return [[0.0] * 100, [1.0] * 100]


def digits(client: Client) -> tuple[Picture, ...]:
    """Make two digits; options that are kept aside are checked where they are written."""
    options: GenerateOptions = {"seed": 7, "count": 2, "digit": 7, "output": Encoding(format="png")}
    return client.generate(**options)


def every_way(client: Client, photo: Path, job: Job) -> Iterator[object]:
    """Ask for pictures in each way that there is. It is type checked, not run."""
    tell = print
    yield client.batches.create({"seven": GenerateRequest(seed=7), "any": {"type": "generate", "digit": 3}})
    yield client.batches.create([GenerateRequest(seed=7), {"type": "generate", "digit": 3}], name="both")
    walk = Interpolation(latents=[array("d", [0.5]), [0.5]], steps=4)
    webhook = Webhook(url="https://shop.example/told", events=["job.failed", "job.succeeded"])
    yield assert_type(client.stylize(photo, "painting.jpg", strength=0.5, on_progress=tell), Picture)
    yield client.stylize(b"...", [Style(name="waves", weight=2), 3, photo], mask=photo, stroke=512)
    yield client.stylize(photo, 3, model="nst-gatys", optimize=Optimization(steps=20), cache=True)
    yield assert_type(client.generate(latents=Tensor(), grid=Grid(columns=2)), tuple[Picture, ...])
    yield client.generate(interpolate=walk, animation=Animation(), output=Encoding(format="gif"))
    yield assert_type(client.transform(photo, model="colorizer", max_side=512, webhook=webhook), Picture)
    yield client.generate(seeds=[1, 2], lane="bulk", metadata={"shop": "1"}, ttl_seconds=60)
    yield assert_type(client.jobs.create(StylizeRequest(content="file_1", styles=[Style(number=3)])), Job)
    yield assert_type(client.jobs.wait(job, timeout_seconds=5).outputs, tuple[Output, ...])
    yield assert_type(list(client.jobs.list(status="failed", type="stylize")), list[Job])
    yield assert_type(job.attempts, tuple[Attempt, ...])
    yield assert_type(job.queue, Queue | None)
    yield [model.name for model in client.models.list()]
    yield [style.name for style in client.styles.list().stored]


def in_bulk(client: Client, folder: Path) -> Iterator[object]:
    """Ask for many pictures at once. It is type checked, not run."""
    settings: BatchSettings = {"name": "digits", "lane": "interactive", "ttl_seconds": 3600}
    run = client.batches.create((GenerateRequest(seed=seed) for seed in range(9)), **settings)
    yield assert_type(run, BatchRun)
    yield assert_type(list(run), list[BatchItem])
    yield assert_type(list(run.save(folder)), list[Saved])
    yield assert_type(run.contact_sheet(columns=4, format="png"), bytes)
    yield (
        client.batches.create({"a": GenerateRequest(seed=1)}, metadata={"shop": "1"}).wait().counts["failed"]
    )
    told = BatchWebhook(url="https://shop.example/told", events=["batch.completed"])
    yield (
        client.batches.open(idempotency_key="k", deadline_seconds=60, webhook=told).finalize().status
        == "running"
    )


async def without_threads(client: AsyncClient, folder: Path) -> None:
    """Ask for pictures in one thread. It is type checked, not run."""
    picture = await client.stylize(folder / "a.jpg", 3, strength=0.5, on_progress=print)
    assert_type(await assert_type(picture, AsyncPicture).save(folder / "b.png"), Path)
    assert_type(await client.generate(seed=1), tuple[AsyncPicture, ...])
    assert_type([job async for job in client.jobs.list(status="failed")], list[Job])
    run = assert_type(await client.batches.create([GenerateRequest(seed=1)], name="one"), AsyncBatchRun)
    assert_type([item async for item in run], list[BatchItem])
    assert_type([saved async for saved in run.save(folder)], list[Saved])


def troubles(client: Client) -> str:
    """Say what went wrong, in the words of the service."""
    try:
        client.generate(digit=12, timeout_seconds=60)
    except ApiError as error:
        return f"{error.status} {error.errors[0].field}"
    except WaitTimeout as error:
        return error.job.status if error.job else error.id
    except JobFailed as error:
        return error.job.status
    return ""


def main(url: str) -> None:
    """Make digits, bill them, and print what happened."""
    with Client(url) as client:
        made = digits(client)
        report = {
            "bytes": [len(picture.data) for picture in made],
            "seeds": [picture.job.input["seeds"] for picture in made],
            "cents": bill(len(made)),
            "shared": shared.__file__,
            "trouble": troubles(client),
            "strangers": [name for name in STRANGERS if _is_there(name)],
        }
    print(json.dumps(report))


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


if __name__ == "__main__":
    main(sys.argv[1])
