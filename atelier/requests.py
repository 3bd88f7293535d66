"""Typed requests for jobs. The service checks values; these only give names and types to what it takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Lane = Literal["interactive", "bulk"]
Format = Literal["png", "jpeg", "webp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How pictures are encoded."""

    format: Format = "png"
    quality: int = 90  # 1..100, for jpeg and webp


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Put all pictures of a job into one, row by row."""

    columns: int = 8
    gap: int = 2  # pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """A style image and its share among the styles of a job."""

    image: str  # a file's id
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    model: str | None = None  # None takes the default of the type
    output: Encoding = Encoding()
    lane: Lane = "interactive"
    ttl_seconds: int | None = None  # the job is kept this long when done
    metadata: Mapping[str, str] = field(default_factory=dict)  # comes back with the job

    def _common(self) -> dict[str, Any]:
        output = {"format": self.output.format, "quality": self.output.quality}
        common = {"model": self.model, "output": output, "lane": self.lane, "ttl_seconds": self.ttl_seconds}
        return {**common, "metadata": dict(self.metadata) or None}


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateRequest(_Request):
    """Pictures from a generator: of `seeds`, or of `count` seeds from `seed` on."""

    seed: int | None = None  # drawn by the service where none is given
    count: int | None = None
    seeds: Sequence[int] | None = None
    digit: int | None = None  # the class; None draws it from the seed
    truncation: float | None = None
    grid: Grid | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the body of the request."""
        grid = {"columns": self.grid.columns, "gap": self.grid.gap} if self.grid else None
        own: dict[str, Any] = {
            "seed": self.seed,
            "count": self.count,
            "seeds": list(self.seeds) if self.seeds else None,
        }
        own |= {"digit": self.digit, "truncation": self.truncation, "grid": grid}
        return _given({"type": "generate", **own, **self._common()})


@dataclass(frozen=True, slots=True, kw_only=True)
class StylizeRequest(_Request):
    """The content image, painted in the manner of the styles."""

    content: str  # a file's id
    styles: Sequence[Style]
    strength: float | None = None  # 0 gives back the content, 1 the full style
    max_side: int | None = None  # pixels; None keeps the content's size

    def to_json(self) -> dict[str, Any]:
        """Return the body of the request."""
        styles = [{"image": style.image, "weight": style.weight} for style in self.styles]
        size = {"max_side": self.max_side} if self.max_side else None
        own = {"content": self.content, "styles": styles, "strength": self.strength, "size": size}
        return _given({"type": "stylize", **own, **self._common()})


Request = GenerateRequest | StylizeRequest


def _given(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}
