"""Bulk actions of commands: begun after a question, followed to their end, and what they counted."""

from collections.abc import Mapping
from typing import Any

import click

from atelier.client.client import Client
from atelier.client.queue.actions import Action, Deed
from atelier.commands.options.job_selection import (
    GO_WITH_BATCH,
    chosen_filters,
    report_unlisted_items,
    say_nothing_done,
    with_items,
)
from atelier.display import echo, echo_json
from atelier.display.action_tables import say_counts
from atelier.display.progress_bar import count_spinner
from atelier.lazy_group import EXIT_FAILED, interruption


def act_on_all(ctx: click.Context, client: Client, do: Deed, options: Mapping[str, Any]) -> None:
    """Have the service do something with all jobs of a status that the options choose, after a question.

    Exits with 1 where it was refused for a job. Raises UsageError where the options choose none.
    """
    filters, takes_items = chosen_filters(options), "items" in options
    asked: dict[str, Any] = {**filters, "status": options["status"], "in_lane": filters.get("lane")}
    asked.pop("lane", None)
    items = takes_items and with_items(options["status"], options["items"])
    asked |= {"items": items} if takes_items else {}
    listed = {"status": options["status"], "items": items, **filters}
    count = sum(1 for _ in client.jobs.list_fields(["id"], **listed))  # an action would need the io worker
    advice = "add --items" if takes_items else GO_WITH_BATCH
    report_unlisted_items(client, options["status"], items=items, left="left alone", advice=advice)
    if not count:
        echo(say_nothing_done(options), err=True)
        return
    if not options["yes"]:
        among = ", items of batches among them" if items else ""
        click.confirm(f"{do} {count} {options['status']} {_jobs(count)}{among}?", abort=True, err=True)
    action = follow(client, client.actions.begin(do, **asked))
    print_action(action, as_json=options["as_json"])
    ctx.exit(EXIT_FAILED if action.failed else 0)


def confirm(client: Client, do: Deed, asked: Mapping[str, Any]) -> None:
    """Ask before an action begins; raise Abort where the answer is no."""
    count = client.actions.wait(client.actions.begin(do, dry_run=True, **asked)).matched
    click.confirm(f"{do} {count} {_jobs(count)}?", abort=True, err=True)


def _jobs(count: int) -> str:
    return "job" if count == 1 else "jobs"


def follow(client: Client, action: Action) -> Action:
    """Return an action when it is over. Ctrl-C says how to go on."""
    way = f"the action goes on: `atelier actions show {action.id}`, `atelier actions cancel {action.id}`"
    with interruption(way), count_spinner(f"{action.do}:") as show:
        return client.actions.wait(action, on_progress=lambda seen: show(seen.succeeded))


def print_action(action: Action, *, as_json: bool) -> None:
    """Print what an action is and has counted."""
    if as_json:
        echo_json(action.raw)
    else:
        echo(f"{action.id} {action.status}: {say_counts(action)}")
