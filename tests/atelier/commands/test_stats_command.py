"""`atelier stats`: the numbers of the queue."""

import json

from click.testing import CliRunner

from atelier.cli import main
from atelier.client.client import Client
from tests.support.jobs.fake_worker import FakeWorker

SPEC = {"type": "generate", "seeds": [7]}


def test_the_numbers_stand_in_a_row_for_each_part(url: str, client: Client, worker: FakeWorker) -> None:
    ids = [client.jobs.create(SPEC).id for _ in range(3)]
    worker.announce("mnist-dcgan", slots=2)
    worker.run(ids[0])
    worker.claim(ids[1])
    answer = CliRunner().invoke(main, ["--url", url, "stats"])
    assert answer.exit_code == 0, answer.output
    headings, *rows = (line.split("\t") for line in answer.stdout.splitlines())
    assert headings[:3] == ["part", "waiting", "running"]
    assert ["all", "1", "1"] in [row[:3] for row in rows]
    assert ["lane interactive", "1", "1"] in [row[:3] for row in rows]
    assert ["lane bulk", "0", "0"] in [row[:3] for row in rows]
    assert ["model mnist-dcgan", "1", "1"] in [row[:3] for row in rows]
    assert ["owner anonymous", "1", "1"] in [row[:3] for row in rows]
    assert ["workers", "1, with 2 jobs at once"] in rows


def test_what_is_paused_has_a_column(url: str, client: Client) -> None:
    client.jobs.create(SPEC)
    client.pauses.create("a test", lane="interactive", for_seconds=60)
    headings, *rows = (
        line.split("\t") for line in CliRunner().invoke(main, ["--url", url, "stats"]).stdout.splitlines()
    )
    told = {row[0]: dict(zip(headings, row, strict=True)) for row in rows if len(row) == len(headings)}
    assert (told["lane interactive"]["waiting"], told["lane interactive"]["paused"]) == ("0", "1")
    assert told["lane bulk"]["paused"] == ""
    assert (client.stats.read().total.paused, client.stats.read().owners["anonymous"].paused) == (1, 1)


def test_json_is_what_the_service_says(url: str, client: Client) -> None:
    client.jobs.create(SPEC)
    answer = CliRunner().invoke(main, ["--url", url, "stats", "--json", "--within", "30"])
    found = json.loads(answer.stdout)
    assert (found["object"], found["total"]["waiting"]) == ("stats", 1)
    assert client.stats.read().total.waiting == 1
    assert client.stats.read().lanes["bulk"].oldest_seconds is None
