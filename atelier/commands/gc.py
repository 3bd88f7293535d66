"""`atelier gc`: remove stored bytes that no record names."""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import click

from atelier.backup.offline import OfflineInstallation, enter
from atelier.display import echo, echo_json
from atelier.display.progress_bar import count_spinner
from shared.maintenance.garbage import Garbage, Orphan, collect, plan
from shared.settings import Settings

MEGABYTE = 1_000_000
REASONS = {
    "forgotten": "of a job or file that is gone",
    "superseded": "of an attempt that is not its job's result",
    "unfinished": "cut short while being written",
}


@dataclass(slots=True)
class Tally:
    """What was found, by reason."""

    objects: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)
    orphans: list[Orphan] = field(default_factory=list)

    def add(self, orphan: Orphan) -> None:
        """Count an orphan."""
        self.objects[orphan.reason] += 1
        self.bytes[orphan.reason] += orphan.bytes
        self.orphans.append(orphan)


@click.command(short_help="Remove stored bytes that nothing needs.")
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@click.option("--list", "each", is_flag=True, help="Name every object.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def gc(*, dry_run: bool, each: bool, as_json: bool) -> None:
    """Remove stored pictures that no record names: what crashes and lost attempts left more than an hour ago.

    The service may run meanwhile, and does the same now and then by itself.

    \b
    atelier gc --dry-run
    atelier gc
    """
    tally = Tally()
    with enter(Settings.from_env()) as installation, count_spinner("looking through storage") as on_count:
        waiting = _find(installation, tally, on_count) if dry_run else _remove(installation, tally, on_count)
    if as_json:
        echo_json(_facts(tally, waiting, dry_run=dry_run, each=each))
    else:
        _report(tally, waiting, dry_run=dry_run, each=each)


def _find(installation: OfflineInstallation, tally: Tally, on_count: Callable[[int], None]) -> int:
    """Count what would be removed; return how many entries wait for the sweeper."""
    for orphan in plan(installation.client, installation.objects, on_looked=on_count):
        tally.add(orphan)
    return len(Garbage(installation.client, installation.objects))


def _remove(installation: OfflineInstallation, tally: Tally, on_count: Callable[[int], None]) -> int:
    """Remove all; return how many entries were swept besides."""
    swept = sum(iter(Garbage(installation.client, installation.objects).sweep, 0))

    def removed(orphan: Orphan) -> None:
        tally.add(orphan)
        on_count(len(tally.orphans))

    collect(installation.client, installation.objects, on_removed=removed)
    return swept


def _facts(tally: Tally, waiting: int, *, dry_run: bool, each: bool) -> dict[str, object]:
    facts = {
        "dry_run": dry_run,
        "objects": sum(tally.objects.values()),
        "bytes": sum(tally.bytes.values()),
        "reasons": {
            reason: {"objects": tally.objects[reason], "bytes": tally.bytes[reason]} for reason in REASONS
        },
        "garbage": waiting,
    }
    return {**facts, "orphans": [asdict(orphan) for orphan in tally.orphans]} if each else facts


def _report(tally: Tally, waiting: int, *, dry_run: bool, each: bool) -> None:
    for orphan in tally.orphans if each else ():
        echo(f"{orphan.key} {orphan.bytes} {orphan.reason}")
    for reason, count in tally.objects.items():
        echo(f"{count} objects, {tally.bytes[reason] / MEGABYTE:.1f} MB: {REASONS[reason]}")
    verb = "would be removed" if dry_run else "removed"
    echo(f"{verb}: {sum(tally.objects.values())} objects, {sum(tally.bytes.values()) / MEGABYTE:.1f} MB")
    if waiting:
        echo(f"deleted jobs and files whose bytes {'wait to be' if dry_run else 'were'} swept: {waiting}")
