"""What commands write on a terminal or into a pipe; control characters from elsewhere are escaped."""

import click

from shared.logs import one_line, plain


def echo(*lines: object, err: bool = False) -> None:
    """Write lines, on the standard error where `err` says so. Control characters in them come as escapes."""
    for line in lines:
        click.echo(plain(str(line)), err=err)


def echo_json(value: object, *, err: bool = False) -> None:
    """Write a value as a line of JSON."""
    click.echo(one_line(value), err=err)


def echo_row(*cells: str) -> None:
    """Write cells that tabs split."""
    click.echo("\t".join(map(plain, cells)))
