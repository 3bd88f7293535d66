"""By what results are made, as commands and the client tell it; and --precision."""

from pathlib import Path

from click.testing import CliRunner

from api.services import Services
from atelier import StylizeRequest
from atelier.cli import main
from atelier.client.client import Client
from atelier.client.request_parts import Style
from shared.workers import Worker
from tests.support.images import pictures
from tests.support.jobs.fake_worker import FakeWorker

SPEC = {"type": "generate", "seeds": [7]}


def shown(url: str, *arguments: str) -> str:
    answer = CliRunner().invoke(main, ["--url", url, *arguments])
    assert answer.exit_code == 0, answer.output
    return answer.stdout


def test_workers_and_stats_tell_the_numerics(url: str, client: Client, services: Services) -> None:
    for name, numerics in (("box-1-0af3bc", "cpu-x"), ("box-2-0af3bc", "cpu-x"), ("own-3-0af3bc", "cpu-y")):
        services.roster.announce(Worker(name, 1, (), numerics=numerics))
    assert shown(url, "workers", "list").count("cpu-x") == 1  # both processes are named box
    assert "numerics\tcpu-x (2), cpu-y (1)" in shown(url, "stats")
    assert client.stats.read().numerics == {"cpu-x": 2, "cpu-y": 1}
    assert {worker.name: worker.numerics for worker in client.workers.list()} == {
        "box": ("cpu-x",),
        "own": ("cpu-y",),
    }


def test_a_job_tells_by_what_it_was_made(url: str, client: Client, worker: FakeWorker) -> None:
    job_id = client.jobs.create(SPEC).id
    assert "made\t" not in shown(url, "jobs", "show", job_id)
    worker.run(job_id, numerics="cpu-x", precision="fast")
    assert "made\tfast, by cpu-x\n" in shown(url, "jobs", "show", job_id)
    job = client.jobs.get(job_id)
    assert (job.numerics, job.precision) == ("cpu-x", "fast")


def test_a_request_and_the_command_ask_for_a_precision(url: str, client: Client, tmp_path: Path) -> None:
    style = client.files.upload(pictures.png())
    request = StylizeRequest(content=style, styles=[Style(image=style)], precision="fast")
    assert client.jobs.create(request).input["precision"] == "fast"
    client.styles.create("waves", pictures.png())
    photo = tmp_path / "photo.png"
    photo.write_bytes(pictures.png())
    command = ("stylize", str(photo), "--style", "waves", "--precision", "fast", "--dry-run")
    assert "accepted\tyes" in shown(url, *command)
    refused = CliRunner().invoke(main, ["--url", url, *command, "--model", "nst-gatys"])
    assert refused.exit_code == 1
    assert "precision" in refused.stderr
