"""Do the same with each thing that a command names, and report each; if one is refused, others go on."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import click

from atelier.client.errors import ApiError
from atelier.display import echo, echo_json
from atelier.lazy_group import EXIT_FAILED
from shared.errors import AtelierError


def carry_out_each(
    ctx: click.Context,
    names: Iterable[str],
    move: Callable[[str], Any],
    done: str,
    *,
    as_json: bool,
    key: str = "id",
) -> None:
    """Call `move` with each name once and report it; exit with 1 where one was refused, else with 0.

    `key` is what a line of JSON calls the name.
    """
    status = 0
    for each in dict.fromkeys(names):
        try:
            move(each)
        except (ApiError, AtelierError) as error:
            status = EXIT_FAILED
            report_refusal(each, error, as_json=as_json, key=key)
        else:
            report(each, done, ok=True, as_json=as_json, key=key)
    ctx.exit(status)


def report_refusal(name: str, error: ApiError | AtelierError, *, as_json: bool, key: str = "id") -> None:
    """Report what the service has said against one of them."""
    facts = {"code": error.code, "detail": error.detail}
    report(name, str(error), ok=False, as_json=as_json, facts=facts, key=key)


def report(
    name: str,
    text: str,
    *,
    ok: bool,
    as_json: bool,
    facts: Mapping[str, str] | None = None,
    key: str = "id",
) -> None:
    """Report what became of one of them: as a line of JSON with `facts`, else by `text`."""
    if as_json:
        echo_json({key: name, "ok": ok, **(facts or {})})
    else:
        echo(f"{name} {text}", err=not ok)
