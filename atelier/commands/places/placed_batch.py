"""`atelier batch --from PLACE --to PLACE`: the service reads and writes, this machine only watches."""

import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from atelier.client.batch import Batch
from atelier.client.batch_run import BatchRun
from atelier.client.client import Client
from atelier.client.places.request import PlaceDestination, PlaceSource
from atelier.client.request_parts import Style, to_plain
from atelier.commands.batch_file import items_of, template_of
from atelier.commands.options.estimates import print_estimate
from atelier.commands.options.order import OF_A_RUN, settings_of
from atelier.commands.options.style_choice import check_styles
from atelier.display import echo, echo_json
from atelier.lazy_group import EXIT_FAILED, EXIT_STOPPED, EXIT_TIMEOUT

_WHOLE = OF_A_RUN - {"output", "watch", "connections", "retry", "replace"}
_PLACES = frozenset({"from_place", "to_place", "match", "template", "jsonl", "pattern"})
_PAINTING = frozenset({"styles", "numbers", "strengths", "model", "form", "quality"})
LOOK_SECONDS = 1.0
_LINE_SECONDS = 10.0


def is_placed(options: Mapping[str, Any]) -> bool:
    """Whether a batch reads from a place, or writes to one."""
    return bool(options["from_place"] or options["to_place"])


def check_placed(ctx: click.Context, options: Mapping[str, Any]) -> None:
    """Raise UsageError for options that do not go together."""
    if not is_placed(options):
        if options["match"] is not None:
            raise click.UsageError("--match says which pictures of a place are taken: give --from, too")
        if options["output"] is None:
            output = next(param for param in ctx.command.params if param.name == "output")
            raise click.MissingParameter(ctx=ctx, param=output)
        return
    takes = _WHOLE | _PLACES | (_PAINTING if options["from_place"] else set())
    for param in ctx.command.params:
        name = param.name or ""
        typed = ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if typed and name in options and name not in takes:
            word = param.opts[0] if param.param_type_name == "option" else "photos"
            raise click.UsageError(f"with --from or --to the service reads and writes: leave out {word}")
    _check_forms(options)


def _check_forms(options: Mapping[str, Any]) -> None:
    paints = bool(options["styles"] or options["numbers"])
    if options["pattern"] and not options["to_place"]:
        raise click.UsageError("--name says how results are called at a place: give --to, too")
    if not options["from_place"]:
        if bool(options["jsonl"]) == bool(options["template"]):
            raise click.UsageError("--to takes the items of --jsonl or --template, or the pictures of --from")
    elif options["jsonl"]:
        raise click.UsageError("--from takes --template or --style, which say what is made of each picture")
    elif bool(options["template"]) == paints:
        raise click.UsageError("--from takes either --template or --style")


def carry_out(client: Client, options: Mapping[str, Any]) -> int:
    """Send the batch, and watch it until its results are where they are to be; return the exit status."""
    parts = {**settings_of(options), **dict(_named(client, options))}
    if options["dry_run"]:
        return print_estimate(client.batches.estimate(**parts), as_json=options["as_json"])
    run = client.batches.create(**parts, idempotency_key=uuid.uuid4().hex)
    echo(f"{run.id}: the service works on, also without this command: `atelier batches show`", err=True)
    batch = _watched(run, options["timeout"])
    if options["as_json"]:
        echo_json(batch.raw)
    else:
        echo(_sum(batch))
    return _status_of(batch, options["timeout"])


def _named(client: Client, options: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if options["to_place"]:
        place, prefix = options["to_place"]
        pattern = options["pattern"]
        name = pattern if pattern is None or pattern.endswith("{ext}") else f"{pattern}.{{ext}}"
        yield "destination", PlaceDestination(place=place, prefix=prefix, name=name)
    if options["from_place"]:
        place, prefix = options["from_place"]
        yield "source", PlaceSource(place=place, prefix=prefix, match=options["match"] or "*")
    if options["jsonl"]:
        yield "items", items_of(options["jsonl"])
    elif options["template"]:
        yield "template", template_of(options["template"])
    else:
        yield "template", _painting(client, options)


def _painting(client: Client, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the template that paints each picture in each style."""
    check_styles(client, options["styles"], options["model"], options["numbers"] or ())
    styles = [_style(client, style) for style in options["styles"]]
    styles += [{"number": number} for number in options["numbers"] or ()]
    strengths = {"strength": list(options["strengths"])} if options["strengths"] else {}
    output = {"format": options["form"] or "jpeg", "quality": options["quality"]}
    template: dict[str, Any] = {
        "type": "stylize",
        "model": options["model"],
        "output": {name: value for name, value in output.items() if value is not None},
        "multiply": {"style": styles, **strengths},
    }
    return {name: value for name, value in template.items() if value is not None}


def _style(client: Client, style: Path | Style) -> dict[str, Any]:
    if isinstance(style, Path):
        label = "".join(letter for letter in style.stem if letter.isascii() and letter.isalnum())[:32]
        return {"image": client.files.upload(style), **({"label": label} if label else {})}
    return {name: value for name, value in to_plain(style).items() if name != "weight"}


def _watched(run: BatchRun, timeout: float | None) -> Batch:
    """Return the batch when nothing more comes of it, or when the time is over."""
    began = told = time.monotonic()
    while not _is_over(run.batch) and not (timeout and time.monotonic() - began >= timeout):
        time.sleep(LOOK_SECONDS)
        run.refresh()
        if time.monotonic() - told >= _LINE_SECONDS:
            told = time.monotonic()
            echo(_sum(run.batch), err=True)
    return run.batch


def _is_over(batch: Batch) -> bool:
    if batch.stopped_by is not None:
        return True
    is_there = batch.destination is None or batch.destination.status != "delivering"
    return batch.done and is_there


def _sum(batch: Batch) -> str:
    """Return in a line how far a batch is."""
    counts = batch.counts
    parts = [f"{batch.status}: {counts['succeeded']} of {counts['total']} made, {counts['failed']} failed"]
    if batch.source is not None:
        found = "?" if batch.source.found is None else batch.source.found
        parts.append(f"{found} pictures at {batch.source.place} ({batch.source.status})")
    if batch.destination is not None:
        put = batch.destination
        parts.append(f"{put.delivered} put at {put.place}, {put.failed} not ({put.status})")
    for end in (batch.source, batch.destination):
        if end is not None and end.error is not None:
            parts.append(f"{end.place}: {end.error.detail}")
    return "; ".join(parts)


def _status_of(batch: Batch, timeout: float | None) -> int:
    if batch.stopped_by == "stop_when":
        return EXIT_STOPPED
    if batch.stopped_by is None and not _is_over(batch) and timeout:
        return EXIT_TIMEOUT
    is_read = batch.source is None or batch.source.status != "failed"
    is_put = batch.destination is None or not batch.destination.failed
    return 0 if is_read and is_put and not batch.counts["failed"] else EXIT_FAILED
