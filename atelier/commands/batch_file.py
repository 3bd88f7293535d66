"""Batches from a file of items or a template: sent once, their pictures saved in a folder."""

import hashlib
import json
import math
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from atelier.client.batch_run import BatchRun
from atelier.client.client import Client
from atelier.client.downloads import GONE
from atelier.client.errors import ApiError
from atelier.client.request_parts import json_bytes
from atelier.commands.options.estimates import print_estimate
from atelier.commands.options.order import OF_A_RUN, settings_of
from atelier.display.progress_bar import run_bar
from atelier.folder_batch.progress import RunState
from atelier.folder_batch.report import exit_status_of, print_report
from atelier.folder_batch.results import save_results
from atelier.folder_batch.resume import check_options
from atelier.folder_batch.state_file import StateFile
from atelier.lazy_group import EXIT_INTERRUPTED, EXIT_TIMEOUT, on_timeout

MOST_LINE_BYTES = 32 * 1024 * 1024  # of an item, or of a template
# The options that may be given beside a file of items.
TAKES = OF_A_RUN - {"watch", "connections"} | {"jsonl", "template"}


@dataclass(frozen=True, slots=True)
class PreparedOrder:
    """A file of items, and the folder for their pictures."""

    file: Path
    is_template: bool
    folder: Path
    options: Mapping[str, Any]

    @classmethod
    def of(cls, ctx: click.Context, options: dict[str, Any]) -> "PreparedOrder":
        """Return what the options ask for; raise UsageError."""
        template, lines = options["template"], options["jsonl"]
        if template and lines:
            raise click.UsageError("give either --jsonl or --template")
        for param in ctx.command.params:
            name = param.name or ""
            typed = ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
            if typed and name in options and name not in TAKES:
                word = param.opts[0] if param.param_type_name == "option" else "photos"
                raise click.UsageError(f"--jsonl and --template say all of their items: leave out {word}")
        return cls(template or lines, bool(template), options["output"], options)

    @property
    def recorded(self) -> dict[str, str]:
        """What is recorded of the file: a run with the same goes on with an earlier one."""
        with self.file.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
        return {"items": f"{self.file.name} ({digest})"}

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the batch."""
        return {"name": self.file.name[:200], **settings_of(self.options)}


def estimate_prepared(client: Client, order: PreparedOrder) -> int:
    """Print what the batch would make and take, and what would refuse it; return the exit status."""
    items, template = (None, template_of(order.file)) if order.is_template else (items_of(order.file), None)
    estimate = client.batches.estimate(items, template=template, **order.settings)
    return print_estimate(estimate, as_json=order.options["as_json"])


def send_prepared(client: Client, order: PreparedOrder) -> int:
    """Send the batch, or find the one that was sent, and save its pictures; return the exit status."""
    state_file, options = StateFile(order.folder), order.options
    run_state, began, timeout = RunState(1), time.monotonic(), options["timeout"]
    status = 0
    try:
        check_options(state_file, order.recorded, client, replace=options["replace"])
        run = _run_of(client, state_file, order)
        with run_bar(run.batch.name or run.id) as show, on_timeout(timeout, _interrupt):
            save_results(run, order.folder, run_state, show)
    except KeyboardInterrupt:
        late = time.monotonic() - began >= (timeout or math.inf)
        status = EXIT_TIMEOUT if late else EXIT_INTERRUPTED
    finally:
        state_file.close()
    print_report(
        run_state, order.folder, seconds=time.monotonic() - began, sent=0, as_json=options["as_json"]
    )
    return status or exit_status_of(run_state)


def _interrupt() -> None:
    raise KeyboardInterrupt


def _run_of(client: Client, state_file: StateFile, order: PreparedOrder) -> BatchRun:
    for batch in list(state_file.state.batches):
        try:
            run = client.batches.get(batch)
        except ApiError as error:
            if error.status not in GONE:
                raise
            state_file.note("gone", batch=batch)
            continue
        if order.options["retry"]:
            run.retry_failed()
        return run
    return _sent(client, state_file, order)


def _sent(client: Client, state_file: StateFile, order: PreparedOrder) -> BatchRun:
    """Send the items. The key is written down before: a run that is interrupted here goes on sending."""
    if state_file.state.opening is None:
        state_file.note("opening", key=uuid.uuid4().hex, settings=order.settings)
    opening = state_file.state.opening or {}
    parts = {"idempotency_key": opening["key"], **opening["settings"]}
    if order.is_template:
        run = client.batches.create(template=template_of(order.file), **parts)
    else:
        run = client.batches.create(items_of(order.file), **parts)
    state_file.note("batch", id=run.id)
    return run


def items_of(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the items of a file with one JSON object on each line."""
    with path.open("rb") as lines:
        for number, line in enumerate(iter(partial(lines.readline, MOST_LINE_BYTES + 1), b""), 1):
            if line.strip():
                yield _object(line, f"line {number} of {path}")


def template_of(path: Path) -> dict[str, Any]:
    """Return the template in a file; raise BadParameter or ClickException."""
    with path.open("rb") as file:
        body = _object(file.read(MOST_LINE_BYTES + 1), str(path))
    inner = body.get("template", body)
    if not isinstance(inner, dict):
        raise click.BadParameter(f"the template of {path} is no JSON object", param_hint="--template")
    return inner


def _object(text: bytes, where: str) -> dict[str, Any]:
    if len(text) > MOST_LINE_BYTES:
        raise click.ClickException(f"{where} has more than {MOST_LINE_BYTES} bytes, the most that is read")
    try:
        found = json.loads(text)
        json_bytes(found)  # NaN and infinite numbers are no JSON
    except ValueError as error:
        raise click.ClickException(f"{where} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise click.ClickException(f"{where} is no JSON object")
    return found
