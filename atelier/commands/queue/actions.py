"""`atelier actions`: cancel, retry, delete or move all jobs that filters admit, as one thing with an id."""

from itertools import islice
from typing import Any

import click

from atelier.client.queue.actions import Deed
from atelier.client.request_parts import ActionWebhook, Webhook
from atelier.commands.options.bulk_action import confirm, follow, print_action
from atelier.commands.options.job_selection import FILTERS, LANES, filter_options
from atelier.commands.options.parameters import read_webhook
from atelier.commands.options.service import Target, pass_target, url_option
from atelier.display import echo, echo_json
from atelier.display.action_tables import action_page, action_table
from atelier.lazy_group import EXIT_FAILED

STATUSES = ("queued", "running", "succeeded", "failed", "canceled", "expired")
DEEDS = ("cancel", "retry", "delete", "move")
_AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(short_help="Cancel, retry, delete or move many jobs at once.")
@url_option
def actions() -> None:
    """Do one thing with all jobs that filters admit; the service goes on with it by itself.

    \b
    atelier actions begin cancel --status queued --dry-run
    atelier actions list
    """


@actions.command()
@click.argument("do", type=click.Choice(DEEDS))
@click.option("--status", type=click.Choice(STATUSES), help="Choose only jobs of this status.")
@filter_options
@click.option("--in-lane", type=click.Choice(LANES), help="Choose only jobs that are in this lane.")
@click.option("--to", type=click.Choice(("front", "back")), help="Put moved jobs at this end of the queue.")
@click.option("--lane", type=click.Choice(LANES), help="Put moved jobs into this lane.")
@click.option("--owner", help="Take jobs of this owner; for admins.")
@click.option(
    "--webhook",
    type=read_webhook,
    metavar="URL",
    help="Tell this address when it is over, with the counts; ntfy+URL, slack+URL, discord+URL or mailto:WHO "
    "is a notice for people.",
)
@click.option("--dry-run", is_flag=True, help="Say how many jobs there are, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before it begins.")
@click.option("--wait/--no-wait", default=True, help="Follow it to its end, or leave it alone.")
@_AS_JSON
@url_option
@click.pass_context
def begin(
    ctx: click.Context,
    /,
    *,
    do: Deed,
    webhook: Webhook | None,
    dry_run: bool,
    yes: bool,
    wait: bool,
    **options: Any,
) -> None:
    """Begin an action with all jobs that the filters admit: cancel, retry, delete or move them.

    Without --status it takes those whose status allows it. Jobs that are accepted later are not touched.
    Exits with 1 where it was refused for a job.

    \b
    atelier actions begin cancel --status queued --dry-run
    atelier actions begin move --to front --model nst-gatys
    atelier actions begin delete --until 7d --yes --no-wait
    atelier actions begin retry --status failed \\
        --webhook ntfy+https://ntfy.sh/my-work
    """
    target: Target = ctx.obj
    as_json = options.pop("as_json")
    told = ActionWebhook(url=webhook.url, template=webhook.template) if webhook else None
    names = ("status", "items", "in_lane", "to", "owner", *FILTERS)  # of these, "lane" is where to move
    asked = {name: options[name] for name in names if options[name] is not None}
    with target.client() as client:
        if not (yes or dry_run):
            confirm(client, do, asked)
        action = client.actions.begin(do, dry_run=dry_run, webhook=told, **asked)
        if wait:
            action = follow(client, action)
    print_action(action, as_json=as_json)
    ctx.exit(EXIT_FAILED if action.failed else 0)


@actions.command("list")
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="List at most so many actions."
)
@click.option("--json", "as_json", is_flag=True, help="Print each action as a line of JSON.")
@pass_target
def list_actions(target: Target, /, *, limit: int, as_json: bool) -> None:
    """Show actions, newest first; each is kept for 7 days after its end.

    \b
    atelier actions list
    """
    with target.client() as client:
        found = list(islice(client.actions.list(), limit))
    if as_json:
        for action in found:
            echo_json(action.raw)
    elif found:
        action_table(found).print()
    else:
        echo("There are no actions.", err=True)


@actions.command()
@click.argument("action_id")
@_AS_JSON
@pass_target
def show(target: Target, /, *, action_id: str, as_json: bool) -> None:
    """Show how far an action is, and what it counted.

    \b
    atelier actions show action_019a...
    """
    with target.client() as client:
        action = client.actions.get(action_id)
    if as_json:
        echo_json(action.raw)
    else:
        action_page(action).print()


@actions.command()
@click.argument("action_id")
@_AS_JSON
@pass_target
def cancel(target: Target, /, *, action_id: str, as_json: bool) -> None:
    """Stop an action. What it has done stays done.

    \b
    atelier actions cancel action_019a...
    """
    with target.client() as client:
        action = client.actions.cancel(action_id)
    print_action(action, as_json=as_json)
