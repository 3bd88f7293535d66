"""Bulk actions as people read them in a terminal."""

from collections.abc import Iterable, Mapping

from atelier.client.queue.actions import Action
from atelier.display.table import FactSheet, Table
from atelier.display.time_format import say_moment


def action_table(actions: Iterable[Action]) -> Table:
    """Return a row for each action: what it does, how far it is, and what it counted."""
    table = Table("action", "do", "status", "begun", "counts")
    for action in actions:
        begun = say_moment(action.created_at)
        table.add(action.id, say_deed(action), action.status, begun, say_counts(action))
    return table


def action_page(action: Action) -> FactSheet:
    """Return all that is known of an action."""
    page = FactSheet()
    page.add("action", action.id)
    page.add("do", say_deed(action))
    page.add("jobs of", action.raw["owner"])
    page.add("filter", " ".join(f"{name}={value}" for name, value in action.raw["filter"].items()) or "all")
    page.add("status", action.status if action.done else f"{action.status}, {action.fraction:.0%}")
    page.add("begun", say_moment(action.created_at))
    page.add("counts", say_counts(action))
    return page


def say_deed(action: Action) -> str:
    """Return what is done with the jobs."""
    where = [action.raw[name] for name in ("to", "lane") if action.raw[name]]
    return " ".join([action.do, *where, *(["(dry run)"] if action.dry_run else [])])


def say_counts(action: Action) -> str:
    """Return the counts of an action in one line."""
    if action.dry_run:
        return f"{action.matched} found"
    parts = [f"{action.succeeded} of {action.matched} done"]
    parts += _named("skipped", action.skipped) + _named("refused", action.failed)
    return ", ".join(parts)


def _named(word: str, counts: Mapping[str, int]) -> list[str]:
    return [f"{count} {word} ({reason})" for reason, count in counts.items()]
