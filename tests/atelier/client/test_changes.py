"""`client.events.follow` and `atelier events`: all changes, over a stream that may break."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

import pytest

from api.services import Services
from atelier import GenerateRequest
from atelier.client.client import Client
from atelier.client.errors import ApiError
from atelier.client.events import Event, change_from_event
from atelier.commands.events import LOST, say_change
from tests.support.http.trouble import Trouble
from tests.support.jobs.batch_worker import BatchWorker

DIGIT = GenerateRequest(seed=7)


def test_changes_begin_with_a_reset_and_tell_of_jobs_and_batches(client: Client, services: Services) -> None:
    changes = client.events.follow()
    first = next(changes)
    assert (first.kind, first.is_reset, first.raw) == ("reset", True, {"reason": "new"})
    job = client.jobs.create(DIGIT)
    told = next(changes)
    assert (told.kind, told.id, told.status, told.done) == ("job", job.id, "queued", False)
    batch = client.batches.create([DIGIT] * 3)
    while (told := next(changes)).counts.get("queued") != 3:
        assert told.id == batch.id
    BatchWorker(services).round()
    while (told := next(changes)).status != "completed":
        assert told.id == batch.id
    assert (told.counts["succeeded"], told.done) == (3, True)
    client.jobs.cancel(job)
    assert next(changes).status == "canceled"
    client.jobs.delete(job)
    gone = next(changes)
    assert (gone.kind, gone.id, gone.status) == ("deleted", job.id, "")


def test_only_what_is_chosen_is_told(client: Client) -> None:
    batch, other = (client.batches.create([DIGIT]) for _ in range(2))
    of_batches, of_one = client.events.follow(types=["batch"]), client.events.follow(batch=batch.id)
    next(of_batches)
    next(of_one)
    client.jobs.create(DIGIT)
    other.cancel()
    batch.cancel()
    assert next(of_batches).id == other.id
    assert next(of_one).id == batch.id


def test_a_stream_that_breaks_goes_on_where_it_was(client: Client, trouble: Trouble) -> None:
    trouble.cut_after = [3, 2]  # the frame that says when to come back, and what follows
    changes = client.events.follow()
    first = next(changes)
    ids = [client.jobs.create(DIGIT).id for _ in range(3)]
    found = list(islice(changes, 3))
    assert [change.id for change in found] == ids
    assert trouble.resumed_after == ["", found[0].place, found[1].place]
    assert next(client.events.follow(after=first.place)).id == ids[0]


def test_a_batch_that_is_none_ends_the_stream_at_once(client: Client) -> None:
    with pytest.raises(ApiError, match="there is no batch"):
        next(client.events.follow(batch=f"batch_{'0' * 32}"))


@contextmanager
def told(url: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run `atelier events` while the block runs."""
    command = [sys.executable, "-m", "atelier", "--url", url, "events", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        yield process
        process.terminate()


def test_the_command_tells_what_changes(client: Client, url: str) -> None:
    place = next(client.events.follow()).place
    job = client.jobs.create(DIGIT)
    with told(url, "--after", place) as plain, told(url, "--after", "1-0") as late:
        assert plain.stdout is not None
        assert late.stderr is not None
        assert plain.stdout.readline()[9:] == f"{job.id} queued\n"
        assert late.stderr.readline() == f"{LOST}\n"
    with told(url, "--json", "--type", "job") as process:
        assert process.stdout is not None
        reset = json.loads(process.stdout.readline())
        assert (reset["event"], reset["reason"]) == ("reset", "new")
        client.jobs.cancel(job)
        line = json.loads(process.stdout.readline())
        assert (line["event"], line["id"], line["status"]) == ("job", job.id, "canceled")


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("job", {"status": "running", "progress": {"fraction": 0.5}}, "running, 50 %"),
        ("job", {"status": "succeeded", "progress": None}, "succeeded"),
        ("deleted", {}, "deleted"),
        ("deleted", {"reason": "reclaimed"}, "removed to make room"),
    ],
)
def test_a_change_is_a_line(kind: str, data: dict[str, object], words: str) -> None:
    job_id = f"job_{'0' * 32}"
    line = say_change(change_from_event(Event("1-0", kind, {"id": job_id, "object": "job", **data})))
    assert line[9:] == f"{job_id} {words}"


def test_a_line_about_a_batch_has_its_counts_in_80_columns() -> None:
    names = ("succeeded", "failed", "canceled", "expired", "queued", "running")
    counts = {"total": 100_000, **dict.fromkeys(names, 10_000)}
    data = {"id": f"batch_{'0' * 32}", "status": "completed", "counts": counts}
    line = say_change(change_from_event(Event("1-0", "batch", data)))
    assert line.endswith(" completed, 80000/100000, 20000 failed")
    assert len(line) <= 80 + 9
