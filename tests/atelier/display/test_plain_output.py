"""Names of files hold what steers a terminal: nothing of it reaches a terminal, a pipe or a log."""

import io
import json
import logging
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from api.services import Services
from atelier.cli import main
from atelier.client.client import Client
from atelier.supervisor.process_log import ProcessLog
from shared.errors import CorruptImage
from shared.logs import JsonFormatter, TextFormatter, plain
from tests.support.commands import leaves
from tests.support.images import pictures
from tests.support.jobs.batch_worker import BatchWorker

EVIL = "a\x1b[31mb\nc\rd\x07e\x7ff\x9b2Jg\u202eh\u2028i\udcffj"
# These start programs, take long, or take no names.
ALONE = {
    "up", "demo", "events", "doctor", "gc", "train mnist-dcgan", "train stylizer", "models list",
    "models pull", "tune",
}  # fmt: skip
Run = Callable[..., Result]


def steers(text: str) -> list[str]:
    """Return what of a text, but for the ends of its lines, steers a terminal."""
    kinds = {"Cc", "Cs", "Zl", "Zp"}
    return [c for c in text if c != "\n" and (unicodedata.category(c) in kinds or c == "\u202e")]


def is_plain(answer: Result) -> bool:
    forged = any(line.startswith(("c", "d\x07")) for line in answer.output.splitlines())
    return not steers(answer.output.replace("\t", "")) and not forged


@pytest.fixture
def run(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATELIER_STATE_DIR", str(tmp_path / "state"))
    Path("good.png").write_bytes(pictures.png(40, 40))
    return lambda *arguments: CliRunner().invoke(main, ["--url", url, *map(str, arguments)])


@pytest.mark.parametrize("json_too", [False, True])
def test_names_of_photos_and_folders_are_told_plainly(
    run: Run, services: Services, client: Client, json_too: bool
) -> None:
    photos, out = Path(EVIL), Path(f"out {EVIL}")
    photos.mkdir()
    for name, data in {
        f"good {EVIL}.png": pictures.png(),
        f"bad {EVIL}.png": pictures.png(50, 50),
        f"cut {EVIL}.png": pictures.png()[:20],
        f"text {EVIL}.txt": b"not a picture",
    }.items():
        (photos / name).write_bytes(data)
    worker = BatchWorker(services)
    worker.verdict = lambda job: CorruptImage(f"cut {EVIL[:-2]}") if "bad" in str(job.custom_id) else None
    with worker.working():
        options = ["--json"] if json_too else []
        answer = run("batch", photos, "--style", "good.png", "-o", out, *options)
        assert (answer.exit_code, is_plain(answer)) == (1, True), answer.output
        if json_too:
            facts = json.loads(answer.stdout)
            assert (facts["folder"], facts["failed"][0]["source"][:3]) == (str(out), "cut")
        else:
            assert "a\\x1b[31mb\\nc" in answer.stderr
        assert run("batch", photos, "--style", "good.png", "-o", out).exit_code == 1
        assert is_plain(run("batch", ".", "--style", "good.png", "-o", "fresh"))  # `out` is left out
        (batch, *_) = client.batches.list()
        for words in (["list"], ["show", batch.id], ["fetch", batch.id, "-o", f"got {EVIL}"]):
            assert is_plain(run("batches", *words))
        assert is_plain(run("stylize", photos / f"good {EVIL}.png", "--style", photos / "no"))


@pytest.mark.parametrize("name", [name for name, _ in leaves() if name not in ALONE])
def test_no_command_repeats_what_steers_a_terminal(run: Run, name: str) -> None:
    command = dict(leaves())[name]
    arguments = [param for param in command.params if isinstance(param, click.Argument)]
    options = [param.opts[0] for param in command.params if isinstance(param, click.Option)]
    for words in ([EVIL] * len(arguments), [f"--{EVIL}"], *([option, EVIL] for option in options)):
        brief = ["--timeout", "0.1"] if name == "generate" else []  # nobody carries its job out
        answer = run(*name.split(), *brief, *words)
        assert is_plain(answer), answer.output


def test_no_fault_of_the_command_itself_repeats_what_steers_a_terminal(run: Run) -> None:
    for words in (
        [EVIL],
        [f"--{EVIL}"],
        ["--url", EVIL, "jobs", "list"],
        ["jobs", EVIL],
        ["jobs", f"-{EVIL}"],
    ):
        assert is_plain(run(*words)), words


@given(st.text())
def test_a_plain_text_is_one_line_that_steers_nothing_and_keeps_letters(text: str) -> None:
    shown = plain(text)
    assert steers(shown) == []
    assert len(shown.splitlines()) <= 1
    assert plain(shown) == shown
    if not steers(text) and text.isprintable():
        assert shown == text


def test_logs_hold_one_line_for_each_event() -> None:
    for formatter in (TextFormatter(), JsonFormatter()):
        stream = io.StringIO()
        handler = logging.StreamHandler(stream)
        handler.setFormatter(formatter)
        record = logging.LogRecord("atelier", logging.INFO, "", 0, f"event {EVIL}", None, None)
        record.path = EVIL
        handler.handle(record)
        lines = stream.getvalue().splitlines()
        assert (len(lines), steers(lines[0])) == (1, [])
    try:
        raise ValueError(EVIL)
    except ValueError as error:
        record.exc_info = (type(error), error, None)
    shown = TextFormatter().format(record)
    assert steers(shown) == []
    assert re.search(r"ValueError: a\\x1b\[31mb$", shown, re.MULTILINE)


def test_lines_of_processes_are_shown_plainly() -> None:
    stream = io.StringIO()
    ProcessLog(stream).line("api", f"says\t{EVIL}")
    assert (steers(stream.getvalue()), stream.getvalue().count("\n")) == ([], 1)
