"""The client's view of styles, models and limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from atelier.client.errors import reading
from atelier.client.job import JobType


@dataclass(frozen=True, slots=True)
class StoredStyle:
    """A picture kept under a name."""

    name: str
    image: str  # the file's id
    url: str  # of the picture
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)  # the whole document


@dataclass(frozen=True, slots=True)
class BuiltinStyles:
    """The styles of one model that has its own."""

    model: str
    names: tuple[str, ...]  # by number
    sheet_url: str | None  # of a picture of all of them


@dataclass(frozen=True, slots=True)
class Limits:
    """What the service takes of a picture."""

    max_bytes: int  # of an upload
    max_pixels: int
    max_side: int  # pixels
    min_side: int  # pixels
    max_frames: int  # of an animation
    formats: tuple[str, ...]
    max_missing_percent: float = 0  # of the pixels of a file that ends too early; an older service takes none


@dataclass(frozen=True, slots=True)
class Styles:
    """All styles that jobs may name or number."""

    stored: tuple[StoredStyle, ...]  # newest first
    builtin: tuple[BuiltinStyles, ...]


def style_from_json(body: Any) -> StoredStyle:
    """Read a stored style; raise ProtocolError where the document is none."""
    with reading("a style"):
        return StoredStyle(body["name"], body["image"], body["urls"]["image"], body)


def styles_from_json(pages: Sequence[Any]) -> Styles:
    """Read all pages of the list of styles; raise ProtocolError where one is none."""
    with reading("a list of styles"):
        stored = tuple(style_from_json(entry) for page in pages for entry in page["data"])
        return Styles(stored, tuple(_builtin(entry) for entry in pages[0]["builtin"]))


def limits_from_json(body: Any) -> Limits:
    """Read the limits; raise ProtocolError where the document is none."""
    with reading("limits"):
        return Limits(
            max_bytes=int(body["max_bytes"]),
            max_pixels=int(body["max_pixels"]),
            max_side=int(body["max_side"]),
            min_side=int(body["min_side"]),
            max_frames=int(body["max_frames"]),
            formats=tuple(body["formats"]),
            max_missing_percent=float(body.get("max_missing_percent") or 0),
        )


def _builtin(body: Any) -> BuiltinStyles:
    return BuiltinStyles(body["model"], tuple(s["name"] for s in body["styles"]), body.get("sheet_url"))


@dataclass(frozen=True, slots=True)
class Model:
    """A network that jobs may name."""

    name: str
    type: JobType  # of the jobs that may name it
    version: str
    title: str
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)  # the whole document


def model_from_json(body: Any) -> Model:
    """Read a model; raise ProtocolError where the document is none."""
    with reading("a model"):
        return Model(body["name"], body["type"], body["version"], body.get("title") or "", body)
