"""Every command that a page names in a sentence exists, and a test runs it, or a mark says why none does."""

import re
import shlex
import subprocess
import sys
from importlib.util import find_spec

import pytest
from click import Group
from click.testing import CliRunner

from atelier.cli import main
from atelier.local.stack import RunningStack
from tests.support.pages.commands import (
    block_commands,
    head_of,
    inline_commands,
    resolved,
    unknown_options,
    words_of,
)
from tests.support.pages.pages import PAGES, ROOT

NAMED = """
atelier models list
atelier models verify
atelier styles list
atelier usage --csv
atelier quota set shop --weight 3
atelier quota show shop
atelier jobs requeue {job}
atelier batches move {batch} --to back
atelier batches pause {batch} --reason 'held by hand'
atelier batches resume {batch}
atelier pauses end {pause}
atelier watch {job}
atelier jobs pin {job}
atelier jobs unpin {job}
atelier batches pin {batch}
atelier batches unpin {batch}
atelier batches retry-failed {batch}
atelier actions show {action}
"""
TESTED = {  # by a test of their own, which starts, stops or breaks more than a reader's page may
    "atelier actions cancel": "tests/atelier/commands/queue/test_actions_command.py",
    "atelier completion": "tests/atelier/commands/words/test_completion.py",
    "atelier demo": "tests/atelier/commands/test_demo.py",
    "atelier doctor": "tests/atelier/commands/test_doctor.py",
    "atelier events": "tests/atelier/commands/test_interrupted_commands.py",
    "atelier journal": "tests/atelier/local/test_state_lock.py",
    "atelier mcp": "tests/atelier/mcp_server/conftest.py",
    "atelier places": "tests/atelier/commands/places/test_place_commands.py",
    "atelier run": "tests/atelier/commands/machine/test_run_command.py",
    "atelier restore": "tests/e2e/test_backup.py",
    "atelier train stylizer": "tests/worker/training/stylizer/test_run.py",
    "atelier tune": "tests/atelier/commands/machine/test_tune_command.py",
    "atelier up": "tests/atelier/commands/test_private_webhooks.py",
    "atelier workers drain": "tests/atelier/commands/queue/test_workers_command.py",
    "docker compose logs": "tests/compose/test_compose_doors.py",
    "make async-client": "tests/atelier/client/test_async_surface.py",
    "make client": "tests/support/packages/wheelhouse.py",
    "make release": "tests/deploy/test_release.py",
    "pip install": "tests/deploy/test_lock_is_enough.py",
    "python -m api.watch": "tests/api/test_watch.py",
    "python -m worker": "tests/atelier/local/test_process_overrides.py",
    "python -m worker.health": "tests/worker/test_health.py",
}
NEEDS = {"bench.gallery.page": "playwright"}  # packages that few need: without them a module is left out
MARKED = {  # why no test runs them; what a head begins with
    "apt-get": "installs on the machine",
    "curl -H": "shows a header",
    "docker": "needs Docker",
    "git": "needs the repository's address",
    "make bench": "measures, for minutes",
    "make chaos": "breaks things for 40 minutes",
    "python -m tests.chaos": "breaks things for minutes",
    "python -m tests.support.servers": "runs a thousand tests on each server",
    "make compose-test": "needs Docker",
    "make corpus": "compares pictures, for minutes",
    "make demo": "installs everything",
    "make fuzz": "attacks for half an hour",
    "make images": "needs Docker",
    "make proofs": "runs the tests many times",
    "make screenshots": "takes pictures in a browser, for minutes",
    "make lock": "needs a package index",
    "make test": "is the test run itself",
    "make up": "runs until Ctrl-C; it is `atelier up`",
    "python -m bench.gallery": "draws, for minutes",
    "python -m bench": "measures, for minutes",
    "python -m tests.deploy.three_hosts": "needs root; tests/deploy/test_three_hosts.py runs it",
    "python -m pytest": "is the test run itself",
}


def heads_that_run() -> set[str]:
    """Return the heads of all commands that a reader of the pages types."""
    named = (line for line in NAMED.splitlines() if line.startswith("atelier "))
    typed = (command for page in PAGES for block, command in block_commands(page) if not block.reason)
    return {head_of(command) for command in (*typed, *named)}


def all_words(page: str) -> list[list[str]]:
    """Return the words of every command of a page."""
    return [
        words_of(command)
        for command in (*inline_commands(page), *(command for _, command in block_commands(page)))
    ]


def is_group(command: str) -> bool:
    """Whether a command is the name of several: `atelier keys`."""
    program, *words = words_of(command)
    if program != "atelier":
        return False
    _, found, rest = resolved(words)
    return isinstance(found, Group) and not [word for word in rest if word != "..."]


@pytest.mark.parametrize("page", PAGES)
def test_named_commands_run_in_a_test_or_are_marked(page: str) -> None:
    heads = {head_of(command) for command in inline_commands(page) if not is_group(command)}
    rest = heads - heads_that_run() - TESTED.keys()
    assert not {head for head in rest if not head.startswith(tuple(MARKED))}


@pytest.mark.parametrize("page", PAGES)
def test_named_commands_of_atelier_have_their_subcommands_and_options(page: str) -> None:
    named = [command for command in inline_commands(page) if command.startswith("atelier ")]
    typed = [command for _, command in block_commands(page) if command.startswith("atelier ")]
    for command in (*named, *typed):
        _, found, rest = resolved(words_of(command)[1:])
        assert is_group(command) or not isinstance(found, Group), f"{page}: {command}"
        assert not unknown_options(found, rest), f"{page}: {command}"


@pytest.mark.parametrize("page", PAGES)
def test_named_targets_and_modules_are_there(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    words = all_words(page)
    assert {each[1] for each in words if each[0] == "make" and each[1].islower()} <= targets
    modules = {each[2] for each in words if each[:2] == ["python", "-m"]}
    assert not [module for module in modules if find_spec(module) is None]


@pytest.mark.slow
@pytest.mark.tensorflow
def test_modules_of_named_benchmarks_can_be_imported() -> None:
    commands = [command for page in PAGES for command in inline_commands(page)]
    commands += [command for page in PAGES for _, command in block_commands(page)]
    modules = sorted(
        {words[2] for command in commands if (words := words_of(command))[:2] == ["python", "-m"]}
    )
    benchmarks = [module for module in modules if module.startswith("bench.")]
    assert len(benchmarks) > 10
    benchmarks = [name for name in benchmarks if name not in NEEDS or find_spec(NEEDS[name])]
    code = f"import importlib\nfor name in {benchmarks}: importlib.import_module(name)"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, check=True, timeout=300)


def test_modules_that_make_runs_exist() -> None:
    modules = re.findall(r"BIN\)/python -m ([\w.]+)", (ROOT / "Makefile").read_text("utf-8"))
    assert len(modules) > 10
    assert [name for name in modules if find_spec(name) is None] == []


@pytest.mark.parametrize(("head", "path"), TESTED.items())
def test_the_test_that_is_said_to_run_a_command_names_it(head: str, path: str) -> None:
    name = head.split()[-1].replace("-", "[-_]")
    assert re.search(name, (ROOT / path).read_text("utf-8"))


def test_marks_are_needed() -> None:
    heads = {head_of(command) for page in PAGES for command in inline_commands(page)}
    assert not [mark for mark in MARKED if not any(head.startswith(mark) for head in heads)]
    assert TESTED.keys() <= heads


@pytest.mark.slow
@pytest.mark.tensorflow
def test_commands_that_are_only_named_work(installation: RunningStack) -> None:
    runner = CliRunner(env={"ATELIER_STATE_DIR": str(installation.folder)})
    with installation.client() as client:
        pause = client.pauses.create("a page names commands", lane="bulk", for_seconds=600)
        ids = {
            "pause": pause.id,
            "job": client.jobs.create({"type": "generate", "seed": 7, "lane": "bulk"}).id,
            "batch": client.batches.create([{"type": "generate", "seed": 7}]).id,
            "action": client.actions.begin("cancel", status="queued", type="transform").id,
        }
    for line in NAMED.strip().splitlines():
        ended = runner.invoke(main, shlex.split(line.format(**ids))[1:])
        assert ended.exit_code == 0, f"{line}\n{ended.output}\n{ended.exception!r}"
