"""--url: before the command, after it, and between a group and its command."""

import pytest
from click.testing import CliRunner

from atelier.cli import main
from atelier.client.client import Client
from tests.support.commands import leaves

LOCAL = {
    "demo", "up", "train mnist-dcgan", "train stylizer", "backup", "restore", "gc", "doctor", "journal",
    "tune", "run",
    "models list", "models pull", "models verify", "keys create", "keys list", "keys revoke", "quota set",
    "quota show", "completion",
}  # fmt: skip  # they work on this machine, without a service


def test_every_command_that_asks_a_service_takes_its_address() -> None:
    takes = {name for name, command in leaves() if any("--url" in option.opts for option in command.params)}
    assert takes == {name for name, _ in leaves()} - LOCAL


@pytest.mark.parametrize(
    "line",
    [
        "jobs list --url URL",
        "jobs --url URL list",
        "jobs list --limit 3 --url URL --json",
        "batches list --url URL",
        "batches --url URL list",
        "styles list --url URL",
        "jobs show --url URL ID",
        "jobs cancel ID --url URL",
        "watch ID --url URL",
        "models reload --url URL",
    ],
)
def test_the_address_may_stand_anywhere(url: str, client: Client, line: str) -> None:
    job = client.jobs.create({"type": "generate"})
    client.jobs.cancel(job)
    words = [{"URL": url, "ID": job.id}.get(word, word) for word in line.split()]
    answer = CliRunner().invoke(main, ["--url", "http://127.0.0.1:9", *words])
    assert answer.exit_code == (1 if "watch" in line else 0), answer.output


def test_the_innermost_address_counts(url: str) -> None:
    line = ["--url", "nonsense", "jobs", "--url", "rubbish", "list", "--url", url]
    assert CliRunner().invoke(main, line).exit_code == 0
    answer = CliRunner().invoke(main, ["jobs", "list", "--url", "nonsense"])
    assert (answer.exit_code, "'nonsense' is no address" in answer.stderr) == (2, True)
