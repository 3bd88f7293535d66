"""`atelier actions`, and `client.actions` below it, with a process that carries them out."""

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from atelier import ActionWebhook
from atelier.cli import main
from atelier.client.client import Client
from atelier.client.errors import ApiError
from atelier.client.events import WaitTimeout
from tests.support.jobs.fake_worker import FakeWorker

Run = Callable[..., Result]
SPEC = {"type": "generate", "seeds": [7]}


@pytest.fixture
def run(url: str) -> Run:
    """Run `atelier actions` against the test's API."""
    return lambda *arguments, answer=None: CliRunner().invoke(
        main, ["--url", url, "actions", *map(str, arguments)], input=answer
    )


@pytest.mark.usefixtures("carried_out")
def test_an_action_is_asked_for_counted_and_told(run: Run, client: Client) -> None:
    ids = [client.jobs.create(SPEC).id for _ in range(3)]
    refused = run("begin", "cancel", "--status", "queued", answer="n\n")
    assert (refused.exit_code, "cancel 3 jobs?" in refused.stderr) == (1, True)
    assert client.jobs.get(ids[0]).status == "queued"
    answer = run("begin", "cancel", "--status", "queued", answer="y\n")
    assert (answer.exit_code, answer.stdout.split(" ", 1)[1]) == (0, "completed: 3 of 3 done\n")
    assert {client.jobs.get(job_id).status for job_id in ids} == {"canceled"}


@pytest.mark.usefixtures("carried_out")
def test_jobs_of_a_lane_are_moved_into_the_other(run: Run, client: Client) -> None:
    here, there = (client.jobs.create({**SPEC, "lane": lane}) for lane in ("interactive", "bulk"))
    answer = run(
        "begin", "move", "--in-lane", "bulk", "--lane", "interactive", "--to", "front", "--yes", "--json"
    )
    assert json.loads(answer.stdout)["succeeded"] == 1
    assert [job.id for job in client.jobs.list(lane="interactive")] == [there.id, here.id]
    assert list(client.jobs.list(lane="bulk")) == []
    assert client.actions.wait(client.actions.begin("cancel", in_lane="bulk")).matched == 0


def test_an_action_names_a_webhook(run: Run, client: Client) -> None:
    begun = run("begin", "cancel", "--yes", "--no-wait", "--webhook", "https://a.example/told")
    assert begun.exit_code == 0, begun.stderr
    with pytest.raises(ApiError, match=r"webhook\.url"):
        client.actions.begin("cancel", webhook=ActionWebhook(url="ftp://a.example"))
    client.actions.begin("cancel", webhook=ActionWebhook(url="https://a", events=["action.canceled"]))


@pytest.mark.usefixtures("carried_out")
@pytest.mark.parametrize(
    ("given", "template", "told"),
    [
        ("https://a.example/told", None, "https://a.example/told"),
        ("ntfy+https://ntfy.example/work", "ntfy", "https://ntfy.example/..."),
    ],
)
def test_a_notice_for_people_is_named_as_for_batches(
    run: Run, client: Client, given: str, template: str | None, told: str
) -> None:
    begun = run("begin", "cancel", "--yes", "--json", "--webhook", given)
    assert begun.exit_code == 0, begun.stderr
    (delivery,) = client.deliveries.list(action=json.loads(begun.stdout)["id"])
    assert (delivery.type, delivery.template, delivery.url) == ("action.completed", template, told)


@pytest.mark.usefixtures("carried_out")
def test_a_dry_run_says_how_many(run: Run, client: Client) -> None:
    job = client.jobs.create(SPEC)
    assert run("begin", "move", "--to", "front", "--dry-run").stdout.endswith("completed: 1 found\n")
    assert json.loads(run("begin", "cancel", "--dry-run", "--json").stdout)["matched"] == 1
    assert client.jobs.get(job).status == "queued"


@pytest.mark.usefixtures("carried_out")
def test_what_was_skipped_is_told_by_the_reason(run: Run, client: Client, worker: FakeWorker) -> None:
    ids = [client.jobs.create(SPEC).id for _ in range(2)]
    for job_id in ids:
        worker.fail(worker.claim(job_id))
    client.jobs.retry(ids[0])
    answer = run("begin", "retry", "--yes")
    assert answer.stdout.endswith("completed: 1 of 2 done, 1 skipped (retried)\n")
    assert [job.raw["retried_from"] for job in client.jobs.list(status="queued")] == ids[::-1]


def test_actions_are_listed_shown_and_stopped(run: Run, client: Client) -> None:
    assert run("list").stderr == "There are no actions.\n"
    begun = run("begin", "move", "--lane", "bulk", "--type", "generate", "--yes", "--no-wait", "--json")
    action = json.loads(begun.stdout)
    assert (action["status"], action["filter"]) == ("running", {"type": "generate"})
    page = " ".join(run("show", action["id"]).stdout.split())
    for part in ("do move bulk", "filter type=generate", "status running, 0%", "counts 0 of 0 done"):
        assert part in page
    with pytest.raises(WaitTimeout):
        client.actions.wait(action["id"], timeout_seconds=0)
    assert run("cancel", action["id"]).stdout == f"{action['id']} canceled: 0 of 0 done\n"
    assert run("list").stdout.splitlines()[1].split()[:4] == [action["id"], "move", "bulk", "canceled"]
    assert [entry.id for entry in client.actions.list()] == [action["id"]]
    with pytest.raises(ApiError, match="there is no action"):
        client.actions.get("action_0")


def test_a_key_begins_one_action(client: Client) -> None:
    first, again = (client.actions.begin("cancel", idempotency_key="k") for _ in range(2))
    assert first.id == again.id
    assert (first.done, first.fraction, first.dry_run) == (False, 0.0, False)
