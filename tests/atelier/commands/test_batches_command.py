"""`atelier batches`, and `atelier batch` with items that somebody has prepared."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from api.services import Services
from atelier import GenerateRequest
from atelier.cli import main
from atelier.client.client import Client
from atelier.display.progress_bar import RunProgress, say_rate
from atelier.folder_batch.progress import RunState
from atelier.folder_batch.results import save_results
from shared.errors import CorruptImage
from tests.support.jobs.batch_worker import BatchWorker

Run = Callable[..., Result]
DIGITS = {name: GenerateRequest(seed=seed) for seed, name in enumerate(["x", "y/z", "w"])}


@pytest.fixture
def run(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, ["--url", url, *map(str, arguments)])


def files(folder: str) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*.png"))


def test_batches_are_listed_and_shown(run: Run, client: Client, services: Services) -> None:
    worker = BatchWorker(services)
    worker.verdict = lambda job: CorruptImage("it ends early") if job.custom_id == "w" else None
    batch = client.batches.create(DIGITS, name="digits", metadata={"for": "a test"})
    worker.round()
    later = client.batches.create([GenerateRequest()])
    table = run("batches", "list").stdout.splitlines()
    assert [row.split()[0] for row in table[1:]] == [later.id, batch.id]
    assert "3/3" in table[2]
    assert run("batches", "list", "--limit", 1).stderr == "there are more than 1: --limit\n"
    assert json.loads(run("batches", "list", "--json").stdout.splitlines()[1])["id"] == batch.id
    light = run("batches", "list", "--json", "--fields", "id,status").stdout.splitlines()
    assert [json.loads(line) for line in light] == [
        {"id": later.id, "status": "running"},
        {"id": batch.id, "status": "completed"},
    ]
    page = " ".join(run("batches", "show", batch.id).stdout.split())
    for part in ("status completed", "2 succeeded, 1 failed", "for=a test", "corrupt_image: it ends early"):
        assert part in page
    assert json.loads(run("batches", "show", batch.id, "--json").stdout)["counts"]["failed"] == 1
    assert run("batches", "show", f"batch_{'0' * 32}").exit_code == 2


def test_batches_are_moved(run: Run, client: Client, services: Services) -> None:
    worker = BatchWorker(services)
    worker.verdict = lambda job: CorruptImage("it ends early") if job.custom_id == "w" else None
    batch = client.batches.create(DIGITS)
    for verb, told in (("pin", "pinned"), ("unpin", "unpinned"), ("pause", "paused"), ("resume", "resumed")):
        assert run("batches", verb, batch.id).stdout == f"{batch.id} {told}\n"
    worker.round()
    assert run("batches", "retry-failed", batch.id).stdout == f"{batch.id} 1 item goes again\n"
    answer = run("batches", "cancel", batch.id, "batch_unknown", "--json")
    facts = [json.loads(line) for line in answer.stdout.splitlines()]
    assert (answer.exit_code, [entry["ok"] for entry in facts]) == (1, [True, False])
    assert run("batches", "delete", batch.id).exit_code == 0
    assert list(client.batches.list()) == []


@pytest.mark.usefixtures("artist")
def test_a_batch_is_fetched_and_what_is_there_is_left_alone(run: Run, client: Client) -> None:
    batch = client.batches.create(DIGITS)
    first = run("batches", "fetch", batch.id, "-o", "made")
    assert (first.exit_code, first.stdout[:21]) == (0, "made: 3 new, 0 kept i"), first.output
    assert files("made") == ["w.png", "x.png", "y/z.png"]
    Path("made/x.png").write_bytes(b"other")
    facts = json.loads(run("batches", "fetch", batch.id, "-o", "made", "--json").stdout)
    assert (facts["saved"], facts["kept"]) == (1, 2)


@pytest.mark.usefixtures("artist")
def test_a_picture_that_cannot_be_fetched_stops_no_other(run: Run, client: Client) -> None:
    batch = client.batches.create(DIGITS)
    Path("made/x.png").mkdir(parents=True)
    Path("made/y").write_text("a file")
    answer = run("batches", "fetch", batch.id, "-o", "made", "--json")
    facts = json.loads(answer.stdout)
    assert (answer.exit_code, facts["saved"]) == (1, 1)
    assert sorted(entry["source"] for entry in facts["failed"]) == ["x", "y/z"]
    Path("items.jsonl").write_text(
        '{"type": "generate", "custom_id": "p"}\n{"type": "generate", "custom_id": "q"}'
    )
    Path("out/p.png").mkdir(parents=True)
    sent = run("batch", "--jsonl", "items.jsonl", "-o", "out")
    assert (sent.exit_code, files("out")) == (1, ["p.png", "q.png"])
    assert "failed: p: out/p.png cannot be saved: Is a directory" in sent.stderr


def test_an_item_that_was_retried_counts_once_as_it_ended_last(
    run: Run, client: Client, services: Services
) -> None:
    worker = BatchWorker(services)
    worker.verdict = lambda job: CorruptImage("it ends early") if job.custom_id == "x" else None
    batch = client.batches.create(DIGITS)
    worker.round()
    for _ in range(2):
        batch.retry_failed()
        worker.round()
    failed = run("batches", "fetch", batch.id, "-o", "made")
    assert failed.stdout.startswith("made: 2 new, 0 kept, 1 failed in"), failed.output
    worker.verdict = lambda _: None
    batch.retry_failed()
    worker.round()
    mended = run("batches", "fetch", batch.id, "-o", "made")
    assert (mended.exit_code, mended.stdout[:20]) == (0, "made: 1 new, 2 kept "), mended.output


def test_prepared_lines_are_sent_once(run: Run, client: Client, artist: BatchWorker) -> None:
    lines = [json.dumps({**request.to_json(), "custom_id": name}) for name, request in DIGITS.items()]
    Path("items.jsonl").write_text("\n".join(line.replace('"lane": "interactive", ', "") for line in lines))
    artist.verdict = lambda job: CorruptImage("it ends early") if job.custom_id == "w" else None
    first = run("batch", "--jsonl", "items.jsonl", "-o", "out")
    assert (first.exit_code, files("out")) == (1, ["x.png", "y/z.png"])
    assert "failed: w: corrupt_image: it ends early" in first.stderr
    artist.verdict = lambda _: None
    again = run("batch", "--jsonl", "items.jsonl", "-o", "out", "--retry-failed")
    assert (again.exit_code, again.stdout[:17]) == (0, "out: 1 new, 2 kep"), again.output
    assert (len(list(client.batches.list())), len(artist.runs)) == (1, 4)
    Path("items.jsonl").write_text(lines[0].replace('"lane": "interactive", ', ""))
    assert run("batch", "--jsonl", "items.jsonl", "-o", "out").exit_code == 1
    assert run("batch", "--jsonl", "items.jsonl", "-o", "out", "--new").exit_code == 0
    assert len(list(client.batches.list())) == 2


def test_a_dry_run_says_what_a_batch_would_come_to(run: Run, client: Client) -> None:
    Path("items.jsonl").write_text('{"type": "generate"}\n{"type": "generate", "count": 3}\n')
    answer = run("batch", "--jsonl", "items.jsonl", "-o", "out", "--dry-run")
    page = dict(line.split("\t") for line in answer.stdout.splitlines())
    assert (answer.exit_code, page["items"], page["accepted"]) == (0, "2", "yes"), answer.output
    assert page["pictures"].startswith("4, ")
    assert page["done in"] == "not known yet"
    Path("digits.json").write_text('{"type": "generate", "multiply": {"digit": [1, 77]}}')
    refused = run("batch", "--template", "digits.json", "-o", "out", "--dry-run")
    assert refused.exit_code == 1
    assert "items\t2, 1 at fault" in refused.stdout
    assert refused.stderr == "refused: digit must be between 0 and 9; got 77\n"
    told = json.loads(run("batch", "--template", "digits.json", "-o", "out", "--dry-run", "--json").stdout)
    assert (told["accepted"], told["items"], told["refused_items"]) == (False, 2, 1)
    assert not Path("out").exists()
    assert list(client.batches.list()) == []


@pytest.mark.usefixtures("artist")
def test_a_sample_of_prepared_items_is_made_first(run: Run, client: Client) -> None:
    Path("digits.json").write_text('{"type": "generate", "multiply": {"seed": {"from": 1, "to": 9}}}')
    sampled = run("batch", "--template", "digits.json", "-o", "out", "--sample", 4)
    (batch,) = client.batches.list()
    assert (sampled.exit_code, len(files("out"))) == (0, 4), sampled.output
    assert "the sample is made: 4 of 9 items are done, and no other starts" in sampled.stderr
    page = run("batches", "show", batch.id).stdout
    assert "its sample, which is made" in page
    assert f"/v1/batches/{batch.id}/contact-sheet" in page
    names = [line.split()[0] for line in page.splitlines()]
    assert ("now" in names, "lane" in names) == (False, True)  # "paused" says what `now` would
    assert run("batches", "resume", batch.id).exit_code == 0
    rest = run("batch", "--template", "digits.json", "-o", "out")
    assert (rest.exit_code, len(files("out")), rest.stderr) == (0, 9, "")


@pytest.mark.usefixtures("artist")
def test_a_prepared_template_is_sent(run: Run, client: Client) -> None:
    template = {"template": {"type": "generate", "multiply": {"digit": [1, 2], "seed": [5, 6]}}}
    Path("digits.json").write_text(json.dumps(template))
    for new, kept in ((4, 0), (0, 4)):
        answer = run("batch", "--template", "digits.json", "-o", "out")
        assert answer.stdout.startswith(f"out: {new} new, {kept} kept"), answer.output
    client.batches.get(next(client.batches.list())).delete()
    Path("digits.json").write_text("{")
    assert run("batch", "--template", "digits.json", "-o", "out2").exit_code == 1


@pytest.mark.usefixtures("artist")
def test_lines_that_are_no_json_are_told_by_their_number(run: Run) -> None:
    Path("items.jsonl").write_text('{"type": "generate"}\n\nnonsense\n')
    answer = run("batch", "--jsonl", "items.jsonl", "-o", "out")
    assert (answer.exit_code, "line 3 of items.jsonl is no JSON" in answer.stderr) == (1, True)


def test_a_batch_that_its_brake_has_paused_ends_the_command(
    run: Run, client: Client, services: Services
) -> None:
    worker = BatchWorker(services)
    worker.verdict = lambda job: CorruptImage("it ends early") if job.custom_id != "0" else None
    Path("items.jsonl").write_text('{"type": "generate"}\n' * 6)
    with worker.working():
        sent = run("batch", "--jsonl", "items.jsonl", "-o", "out", "--stop-after-failures", 3)
        (batch,) = client.batches.list()
        assert (sent.exit_code, batch.status, files("out")) == (5, "paused", ["0.png"]), sent.output
        assert f"`atelier batches retry-failed {batch.id}`" in sent.stderr
        fetched = run("batches", "fetch", batch.id, "-o", "fetched", "--json")
        assert (fetched.exit_code, json.loads(fetched.stdout)["stopped"]) == (5, batch.id)
        assert run("batches", "resume", batch.id).exit_code == 0
        worker.verdict = lambda _: None
        assert run("batches", "fetch", batch.id, "-o", "fetched").exit_code == 1
        assert run("batch", "--jsonl", "items.jsonl", "-o", "out", "--retry-failed").exit_code == 0
    assert len(files("out")) == 6


def test_a_batch_that_somebody_has_paused_is_waited_for(
    client: Client, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atelier.client.batch_run.LONG_POLL_SECONDS", 0.1)
    batch = client.batches.create(DIGITS)
    batch.pause()
    told: list[RunProgress] = []

    def show(progress: RunProgress) -> None:
        told.append(progress)
        if len(told) == 1:
            batch.resume()

    run_state = RunState(1)
    with BatchWorker(services).working():
        save_results(client.batches.get(batch.id), tmp_path, run_state, show)
    assert (run_state.saved, run_state.stopped) == (3, None)
    paused = [progress.is_paused for progress in told]  # pictures may come before the news that it goes on
    assert (paused[0], paused) == (True, sorted(paused, reverse=True))
    assert told[-1].done == 3
    assert say_rate(told[0]) == "paused: `atelier batches resume` goes on"
    slow = replace(told[0], done=2, total=9, per_second=1.0)
    assert say_rate(slow) == "1.0/s, paused: `atelier batches resume` goes on"  # no end is known


def test_a_list_says_how_many_items_were_canceled(run: Run, client: Client) -> None:
    batch = client.batches.create([GenerateRequest()])
    for job in batch.jobs():
        client.jobs.cancel(job.id)
    headings, row = (line.split("\t") for line in run("batches", "list").stdout.splitlines())
    told = dict(zip(headings, row, strict=True))
    assert (told["done"], told["failed"], told["canceled"]) == ("1/1", "", "1")


def test_waiting_batches_go_to_the_front_in_the_order_in_which_they_are_named(
    run: Run, client: Client, services: Services
) -> None:
    ids = [client.batches.create([GenerateRequest()]).id for _ in range(3)]
    answer = run("batches", "move", ids[2], ids[1], "--to", "front", "--lane", "interactive")
    told = [
        f"{ids[1]} moved to the front in lane interactive",
        f"{ids[2]} moved to the front in lane interactive",
    ]
    assert (answer.exit_code, answer.stdout.splitlines()) == (0, told)
    claimed = [services.store.claim_next("w")[0].batch_id for _ in range(3)]
    assert claimed == [ids[2], ids[1], ids[0]]
