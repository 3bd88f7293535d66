"""What commands list: as wide as the terminal for people, a row a line split by tabs for programs."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from api.services import Services
from atelier import GenerateRequest
from atelier.cli import main
from atelier.client.client import Client
from atelier.display.table import Table, wrapped
from shared.errors import CorruptImage
from shared.logs import plain
from tests.support.images import pictures
from tests.support.jobs.batch_worker import BatchWorker
from tests.support.jobs.fake_worker import FakeWorker
from tests.support.terminal import on_terminal

Run = Callable[..., Result]
LISTS = ("jobs list", "batches list", "styles list", "models list")
WIDTHS = (60, 80)


@pytest.fixture
def run(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, ["--url", url, *map(str, arguments)])


@pytest.fixture
def full(client: Client, services: Services, worker: FakeWorker) -> dict[str, str]:
    """A service with something of everything; its ids by what they are of."""
    client.styles.create("a-wave-with-a-rather-long-name-that-somebody-gave-it", pictures.png())
    failed = client.jobs.create({"type": "generate", "seeds": [7], "metadata": {"customer": "x" * 70}}).id
    worker.fail(worker.claim(failed), CorruptImage.of_field("/content", "the picture ends early " * 6))
    done = client.jobs.create({"type": "generate", "seeds": [7]}).id
    worker.run(done)
    client.jobs.create({"type": "generate", "seeds": [7]})
    items = BatchWorker(services)
    items.verdict = lambda job: CorruptImage("it ends early " * 9) if job.custom_id == "w" else None
    batch = client.batches.create(
        {"w": GenerateRequest(), "v": GenerateRequest()}, name="Wände und Wälder " * 4
    ).id
    items.round()
    return {"failed job": failed, "done job": done, "batch": batch}


def too_wide(lines: list[str], columns: int) -> list[str]:
    """Return the lines that are too wide, unless it is for one word that may not be broken."""
    return [line for line in lines if cell_len(line) > columns and len(line.split()) > 1]


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("command", LISTS)
def test_lists_fit_the_terminal_and_keep_every_name_whole(
    url: str,
    full: dict[str, str],
    command: str,
    columns: int,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = on_terminal(["--url", url, *command.split()], columns=columns, monkeypatch=monkeypatch)
    assert too_wide(shown, columns) == []
    assert not any("…" in line for line in shown)
    names = {line.split("\t")[0] for line in run(*command.split()).stdout.splitlines()[1:]}
    assert names, "something is listed"
    assert names <= {*" ".join(shown).split(), "0 to 25"}


@pytest.mark.parametrize("columns", WIDTHS)
@pytest.mark.parametrize("command", ["jobs show", "batches show"])
def test_pages_fit_the_terminal(
    url: str, full: dict[str, str], command: str, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = full.values() if command.startswith("jobs") else [full["batch"]]
    for name in [one for one in names if one.startswith(command[:3])]:
        shown = on_terminal(["--url", url, *command.split(), name], columns=columns, monkeypatch=monkeypatch)
        assert too_wide(shown, columns) == []
        assert name in " ".join(shown).split()


@pytest.mark.parametrize("command", LISTS)
def test_piped_lists_have_a_row_a_line_whatever_the_width(
    run: Run, full: dict[str, str], command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = run(*command.split()).stdout
    monkeypatch.setenv("COLUMNS", "20")
    assert run(*command.split()).stdout == wide
    rows = [line.split("\t") for line in wide.splitlines()]
    assert {len(row) for row in rows} == {len(rows[0])}
    assert not any(cell != cell.strip() for row in rows for cell in row)


def test_piped_rows_hold_whole_texts(run: Run, full: dict[str, str]) -> None:
    rows = [line.split("\t") for line in run("jobs", "list").stdout.splitlines()]
    failed = next(row for row in rows if row[0] == full["failed job"])
    assert failed[-1].count("the picture ends early") == 6
    page = dict(line.split("\t", 1) for line in run("jobs", "show", full["failed job"]).stdout.splitlines())
    assert page["metadata"] == f"customer={'x' * 70}"
    assert page["job"] == full["failed job"]


SEEN = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=200)


@given(SEEN, st.integers(1, 100))
def test_wrapping_breaks_no_word_and_loses_none(text: str, width: int) -> None:
    lines = wrapped(Text(text), width)
    assert " ".join(line.plain for line in lines).split() == text.split()
    assert all(line.cell_len <= width or len(line.plain.split()) == 1 for line in lines)


@given(st.lists(st.tuples(SEEN, SEEN, SEEN), min_size=1), st.integers(30, 120))
def test_any_table_fits_any_terminal(rows: list[tuple[str, str, str]], width: int) -> None:
    table = Table("name", "kind", "reason")
    for row in rows:
        table.add(*row)
    shown = [line.plain for line in table.lines(width)]
    assert too_wide(shown, width) == []
    words = {word for row in rows for cell in row for word in plain(cell).split()}
    assert words <= set(" ".join(shown).split())
    assert [len(line.split("\t")) for line in table.tabbed()] == [3] * (len(rows) + 1)


def test_what_finds_no_room_in_a_row_stands_below_it_with_its_label() -> None:
    table = Table("name", "kind", "place", "count", "reason")
    table.add("n" * 30, "k" * 8, "p" * 10, "1 of 2", "")
    table.add("m" * 30, "", "", "2 of 2", "it ends early")
    assert [line.plain.rstrip() for line in table.lines(50)] == [
        f"{'name':30}  kind",
        f"{'n' * 30}  {'k' * 8}",
        f"    place: {'p' * 10}  count: 1 of 2",
        "m" * 30,
        "    count: 2 of 2  reason: it ends early",
    ]
    narrow = [line.plain.rstrip() for line in table.lines(30)]
    assert narrow[0] == "n" * 30
    assert narrow[1:3] == ["    kind: kkkkkkkk", f"    place: {'p' * 10}"]


def test_a_terminal_shows_no_heading_that_nothing_stands_under() -> None:
    table = Table("name", "failed", "left")
    table.add("one", "", "3 s")
    assert [line.plain.split() for line in table.lines(80)] == [["name", "left"], ["one", "3", "s"]]
    assert list(table.tabbed()) == ["name\tfailed\tleft", "one\t\t3 s"]


def test_a_name_cannot_steer_the_terminal() -> None:
    table = Table("name", "reason")
    table.add("red\x1b[31m", "two\nlines\tand a tab\r")
    shown = [line.plain for line in table.lines(80)]
    assert shown[1].split() == ["red\ufffd[31m", "two", "lines", "and", "a", "tab"]
    assert list(table.tabbed())[1] == "red\ufffd[31m\ttwo lines and a tab"


NOTHING = [
    ("jobs list", "There are no jobs."),
    ("jobs list --status failed", "No job matches --status failed."),
    ("jobs list --type stylize --json", "No job matches --type stylize."),
    ("batches list", "There are no batches."),
    ("batches list --json", "There are no batches."),
    ("styles list", "No style is stored; `atelier styles add NAME PICTURE` keeps one."),
    ("jobs cancel --status queued --all --yes", "No job matches --status queued, so nothing was done."),
    ("models verify", "No model is stored; `atelier models pull` brings those that workers load at start."),
]


@pytest.mark.parametrize(("command", "sentence"), NOTHING)
def test_nothing_is_said_in_a_sentence_beside_the_data(run: Run, command: str, sentence: str) -> None:
    answer = run(*command.split())
    assert (answer.exit_code, answer.stderr) == (0, f"{sentence}\n")
    assert not answer.stdout or "multistyle-26" in answer.stdout


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("styles remove waves", "waves removed"),
        ("models reload", "Every worker looks for new versions and cards within seconds."),
        ("batches retry-failed BATCH", "BATCH has no failed item, so nothing was done"),
    ],
)
def test_a_finished_action_says_so(
    run: Run, client: Client, services: Services, command: str, sentence: str
) -> None:
    client.styles.create("waves", pictures.png())
    batch = client.batches.create({"v": GenerateRequest()}).id
    BatchWorker(services).round()
    answer = run(*command.replace("BATCH", batch).split())
    assert (answer.exit_code, answer.stdout) == (0, sentence.replace("BATCH", batch) + "\n"), answer.output


def test_an_empty_list_in_json_is_still_json(run: Run) -> None:
    assert run("jobs", "list", "--json").stdout == ""
    assert json.loads(run("styles", "list", "--json").stdout)["stored"] == []
