"""Do the same with each thing that a command names, and report each; if one is refused, others go on."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import click

from atelier.client.errors import ApiError
from atelier.display import echo, echo_json
from atelier.lazy_group import EXIT_FAILED


def carry_out_by_id(
    ctx: click.Context, ids: Iterable[str], move: Callable[[str], Any], done: str, *, as_json: bool
) -> None:
    """Call `move` with each id once and report it; exit with 1 where one was refused, else with 0."""
    status = 0
    for each in dict.fromkeys(ids):
        try:
            move(each)
        except ApiError as error:
            status = EXIT_FAILED
            report_refusal(each, error, as_json=as_json)
        else:
            report(each, done, ok=True, as_json=as_json)
    ctx.exit(status)


def report_refusal(name: str, error: ApiError, *, as_json: bool) -> None:
    """Report what the service has said against one of them."""
    report(name, str(error), ok=False, as_json=as_json, facts={"code": error.code, "detail": error.detail})


def report(name: str, text: str, *, ok: bool, as_json: bool, facts: Mapping[str, str] | None = None) -> None:
    """Report what became of one of them: as a line of JSON with `facts`, else by `text`."""
    if as_json:
        echo_json({"id": name, "ok": ok, **(facts or {})})
    else:
        echo(f"{name} {text}", err=not ok)
