"""What a picture is called in a folder: after what it is made of, so that the same again adds no file."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from atelier.client.downloads import extension_of
from atelier.client.job import Job, Output
from atelier.client.request_parts import Style
from atelier.folder_batch.output_names import labels_of

LONGEST_LABEL = 40  # characters: file names end at 255 bytes
# These do not change a picture, or stand in its name anyway.
_APART = frozenset(
    {"type", "model", "output", "seed", "count", "seeds", "digit"}
    | {"lane", "ttl_seconds", "deadline_seconds", "cache", "webhook", "metadata"}
)
_PLAIN: Mapping[str, Any] = {"truncation": 1.0, "upscale": {"factor": 1, "filter": "nearest"}}
_DIGEST_LENGTH = 8


def picture_name(job: Job, output: Output, stem: str = "") -> str:
    """Return a name of model, digit and seed, and a short digest of whatever else decides how it looks.

    `stem` stands first, such as the photo's name.
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
