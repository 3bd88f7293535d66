"""The reader notices what does not work: otherwise no page would ever fail."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.http.receiver import Receiver
from tests.support.pages.pages import Block
from tests.support.pages.reader import Reader


def block(language: str, text: str, before: str = "") -> Block:
    return Block("page.md", 1, language, text, before)


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    (tmp_path / "desk").mkdir()
    with Reader(tmp_path / "desk", tmp_path, {"PORT": "80"}, Receiver()) as running:
        yield running


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("sh", "false\necho after\n"),
        ("sh", 'until [ "$DONE" = true ]; do DONE=true; done\n'),
        ("sh", "cat missing | wc -l\n"),
        ("sh", "curl -s http://127.0.0.1:1/\n"),
        ("python", "print(unknown)\n"),
    ],
)
def test_what_fails_is_found(reader: Reader, language: str, text: str) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"page\.md:1 fails"):
        reader.follow([block(language, text)])


def test_a_marked_block_is_passed_over_and_names_last_from_block_to_block(reader: Reader) -> None:
    reader.follow(
        [
            block("sh", "false\n", "<!-- not run: needs Docker -->"),
            block("text", "{}", "`note.txt`:"),
            block("sh", "HERE=PORT\ncat note.txt\n"),
            block("sh", 'echo "{\\"port\\": $HERE, \\"job\\": \\"job_01ab\\", \\"more\\": 1}"\n'),
            block("json", '{"port": 1, "job": "job_019a...", ...}'),
            block("sh", "echo '\"job_019a...\"' | grep job_01ab\n"),
            block("python", "names = [1]\n"),
            block("python", "print(names)\n"),
            block("json", "[2]"),
        ]
    )


@pytest.mark.parametrize("shown", ['{"a": 1}', '{"a": "1", "b": 1}', '{"a": 1, "c": 1, ...}', "[...]"])
def test_what_is_shown_and_does_not_come_is_found(reader: Reader, shown: str) -> None:
    with pytest.raises(AssertionError, match="shows what does not come"):
        reader.follow([block("sh", 'echo \'{"a": 1, "b": 2}\'\n'), block("json", shown)])


def test_an_answer_has_the_status_and_the_headers_that_are_shown(reader: Reader) -> None:
    came = block("sh", "printf 'HTTP/1.1 202 OK\\r\\nLocation: x\\r\\n\\r\\n{\"a\": 1}'\n")
    reader.follow([came, block("http", 'HTTP/1.1 202 ACCEPTED\nlocation: y\n\n{"a": 2}')])
    for shown in ('HTTP/1.1 200 OK\n\n{"a": 1}', 'HTTP/1.1 202 OK\nEtag: x\n\n{"a": 1}'):
        with pytest.raises(AssertionError, match="shows what does not come"):
            reader.follow([came, block("http", shown)])
