"""What clients and operators do while a process dies. Each story returns the id of its job."""

import uuid
from io import BytesIO
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from atelier.client.client import Client
from atelier.client.errors import ApiError
from atelier.client.job import Job
from atelier.client.transport import Transport
from shared.identifiers import ANONYMOUS
from tests.crash_points.installation import Installation
from tests.support.files import files_below
from tests.support.images import pictures
from tests.support.models.light_models import GENERATOR, TRANSFORMER
from tests.support.waiting import eventually

DRAWING = {"type": "generate", "model": GENERATOR, "seeds": [1, 2]}


def fresh_picture(mark: str = "") -> bytes:
    """Return a picture of always the same pixels, whose file nobody has seen before."""
    info = PngInfo()
    info.add_text("number", f"{mark}{uuid.uuid4().hex}")
    data = BytesIO()
    Image.fromarray(pictures.gradient()).save(data, "png", pnginfo=info)
    return data.getvalue()


def draw(_: Installation, client: Client, __: str) -> str:
    """Have two pictures drawn."""
    return client.jobs.create(DRAWING).id


def change(_: Installation, client: Client, __: str) -> str:
    """Upload a picture, and have it changed."""
    content = client.files.upload(fresh_picture())
    return client.jobs.create({"type": "transform", "model": TRANSFORMER, "content": content}).id


def send_form(installation: Installation, _: Client, __: str) -> str:
    """Have a picture changed that comes with the request; ask again under the same key."""
    transport = Transport(installation.url, timeout_seconds=10, retries=8)
    answer = transport.send(
        "POST",
        "/v1/jobs/transform",
        data={"model": TRANSFORMER},
        files={"content": fresh_picture()},
        headers={"Idempotency-Key": uuid.uuid4().hex},
    )
    transport.close()
    return str(answer.json()["id"])


def break_off(_: Installation, client: Client, __: str) -> str:
    """Ask for what cannot be done: the picture's pixels are damaged."""
    content = client.files.upload(pictures.broken())
    return client.jobs.create({"type": "transform", "model": TRANSFORMER, "content": content}).id


def draw_in_trouble(installation: Installation, client: Client, _: str) -> str:
    """Have pictures drawn while the storage gives wrong bytes once."""
    installation.strikes.arm("trouble.at-store")
    return draw(installation, client, "")


def draw_slowly(installation: Installation, client: Client, point: str) -> str:
    """Have pictures drawn by a network that answers once the worker is dead."""
    installation.hold()
    job_id = draw(installation, client, point)
    installation.await_strike(point)
    installation.resume()
    return job_id


def draw_while_told_to_stop(installation: Installation, client: Client, point: str) -> str:
    """Stop the worker that draws, as a deployment does, in the middle of a job."""
    installation.hold()
    job_id = draw(installation, client, point)
    eventually(lambda: client.jobs.get(job_id).status == "running")
    installation.terminate_worker(installation.store.get(job_id, ANONYMOUS).worker or "")
    installation.await_strike(point)
    installation.resume()
    return job_id


def draw_on_a_dying_worker(installation: Installation, client: Client, _: str) -> str:
    """Have the reaper take a job back, because its worker died too."""
    installation.strikes.arm("worker.after-claim")
    return draw(installation, client, "")


def forget(client: Client, job: Job) -> None:
    """Delete a job; that it is gone already is as good, where the first answer was lost."""
    try:
        client.jobs.delete(job)
    except ApiError as error:
        if error.code != "job_gone":
            raise


def until_swept(installation: Installation, folder: Path) -> None:
    """Return when a job's folder holds no picture, and nothing waits to be removed any more."""
    eventually(lambda: not files_below(folder), seconds=30)
    eventually(lambda: not installation.redis.exists("atelier:garbage"), seconds=30)


def draw_and_tell(client: Client, url: str) -> Job:
    """Have pictures drawn, and a receiver told."""
    return client.jobs.create({**DRAWING, "webhook": {"url": url}})
