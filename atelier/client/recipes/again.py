"""Recipes of pictures: what goes beside one, and the form that asks for the same again."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from atelier.client.files import is_file_id, read_at_most
from atelier.client.job import Job, Output
from atelier.client.request_parts import Style

FORMAT = 1  # of recipes
_APART = frozenset({"lane", "ttl_seconds", "deadline_seconds", "not_before", "cache", "webhook", "metadata"})
FormValue = str | int | float | bool
Parts = list[tuple[str, tuple[str | None, str | bytes]]]  # of a form: names, and files or texts


def recipe_of(job: Job, output: Output) -> dict[str, Any]:
    """Return how a picture was made, which `jobs.again` takes as the picture itself.

    Unlike what rides in the picture, it names the files of its photo and its mask.
    """
    known = {name: value for name, value in job.input.items() if name not in _APART and value is not None}
    if job.type == "generate" and output.seed is not None:
        known = {name: value for name, value in known.items() if name != "interpolate"}
        known["seeds"] = [output.seed]
    elif job.input.get("latents") and len(job.outputs) > 1:
        known["latents"] = [job.input["latents"][output.index]]
    model = job.raw.get("model") or {}
    return {"atelier": FORMAT, **known, "model": f"{model.get('name')}@{model.get('version')}"}


def sidecar(job: Job, output: Output) -> bytes:
    """Return the file that goes beside a picture: its recipe as JSON."""
    return json.dumps(recipe_of(job, output), indent=2, sort_keys=True).encode() + b"\n"


def form_of(
    picture: str | Path | bytes,
    content: str | None,
    styles: Sequence[Style],
    options: Mapping[str, FormValue],
) -> Parts:
    """Return the form that asks for the same again; raise OSError where the picture cannot be read."""
    texts: list[tuple[str, str]] = [] if content is None else [("content", content)]
    for style in styles:
        named = next(known for known in (style.image, style.name, style.number) if known is not None)
        texts += [("style", str(named)), ("weight", str(style.weight))]
    texts += [(name, _text(value)) for name, value in options.items()]
    return [("picture", _sent(picture)), *((name, (None, text)) for name, text in texts)]


def _sent(picture: str | Path | bytes) -> tuple[str | None, str | bytes]:
    if isinstance(picture, bytes):
        return "picture", picture
    if is_file_id(picture):
        return None, str(picture)
    return Path(picture).name, read_at_most(Path(picture), None)


def _text(value: FormValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
