"""`--fields` of lists that print JSON: only these fields of each entry."""

import click

fields_option = click.option(
    "--fields",
    metavar="NAME,...",
    default="",
    help="Print only these fields of each entry, such as id,status; goes with --json.",
)


def json_fields(text: str, *, as_json: bool) -> list[str]:
    """Return the names; raise UsageError where a table is printed, which has columns of its own."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if names and not as_json:
        raise click.UsageError("--fields goes with --json")
    return names
