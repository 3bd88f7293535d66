"""The commands of pages: lines of their blocks, and commands in the middle of a sentence."""

import re
from collections.abc import Iterator, Sequence

import click

from atelier.cli import main
from tests.support.pages.pages import PAGES, Block, blocks_of

PROGRAMS = ("atelier", "make", "python -m", "docker", "curl", "git", "pip", "apt-get")
_FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_COMMAND = re.compile(rf"(?:{'|'.join(PROGRAMS)}) \S")
_WITHIN = re.compile(rf"(?:^|[|;&(]|\bdo|\bxargs|\bexec -T \w+) *((?:{'|'.join(PROGRAMS)}) \S.*)")
_ENDS = re.compile(r"\s(?:\||&&|>|;|#)(?:\s|$)|\)\"?$")


def inline_commands(page: str) -> list[str]:
    """Return the commands that the sentences and tables of a page name, without what a pipe follows with."""
    text = _FENCED.sub("", PAGES[page].read_text("utf-8"))
    return [_first(found) for found in _INLINE.findall(text) if _COMMAND.match(found)]


def block_commands(page: str) -> Iterator[tuple[Block, str]]:
    """Yield the commands of a page's blocks of commands, each with its block; several may share a line."""
    for block in blocks_of(page):
        if block.language == "sh":
            for line in block.text.replace("\\\n", " ").splitlines():
                yield from ((block, _first(found)) for found in _split(line))


def _split(line: str) -> Iterator[str]:
    if not line.lstrip().startswith("#"):
        for part in re.split(r"\s(?:\||&&|;)\s|\$\(", line.split("  #")[0]):
            if found := _WITHIN.search(part):
                yield found.group(1)


def _first(command: str) -> str:
    return _ENDS.split(command)[0].strip()


def words_of(command: str) -> list[str]:
    """Return a command's words; brackets about what may be left out are taken away."""
    return re.sub(r"[\[\]]", "", command).split()


def head_of(command: str) -> str:
    """Return what a command is known by: its program, with the subcommand, target or module that it runs."""
    words = words_of(command)
    if words[0] == "atelier":
        path, _, _ = resolved(words[1:])
        return " ".join(["atelier", *path])
    if words[0] == "docker" and words[1] == "compose":
        return " ".join([*words[:2], next((word for word in words[2:] if not word.startswith("-")), "")])
    return " ".join(words[: 3 if words[:2] == ["python", "-m"] else 2])


def resolved(words: Sequence[str]) -> tuple[list[str], click.Command, list[str]]:
    """Return the names of the subcommand that words lead to, it, and the words that are left."""
    command: click.Command = main
    path: list[str] = []
    rest = list(words)
    while isinstance(command, click.Group) and rest:
        found = command.get_command(click.Context(command), rest[0])
        if found is None:
            break
        command = found
        path.append(rest.pop(0))
    return path, command, rest


def unknown_options(command: click.Command, words: Sequence[str]) -> list[str]:
    """Return the options among words that a command of Atelier does not have."""
    known = {
        "-h",
        "--help",
        *(name for each in command.params for name in (*each.opts, *each.secondary_opts)),
    }
    return [word for word in words if re.match(r"--?[a-z]", word) and word.split("=")[0] not in known]
