"""`atelier events`: what changes of all jobs and batches, as it happens."""

from datetime import datetime

import click

from atelier.client.events import Change
from atelier.commands.options.service import Target, pass_target
from atelier.display import echo, echo_json

LOST = "Some changes were missed: `atelier jobs list` and `atelier batches list` have what there is now."
TYPES = ("job", "batch")


@click.command(short_help="Follow all jobs and batches as they change.")
@click.option("--type", "kind", type=click.Choice(TYPES), help="Tell of these only.")
@click.option("--batch", "batch_id", metavar="ID", help="Tell of this batch only.")
@click.option("--owner", help="Tell of this owner's; needs an admin's key.")
@click.option("--after", default="", metavar="PLACE", help="Go on after a place that --json has told.")
@click.option("--json", "as_json", is_flag=True, help="Print each change as a line of JSON.")
@pass_target
def events(
    target: Target, *, kind: str | None, batch_id: str | None, owner: str | None, after: str, as_json: bool
) -> None:
    """Show what changes of your jobs and batches, until Ctrl-C; of items, the counts of their batch.

    A service that restarts meanwhile is waited for.

    \b
    atelier events
    atelier events --type batch --json
    """
    types = [kind] if kind else None
    with target.client() as client:
        for change in client.events.follow(types=types, batch=batch_id, owner=owner, after=after):  # type: ignore[arg-type]
            if as_json:
                echo_json({"event": change.kind, "place": change.place, **change.raw})
            elif not change.is_reset:
                echo(say_change(change))
            elif change.reason == "lost":
                echo(LOST, err=True)


def say_change(change: Change) -> str:
    """Return a change as a line with the time, the id and what became of it."""
    counts = change.counts
    gone = "removed to make room" if change.reason == "reclaimed" else "deleted"
    parts = [change.status or gone]
    if change.fraction is not None:
        parts.append(f"{100 * change.fraction:.0f} %")
    if counts:
        parts.append(f"{counts['total'] - counts['queued'] - counts['running']}/{counts['total']}")
    wrong = counts.get("failed", 0) + counts.get("expired", 0)
    if wrong:
        parts.append(f"{wrong} failed")
    return f"{datetime.now():%H:%M:%S} {change.id} {', '.join(parts)}"
