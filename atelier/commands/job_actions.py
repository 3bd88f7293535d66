"""One move of many jobs: what became of each is said, and a refusal of one does not stop the others."""

from collections.abc import Callable
from typing import Any

import click

from atelier.client.errors import ApiError
from atelier.client.job import Job
from atelier.commands.options.job_selection import Choice
from atelier.display.plain import echo, echo_json
from atelier.lazy_group import EXIT_FAILED

UNAVAILABLE = 500  # and above: the service is at fault, so the jobs after this one would fare no better


def carry_out_each(
    ctx: click.Context, choice: Choice, move: Callable[[str], Any], say: Callable[[Any], str]
) -> None:
    """Move each job and say how it went; exit with 1 where one was refused, with 0 where none was."""
    refused = [job_id for job_id in choice.ids if not _carry_out(job_id, choice, move, say)]
    if not choice.ids:
        echo(choice.none, err=True)
    ctx.exit(EXIT_FAILED if refused else 0)


def _carry_out(job_id: str, choice: Choice, move: Callable[[str], Any], say: Callable[[Any], str]) -> bool:
    try:
        moved = move(job_id)
    except ApiError as error:
        if error.status >= UNAVAILABLE:
            raise
        _tell(job_id, choice, ok=False, text=str(error), facts={"code": error.code, "detail": error.detail})
        return False
    facts = {"job": moved.id, "status": moved.status} if isinstance(moved, Job) else {}
    _tell(job_id, choice, ok=True, text=say(moved), facts=facts)
    return True


def _tell(job_id: str, choice: Choice, *, ok: bool, text: str, facts: dict[str, str]) -> None:
    if choice.as_json:
        echo_json({"id": job_id, "ok": ok, **facts})
    else:
        echo(f"{job_id} {text}", err=not ok)
