"""The command that lists jobs, tells what happened to one, and moves many."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from api.services import Services
from atelier.cli import main
from atelier.client.batch_run import BatchRun
from atelier.client.client import Client
from atelier.client.job import Job, job_from_json
from atelier.client.queue.actions import ActionsResource
from atelier.display.job_tables import history_of
from atelier.display.time_format import say_seconds
from shared.errors import StorageUnavailable
from shared.identifiers import ANONYMOUS
from tests.support.jobs.fake_worker import FakeWorker

Run = Callable[..., Result]
NONE = "No job matches"
SPEC = {"type": "generate", "seeds": [7]}


@pytest.fixture
def run(url: str) -> Run:
    """Run `atelier jobs` against the test's API."""
    return lambda *arguments, answer=None: CliRunner().invoke(
        main, ["--url", url, "jobs", *map(str, arguments)], input=answer
    )


@pytest.fixture
def failed(client: Client, worker: FakeWorker) -> list[str]:
    """Three jobs whose picture could not be read, newest first."""
    ids = [client.jobs.create(SPEC).id for _ in range(3)]
    for job_id in ids:
        worker.fail(worker.claim(job_id))
    return ids[::-1]


def lines(answer: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in answer.stdout.splitlines()]


def test_dead_jobs_are_listed_with_their_reasons(run: Run, client: Client, failed: list[str]) -> None:
    alive = client.jobs.create(SPEC)
    answer = run("list", "--status", "failed")
    assert answer.exit_code == 0
    assert [row.split()[0] for row in answer.stdout.splitlines()[1:]] == failed
    assert answer.stdout.count("corrupt_image: content: it ends early") == 3
    assert alive.id not in answer.stdout
    assert "queued, number 1" in run("list").stdout


def test_only_named_fields_are_printed(run: Run, client: Client, failed: list[str]) -> None:
    answer = run("list", "--fields", "id, status", "--status", "failed", "--json")
    assert lines(answer) == [{"id": job_id, "status": "failed"} for job_id in failed]
    refused = run("list", "--fields", "id")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "--fields goes with --json" in refused.stderr
    unknown = run("list", "--json", "--fields", "id,sum")
    assert unknown.exit_code == 2
    assert "--fields must be id, object, type" in unknown.stderr


def test_what_to_know_of_a_result_is_said_where_it_is_shown_and_saved(
    run: Run, client: Client, worker: FakeWorker, url: str, tmp_path: Path
) -> None:
    job = client.jobs.create(SPEC)
    worker.succeed(worker.claim(job.id), warnings=("truncated", "newer"))
    assert client.jobs.get(job.id).warnings == ("truncated", "newer")
    shown = " ".join(run("show", job.id).stdout.split())
    assert "warning the file of a picture that was sent ends too early" in shown
    saved = CliRunner().invoke(main, ["--url", url, "watch", job.id, "-o", str(tmp_path / "a.png")])
    assert saved.exit_code == 0
    assert saved.stderr.splitlines() == [
        "warning: the file of a picture that was sent ends too early; what is missing of it is empty",
        "warning: newer",
    ]


def test_a_list_ends_at_its_limit_and_says_so(run: Run, failed: list[str]) -> None:
    answer = run("list", "--limit", 2, "--json")
    assert [job["id"] for job in lines(answer)] == failed[:2]
    assert answer.stderr == "there are more than 2: --limit, or --all\n"
    assert len(lines(run("list", "--limit", 1, "--all", "--json"))) == 3


def test_a_job_that_lost_its_worker_ran_and_waited_only_while_it_did(
    run: Run, client: Client, services: Services
) -> None:
    worker = FakeWorker(services)
    ids = [client.jobs.create(SPEC).id for _ in range(2)]
    for job_id in ids:
        lost = worker.claim(job_id)
        services.store.client.hincrby(f"atelier:job:{job_id}", "created_at", -200_000)
        services.store.client.hincrby(f"atelier:job:{job_id}", "started_at", -199_000)
        services.store.requeue(job_id, lost.attempt, StorageUnavailable("the disk is away"))
        history = json.loads(services.store.client.hget(f"atelier:job:{job_id}", "history"))
        history[0]["ended_at"] -= 100_000  # it ran 99 s, and waits 100 s
        services.store.client.hset(f"atelier:job:{job_id}", "history", json.dumps(history))
    client.jobs.cancel(ids[0])
    services.store.restart(ids[1], ANONYMOUS)
    worker.run(ids[1])
    assert client.jobs.get(ids[1]).timings["queued"] == pytest.approx(101, abs=2)
    table = run("list").stdout
    assert "1 min 39 s" in table
    assert "3 min" not in table


@pytest.mark.usefixtures("failed")
def test_a_list_can_be_narrowed(run: Run, client: Client) -> None:
    client.jobs.create(SPEC)
    assert len(lines(run("list", "--code", "corrupt_image", "--json"))) == 3
    assert run("list", "--type", "stylize", "--json").stdout == ""
    assert run("list", "--status", "nonsense").exit_code == 2


def test_what_waits_is_listed_next_first(run: Run, client: Client) -> None:
    first, second = (client.jobs.create(SPEC) for _ in range(2))
    client.jobs.move(second, to="front")
    result = run("upcoming", "--json")
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == [second.id, first.id]
    assert run("upcoming", "--limit", "1").stdout.count("job_") == 1
    result = run("upcoming", "--type", "stylize")
    assert (result.stdout, result.stderr) == ("", "No job waits that may start.\n")


def test_show_tells_what_happened_to_a_job(run: Run, client: Client, services: Services) -> None:
    worker = FakeWorker(services)
    job_id = client.jobs.create({**SPEC, "metadata": {"for": "a test"}}).id
    lost = worker.claim(job_id)
    services.store.requeue(job_id, lost.attempt, StorageUnavailable("the disk is away"))
    worker.run(job_id)
    page = run("show", job_id)
    assert page.exit_code == 0
    text = " ".join(page.stdout.split())
    for part in ("status succeeded", "for=a test", "attempt 1 began on w1", "attempt 2 ended after"):
        assert part in text
    assert "met an error that may pass (storage_unavailable)" in text
    assert json.loads(run("show", job_id, "--json").stdout)["id"] == job_id
    assert run("show", "job_unknown").exit_code == 2


def test_a_history_is_in_order_and_says_how_long_everything_took() -> None:
    begin = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    at = [(begin + timedelta(seconds=seconds)).isoformat() for seconds in (0, 2, 5, 6, 66)]
    attempts = [
        {"number": 1, "worker": "w1", "started_at": at[1], "ended_at": at[2], "outcome": "lost"},
        {"number": 2, "worker": "w2", "started_at": at[3], "ended_at": None, "outcome": None},
    ]
    body = {"id": "j", "type": "generate", "status": "running", "created_at": at[0], "attempts": attempts}
    texts = history_of(job_from_json(body))
    assert [entry.text for entry in texts] == [
        "accepted",
        "attempt 1 began on w1, after 2.0 s of waiting",
        "attempt 1 ended after 3.0 s: lost, its worker died or froze",
        "attempt 2 began on w2, after 1.0 s of waiting",
    ]
    assert history_of(Job("j", "generate", "queued", {})) == []


def test_durations_are_told_in_two_units() -> None:
    texts = [say_seconds(seconds) for seconds in (0.25, 12.34, 59.99, 125, 3600, 97_200)]
    assert texts == ["250 ms", "12.3 s", "60.0 s", "2 min 5 s", "1 h", "1 d 3 h"]


def test_each_canceled_job_is_named_and_a_refusal_stops_no_other(
    run: Run, client: Client, failed: list[str]
) -> None:
    first, last = client.jobs.create(SPEC).id, client.jobs.create(SPEC).id
    answer = run("cancel", first, failed[0], "job_unknown", last)
    assert answer.exit_code == 1
    assert answer.stdout.splitlines() == [f"{first} canceled", f"{last} canceled"]
    assert [line.split()[0] for line in answer.stderr.splitlines()] == [failed[0], "job_unknown"]
    assert {client.jobs.get(job_id).status for job_id in (first, last)} == {"canceled"}


def test_all_failed_jobs_are_retried_once_however_often_it_is_asked(
    run: Run, client: Client, failed: list[str]
) -> None:
    first = lines(run("retry", "--status", "failed", "--all", "--yes", "--json"))
    assert [entry["id"] for entry in first] == failed
    assert {client.jobs.get(str(entry["job"])).raw["retried_from"] for entry in first} == set(failed)
    again = run("retry", "--status", "failed", "--all", "--yes", "--json")
    assert (again.exit_code, again.stdout) == (0, "")
    assert again.stderr == (
        "3 failed jobs were retried before and are left alone: name a job by its id to retry it once more\n"
        f"{NONE.replace('job', 'job that was not retried before')} --status failed, so nothing was done.\n"
    )
    assert run("retry", failed[0]).stdout.startswith(f"{failed[0]} again as {first[0]['job']}")
    assert len(list(client.jobs.list(status="queued"))) == 3, "it is tried again already"


def test_a_retry_that_failed_is_retried_and_the_job_that_it_retried_is_not(
    run: Run, client: Client, services: Services, failed: list[str]
) -> None:
    for _ in range(3):
        made = [
            str(entry["job"])
            for entry in lines(run("retry", "--status", "failed", "--all", "--yes", "--json"))
        ]
        assert len(made) == 3
        worker = FakeWorker(services)
        for job_id in made:
            worker.fail(worker.claim(job_id))
    asked = run("retry", "--status", "failed", "--all", answer="n\n")
    assert "retry 3 failed jobs?" in asked.stderr
    assert client.jobs.get(failed[0]).raw["retried_as"] in {
        job.id for job in client.jobs.list(status="failed")
    }
    assert "retried as" in run("show", failed[0]).stdout


@pytest.mark.usefixtures("carried_out")
def test_all_of_a_status_are_moved_after_a_question(run: Run, client: Client, failed: list[str]) -> None:
    refused = run("delete", "--status", "failed", "--all", answer="n\n")
    assert (refused.exit_code, "delete 3 failed jobs?" in refused.stderr) == (1, True)
    assert len(list(client.jobs.list())) == 3
    agreed = run("delete", "--status", "failed", "--all", answer="y\n")
    assert (agreed.exit_code, agreed.stdout.split(" ", 1)[1]) == (0, "completed: 3 of 3 done\n")
    assert list(client.jobs.list()) == []
    none = run("delete", "--status", "failed", "--all")
    assert (none.exit_code, none.stderr) == (0, "No job matches --status failed, so nothing was done.\n")


@pytest.mark.usefixtures("carried_out")
def test_all_of_a_status_are_canceled_by_one_action(run: Run, client: Client) -> None:
    ids = [client.jobs.create({**SPEC, "lane": lane}).id for lane in ("bulk", "bulk", "interactive")]
    chosen = ("--status", "queued", "--lane", "bulk", "--all", "--yes", "--json")
    (action,) = lines(run("cancel", *chosen))
    assert (action["do"], action["matched"], action["succeeded"]) == ("cancel", 2, 2)
    assert action["filter"] == {"status": "queued", "lane": "bulk", "items": False}
    assert [client.jobs.get(job_id).status for job_id in ids] == ["canceled", "canceled", "queued"]
    none = run("cancel", *chosen)
    assert none.stderr == "No job matches --status queued --lane bulk, so nothing was done.\n"


def test_an_interrupted_cancel_says_that_the_action_goes_on(
    run: Run, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    client.jobs.create(SPEC)
    monkeypatch.setattr(ActionsResource, "wait", interrupted)
    answer = run("cancel", "--status", "queued", "--all", "--yes")
    (action,) = client.actions.list()
    assert f"the action goes on: `atelier actions show {action.id}`" in answer.stderr
    assert (answer.exit_code, action.status) == (130, "running")


def test_jobs_are_pinned(run: Run, client: Client, failed: list[str]) -> None:
    assert run("pin", failed[0]).stdout == f"{failed[0]} pinned\n"
    assert client.jobs.get(failed[0]).pinned_at is not None
    assert "pinned" in run("show", failed[0]).stdout
    assert run("unpin", "--status", "failed", "--all", "--yes").exit_code == 0
    assert client.jobs.get(failed[0]).pinned_at is None


def test_requeue_takes_a_job_from_its_worker(run: Run, client: Client, services: Services) -> None:
    job = client.jobs.create(SPEC)
    FakeWorker(services).claim(job.id)
    answer = run("requeue", job.id, "--json")
    assert (answer.exit_code, lines(answer)) == (
        0,
        [{"id": job.id, "ok": True, "job": job.id, "status": "queued"}],
    )
    assert services.store.get(job.id, ANONYMOUS).counted_attempts == 0


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["job_a", "--all"],
        ["--status", "failed"],
        ["--all"],
        ["job_a", "--code", "x"],
        ["--status", "queued"],
    ],
)
def test_a_choice_that_is_no_choice_is_refused(run: Run, arguments: list[str]) -> None:
    assert run("retry", *arguments).exit_code == 2


@pytest.fixture
def batch(client: Client, worker: FakeWorker, failed: list[str]) -> BatchRun:
    """A batch of five items: two failed, one succeeded, one runs and one waits."""
    run = client.batches.create([{"type": "generate", "seed": seed} for seed in range(5)], name="five")
    for index in range(4):
        job = worker.claim(f"job_{run.id[6:]}-{index}")
        if index < 2:
            worker.fail(job)
        elif index == 2:
            worker.succeed(job)
    return run


def items_of(batch: BatchRun, *indexes: int) -> list[str]:
    return [f"job_{batch.id[6:]}-{index}" for index in indexes]


def test_failed_items_of_batches_are_listed_with_failed_jobs(
    run: Run, batch: BatchRun, failed: list[str]
) -> None:
    answer = run("list", "--status", "failed", "--json")
    assert [job["id"] for job in lines(answer)] == [*items_of(batch, 1, 0), *failed]
    assert answer.stderr == ""
    page = run("show", items_of(batch, 0)[0]).stdout
    assert f"batch {batch.id} item 0 " in " ".join(page.split())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--status", "running"),
            f"{NONE} --status running.\n1 running item of batches is not listed: add --items\n",
        ),
        (("--status", "failed", "--no-items"), "2 failed items of batches are not listed: add --items\n"),
        ((), "5 items of batches are not listed: add --items\n"),
        (("--status", "canceled"), f"{NONE} --status canceled.\n"),
        (("--status", "running", "--items"), ""),
    ],
)
@pytest.mark.usefixtures("batch")
def test_a_list_says_how_many_items_it_leaves_out(run: Run, options: tuple[str, ...], message: str) -> None:
    assert run("list", *options, "--json").stderr == message


def test_all_failed_jobs_and_items_are_retried_and_items_stay_in_their_batch(
    run: Run, client: Client, batch: BatchRun, failed: list[str]
) -> None:
    asked = run("retry", "--status", "failed", "--all", "--json", answer="y\n")
    assert "retry 5 failed jobs, 2 of them items of batches?" in asked.stderr
    entries = [json.loads(line) for line in asked.stdout.splitlines() if line.startswith("{")]
    assert [entry["id"] for entry in entries] == [*items_of(batch, 1, 0), *failed]
    assert [entry["job"] for entry in entries[:2]] == [f"{name}-1" for name in items_of(batch, 1, 0)]
    assert batch.refresh().counts == {
        "total": 5, "queued": 3, "running": 1, "succeeded": 1, "failed": 0, "canceled": 0, "expired": 0,
    }  # fmt: skip
    assert lines(run("retry", "--status", "failed", "--all", "--yes", "--json")) == []


@pytest.mark.usefixtures("carried_out")
def test_items_are_canceled_and_deleted_only_where_that_is_said(
    run: Run, client: Client, batch: BatchRun, failed: list[str]
) -> None:
    client.jobs.create(SPEC)
    left = run("cancel", "--status", "queued", "--all", "--yes")
    assert left.stderr == "1 queued item of batches is left alone: add --items\n"
    assert batch.refresh().counts["queued"] == 1
    asked = run("cancel", "--status", "queued", "--all", "--items", answer="y\n")
    assert (asked.exit_code, "cancel 1 queued job, items of batches among them?" in asked.stderr) == (0, True)
    assert batch.refresh().counts["canceled"] == 1
    deleted = run("delete", "--status", "failed", "--all", "--yes")
    assert deleted.stdout.endswith("completed: 3 of 3 done\n")
    assert deleted.stderr == (
        "2 failed items of batches are left alone: they go with their batch, by `atelier batches delete`\n"
    )
    assert run("delete", "--status", "failed", "--all", "--items").exit_code == 2
    assert run("retry", failed[0], "--items").exit_code == 2


def test_the_client_lists_items_on_request(client: Client, batch: BatchRun, failed: list[str]) -> None:
    assert [job.id for job in client.jobs.list(status="failed")] == [*items_of(batch, 1, 0), *failed]
    assert [job.id for job in client.jobs.list(status="failed", items=False)] == failed
    assert [job.id for job in client.jobs.list(status="running", items=True)] == items_of(batch, 3)
    assert client.jobs.unlisted_items(status="running") == 1
    assert client.jobs.retry(items_of(batch, 0)[0]).raw["batch_id"] == batch.id


def test_failures_are_told_by_code_with_what_to_do(run: Run, client: Client, failed: list[str]) -> None:
    headings, row = (line.split("\t") for line in run("failures").stdout.splitlines())
    assert headings[:4] == ["code", "count", "retry", "example"]
    assert row[:4] == ["corrupt_image", "3", "of no use", failed[0]]
    (as_json,) = lines(run("failures", "--since", "7d", "--json"))
    assert (as_json["code"], as_json["count"], as_json["retryable"]) == ("corrupt_image", 3, False)


def test_no_failure_is_said(run: Run) -> None:
    answer = run("failures")
    assert (answer.exit_code, answer.stdout) == (0, "")
    yesterday = (datetime.now() - timedelta(hours=24)).isoformat(" ")  # in this machine's zone
    assert f"No job failed since {yesterday[:13]}" in answer.stderr


def test_jobs_are_found_by_metadata_and_time(run: Run, client: Client) -> None:
    wall = client.jobs.create({**SPEC, "metadata": {"for": "wall"}}).id
    client.jobs.create(SPEC)
    assert [job["id"] for job in lines(run("list", "--metadata", "for=wall", "--json"))] == [wall]
    assert len(lines(run("list", "--since", "1h", "--json"))) == 2
    assert lines(run("list", "--until", "1h", "--json")) == []
    batch = client.batches.create([{**SPEC, "custom_id": "a"}, {**SPEC, "custom_id": "b"}]).id
    (item,) = lines(run("list", "--items", "--batch", batch, "--custom-id", "b", "--json"))
    assert (item["batch_id"], item["custom_id"]) == (batch, "b")


def test_a_waiting_job_is_moved_and_its_place_is_told(run: Run, client: Client) -> None:
    ids = [client.jobs.create(SPEC).id for _ in range(2)]
    assert run("move", ids[1], "--to", "front").stdout == f"{ids[1]} moved to the front, now at place 1\n"
    moved = run("move", ids[1], "--lane", "bulk", "--json")
    assert lines(moved) == [{"id": ids[1], "ok": True, "job": ids[1], "status": "queued"}]
    assert ["lane", "bulk"] in [line.split() for line in run("show", ids[1]).stdout.splitlines()]
    assert run("move", ids[1]).exit_code == 2


def test_a_job_of_another_owner_is_moved_with_the_owners_name(run: Run, client: Client) -> None:
    ids = [client.jobs.create(SPEC).id for _ in range(2)]
    answer = run("move", ids[1], "--to", "front", "--owner", ANONYMOUS)
    assert answer.stdout == f"{ids[1]} moved to the front\n"
    assert run("move", ids[1], "--to", "front", "--owner", "anna").exit_code == 1
    assert client.jobs.get(ids[0]).raw["queue"]["position"] == 2
