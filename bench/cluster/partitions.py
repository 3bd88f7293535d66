"""Each link of the cluster cut while it works: what goes on, how soon the rest does, what is lost.

A batch is at work on two hosts, and a client submits jobs one by one, each under an idempotency key and again
where no answer came. Then no packet passes between two hosts for a while, and neither is told.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import httpx

from atelier import Client
from atelier.client.batch_run import BatchRun
from atelier.client.errors import ClientError
from bench.cluster.rig import API, BENCH, S3, SERVER, WORKER_HOSTS, Rig
from bench.cluster.simulated_worker import DIGITS
from bench.measuring import Goal, Table
from bench.processes import wait_until
from shared.storage.base import attempt_prefix

LINKS = (
    (WORKER_HOSTS[0], SERVER),
    (WORKER_HOSTS[0], S3),
    (API, SERVER),
    (API, S3),
    (BENCH, API),
)
CUT_SECONDS = 12.0  # longer than a lease, and than the time-outs of connections to the server
BEFORE_SECONDS = 1.5
PAUSE_SECONDS = 1.0  # between two submissions: each takes a call of the model from the batch
ANSWER_SECONDS = 1.0
ITEMS = 1600  # some 15 s of two workers
RECOVERY_SECONDS = 240.0
LOOKED_AT = 100  # items whose pictures are looked for
NONE_GOAL, WHOLE_GOAL = Goal(0.0), Goal(1.0, at_least=True)


@dataclass
class Submitted:
    """The jobs that one client submits while a link is cut."""

    ids: dict[str, str] = field(default_factory=dict)  # by idempotency key
    longest: float = 0.0  # seconds that one submission took


def measure_partitions(rig: Rig) -> Iterator[Table]:
    """Cut each link in turn, with two workers at work."""
    rig.use_workers(2)
    yield from (_measure(rig, one, other) for one, other in LINKS)


def _measure(rig: Rig, one: str, other: str) -> Table:
    table = Table(f"{one} and {other} cut from each other for {CUT_SECONDS:g} s")
    run = rig.batch(DIGITS, ITEMS)
    with _submitting(rig) as submitted:
        run.resume()
        time.sleep(BEFORE_SECONDS)
        before = rig.ended(run), rig.successes_on(one)
        with rig.network.cut(one, other):
            time.sleep(CUT_SECONDS)
            during = rig.ended(run), rig.successes_on(one)
        healed = time.monotonic()
        works_again = _recovery(rig, one, other)
        wait_until(works_again, f"{one}, as before", seconds=RECOVERY_SECONDS)
        recovered = time.monotonic() - healed
        wait_until(lambda: _ended(rig, run) == ITEMS, "the batch", seconds=RECOVERY_SECONDS)
        whole = time.monotonic() - healed
    table.add("items carried out meanwhile", during[0] - before[0])
    if one in WORKER_HOSTS:
        table.add(f"of these by {one}", during[1] - before[1])
    table.add(f"from the end of the cut until {one} works again", recovered, "s")
    table.add("from the end of the cut until the batch is done", whole, "s")
    table.add("the longest submission of a job", submitted.longest, "s")
    _judge(rig, run, submitted, table)
    return table


def _recovery(rig: Rig, one: str, other: str) -> Callable[[], bool]:
    """Return what tells whether the side that was cut off works again: by a job, or an answer of the API."""
    if one in WORKER_HOSTS:
        known = rig.successes_on(one)
        return lambda: rig.successes_on(one) > known
    return lambda: _answers(f"{rig.url}{rig.stored_picture if other == S3 else '/v1/jobs?limit=1'}", rig.key)


def _answers(url: str, key: str) -> bool:
    with suppress(httpx.TransportError):
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.get(url, headers=headers, timeout=ANSWER_SECONDS).status_code == httpx.codes.OK
    return False


def _ended(rig: Rig, run: BatchRun) -> int:
    return sum(rig.ended(run, status) for status in ("succeeded", "failed", "expired", "canceled"))


@contextmanager
def _submitting(rig: Rig) -> Iterator[Submitted]:
    """Submit jobs one after the other while the block runs, each until it is accepted."""
    submitted, stopped = Submitted(), threading.Event()

    def submit() -> None:
        with Client(rig.url, key=rig.key, timeout_seconds=5) as client:
            while not stopped.wait(PAUSE_SECONDS):
                key = f"cut-{time.monotonic_ns()}"
                began = time.monotonic()
                submitted.ids[key] = _accepted(rig, client, key)
                submitted.longest = max(submitted.longest, time.monotonic() - began)

    thread = threading.Thread(target=submit, name="submitting")
    thread.start()
    try:
        yield submitted
    finally:
        stopped.set()
        thread.join()


def _accepted(rig: Rig, client: Client, key: str) -> str:
    while True:
        with suppress(ClientError):
            return client.jobs.create(rig.body(DIGITS, len(key)), idempotency_key=key).id
        time.sleep(PAUSE_SECONDS)


def _judge(rig: Rig, run: BatchRun, submitted: Submitted, table: Table) -> None:
    """Count what was lost or came out twice, by the records and by what lies in the storage."""
    items = {str(item["id"]): str(item["status"]) for item in run.job_fields(("id", "status"))}
    singles = [
        rig.client.jobs.wait(job_id, timeout_seconds=RECOVERY_SECONDS) for job_id in submitted.ids.values()
    ]
    statuses = Counter([*items.values(), *(job.status for job in singles)])
    stored = [_pictures_of(rig, job_id) for job_id in list(items)[:: max(1, len(items) // LOOKED_AT)]]
    table.add("jobs accepted one by one", len(singles))
    table.add("jobs made twice under one key", len(singles) - len({job.id for job in singles}), "", NONE_GOAL)
    table.add("succeeded / accepted", statuses["succeeded"] / (ITEMS + len(singles)), "", WHOLE_GOAL)
    table.add(f"of {len(stored)} items, without a picture", sum(n == 0 for n in stored), "", NONE_GOAL)
    table.add("of these with a picture of a fenced attempt too", sum(n > 1 for n in stored))


def _pictures_of(rig: Rig, job_id: str) -> int:
    """Return how many pictures of a job are stored, of all of its attempts."""
    return sum(1 for _ in rig.objects.keys(f"{attempt_prefix(job_id, 1).rpartition('/1/')[0]}/"))
