"""`atelier batch`: a folder of photos, each in every style, into a folder of the same shape."""

import math
import os
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from atelier.client.client import Client
from atelier.client.errors import ApiError
from atelier.commands.batch_file import PreparedOrder, estimate_prepared, send_prepared
from atelier.commands.options.batch import batch_options
from atelier.commands.options.brake import brake_of
from atelier.commands.options.estimates import NOTHING, print_trial
from atelier.commands.options.order import Order, read_order, settings_of
from atelier.commands.options.service import Target, url_option
from atelier.commands.options.style_choice import check_styles
from atelier.commands.places.placed_batch import carry_out, check_placed, is_placed
from atelier.display import echo
from atelier.display.progress_bar import run_bar
from atelier.folder_batch.output_names import Names
from atelier.folder_batch.photo_check import REFUSALS, PhotoChecker
from atelier.folder_batch.photo_source import Find, Once, PhotoSource, Watched, finder
from atelier.folder_batch.progress import RunState
from atelier.folder_batch.report import GO_ON, LATER, exit_status_of, print_report
from atelier.folder_batch.resume import check_options, resume_batches
from atelier.folder_batch.run import FolderRun
from atelier.folder_batch.scan import is_around, why_no_photos
from atelier.folder_batch.state_file import FolderState, StateFile, known_state
from atelier.folder_batch.submitter import Submitter
from atelier.folder_batch.trial import TrialUploads, try_photos
from atelier.folder_batch.uploads import Uploads
from atelier.lazy_group import EXIT_INTERRUPTED, EXIT_TIMEOUT, on_interrupt, on_timeout
from shared.logs import plain

PATIENT_RETRIES = 18  # about two minutes with a service that does not respond
MOST_BYTES = 1 << 30  # of a file, where the service has no such limit in its list: none takes more


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that a run starts with."""

    uploads: Uploads
    run_state: RunState
    most_bytes: int  # that the service takes in one file


@click.command(short_help="Paint a folder of photos; go on after an interruption.")
@batch_options
@url_option
@click.pass_context
def batch(ctx: click.Context, /, **options: Any) -> None:
    """Paint every photo of a folder in every style, into a folder of the same shape.

    Interrupted, it goes on where it was: start the same command again. What is there already is kept
    while neither the photo nor the options change.

    \b
    atelier batch photos/ --style a.jpg --style b.jpg \\
        --strength 0.6,1 -o out/
    atelier batch photos/ --styles 0-25 --model multistyle-26 \\
        --format jpeg -o out/
    atelier batch inbox/ --style waves --watch -o painted/
    atelier batch --jsonl items.jsonl -o out/
    atelier batch --from photos:2026/ --style waves \\
        --to out:waves/ --name '{path}{stem}'
    """
    try:
        status = _carry_out(ctx, options)
    except KeyboardInterrupt:  # before the run began, or for the second time
        status = EXIT_INTERRUPTED
    if is_placed(options):  # the service works on, and nothing here goes on
        ctx.exit(status)
    if status == EXIT_INTERRUPTED:
        echo(GO_ON, err=True)
    if status == EXIT_TIMEOUT:
        echo(LATER, err=True)
    ctx.exit(status)


def _carry_out(ctx: click.Context, options: dict[str, Any]) -> int:
    target: Target = ctx.obj
    brake_of(options)  # a wrong combination is refused before anything is sent
    check_placed(ctx, options)
    with target.client(retries=PATIENT_RETRIES) as client:
        client.models.list()  # a service that is not there is told of before any photo is read
        if is_placed(options):
            return carry_out(client, options)
        if options["jsonl"] or options["template"]:
            prepared = PreparedOrder.of(ctx, options)
            return (estimate_prepared if options["dry_run"] else send_prepared)(client, prepared)
        limits = client.files.limits()
        most = limits.max_bytes if limits else MOST_BYTES
        return _paint(client, read_order(ctx, options, most), options, most)


def _paint(client: Client, order: Order, options: dict[str, Any], most_bytes: int) -> int:
    """Carry an order out, with photos of at most `most_bytes`; return the exit status."""
    uploads, run_state = Uploads(client), RunState(len(order.picture_options.variations))
    folder, began = options["output"], time.monotonic()
    find = finder(order.sources, folder, _say_left_out)
    _check_photos(order, folder, find, is_watched=options["watch"])
    check_styles(client, options["styles"], order.picture_options.model, options["numbers"] or ())
    _upload_files(uploads, order)
    if options["dry_run"]:
        return _try_out(client, order, find, options, most_bytes)
    source: PhotoSource = Watched(find) if options["watch"] else Once(find)
    with closing(StateFile(folder)) as state_file:
        folder_run = _begun(client, order, state_file, Parts(uploads, run_state, most_bytes), options)
        try:
            _run(folder_run, source, folder.name or "batch", options["timeout"])
        finally:
            seconds = time.monotonic() - began
            facts: dict[str, Any] = {"sent": uploads.sent, "naming": order.name_of}
            print_report(run_state, folder, seconds=seconds, as_json=options["as_json"], **facts)
    if run_state.stopped:
        return exit_status_of(run_state)
    if folder_run.interrupted and seconds >= (options["timeout"] or math.inf):
        return EXIT_TIMEOUT
    if folder_run.interrupted and not options["watch"]:
        return EXIT_INTERRUPTED
    return exit_status_of(run_state)


def _try_out(client: Client, order: Order, find: Find, options: dict[str, Any], most_bytes: int) -> int:
    """Print what the order would make and take; return the exit status."""
    uploads = TrialUploads(client, client.files.limits())
    with known_state(options["output"]) as (state, folder):
        trial = try_photos(_checker(order, state, folder, uploads, most_bytes), uploads, find())
    settings = {**settings_of(options), "cache": False}  # photos that are alike are not equal
    estimate = client.batches.estimate(trial.items, **settings) if trial.items else NOTHING
    return print_trial(trial, estimate, as_json=options["as_json"])


def _checker(
    order: Order, state: FolderState, folder: Path, uploads: Uploads, most_bytes: int
) -> PhotoChecker:
    known = state.targets
    names = Names(
        order.pattern,
        order.picture_options,
        state.owners(),
        is_foreign=lambda target: target not in known and os.path.lexists(folder / target),
    )
    where: dict[str, Any] = {"folder": folder, "uploads": uploads, "most": most_bytes}
    return PhotoChecker(order.picture_options, names, state, **where)


def _check_photos(order: Order, output: Path, find: Find, *, is_watched: bool) -> None:
    """Raise UsageError where pictures would be written among the photos, or where there are no photos."""
    if is_around(output, order.sources):
        raise click.UsageError(
            f"the folder of photos lies in the output folder {output}; name one beside it, such as -o out/"
        )
    reason = "" if is_watched else why_no_photos(find())
    if reason:
        raise click.UsageError(f"{', '.join(map(str, order.sources))}: {reason}")


def _say_left_out(folder: Path) -> None:
    echo(f"{folder} is left out, because it holds pictures that `atelier batch` made.", err=True)


def _begun(
    client: Client, order: Order, state_file: StateFile, parts: Parts, options: dict[str, Any]
) -> FolderRun:
    """Return a run that has resumed the batches of earlier ones."""
    uploads = parts.uploads
    check_options(state_file, order.recorded, client, replace=options["replace"])
    checker = _checker(order, state_file.state, state_file.folder, uploads, parts.most_bytes)
    settings = {"name": plain(state_file.folder.resolve().name)[:200], **settings_of(options)}
    submitter = Submitter(client, state_file, settings, partial(_upload_files, uploads, order))
    places: dict[str, Any] = {"folder": state_file.folder, "connections": options["connections"]}
    folder_run = FolderRun(checker, submitter, state_file, parts.run_state, **places)
    resume_batches(client, state_file, submitter, folder_run, retry=options["retry"])
    return folder_run


def _upload_files(uploads: Uploads, order: Order) -> None:
    """Upload the pictures of styles and mask that the service does not have, or has forgotten.

    Raises BadParameter, which names each that the service refuses.
    """
    faults: dict[str, list[str]] = {}
    for file in order.files:
        try:
            uploads.ensure(file.data, recheck=True)
        except ApiError as error:
            if error.status not in REFUSALS:
                raise
            reason = "; ".join(fault.detail for fault in error.errors) or error.detail
            faults.setdefault(file.option, []).append(f"{file.path}: {reason}")
    for option, reasons in faults.items():
        raise click.BadParameter("; ".join(dict.fromkeys(reasons)), param_hint=option)


def _run(folder_run: FolderRun, source: PhotoSource, title: str, timeout: float | None) -> None:
    """Run to the end, to a Ctrl-C, or until the timeout; then let requests in flight end."""
    try:
        with (
            run_bar(title) as show,
            on_interrupt(folder_run.interrupt),
            on_timeout(timeout, folder_run.interrupt),
        ):
            folder_run.run(source, show)
    except KeyboardInterrupt:
        folder_run.interrupt()
    if folder_run.interrupted or folder_run.run_state.stopped:
        with suppress(KeyboardInterrupt):
            folder_run.wind_down()
