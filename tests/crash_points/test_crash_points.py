"""The crash-point table: a process dies between two steps, and every accepted job ends once, unharmed."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from atelier.client.client import Client
from shared.identifiers import ANONYMOUS
from shared.webhooks.store import Deliveries
from tests.crash_points import stories
from tests.crash_points.audit import Ending, digests, ending_of, job_ids, stray_keys
from tests.crash_points.installation import Installation
from tests.crash_points.points import POINTS
from tests.crash_points.test_place_points import TRANSFERS
from tests.support.files import files_below
from tests.support.http.receiver import receiver
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

Story = Callable[[Installation, Client, str], str]

SMOOTH = Ending("qrs")
AGAIN = Ending("qrqrs", crashes=1)  # the attempt was lost with its worker, and another made the pictures


@dataclass(frozen=True, slots=True)
class Row:
    """A point at which a process dies, what goes on meanwhile, and how the job ends all the same."""

    point: str
    story: Story
    ending: Ending
    strays: tuple[str, ...] = field(default=())  # folders of objects left over, which the collector names
    beside: tuple[str, ...] = ()  # what may lie there too: outputs are stored side by side


ROWS = (
    Row("api.before-create", stories.send_form, SMOOTH),
    Row("api.after-create", stories.send_form, SMOOTH),
    Row("api.upload-before-rename", stories.change, SMOOTH, strays=(".staging",)),
    Row("api.upload-before-record", stories.change, SMOOTH, strays=("inputs",)),
    Row("api.upload-after-record", stories.change, SMOOTH),
    Row("worker.before-claim", stories.draw, SMOOTH),
    Row("worker.after-claim", stories.draw, AGAIN),
    Row("worker.after-load", stories.change, AGAIN),
    Row("worker.after-decode", stories.change, AGAIN),
    Row("worker.after-predict", stories.draw, AGAIN),
    Row("worker.before-store", stories.draw, AGAIN, beside=(".staging",)),
    Row("worker.before-rename", stories.draw, AGAIN, strays=(".staging",), beside=(".staging",)),
    Row("worker.after-rename", stories.draw, AGAIN, beside=(".staging",)),
    Row("worker.between-outputs", stories.draw, AGAIN, beside=(".staging",)),
    Row("worker.after-store", stories.draw, AGAIN, beside=(".staging",)),
    Row("worker.before-succeed", stories.draw, AGAIN),
    Row("worker.after-succeed", stories.draw, SMOOTH),
    Row("worker.before-fail", stories.break_off, Ending("qrqrf", crashes=1)),
    Row("worker.after-fail", stories.break_off, Ending("qrf")),
    Row("worker.before-requeue", stories.draw_in_trouble, AGAIN),
    Row("worker.after-requeue", stories.draw_in_trouble, Ending("qrqrs", failures=1)),
    Row("worker.before-release", stories.draw_while_told_to_stop, AGAIN),
    Row("worker.after-release", stories.draw_while_told_to_stop, Ending("qrqrs", released=1)),
    Row("worker.after-beat", stories.draw_slowly, AGAIN),
    Row("reaper.after-taking-back", stories.draw_on_a_dying_worker, AGAIN),
)


@pytest.fixture(scope="session")
def calm(installation: Installation) -> dict[Story, list[str]]:
    """Return the digests of what each story makes while nobody dies."""
    with installation.client() as client:
        made = {
            story: client.jobs.wait(story(installation, client, ""), timeout_seconds=30) for story in CALM
        }
        return {story: digests(client, job.id) for story, job in made.items()}


CALM: tuple[Story, ...] = (stories.draw, stories.change)
LIKE: dict[Story, Story] = {  # stories that make the pictures of others
    stories.send_form: stories.change,
    stories.draw_in_trouble: stories.draw,
    stories.draw_while_told_to_stop: stories.draw,
    stories.draw_slowly: stories.draw,
    stories.draw_on_a_dying_worker: stories.draw,
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.point)
def test_a_job_outlives_the_process(
    installation: Installation, client: Client, calm: dict[Story, list[str]], row: Row
) -> None:
    known, strays = job_ids(installation), stray_keys(installation)
    installation.strikes.arm(row.point)
    job_id = row.story(installation, client, row.point)
    installation.await_strike(row.point)
    client.jobs.wait(job_id, timeout_seconds=30)
    assert ending_of(installation, job_id) == row.ending
    assert digests(client, job_id) == calm.get(LIKE.get(row.story, row.story), [])
    assert job_ids(installation) - known == {job_id}
    eventually(lambda: not installation.redis.exists("atelier:garbage"))
    left = [key.partition("/")[0] for key in stray_keys(installation) - strays]
    assert sorted(left) in ([*row.strays], sorted([*row.strays, *row.beside]))


SWEEPS = ("api.after-forget", "io.before-delete", "io.before-unlisting", "reaper.before-requesting-a-sweep")


@pytest.mark.parametrize("point", SWEEPS)
def test_the_bytes_of_a_forgotten_job_go_though_the_process_does(
    installation: Installation, client: Client, point: str
) -> None:
    job = client.jobs.wait(stories.draw(installation, client, ""), timeout_seconds=30)
    folder = installation.storage / "outputs" / job.id
    assert len(files_below(folder)) == 2
    installation.strikes.arm(point)
    stories.forget(client, job)
    installation.await_strike(point)
    stories.until_swept(installation, folder)
    assert job.id not in job_ids(installation)


TELLINGS = {  # how often the receiver hears of it
    "io.before-claiming-deliveries": 1,
    "io.after-claiming-deliveries": 1,
    "io.before-telling": 1,
    "io.after-telling": 2,  # under one id, by which it knows
    "io.after-noting": 1,
}


@pytest.mark.parametrize("point", TELLINGS)
def test_a_receiver_is_told_though_the_process_dies(
    installation: Installation, client: Client, point: str
) -> None:
    deliveries = Deliveries(installation.store)
    with receiver() as told:
        installation.strikes.arm(point)
        job = client.jobs.wait(stories.draw_and_tell(client, told.url), timeout_seconds=30)
        installation.await_strike(point)
        eventually(lambda: deliveries.of("job", job.id, ANONYMOUS)[0].status == "delivered", seconds=30)
        assert len(told.received) == TELLINGS[point]
    assert {request.event["data"]["id"] for request in told.received} == {job.id}
    (delivery,) = deliveries.of("job", job.id, ANONYMOUS)
    assert {request.id for request in told.received} == {delivery.id}


def test_every_point_has_its_row() -> None:
    crashes = {point.name for point in POINTS if not point.name.startswith(("seen.", "trouble.", "poison."))}
    assert crashes == {*(row.point for row in ROWS), *SWEEPS, *TELLINGS, *TRANSFERS}
