"""`client.pauses`, `atelier pauses`, and what ends a batch's pause, against the service."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner, Result

from api.services import Services
from atelier.cli import main
from atelier.client.client import Client
from atelier.client.errors import ApiError, InvalidValue

SPEC = {"type": "generate", "seeds": [7]}


def run(url: str, *words: str) -> Result:
    return CliRunner().invoke(main, ["--url", url, *words])


def test_a_pause_is_made_found_and_ended(client: Client, services: Services) -> None:
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)
    made = client.pauses.create("rent", lane="interactive", model="mnist-dcgan", until=until)
    assert (made.reason, made.lane, made.model, made.owner) == ("rent", "interactive", "mnist-dcgan", None)
    assert (made.by, made.holds, made.until) == ("anonymous", True, until)
    assert client.pauses.list() == [made] == [client.pauses.get(made)]
    job = client.jobs.create(SPEC)
    assert services.store.claim_next("w") == []
    client.pauses.end(made)
    assert [started.id for started in services.store.claim_next("w")] == [job.id]
    with pytest.raises(ApiError) as refused:
        client.pauses.get(made.id)
    assert refused.value.code == "pause_not_found"


def test_a_time_without_a_zone_is_no_time(client: Client) -> None:
    with pytest.raises(InvalidValue, match="zone"):
        client.pauses.create("rent", until=datetime(2030, 1, 1))
    assert client.pauses.list() == []


def test_a_batch_says_why_it_waits(client: Client) -> None:
    run = client.batches.create([SPEC])
    pause = run.pause(reason="the lights", for_seconds=60).pause
    assert pause is not None
    assert pause.since is not None
    assert pause.until is not None
    assert (pause.reason, pause.by) == ("the lights", "anonymous")
    assert timedelta(seconds=50) < pause.until - pause.since <= timedelta(seconds=60)
    assert run.resume().pause is None


def test_a_models_limit(client: Client, url: str) -> None:
    client.models.set_limit("mnist-dcgan", 2)
    assert client.models.limit("mnist-dcgan") == 2
    assert run(url, "models", "limit", "mnist-dcgan", "3").stdout == "mnist-dcgan: 3 jobs may run at once\n"
    assert client.models.limit("mnist-dcgan") == 3
    assert run(url, "models", "limit", "mnist-dcgan").stdout == "mnist-dcgan: 3 jobs may run at once\n"
    assert run(url, "models", "limit", "mnist-dcgan", "1").stdout == "mnist-dcgan: 1 job may run at once\n"
    assert run(url, "models", "limit", "mnist-dcgan", "none").exit_code == 0
    assert client.models.limit("mnist-dcgan") is None
    assert "any number of jobs" in run(url, "models", "limit", "mnist-dcgan").stdout
    assert run(url, "models", "limit", "mnist-dcgan", "0").exit_code == 2


def test_the_command_makes_lists_and_ends_pauses(client: Client, url: str) -> None:
    words = "--reason", "night shift", "--lane", "bulk", "--window", "22:00-06:00", "--timezone", "Asia/Tokyo"
    answer = run(url, "pauses", "create", *words, "--for", "7d")
    assert answer.exit_code == 0, answer.output
    (made,) = client.pauses.list()
    assert answer.stdout == f"{made.id}\n"
    assert "each day 22:00-06:00 Asia/Tokyo, until 20" in answer.stderr
    assert (made.window, made.timezone) == ("22:00-06:00", "Asia/Tokyo")
    headings, row = (line.split("\t") for line in run(url, "pauses", "list").stdout.splitlines())
    told = dict(zip(headings, row, strict=True))
    assert (told["of"], told["window"], told["reason"]) == (
        "lane bulk",
        "22:00-06:00 Asia/Tokyo",
        "night shift",
    )
    assert json.loads(run(url, "pauses", "list", "--json").stdout) == client.pauses.get(made).raw
    assert run(url, "pauses", "end", made.id).stdout == f"{made.id} ended\n"
    assert client.pauses.list() == []
    again = run(url, "pauses", "end", made.id, "--json")
    assert (again.exit_code, json.loads(again.stdout)["code"]) == (1, "pause_not_found")


def test_the_command_says_whether_a_new_pause_holds_now(url: str) -> None:
    words = "pauses", "create", "--reason", "night shift", "--lane", "bulk"
    assert "lane bulk: paused; `atelier pauses end" in run(url, *words).stderr
    now = datetime.now(UTC)
    later = [f"{now + timedelta(hours=hours):%H:%M}" for hours in (6, 7)]
    told = run(url, *words, "--window", "-".join(later)).stderr
    assert f"lane bulk: not paused now, each day {later[0]}-{later[1]} UTC; " in told
    rows = run(url, "pauses", "list").stdout.splitlines()[1:]
    assert [row.split("\t")[2] for row in rows] == ["not now", "holds"]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--reason", "x"], "name what to pause"),
        (["--reason", "x", "--everything", "--lane", "bulk"], "name what to pause"),
        (["--everything"], "--reason"),
        (["--reason", "x", "--everything", "--for", "1h", "--until", "2099-01-01"], "not both"),
        (["--reason", "x", "--everything", "--until", "soon"], "no time such as"),
        (["--reason", "x", "--everything", "--window", "soon"], "window must be two times"),
    ],
)
def test_what_cannot_be_meant_pauses_nothing(client: Client, url: str, words: list[str], named: str) -> None:
    answer = run(url, "pauses", "create", *words)
    assert answer.exit_code != 0
    assert named in answer.stderr
    assert client.pauses.list() == []


def test_the_command_pauses_batches_for_a_time(client: Client, url: str) -> None:
    batch = client.batches.create([SPEC])
    tomorrow = (datetime.now() + timedelta(days=1)).isoformat(timespec="minutes")  # in this machine's zone
    answer = run(url, "batches", "pause", batch.id, "--reason", "the lights", "--until", tomorrow)
    assert answer.stdout == f"{batch.id} paused\n"
    page = run(url, "batches", "show", batch.id).stdout
    assert f"by anonymous, until {tomorrow.replace('T', ' ')}" in page
    assert "the lights" in page
