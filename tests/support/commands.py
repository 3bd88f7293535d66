"""Every command of the command line, and the examples in their help."""

import re
import shlex
from collections.abc import Iterator

import click

from atelier.cli import COMMANDS, main


def groups() -> Iterator[tuple[str, click.Group]]:
    """Yield each group of commands by its name; that of the program itself is empty."""
    context = click.Context(main)
    yield "", main
    for name in COMMANDS:
        command = main.get_command(context, name)
        if isinstance(command, click.Group):
            yield name, command


def leaves() -> Iterator[tuple[str, click.Command]]:
    """Yield each command that does something, by its name, such as `jobs list`."""
    context = click.Context(main)
    for name in COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        if not isinstance(command, click.Group):
            yield name, command
            continue
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            assert found is not None
            yield f"{name} {inner}", found


def examples(command: click.Command) -> list[list[str]]:
    """Return the words of each example in a command's help, without the program's own name."""
    text = re.sub(r"\\\n\s*", "", command.help or "")
    lines = (line.strip() for block in text.split("\b")[1:] for line in block.split("\n\n")[0].splitlines())
    return [shlex.split(line)[1:] for line in lines if line.startswith("atelier ")]
