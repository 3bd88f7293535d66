"""Every command of the command line."""

from collections.abc import Iterator

import click

from atelier.cli import COMMANDS, main


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
