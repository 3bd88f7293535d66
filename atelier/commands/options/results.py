"""What the commands that make pictures share: options, waiting for the job, and the names of the files."""

import hashlib
import json
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from atelier.client.client import Client
from atelier.client.downloads import Picture, extension_of, write_whole
from atelier.client.errors import ServiceUnreachable
from atelier.client.events import WaitTimeout
from atelier.client.job import Job, Output
from atelier.client.recipes.again import sidecar as sidecar_of
from atelier.client.request_parts import Encoding, Style
from atelier.client.requests import Request
from atelier.commands.options.destination import Destination, OutputPictures
from atelier.commands.options.estimates import dry_run_option, try_out
from atelier.commands.options.painting import OF_A_JOB, format_option, lane_option, with_options
from atelier.display import echo, echo_json
from atelier.display.job_tables import say_warnings
from atelier.display.progress_bar import job_bar
from atelier.folder_batch.output_names import labels_of
from atelier.lazy_group import interruption

LONGEST_LABEL = 40  # characters: file names end at 255 bytes
# These do not change a picture, or its name has them anyway.
_APART = frozenset(
    {"type", "model", "output", "seed", "count", "seeds", "digit"}
    | {"lane", "ttl_seconds", "deadline_seconds", "cache", "webhook", "metadata"}
)
_PLAIN: Mapping[str, Any] = {"truncation": 1.0, "upscale": {"factor": 1, "filter": "nearest"}}
_DIGEST_LENGTH = 8
NOTHING_ASKED = "no job was asked for; the same command begins again"
OUTPUT_HELP = (
    "Write one picture to this file, or any number into this folder, such as out/; - is the standard output."
)

recipe_option = click.option(
    "--recipe",
    metavar="NAME[@VERSION]",
    help="Take settings from this recipe of the service; options that are given go over it.",
)
sidecar_option = click.option(
    "--sidecar",
    is_flag=True,
    help="Write how each picture was made beside it, as JSON that `atelier again` takes.",
)
output_option = click.option(
    "-o",
    "--output",
    type=OutputPictures(),
    default=".",
    metavar="FILE|FOLDER|-",
    help=f"{OUTPUT_HELP} [default: this folder]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the finished job as JSON.")
result_options = with_options(
    recipe_option,
    *OF_A_JOB,
    lane_option("interactive"),
    format_option("Make pictures of this format. [default: by the name after -o, else png]"),
    output_option,
    dry_run_option,
    sidecar_option,
    json_option,
)  # which model works, and what becomes of its pictures


def encoding(
    options: dict[str, Any], output: Destination, *, as_json: bool, otherwise: str = "png"
) -> Encoding:
    """Take the options for files out of the others; raise UsageError where they do not fit the output."""
    check_room(output, as_json=as_json)
    names = ("form", "quality", "no_recipe", "enlarge")
    form, quality, bare, enlarge = (options.pop(name) for name in names)
    profile, metadata = (options.pop(name, None) for name in ("profile", "kept_metadata"))
    if form and output.format and form != output.format:
        raise click.UsageError(f"-o {output.named} says {output.format}, and --format says {form}")
    chosen: Any = form or output.format or otherwise
    if options.get("recipe"):  # what is not given is the recipe's to say
        source = click.get_current_context().get_parameter_source("quality")
        quality = None if source is ParameterSource.DEFAULT else quality
        chosen = form or output.format
    return Encoding(
        format=chosen,
        quality=quality,
        profile=profile,
        metadata=metadata,
        recipe=False if bare else None,
        enlarge=enlarge,
    )


def check_room(output: Destination, *, as_json: bool = False, count: int = 1) -> None:
    """Raise UsageError where the output cannot take this number of pictures, or the job as JSON too."""
    if as_json and output.kind == "stdout":
        raise click.UsageError("-o - and --json both write to the standard output; give one of them")
    if count != 1 and output.kind != "folder":
        place = "the standard output" if output.kind == "stdout" else output.named
        raise click.UsageError(
            f"{place} takes one picture, and there are several; name a folder, such as -o out/"
        )


def carry_out(
    client: Client,
    request: Request,
    *,
    output: Destination,
    dry_run: bool,
    as_json: bool,
    **how: Any,
) -> None:
    """Submit, wait with a bar, save the pictures, and print their paths or the job as JSON.

    With `dry_run`, print what the job would make and take, and exit with 1 where it would be refused.
    The rest is as `follow` has it.
    """
    if dry_run:
        try_out(client, request, as_json=as_json)
    create = partial(client.jobs.create, request)
    follow(client, create, request.type, output=output, as_json=as_json, **how)


def follow(
    client: Client,
    create: Callable[[], Job],
    title: str,
    *,
    output: Destination,
    timeout: float | None,
    as_json: bool,
    sidecar: bool,
    stem: str = "",
    on_progress: Callable[[Job], None] | None = None,
) -> None:
    """Create a job, wait with a bar under the title, save and print as `carry_out` does.

    With `sidecar`, a file with the recipe is written beside each picture.
    """
    check_sidecar(output, is_wanted=sidecar)
    with job_bar(title) as show:

        def notify(job: Job) -> None:
            show(job)
            if on_progress is not None:
                on_progress(job)

        with interruption("`atelier jobs list` says whether the service has taken a job"):
            job = create()
        with interruption(say_how_to_go_on(job, output)):
            job = _waited(client, job, output, timeout_seconds=timeout, on_progress=notify)
    check_room(output, count=len(job.outputs) or 1)
    paths = save(client, job, output, stem=stem, sidecar=sidecar)
    if as_json:
        echo_json({**job.raw, "files": [str(path) for path in paths]})
        return
    for path in paths:
        echo(path)


def _waited(client: Client, job: Job, output: Destination, **options: Any) -> Job:
    """Return the finished job; an error that leaves it unfinished gets a note how to go on."""
    try:
        return client.jobs.wait(job, **options)
    except WaitTimeout as error:
        error.add_note(_ways_on(job, output))
        raise
    except ServiceUnreachable as error:
        error.add_note(f"once the service answers, {_ways_on(job, output)}")
        raise


def say_how_to_go_on(job: Job, output: Destination | None) -> str:
    """Return a sentence that the job goes on, and the commands that follow or cancel it."""
    return f"{job.id} goes on: {_ways_on(job, output)}"


def _ways_on(job: Job, output: Destination | None) -> str:
    named = f" -o {shlex.quote(output.named)}" if output else ""
    return f"`atelier watch {job.id}{named}` takes it up, `atelier jobs cancel {job.id}` withdraws it"


def check_sidecar(output: Destination | None, *, is_wanted: bool) -> None:
    """Raise UsageError where recipes are to be written beside pictures that go to no file."""
    if is_wanted and (output is None or output.kind == "stdout"):
        raise click.UsageError("--sidecar writes a file beside each picture: name a file or folder with -o")


def save(
    client: Client, job: Job, output: Destination, *, stem: str = "", sidecar: bool = False
) -> list[Path]:
    """Write a job's pictures, and return the paths of the files; raise JobFailed where it made none.

    With `sidecar`, a file with the recipe is written beside each.
    """
    named = shlex.quote(output.named)
    with interruption(f"{job.id} is done: `atelier watch {job.id} -o {named}` saves what it made"):
        pictures = client.jobs.pictures(job)
        for warning in say_warnings(job.warnings):
            echo(f"warning: {warning}", err=True)
        if output.kind == "stdout":
            sys.stdout.buffer.write(pictures[0].data)
            return []
        paths = [picture.save(_place(picture, output, stem)) for picture in pictures]
        for picture, path in zip(pictures, paths, strict=True) if sidecar else ():
            write_whole(path.with_name(f"{path.name}.json"), sidecar_of(picture.job, picture.output))
        return paths


def _place(picture: Picture, output: Destination, stem: str) -> Path:
    """Return where a picture goes: the file that was named, else a file in the folder."""
    if output.kind == "file":
        return output.path
    return output.path / picture_name(picture.job, picture.output, stem)


def picture_name(job: Job, output: Output, stem: str = "") -> str:
    """Return a name of model, digit and seed, and a short digest of all other input that changes it.

    `stem` is the first part, such as the photo's name.
    """
    known = job.input
    parts = [stem, labels_of([str(known.get("model") or job.type)])[0]]
    parts += [f"digit-{known['digit']}"] if known.get("digit") is not None else []
    parts += [f"seed-{output.seed}"] if output.seed is not None else []
    parts += [_digest(known, with_seeds=output.seed is None)]
    parts += [str(output.index)] if output.seed is None and len(job.outputs) > 1 else []
    return f"{'-'.join(part for part in parts if part)}.{extension_of(output)}"


def _digest(known: Mapping[str, Any], *, with_seeds: bool) -> str:
    given = {name: value for name, value in known.items() if name not in _APART and value is not None}
    rest = {name: value for name, value in given.items() if value != _PLAIN.get(name)}
    rest |= {"seeds": known.get("seeds")} if with_seeds else {}
    text = json.dumps(rest, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH] if rest else ""


def stem_of(name: str, styles: Sequence[Style | Any] = ()) -> str:
    """Return the beginning of a name: the photo's, then those of its styles."""
    labels = [name, *(_label_of(style) for style in styles)]
    return "-".join(label[:LONGEST_LABEL] for label in labels_of(labels[:3]))


def _label_of(style: Any) -> str:
    if not isinstance(style, Style):
        return str(style.stem)
    return style.name or ("" if style.number is None else f"style{style.number}") or (style.image or "")[:13]
