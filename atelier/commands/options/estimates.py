"""Dry runs of commands: what would be made, and what would refuse it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NoReturn

import click

from atelier.client.batch import Estimate, estimate_from_json
from atelier.client.client import Client
from atelier.client.requests import Request
from atelier.display import echo, echo_json
from atelier.display.batch_tables import estimate_page
from atelier.folder_batch.trial import Trial
from atelier.lazy_group import EXIT_FAILED

MEBIBYTE = 1 << 20
NONE: Mapping[str, str] = {}
_AMOUNTS = {"items": 0, "refused_items": 0, "pictures": 0, "pixels": 0, "bytes": 0}
_TIMES = {"work_seconds": 0.0, "eta_seconds": 0.0}
NOTHING = estimate_from_json(
    {"object": "estimate", "accepted": True, "problems": [], "repeats": None, **_AMOUNTS, **_TIMES}
)

dry_run_option = click.option(
    "--dry-run",
    is_flag=True,
    help="Say what would be made, what it takes and what would refuse it; ask for no job and keep nothing.",
)


def try_out(client: Client, request: Request, *, as_json: bool) -> NoReturn:
    """Print what a job would make and take, and exit: with 1 where it would be refused."""
    click.get_current_context().exit(print_estimate(client.jobs.estimate(request), as_json=as_json))


def print_trial(trial: Trial, estimate: Estimate, *, as_json: bool) -> int:
    """Print what a folder of photos would come to; return the exit status."""
    size = f"{trial.photo_bytes / MEBIBYTE:,.1f} MiB"
    facts = {"photos": f"{trial.photos:,}, {size}", "there already": f"{trial.kept:,}"}
    raw = {"photos": trial.photos, "photo_bytes": trial.photo_bytes, "kept": trial.kept}
    shown = replace(estimate, raw={**estimate.raw, **raw, "unread": trial.unread})
    status = print_estimate(shown, as_json=as_json, facts=facts)
    for reason in trial.unread:
        echo(f"left out: {reason}", err=True)
    return EXIT_FAILED if trial.unread else status


def print_estimate(estimate: Estimate, *, as_json: bool, facts: Mapping[str, str] = NONE) -> int:
    """Print what would be made and taken, and what would refuse it; return the exit status."""
    if as_json:
        echo_json(estimate.raw)
        return 0 if estimate.accepted else EXIT_FAILED
    estimate_page(estimate, facts).print()
    for problem in estimate.problems:
        for reason in [fault.sentence for fault in problem.errors] or [problem.detail]:
            echo(f"refused: {reason}", err=True)
    return 0 if estimate.accepted else EXIT_FAILED
