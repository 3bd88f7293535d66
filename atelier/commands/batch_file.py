"""Batches that somebody has prepared, as lines of JSON or a template: sent once, brought into a folder."""

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

from atelier.client.batch_download import GONE
from atelier.client.batch_run import BatchRun
from atelier.client.client import Client
from atelier.client.errors import ApiError
from atelier.client.request_parts import json_bytes
from atelier.commands.options.order import OF_A_RUN, settings_of
from atelier.folder_batch.progress import RunState
from atelier.folder_batch.progress_bar import shown
from atelier.folder_batch.report import tell
from atelier.folder_batch.results import bring
from atelier.folder_batch.resume import settle_options
from atelier.folder_batch.state_file import StateFile
from atelier.interruption import on_timeout
from atelier.lazy_group import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_TIMEOUT

MOST_LINE_BYTES = 32 * 1024 * 1024  # of an item, or of a template
# The options that a file of items leaves open.
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
    def told(self) -> dict[str, str]:
        """What decides whether a run is the same as an earlier one."""
        with self.file.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
        return {"items": f"{self.file.name} ({digest})"}

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the batch."""
        return {"name": self.file.name[:200], **settings_of(self.options)}


def send_prepared(client: Client, order: PreparedOrder) -> int:
    """Send the batch, or find the one that was sent, and bring its pictures; return the exit status."""
    journal, options = StateFile(order.folder), order.options
    run_state, began, timeout = RunState(1), time.monotonic(), options["timeout"]
    status = 0
    try:
        settle_options(journal, order.told, client, anew=options["anew"])
        run = _run_of(client, journal, order)
        with shown(run.batch.name or run.id) as show, on_timeout(timeout, _interrupt):
            bring(run, order.folder, run_state, show)
    except KeyboardInterrupt:
        late = time.monotonic() - began >= (timeout or math.inf)
        status = EXIT_TIMEOUT if late else EXIT_INTERRUPTED
    finally:
        journal.close()
    tell(run_state, order.folder, seconds=time.monotonic() - began, sent=0, as_json=options["as_json"])
    return status or (EXIT_FAILED if run_state.failures else 0)


def _interrupt() -> None:
    raise KeyboardInterrupt


def _run_of(client: Client, journal: StateFile, order: PreparedOrder) -> BatchRun:
    for batch in list(journal.memory.batches):
        try:
            run = client.batches.get(batch)
        except ApiError as error:
            if error.status not in GONE:
                raise
            journal.note("gone", batch=batch)
            continue
        if order.options["retry"]:
            run.retry_failed()
        return run
    return _sent(client, journal, order)


def _sent(client: Client, journal: StateFile, order: PreparedOrder) -> BatchRun:
    """Send the items. The key is written down before: a run that is interrupted here goes on sending."""
    if journal.memory.opening is None:
        journal.note("opening", key=uuid.uuid4().hex, settings=order.settings)
    opening = journal.memory.opening or {}
    parts = {"idempotency_key": opening["key"], **opening["settings"]}
    if order.is_template:
        run = client.batches.create(template=_template(order.file), **parts)
    else:
        run = client.batches.create(_items(order.file), **parts)
    journal.note("batch", id=run.id)
    return run


def _items(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as lines:
        for number, line in enumerate(iter(partial(lines.readline, MOST_LINE_BYTES + 1), b""), 1):
            if line.strip():
                yield _object(line, f"line {number} of {path}")


def _template(path: Path) -> dict[str, Any]:
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
